// How a piece gets into its file: at once on this thread while it is short and the disk takes it without a wait, by a
// thread of the pool otherwise. To hand a short piece to another thread and to hear of its end takes several times as
// long as to write it into the page cache, and where many nodes share a processor that is most of what writing costs.
import { write, writeSync } from "node:fs";

/** Into the page cache in some 0.02 ms. */
const SHORT_BYTES_MAX = 128 * 1024;
/** The page cache takes a short piece in far less, also when others have the processor in between. */
const SLOW_WRITE_MS = 25;
/** After a slow write so many are left to the pool: the sockets are held up by one of these at most. */
const POOLED_AFTER_SLOW = 64;

export interface WriteCalls {
  /** Bytes written, perhaps fewer than asked for. */
  readonly here: (bytes: Uint8Array, position: number) => number;
  readonly pooled: (bytes: Uint8Array, position: number) => Promise<number>;
  /** Milliseconds. */
  readonly now: () => number;
}

export class PieceWriter {
  readonly #calls: WriteCalls;
  #pooledLeft = 0;

  constructor(calls: WriteCalls) {
    this.#calls = calls;
  }

  /** Writes all of it; done when it returns, but for what is left to the pool. Throws what the file system does. */
  write(bytes: Uint8Array, position: number): void | Promise<void> {
    const isHere = bytes.length <= SHORT_BYTES_MAX && this.#pooledLeft === 0;
    if (this.#pooledLeft > 0) this.#pooledLeft -= 1;
    if (!isHere) return this.#writePooled(bytes, position);
    for (let done = 0; done < bytes.length; ) done += this.#writeHere(bytes.subarray(done), position + done);
  }

  async #writePooled(bytes: Uint8Array, position: number): Promise<void> {
    for (let done = 0; done < bytes.length; )
      done += await this.#calls.pooled(bytes.subarray(done), position + done);
  }

  #writeHere(bytes: Uint8Array, position: number): number {
    const startedAt = this.#calls.now();
    const written = this.#calls.here(bytes, position);
    if (this.#calls.now() - startedAt > SLOW_WRITE_MS) this.#pooledLeft = POOLED_AFTER_SLOW;
    return written;
  }
}

export function writeCallsOf(fd: number): WriteCalls {
  return {
    here: (bytes, position) => writeSync(fd, bytes, 0, bytes.length, position),
    pooled: (bytes, position) => writePooled(fd, bytes, position),
    now: () => performance.now(),
  };
}

/** Like FileHandle.write, with a tenth of its cost. */
function writePooled(fd: number, bytes: Uint8Array, position: number): Promise<number> {
  return new Promise((resolve, reject) => {
    write(fd, bytes, 0, bytes.length, position, (error, written) => {
      if (error === null) resolve(written);
      else reject(error);
    });
  });
}
