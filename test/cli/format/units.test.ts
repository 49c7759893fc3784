// Figures as people read them, and tables of them.
// Bytes, rates, times and tables as people read them.
import { describe, expect, it } from "vitest";
import { formatTable } from "../../../cli/format/table.ts";
import {
  count,
  formatAgo,
  formatBytes,
  formatClock,
  formatPercent,
  formatRate,
  formatSeconds,
  formatTime,
} from "../../../cli/format/units.ts";

describe("units", () => {
  it.each([
    [0, "0 B"],
    [999, "999 B"],
    [1_000, "1.00 kB"],
    [1_234, "1.23 kB"],
    [12_345, "12.3 kB"],
    [99_950, "100 kB"],
    [999_499, "999 kB"],
    [999_500, "1.00 MB"],
    [118_000_000, "118 MB"],
    [1_073_741_824, "1.07 GB"],
    [5e15, "5.00 PB"],
    [5e18, "5000 PB"],
  ])("%d bytes are %s", (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text);
  });

  it("writes rates, counts and shares", () => {
    expect(formatRate(312_000_000)).toBe("312 MB/s");
    expect([count(0, "node"), count(1, "node"), count(2, "node")]).toEqual(["0 nodes", "1 node", "2 nodes"]);
    expect(formatPercent(999, 1000)).toBe("99%");
    expect(formatPercent(0, 0)).toBe("100%");
  });

  it.each([
    [0, "0.00 s", "0s"],
    [0.842, "0.84 s", "1s"],
    [9.999, "10.0 s", "10s"],
    [59.94, "59.9 s", "1m 00s"],
    [59.96, "1m 00s", "1m 00s"],
    [125, "2m 05s", "2m 05s"],
    [3_725, "1h 02m", "1h 02m"],
  ])("%d seconds are %s, and %s on a clock", (seconds, exact, clock) => {
    expect(formatSeconds(seconds)).toBe(exact);
    expect(formatClock(seconds)).toBe(clock);
  });

  it.each([
    [0, "just now"],
    [90_000, "90 s ago"],
    [180_000, "3 min ago"],
    [5 * 3_600_000, "5 h ago"],
    [72 * 3_600_000, "3 d ago"],
  ])("%d ms back is %s", (ms, text) => {
    expect(formatAgo(ms)).toBe(text);
  });

  it("writes times in UTC to the second", () => {
    expect(formatTime(Date.UTC(2026, 0, 2, 3, 4, 5, 678))).toBe("2026-01-02T03:04:05Z");
  });
});

it("a table aligns its columns and ends lines without blanks", () => {
  const table = formatTable(
    [{ heading: "NODE" }, { heading: "BYTES", align: "right" }, { heading: "NOTE" }],
    [
      ["a", "5", "x"],
      ["longer", "12345", ""],
    ],
  );
  expect(table).toEqual(["NODE    BYTES  NOTE", "a           5  x", "longer  12345"]);
});
