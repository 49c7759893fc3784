// Makes verified pieces last: data synced first, then the bitmap, a little after each batch of pieces.
// Owns the one sync that runs at a time and its timer; never claims a piece that might not be on disk.
import type { Bitfield } from "../../protocol/bitfield.ts";
import type { Artifact } from "../../protocol/manifest.ts";
import { writeBitmap } from "./piece-bitmap.ts";
import type { PieceStore } from "./piece-store.ts";

/** A crash of the machine loses at most this much time or these bytes, whichever is less; of the process, nothing. */
export const FLUSH_AFTER_MS = 3_000;
export const FLUSH_BYTES = 64 * 1024 * 1024;

export interface PieceLedgerOptions {
  readonly artifact: Artifact;
  readonly store: PieceStore;
  readonly verified: Bitfield;
  /** Null keeps no bitmap. */
  readonly bitmapPath: string | null;
  /** Verified pieces that are perhaps not on the disk yet. */
  readonly unflushed: number;
  readonly onError: (error: unknown) => void;
}

export class PieceLedger {
  readonly #options: PieceLedgerOptions;
  #unflushed: number;
  #timer: NodeJS.Timeout | null = null;
  #flushing: Promise<void> | null = null;

  constructor(options: PieceLedgerOptions) {
    this.#options = options;
    this.#unflushed = options.unflushed;
  }

  /** A piece was written and marked. */
  note(): void {
    this.#unflushed += 1;
    if (this.#unflushed * this.#options.artifact.pieceLength >= FLUSH_BYTES) this.#flushNow();
    else this.#flushLater();
  }

  /** Everything noted so far is on disk when this resolves. */
  async flush(): Promise<void> {
    while (this.#flushing !== null) await this.#flushing;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    if (this.#unflushed === 0) return;
    this.#flushing = this.#write().finally(() => {
      this.#flushing = null;
    });
    await this.#flushing;
  }

  #flushLater(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = null;
      this.#flushNow();
    }, FLUSH_AFTER_MS);
  }

  #flushNow(): void {
    // What came during a flush waits for the next one: syncs in a row would leave the disk no time for data.
    if (this.#flushing !== null) this.#flushLater();
    else this.flush().catch(this.#options.onError);
  }

  async #write(): Promise<void> {
    const { artifact, store, verified, bitmapPath } = this.#options;
    // Pieces that come while the disk syncs are not part of what it vouches for.
    const pieces = verified.toBytes();
    this.#unflushed = 0;
    await store.sync();
    if (bitmapPath !== null) await writeBitmap(bitmapPath, artifact, pieces);
  }
}
