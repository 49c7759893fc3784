// Sizes as people write them.
import { describe, expect, it } from "vitest";
import { formatByteSize, parseByteSize } from "../../../cli/config/byte-size.ts";

describe("a size", () => {
  it.each([
    ["1GiB", 1_073_741_824],
    ["512 MiB", 536_870_912],
    ["1.5GB", 1_500_000_000],
    ["64kB", 64_000],
    ["64KB", 64_000],
    ["64KiB", 65_536],
    ["100B", 100],
    ["512GiB", 549_755_813_888],
  ])("%j is %d bytes", (text, bytes) => {
    expect(parseByteSize(text)).toBe(bytes);
  });

  it.each(["", "1", "1G", "1Gbit", "-1GB", "0B", "0.4B", "1e9B", "GiB", "513GiB", "1.2345MB"])(
    "%j is refused",
    (text) => {
      expect(parseByteSize(text)).toBeNull();
    },
  );

  it.each([
    [1_073_741_824, "1GiB"],
    [268_435_456, "256MiB"],
    [1_500_000_000, "1.5GB"],
    [1_610_612_736, "1.5GiB"],
    [64_000_000, "64MB"],
    [64_000, "64kB"],
    [1_234_567, "1234567B"],
    [1, "1B"],
  ])("%d bytes are written %j, which reads as the same", (bytes, text) => {
    expect(formatByteSize(bytes)).toBe(text);
    expect(parseByteSize(text)).toBe(bytes);
  });
});
