// Medians and quantiles by hand.
import { describe, expect, it } from "vitest";
import { median, medianDeviation, quantile } from "../../../sim/core/statistics.ts";

describe("the median", () => {
  it.each([
    [[3], 3],
    [[5, 1, 3], 3],
    [[4, 1, 3, 2], 2.5],
    [[2, 2, 9], 2],
  ])("of %j is %d", (values, expected) => {
    expect(median(values)).toBe(expected);
  });

  it("of nothing is a fault of whoever asks", () => {
    expect(() => median([])).toThrow("the median of nothing");
  });

  it("does not reorder what it was given", () => {
    const values = [3, 1, 2];
    median(values);
    expect(values).toEqual([3, 1, 2]);
  });
});

it("the median deviation is not moved by one outlier", () => {
  expect(medianDeviation([10, 11, 9, 10, 500])).toBe(1);
});

describe("a quantile is by nearest rank", () => {
  const hundred = Float64Array.from({ length: 100 }, (_, index) => index + 1);

  it.each([
    [0, 1],
    [1, 1],
    [7, 7],
    [50, 50],
    [99, 99],
    [100, 100],
  ])("%d %% of 1 to 100 is %d", (percent, expected) => {
    expect(quantile(hundred, percent)).toBe(expected);
  });

  it("of few values is one of them", () => {
    expect(quantile(Float64Array.of(1, 2, 3), 50)).toBe(2);
    expect(quantile(Float64Array.of(1, 2, 3), 99)).toBe(3);
    expect(quantile(Float64Array.of(1, 2, 3), 34)).toBe(2);
  });
});
