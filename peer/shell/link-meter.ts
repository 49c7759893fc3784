// What moves on one link, both ways, for people who ask. Counts; decides nothing.
import { MeanRate } from "../core/rate.ts";

/** As for the whole torrent: long enough to be steady, short enough to be true. */
const SPAN_MS = 2_000;

export class LinkMeter {
  readonly openedAt: number;
  receivedBytes = 0;
  sentBytes = 0;
  readonly #received = new MeanRate(SPAN_MS);
  readonly #sent = new MeanRate(SPAN_MS);

  constructor(now: number) {
    this.openedAt = now;
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
    return this.#received.at(now);
  }

  sendBytesPerSecond(now: number): number {
    return this.#sent.at(now);
  }
}
