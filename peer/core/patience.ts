// How long a silent link is waited for, from what it has shown it can do.
// Plain arithmetic; never acts.

/** Silence that a busy remote shows while it serves others; less would make every turn look like a stall. */
const STALL_MS_MIN = 1_000;
const STALL_MS_MAX = 8_000;
/** Before the first block there is no rate to judge by. */
const STALL_MS_UNKNOWN = 3_000;
/** A link may be this many times slower than measured before it counts as stalled. */
const SLACK = 4;
/** Given up on after this many times the silence that made it a stall. */
const GIVE_UP_FACTOR = 4;
/** A rate is at least this for an estimate, so that estimates stay finite. */
const RATE_FLOOR_BYTES_PER_SECOND = 32 * 1024;

/** Its blocks may now be asked of others as well. */
export function stallAfterMs(openBytes: number, bytesPerSecond: number): number {
  if (bytesPerSecond === 0) return STALL_MS_UNKNOWN;
  const expectedMs = (openBytes * 1000) / bytesPerSecond;
  return Math.min(STALL_MS_MAX, STALL_MS_MIN + SLACK * expectedMs);
}

/** Its requests are taken back. */
export function giveUpAfterMs(openBytes: number, bytesPerSecond: number): number {
  return GIVE_UP_FACTOR * stallAfterMs(openBytes, bytesPerSecond);
}

/** Whoever waits for a turn behind every other link of a busy remote gets it within this many rounds of pieces. */
const ROUNDS_OF_TURNS = 4;

/**
 * Silence that cannot be a turn that has not come yet, where others send `bytesPerSecond`: a remote as busy as can
 * be serves a piece to each of `links` before.
 */
export function tellingSilenceMs(links: number, pieceBytes: number, bytesPerSecond: number): number {
  return Math.max(STALL_MS_MIN, (ROUNDS_OF_TURNS * links * pieceBytes * 1000) / bytesPerSecond);
}

/** When everything asked of a link should be here. */
export function drainMs(openBytes: number, bytesPerSecond: number): number {
  return (openBytes * 1000) / Math.max(bytesPerSecond, RATE_FLOOR_BYTES_PER_SECOND);
}
