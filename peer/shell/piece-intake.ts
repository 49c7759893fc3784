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
  readonly #hashing = new WorkTimer();
  readonly #writing = new WorkTimer();

  constructor(store: PieceStore) {
    this.#store = store;
  }

  /** Pieces being hashed and being written, and what one took of late. */
  get load(): { hashing: number; writing: number; hashMs: number; writeMs: number } {
    const [hashing, writing] = [this.#hashing, this.#writing];
    return {
      hashing: hashing.underWay,
      writing: writing.underWay,
      hashMs: hashing.recentMs,
      writeMs: writing.recentMs,
    };
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

  /**
   * Hashes a gathered piece and writes it when it fits; a short one on a quick disk is settled when this returns.
   * Throws the disk's FleetError, or rejects with it.
   */
  settle(piece: number, options: { wantDigests: boolean }): Verdict | Promise<Verdict> {
    const whole = this.#pieces.get(piece);
    assert(whole !== undefined, "a piece that is complete was kept");
    this.#pieces.delete(piece);
    const bytes = whole.subarray(0, pieceBytes(this.#store.geometry, piece));
    const settling = this.#settle(piece, bytes, options.wantDigests);
    if (!(settling instanceof Promise)) {
      this.#reuse(whole);
      return settling;
    }
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

  #settle(piece: number, bytes: Uint8Array<ArrayBuffer>, wantDigests: boolean): Verdict | Promise<Verdict> {
    const verdict = (fits: boolean): Verdict => ({
      fits,
      digests: fits && !wantDigests ? [] : blockDigests(bytes),
    });
    const store = (fits: boolean): Verdict | Promise<Verdict> =>
      fits ? after(this.#write(piece, bytes), () => verdict(true)) : verdict(false);
    return after(this.#hash(piece, bytes), store);
  }

  #hash(piece: number, bytes: Uint8Array<ArrayBuffer>): boolean | Promise<boolean> {
    return this.#hashing.time(() => this.#store.fits(piece, bytes));
  }

  #write(piece: number, bytes: Uint8Array): void | Promise<void> {
    return this.#writing.time(() => this.#store.write(piece, bytes));
  }
}

/** How many of one kind of work are under way, and what one took of late. */
class WorkTimer {
  underWay = 0;
  recentMs = 0;

  time<T>(work: () => T | Promise<T>): T | Promise<T> {
    const startedAt = performance.now();
    const note = (): void => {
      this.recentMs += NEWEST_WEIGHT * (performance.now() - startedAt - this.recentMs);
    };
    const result = work();
    if (!(result instanceof Promise)) {
      note();
      return result;
    }
    this.underWay += 1;
    return result.finally(() => {
      this.underWay -= 1;
      note();
    });
  }
}

/** At once if the value is here: a short piece is hashed and written in less than a chain of promises takes. */
function after<T, R>(value: T | Promise<T>, next: (value: T) => R | Promise<R>): R | Promise<R> {
  return value instanceof Promise ? value.then(next) : next(value);
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
