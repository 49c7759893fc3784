// Started pieces on their way to the disk: gathers blocks, then hashes and writes the whole.
// Holds only what the download machine has started; never decides whether a piece is wanted.
import { createHash } from "node:crypto";
import { assert } from "../../protocol/machine.ts";
import { BLOCK_BYTES, pieceBytes } from "../core/geometry.ts";
import type { PieceStore } from "./piece-store.ts";

export interface Verdict {
  readonly fits: boolean;
  /** SHA-1 by block; empty unless the piece failed or they were asked for. */
  readonly digests: readonly string[];
}

/** Pieces of a few links are on their way to the disk at a time; memory beyond that is given back. */
const FREE_BYTES_MAX = 4 * 1024 * 1024;

/** Of the newest piece in what hashing and writing took: the last ten or so pieces decide. */
const NEWEST_WEIGHT = 0.2;

export class PieceIntake {
  readonly #store: PieceStore;
  readonly #pieces = new Map<number, Uint8Array<ArrayBuffer>>();
  /** Memory of settled pieces, for the next ones: a fresh buffer per piece would be most of the garbage. */
  readonly #free: Uint8Array<ArrayBuffer>[] = [];
  readonly #settling = new Set<Promise<Verdict>>();
  #hashing = 0;
  #writing = 0;
  #hashMs = 0;
  #writeMs = 0;

  constructor(store: PieceStore) {
    this.#store = store;
  }

  /** Pieces being hashed and being written, and what one took of late. */
  get load(): { hashing: number; writing: number; hashMs: number; writeMs: number } {
    return { hashing: this.#hashing, writing: this.#writing, hashMs: this.#hashMs, writeMs: this.#writeMs };
  }

  keep(piece: number, offset: number, bytes: Uint8Array): void {
    let whole = this.#pieces.get(piece);
    if (whole === undefined) {
      whole = this.#free.pop() ?? new Uint8Array(this.#store.geometry.pieceLength);
      this.#pieces.set(piece, whole);
    }
    whole.set(bytes, offset);
  }

  drop(piece: number): void {
    const whole = this.#pieces.get(piece);
    this.#pieces.delete(piece);
    if (whole !== undefined) this.#reuse(whole);
  }

  /** Hashes a gathered piece and writes it when it fits. Rejects with the disk's FleetError. */
  settle(piece: number, options: { wantDigests: boolean }): Promise<Verdict> {
    const whole = this.#pieces.get(piece);
    assert(whole !== undefined, `piece ${piece} is complete but was never kept`);
    this.#pieces.delete(piece);
    const bytes = whole.subarray(0, pieceBytes(this.#store.geometry, piece));
    const settling = this.#settle(piece, bytes, options.wantDigests);
    this.#settling.add(settling);
    return settling.finally(() => {
      this.#settling.delete(settling);
      this.#reuse(whole);
    });
  }

  /** Resolves once nothing is being hashed or written. */
  async idle(): Promise<void> {
    await Promise.allSettled(this.#settling);
  }

  #reuse(whole: Uint8Array<ArrayBuffer>): void {
    if (this.#free.length * whole.length < FREE_BYTES_MAX) this.#free.push(whole);
  }

  async #hash(piece: number, bytes: Uint8Array<ArrayBuffer>): Promise<boolean> {
    const startedAt = performance.now();
    this.#hashing += 1;
    try {
      return await this.#store.fits(piece, bytes);
    } finally {
      this.#hashing -= 1;
      this.#hashMs += NEWEST_WEIGHT * (performance.now() - startedAt - this.#hashMs);
    }
  }

  async #write(piece: number, bytes: Uint8Array): Promise<void> {
    const startedAt = performance.now();
    this.#writing += 1;
    try {
      await this.#store.write(piece, bytes);
    } finally {
      this.#writing -= 1;
      this.#writeMs += NEWEST_WEIGHT * (performance.now() - startedAt - this.#writeMs);
    }
  }

  async #settle(piece: number, bytes: Uint8Array<ArrayBuffer>, wantDigests: boolean): Promise<Verdict> {
    const fits = await this.#hash(piece, bytes);
    if (fits) await this.#write(piece, bytes);
    return { fits, digests: fits && !wantDigests ? [] : blockDigests(bytes) };
  }
}

function blockDigests(bytes: Uint8Array): readonly string[] {
  const digests: string[] = [];
  for (let at = 0; at < bytes.length; at += BLOCK_BYTES)
    digests.push(
      createHash("sha1")
        .update(bytes.subarray(at, at + BLOCK_BYTES))
        .digest("base64"),
    );
  return digests;
}
