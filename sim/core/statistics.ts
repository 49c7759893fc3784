// Medians, quantiles and spread of simulated figures: plain arithmetic, the same on every machine.
import { assert } from "../../protocol/machine.ts";

/** The value in the middle, or the mean of the two there. At least one value. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const above = sorted[middle];
  const below = sorted.length % 2 === 1 ? above : sorted[middle - 1];
  assert(above !== undefined && below !== undefined, "the median of nothing");
  return below === above ? above : (below + above) / 2;
}

/** Median absolute deviation from the median: what half of the values keep within. Not scaled to a deviation. */
export function medianDeviation(values: readonly number[]): number {
  const centre = median(values);
  return median(values.map((value) => Math.abs(value - centre)));
}

/** By nearest rank, of values that ascend: `percent` a whole number, 0 is the first and 100 the last value. */
export function quantile(ascending: Float64Array, percent: number): number {
  // Whole numbers before the division: 0.07 times 100 is above 7.
  const rank = Math.max(1, Math.ceil((percent * ascending.length) / 100));
  const value = ascending[rank - 1];
  assert(value !== undefined, `quantile ${percent} of ${ascending.length} values`);
  return value;
}
