// How a report writes numbers, and where it marks its axes.
import { describe, expect, test } from "vitest";
import {
  formatBytes,
  formatCount,
  formatNodes,
  formatRatio,
  formatRoundSeconds,
  formatSeconds,
  logTimeTicks,
  roundTicks,
  timeTicks,
} from "../../../sim/shell/figures.ts";

test.each([
  [0.0004, "0.400 ms"],
  [0.35, "350 ms"],
  [0.9994, "999 ms"],
  [0.9996, "1.00 s"],
  [9.214, "9.21 s"],
  [45.26, "45.3 s"],
  [59.94, "59.9 s"],
  [59.96, "1 min"],
  [125.4, "2 min 5 s"],
  [3599.4, "59 min 59 s"],
  [3599.6, "1 h"],
  [4800, "1 h 20 min"],
  [86_399, "1 d"],
  [84_700, "23 h 32 min"],
  [273_600, "3 d 4 h"],
  [86_400 * 1234, "1,234 d"],
])("a time of %d s is measured as %s", (seconds, text) => {
  expect(formatSeconds(seconds)).toBe(text);
});

test.each([
  [0, "0"],
  [0.005, "5 ms"],
  [0.5, "0.5 s"],
  [2, "2 s"],
  [90, "1 min 30 s"],
  [600, "10 min"],
  [86_400, "1 d"],
])("an axis marks %d s as %s", (seconds, text) => {
  expect(formatRoundSeconds(seconds)).toBe(text);
});

test.each([
  [512, "512 B"],
  [1000, "1 kB"],
  [1024, "1 KiB"],
  [1024 ** 3, "1 GiB"],
  [512 * 1024 ** 2, "512 MiB"],
  [1.5e9, "1.5 GB"],
  [123_456, "123 kB"],
  [999_700, "1 MB"],
])("%d bytes are %s", (bytes, text) => {
  expect(formatBytes(bytes)).toBe(text);
});

test("counts have their thousands apart", () => {
  expect([0, 999, 1000, 1_234_567].map(formatCount)).toEqual(["0", "999", "1,000", "1,234,567"]);
  expect([1, 10_000].map(formatNodes)).toEqual(["1 node", "10,000 nodes"]);
});

test("ratios have three digits at most after the first", () => {
  expect([1.0449, 9.994, 12.34, 8550.4].map(formatRatio)).toEqual(["1.04", "9.99", "12.3", "8,550"]);
});

describe("ticks", () => {
  test.each([
    [10.1, [0, 2, 4, 6, 8, 10, 12]],
    [0.07, [0, 0.02, 0.04, 0.06, 0.08]],
    [70, [0, 15, 30, 45, 60, 75]],
    [1600, [0, 300, 600, 900, 1200, 1500, 1800]],
    [0, [0, 0.001]],
  ])("of a time up to %d s are what a clock has", (max, ticks) => {
    expect(timeTicks(max, 6)).toEqual(ticks);
  });

  test("of a time that no clock has a step for still end above it", () => {
    const ticks = timeTicks(1e12, 6);
    expect(ticks).toHaveLength(7);
    expect(ticks.at(-1)).toBeGreaterThanOrEqual(1e12);
  });

  test("of a logarithmic axis are decades of seconds, minutes, hours and days", () => {
    expect(logTimeTicks(5, 1e5)).toEqual([10, 60, 600, 3600, 36_000, 86_400]);
  });

  test("of a short logarithmic axis are finer", () => {
    expect(logTimeTicks(50, 1000)).toEqual([60, 120, 300, 600, 900]);
  });

  test.each([
    [0.97, 1.043, [0.96, 0.98, 1, 1.02, 1.04, 1.06]],
    [0, 10_000, [0, 2000, 4000, 6000, 8000, 10_000]],
    [0, 2, [0, 0.5, 1, 1.5, 2]],
    [1, 1.1, [1, 1.02, 1.04, 1.06, 1.08, 1.1]],
    [1, 1, [1, 1.002]],
  ])("from %d to %d are round, and take both ends in", (min, max, ticks) => {
    expect(roundTicks(min, max, 6)).toEqual(ticks);
  });
});
