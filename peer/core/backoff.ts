// How long to wait before the next attempt to reach the coordinator. Pure: the random number is passed in.
import type { Millis } from "../../protocol/ids.ts";

/** A coordinator that restarts is back within a second or two, so the first attempts come quickly. */
export const RETRY_FIRST_MS = 250;
/** After a long outage N nodes come back over the half minute below this, which is N/30 a second. */
export const RETRY_CAP_MS = 60_000;

/**
 * Doubles with each failed attempt up to {@link RETRY_CAP_MS}; the actual wait lies in the upper half of that, so
 * that nodes which lost the coordinator together do not come back together. `attempt` counts from 0, `random` is
 * in [0, 1).
 */
export function retryDelayMs(attempt: number, random: number): Millis {
  // Beyond 2^8 the cap holds anyway; the limit keeps the power finite for any count of attempts.
  const ceiling = Math.min(RETRY_CAP_MS, RETRY_FIRST_MS * 2 ** Math.min(attempt, 8));
  return Math.round(ceiling / 2 + (ceiling / 2) * random);
}
