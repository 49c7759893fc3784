// Bytes that connections have sent while nobody knows who they are. One hello may be as long as a frame, and thousands
// of strangers may begin one and never end it: together they hold no more than a fleet that comes back at once needs.
import type { Duplex } from "node:stream";

interface Stranger {
  bytesSent: number;
  readonly stop: () => void;
  readonly drop: () => void;
}

export class StrangerBudget {
  readonly #bytesMax: number;
  readonly #strangers = new Map<Duplex, Stranger>();
  #bytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /**
   * Counts what comes in on this connection until {@link forget}. Once all strangers together have sent too much,
   * `drop` is called for the one that has sent the most.
   */
  watch(stream: Duplex, drop: () => void): void {
    const onData = (chunk: Buffer): void => this.#count(stream, chunk.length);
    this.#strangers.set(stream, { bytesSent: 0, stop: () => stream.off("data", onData), drop });
    stream.on("data", onData);
  }

  /** It has said who it is, or is gone. */
  forget(stream: Duplex): void {
    const stranger = this.#strangers.get(stream);
    if (stranger === undefined) return;
    stranger.stop();
    this.#strangers.delete(stream);
    this.#bytes -= stranger.bytesSent;
  }

  #count(stream: Duplex, bytes: number): void {
    const stranger = this.#strangers.get(stream);
    if (stranger === undefined) return;
    stranger.bytesSent += bytes;
    this.#bytes += bytes;
    if (this.#bytes > this.#bytesMax) this.#dropLongest();
  }

  /** Looks at all of them, and frees no less than the mean of what they have sent. */
  #dropLongest(): void {
    let longest: [Duplex, Stranger] | null = null;
    for (const entry of this.#strangers)
      if (longest === null || entry[1].bytesSent > longest[1].bytesSent) longest = entry;
    if (longest === null) return;
    const [stream, { drop }] = longest;
    this.forget(stream);
    drop();
  }
}
