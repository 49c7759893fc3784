// What moves both ways, on one link or on all links of a torrent, for people who ask. Counts; decides nothing.
import { MeanRate } from "../core/rate.ts";

/** What people see as "now": long enough to be steady, short enough to be true. */
const SPAN_MS = 2_000;

export class Meter {
  readonly startedAt: number;
  receivedBytes = 0;
  /** Taken by the operating system. */
  sentBytes = 0;
  /** The best rate that anybody has been shown. */
  receiveBytesPerSecondPeak = 0;
  readonly #received = new MeanRate(SPAN_MS);
  readonly #sent = new MeanRate(SPAN_MS);

  constructor(now: number) {
    this.startedAt = now;
  }

  noteReceived(bytes: number, now: number): void {
    this.receivedBytes += bytes;
    this.#received.add(bytes, now);
  }

  noteSent(bytes: number, now: number): void {
    this.sentBytes += bytes;
    this.#sent.add(bytes, now);
  }

  receiveBytesPerSecond(now: number): number {
    const bytesPerSecond = this.#received.at(now);
    this.receiveBytesPerSecondPeak = Math.max(this.receiveBytesPerSecondPeak, bytesPerSecond);
    return bytesPerSecond;
  }

  sendBytesPerSecond(now: number): number {
    return this.#sent.at(now);
  }
}
