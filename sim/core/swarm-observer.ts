// What is written down of a simulated swarm while it runs: copies of each piece, who is done when, the name of the
// whole trace. Never changes what happens.
import type { AvailabilitySample } from "./outcome.ts";
import { TraceHash } from "./trace-hash.ts";

export class SwarmObserver {
  readonly samples: AvailabilitySample[] = [];
  events = 0;
  readonly #hash = new TraceHash();
  readonly #copies: Int32Array;
  readonly #nodeCount: number;
  #held = 0;

  constructor(pieceCount: number, nodeCount: number) {
    this.#copies = new Int32Array(pieceCount);
    this.#nodeCount = nodeCount;
  }

  get traceHash(): string {
    return this.#hash.digest();
  }

  /** All pieces of all nodes, 0 to 1. */
  get doneShare(): number {
    return this.#held / (this.#copies.length * this.#nodeCount);
  }

  event(at: number, kind: number, member: number, about: number): void {
    this.events += 1;
    this.#hash.add(at, kind, member, about);
  }

  gained(piece: number): void {
    this.#copies[piece] = (this.#copies[piece] ?? 0) + 1;
    this.#held += 1;
  }

  sample(atMs: number): void {
    const sorted = this.#copies.toSorted();
    this.samples.push({
      atMs,
      copiesMin: sorted[0] ?? 0,
      copiesMedian: sorted[sorted.length >> 1] ?? 0,
      copiesMax: sorted.at(-1) ?? 0,
      doneShare: this.doneShare,
    });
  }
}
