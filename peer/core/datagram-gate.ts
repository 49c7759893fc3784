// How many datagrams a node looks at: so many a second in total and from one address, in bounded memory.
// Decides only; what is let through may still be nonsense.
import type { Millis } from "../../protocol/ids.ts";

/**
 * A fleet of 1 000 that loses its coordinator asks the same twenty nodes within half a minute, which is 70 a second
 * with the announcements; each costs some ten microseconds.
 */
export const DATAGRAMS_PER_SECOND_MAX = 1_000;
/** A node asks another a handful of times per search; a site behind one address may have dozens of nodes. */
export const DATAGRAMS_PER_SECOND_PER_ADDRESS_MAX = 100;
/** A search comes as a burst. */
const BURST_SECONDS = 2;
/** Addresses that are told apart; whoever was silent longest is forgotten first and starts afresh. */
export const ADDRESSES_MAX = 1_024;

interface Bucket {
  tokens: number;
  filledAt: Millis;
}

export class DatagramGate {
  readonly #total: Bucket;
  readonly #byAddress = new Map<string, Bucket>();

  constructor(now: Millis) {
    this.#total = { tokens: DATAGRAMS_PER_SECOND_MAX * BURST_SECONDS, filledAt: now };
  }

  /** Addresses that are remembered. */
  get size(): number {
    return this.#byAddress.size;
  }

  /** Asked for every datagram that could be meant for this node. */
  admit(now: Millis): boolean {
    return take(this.#total, DATAGRAMS_PER_SECOND_MAX, now);
  }

  /** Asked for every datagram that is genuine; only such may make us remember an address. */
  admitFrom(address: string, now: Millis): boolean {
    const rate = DATAGRAMS_PER_SECOND_PER_ADDRESS_MAX;
    const bucket = this.#byAddress.get(address) ?? { tokens: rate * BURST_SECONDS, filledAt: now };
    this.#byAddress.delete(address);
    this.#byAddress.set(address, bucket);
    const [silentLongest] = this.#byAddress.keys();
    if (this.#byAddress.size > ADDRESSES_MAX && silentLongest !== undefined)
      this.#byAddress.delete(silentLongest);
    return take(bucket, rate, now);
  }
}

function take(bucket: Bucket, perSecond: number, now: Millis): boolean {
  const refilled = bucket.tokens + ((now - bucket.filledAt) / 1_000) * perSecond;
  bucket.tokens = Math.min(perSecond * BURST_SECONDS, refilled);
  bucket.filledAt = now;
  if (bucket.tokens < 1) return false;
  bucket.tokens -= 1;
  return true;
}
