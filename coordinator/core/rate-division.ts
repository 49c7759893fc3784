// How a rate that is not enough for all is divided: nobody gets more than it can use while another could use it, and
// never more is given away than there is. Pure arithmetic.

/**
 * A share for each demand, in whole bytes per second, in the same order; their sum never exceeds `total`. Max-min
 * fair: who wants less than an equal part gets what it wants, the others divide the rest. What nobody wants is
 * given to all alike, so that a demand that was guessed too low holds nobody back.
 */
export function divideRate(total: number, demands: readonly number[]): readonly number[] {
  const shares = new Array<number>(demands.length).fill(0);
  const byDemand = [...demands.keys()].toSorted((a, b) => (demands[a] ?? 0) - (demands[b] ?? 0));
  let left = Math.max(0, Math.floor(total));
  byDemand.forEach((index, place) => {
    const equalPart = Math.floor(left / (byDemand.length - place));
    const share = Math.min(equalPart, Math.floor(Math.max(0, demands[index] ?? 0)));
    shares[index] = share;
    left -= share;
  });
  const spare = demands.length === 0 ? 0 : Math.floor(left / demands.length);
  return shares.map((share) => share + spare);
}

/** Share of the full rate with which a ramp begins: enough to get going, small enough for a network to answer. */
export const RAMP_START_SHARE = 0.05;

/** How much of `fullRate` may flow `elapsedMs` after the start: grows in a straight line until `rampMs` have passed. */
export function rampedRate(fullRate: number, elapsedMs: number, rampMs: number): number {
  if (rampMs <= 0 || elapsedMs >= rampMs) return fullRate;
  const progress = Math.max(0, elapsedMs) / rampMs;
  return Math.floor(fullRate * (RAMP_START_SHARE + (1 - RAMP_START_SHARE) * progress));
}

/**
 * What a node that now receives at this rate could use: twice that, so that it finds room to grow, as a power of two,
 * so that a rate that wavers does not change it.
 */
export function demandOf(receivedBytesPerSecond: number, least: number): number {
  const wanted = Math.max(least, 2 * receivedBytesPerSecond);
  return 2 ** Math.ceil(Math.log2(wanted));
}
