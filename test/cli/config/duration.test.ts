// Durations as people write them.
// Durations as people write them, and what is no duration.
import { describe, expect, it } from "vitest";
import { durationSchema, formatDuration, parseDuration } from "../../../cli/config/duration.ts";
import { DecodeError } from "../../../protocol/schema.ts";

describe("durations", () => {
  it.each([
    ["500ms", 500],
    ["30s", 30_000],
    ["1.5s", 1_500],
    ["2m", 120_000],
    ["1h", 3_600_000],
    ["90d", 7_776_000_000],
    ["0s", 0],
  ])("%s is %d ms", (source, millis) => {
    expect(parseDuration(source)).toBe(millis);
  });

  it.each(["", "5", "s", "-1s", "1 s s", "1e3s", "2 weeks", "1m30s", "１s"])(
    "%j is no duration",
    (source) => {
      expect(parseDuration(source)).toBeNull();
    },
  );

  it.each([
    [500, "500ms"],
    [1_500, "1500ms"],
    [30_000, "30s"],
    [120_000, "2m"],
    [3_600_000, "1h"],
    [0, "0ms"],
  ])("%d ms is written %s", (millis, text) => {
    expect(formatDuration(millis)).toBe(text);
  });

  it("refuses one outside the limits, and a bare number, naming both", () => {
    const schema = durationSchema(50, 3_600_000);
    expect(schema.decode("50ms", "interval")).toBe(50);
    for (const value of ["49ms", "61m", 30, null])
      expect(() => schema.decode(value, "interval")).toThrow(DecodeError);
    expect(() => schema.decode(30, "interval")).toThrow(
      "interval: expected a duration such as 500ms, 30s, 2m or 1h, from 50ms to 1h",
    );
  });
});
