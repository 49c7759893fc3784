// How many bytes may be under way, from how long they take: the window that keeps the wait in queues near a target.
// Plain arithmetic on the times it is given; knows neither links nor pieces.
import type { Millis } from "../../protocol/ids.ts";

export interface SendWindowConfig {
  /** How long bytes may wait in queues of the network: below the buffers that links have, above the noise of timers. */
  readonly queueMs: number;
  readonly bytesMin: number;
  readonly bytesMax: number;
}

/** The window moves by at most this in one round: a burst of noise must not close it, nor one lucky piece flood it. */
const SHRINK_MAX = 0.7;
const GROW_MAX = 2;
/** Shorter rounds would judge by one piece. */
const ROUND_MS_MIN = 20;

export class SendWindow {
  #config: SendWindowConfig;
  #bytes: number;
  #usedBytes = 0;
  #wasFull = false;
  #roundEndsAt: Millis = 0;
  #queuedMsMin = Number.POSITIVE_INFINITY;

  constructor(config: SendWindowConfig) {
    this.#config = config;
    this.#bytes = config.bytesMin;
  }

  /** The same window towards other bounds. */
  retune(config: SendWindowConfig): void {
    this.#config = config;
    this.#bytes = Math.max(config.bytesMin, Math.min(config.bytesMax, this.#bytes));
  }

  get bytes(): number {
    return this.#bytes;
  }

  /**
   * Whether nothing more should be sent now, with so many bytes more allowed for. Remembers that somebody asked: only a
   * window that limits may grow.
   */
  isFull(spareBytes = 0): boolean {
    const full = this.#usedBytes >= this.#bytes + spareBytes;
    if (full) this.#wasFull = true;
    return full;
  }

  use(bytes: number): void {
    this.#usedBytes += bytes;
  }

  release(bytes: number): void {
    // Weighted bytes are fractions, whose sum does not come back to zero exactly.
    this.#usedBytes = Math.max(0, this.#usedBytes - bytes);
  }

  /**
   * Something took `baseMs` plus `queuedMs`. As FAST TCP: after each round the window that would put the wait at the
   * target if waits grow with it. The least wait of a round counts: it is what everything on the way shares. A round
   * lasts as long as something takes now: judged before its last change shows, the window would swing.
   */
  arrived(took: { baseMs: number; queuedMs: number }, now: Millis): void {
    this.#queuedMsMin = Math.min(this.#queuedMsMin, took.queuedMs);
    if (now < this.#roundEndsAt) return;
    const { queueMs, bytesMin, bytesMax } = this.#config;
    const ratio = (took.baseMs + queueMs) / (took.baseMs + this.#queuedMsMin);
    const change = Math.max(SHRINK_MAX, Math.min(GROW_MAX, ratio));
    if (change < 1 || this.#wasFull)
      this.#bytes = Math.max(bytesMin, Math.min(bytesMax, this.#bytes * change));
    this.#roundEndsAt = now + Math.max(ROUND_MS_MIN, took.baseMs + this.#queuedMsMin);
    this.#wasFull = false;
    this.#queuedMsMin = Number.POSITIVE_INFINITY;
  }
}
