// The tar stream of a scanned directory, byte for byte the length that the scan promised.
// Reads files straight into the blocks it hands out; a file that changed since the scan fails the whole archive.
import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { join } from "node:path";
import { diskError } from "../../peer/index.ts";
import { FleetError } from "../../protocol/errors.ts";
import type { DirectoryScan } from "./scan-directory.ts";
import { encodeTarHeader, paddingAfter, TAR_END_BYTES, type TarEntry } from "./tar-writer.ts";

/** One write and one hash update per block: large enough to make the calls cheap, small enough to stay in cache. */
const BLOCK_BYTES = 256 * 1024;
/** A link in place of a file, or a pipe that would block, must fail rather than be followed or waited for. */
const PLAIN_FILE = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** Throws FleetError file-missing for what cannot be read, archive-corrupt for what changed since the scan. */
export async function* packDirectory(
  root: string,
  scan: DirectoryScan,
): AsyncGenerator<Uint8Array, void, undefined> {
  const blocks = new BlockBuffer();
  for (const entry of scan.entries) {
    yield* blocks.append(encodeTarHeader(entry));
    if (entry.kind === "file") yield* packFile(join(root, entry.path), entry, blocks);
  }
  yield* blocks.append(Buffer.alloc(TAR_END_BYTES));
  yield* blocks.flush();
}

async function* packFile(path: string, entry: TarEntry, blocks: BlockBuffer) {
  const handle = await openFile(path);
  try {
    const { size } = await handle.stat();
    if (size !== entry.size) throw changed(entry);
    yield* blocks.fillFrom(handle, entry);
    yield* blocks.append(Buffer.alloc(paddingAfter(entry.size)));
  } catch (cause) {
    throw diskError(cause, "file-missing", `cannot read ${path}`);
  } finally {
    await handle.close();
  }
}

async function openFile(path: string): Promise<FileHandle> {
  try {
    return await open(path, PLAIN_FILE);
  } catch (cause) {
    throw diskError(cause, "file-missing", `cannot read ${path}`);
  }
}

/** Collects bytes into blocks of one size. A block that was handed out is never written to again. */
class BlockBuffer {
  #block = Buffer.allocUnsafeSlow(BLOCK_BYTES);
  #filled = 0;

  *append(bytes: Uint8Array): Generator<Uint8Array, void, undefined> {
    for (let offset = 0; offset < bytes.length; ) {
      const part = bytes.subarray(offset, offset + BLOCK_BYTES - this.#filled);
      this.#block.set(part, this.#filled);
      offset += part.length;
      yield* this.#advance(part.length);
    }
  }

  async *fillFrom(handle: FileHandle, entry: TarEntry): AsyncGenerator<Uint8Array, void, undefined> {
    for (let position = 0; position < entry.size; ) {
      const length = Math.min(BLOCK_BYTES - this.#filled, entry.size - position);
      const { bytesRead } = await handle.read(this.#block, this.#filled, length, position);
      if (bytesRead === 0) throw changed(entry);
      position += bytesRead;
      yield* this.#advance(bytesRead);
    }
  }

  *flush(): Generator<Uint8Array, void, undefined> {
    if (this.#filled > 0) yield this.#block.subarray(0, this.#filled);
    this.#filled = 0;
  }

  *#advance(bytes: number): Generator<Uint8Array, void, undefined> {
    this.#filled += bytes;
    if (this.#filled < BLOCK_BYTES) return;
    const full = this.#block;
    this.#block = Buffer.allocUnsafeSlow(BLOCK_BYTES);
    this.#filled = 0;
    yield full;
  }
}

function changed(entry: TarEntry): FleetError {
  return new FleetError("archive-corrupt", `${JSON.stringify(entry.path)} changed while it was packed`);
}
