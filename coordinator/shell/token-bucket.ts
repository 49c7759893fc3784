// A token bucket: `burst` at once, `perSecond` in the long run. Told the time; owns no timer.
import type { Millis } from "../../protocol/ids.ts";

export class TokenBucket {
  readonly #burst: number;
  readonly #perSecond: number;
  #tokens: number;
  #filledAt: Millis;

  constructor(burst: number, perSecond: number, now: Millis) {
    this.#burst = burst;
    this.#perSecond = perSecond;
    this.#tokens = burst;
    this.#filledAt = now;
  }

  /** Takes `cost` and says true, or takes nothing and says false. */
  take(cost: number, now: Millis): boolean {
    const elapsedMs = Math.max(0, now - this.#filledAt);
    this.#tokens = Math.min(this.#burst, this.#tokens + (elapsedMs / 1000) * this.#perSecond);
    this.#filledAt = Math.max(now, this.#filledAt);
    if (this.#tokens < cost) return false;
    this.#tokens -= cost;
    return true;
  }
}
