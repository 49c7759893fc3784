// How fast bytes move on a link, told apart from how long it waits for its turn.
// Plain arithmetic on the times it is given; never reads a clock.
import type { Millis } from "../../protocol/ids.ts";

/** A sample needs this long, or the scheduling noise of one event loop turn would dominate it. */
const SAMPLE_MS_MIN = 50;
/** Longer silence means the remote serves somebody else first: waiting, not slowness. */
const PAUSE_MS = 250;
/**
 * Weight of the newest sample while a rate falls; a rising rate is believed at once, so that a window opens
 * quickly.
 */
const FALLING_WEIGHT = 0.3;

/** Bytes per second while bytes flow. Pauses between bursts do not lower it. */
export class BurstRate {
  #bytesPerSecond = 0;
  #burstBytes = 0;
  #burstStartedAt: Millis | null = null;
  #lastAt: Millis = 0;

  /** 0 until the first sample is complete. */
  get bytesPerSecond(): number {
    return this.#bytesPerSecond;
  }

  add(bytes: number, now: Millis): void {
    if (this.#burstStartedAt === null || now - this.#lastAt > PAUSE_MS) {
      // The first bytes of a burst only start its clock: what they took to come is not known.
      this.#burstStartedAt = now;
      this.#burstBytes = 0;
    } else {
      this.#burstBytes += bytes;
      const elapsedMs = now - this.#burstStartedAt;
      if (elapsedMs >= SAMPLE_MS_MIN) this.#sample((this.#burstBytes * 1000) / elapsedMs, now);
    }
    this.#lastAt = now;
  }

  /** What was measured does not hold any more. */
  forget(): void {
    this.#bytesPerSecond = 0;
    this.#burstStartedAt = null;
  }

  #sample(bytesPerSecond: number, now: Millis): void {
    const rising = bytesPerSecond >= this.#bytesPerSecond;
    this.#bytesPerSecond = rising
      ? bytesPerSecond
      : this.#bytesPerSecond + FALLING_WEIGHT * (bytesPerSecond - this.#bytesPerSecond);
    this.#burstStartedAt = now;
    this.#burstBytes = 0;
  }
}

/** Bytes per second of everything that arrives, pauses included, in samples of a fixed length. */
export class SampledRate {
  readonly #sampleMs: number;
  #bytesPerSecond = 0;
  #bytes = 0;
  #since: Millis | null = null;

  constructor(sampleMs: number) {
    this.#sampleMs = sampleMs;
  }

  get bytesPerSecond(): number {
    return this.#bytesPerSecond;
  }

  /** True when this ended a sample, so that the rate may have changed. */
  add(bytes: number, now: Millis): boolean {
    this.#since ??= now;
    this.#bytes += bytes;
    const spanMs = now - this.#since;
    if (spanMs < this.#sampleMs) return false;
    const sample = (this.#bytes * 1000) / spanMs;
    const rising = sample >= this.#bytesPerSecond;
    this.#bytesPerSecond = rising
      ? sample
      : this.#bytesPerSecond + FALLING_WEIGHT * (sample - this.#bytesPerSecond);
    this.#bytes = 0;
    this.#since = now;
    return true;
  }
}

/** Mean bytes per second over about the last `spanMs`, pauses included: what people are shown. */
export class MeanRate {
  readonly #spanMs: number;
  #bytesPerSecond = 0;
  #lastAt: Millis | null = null;

  constructor(spanMs: number) {
    this.#spanMs = spanMs;
  }

  add(bytes: number, now: Millis): void {
    this.#bytesPerSecond = this.at(now) + (bytes * 1000) / this.#spanMs;
    this.#lastAt = now;
  }

  at(now: Millis): number {
    if (this.#lastAt === null) return 0;
    return this.#bytesPerSecond * Math.exp((this.#lastAt - now) / this.#spanMs);
  }
}
