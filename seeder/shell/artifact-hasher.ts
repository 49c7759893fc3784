// SHA-256 of an artifact and SHA-1 of each of its pieces, from one pass over its bytes.
// Holds no content; only the hashes it has finished.
import { createHash, type Hash } from "node:crypto";
import { PIECE_HASH_BYTES } from "../../peer/index.ts";
import { type Digest, digestSchema } from "../../protocol/ids.ts";
import { assert } from "../../protocol/machine.ts";
import { pieceCountOf } from "../../protocol/manifest.ts";

export interface ArtifactSize {
  /** Bytes. */
  readonly length: number;
  readonly pieceLength: number;
}

export class ArtifactHasher {
  readonly #size: ArtifactSize;
  readonly #whole = createHash("sha256");
  readonly #pieces: Uint8Array;
  #piece: Hash = createHash("sha1");
  #pieceCount = 0;
  #bytesDone = 0;

  constructor(size: ArtifactSize) {
    this.#size = size;
    this.#pieces = new Uint8Array(pieceCountOf(size) * PIECE_HASH_BYTES);
  }

  get bytesDone(): number {
    return this.#bytesDone;
  }

  /** Hashes of the pieces that are complete so far; a view that grows, not a copy. */
  get pieces(): Uint8Array {
    return this.#pieces.subarray(0, this.#pieceCount * PIECE_HASH_BYTES);
  }

  /** All updates together must not exceed the announced length. */
  update(chunk: Uint8Array): void {
    assert(this.#bytesDone + chunk.length <= this.#size.length, "an artifact has its announced length");
    this.#whole.update(chunk);
    for (let offset = 0; offset < chunk.length; ) {
      const room = this.#size.pieceLength - (this.#bytesDone % this.#size.pieceLength);
      const part = chunk.subarray(offset, offset + room);
      this.#piece.update(part);
      offset += part.length;
      this.#bytesDone += part.length;
      if (part.length === room || this.#bytesDone === this.#size.length) this.#endPiece();
    }
  }

  /** Call once, after all bytes. */
  finish(): { readonly sha256: Digest; readonly pieces: Uint8Array } {
    assert(this.#bytesDone === this.#size.length, "an artifact has its announced length");
    return { sha256: digestSchema.decode(this.#whole.digest("hex"), "sha256"), pieces: this.pieces };
  }

  #endPiece(): void {
    this.#pieces.set(this.#piece.digest(), this.#pieceCount * PIECE_HASH_BYTES);
    this.#pieceCount += 1;
    this.#piece = createHash("sha1");
  }
}
