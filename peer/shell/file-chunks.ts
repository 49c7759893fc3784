// A file from front to back through one buffer. A fresh buffer per chunk, as streams have it, would be hundreds of
// megabytes of garbage per release, and more of it alive than a peer should ever need.
import { open } from "node:fs/promises";

/** Large enough that system calls do not show. */
const CHUNK_BYTES = 256 * 1024;

/** A chunk holds good until the next one is asked for. Throws what the file system does, and the signal's reason. */
export async function* fileChunks(
  path: string,
  signal?: AbortSignal,
): AsyncGenerator<Uint8Array, void, undefined> {
  const buffer = Buffer.allocUnsafeSlow(CHUNK_BYTES);
  const file = await open(path, "r");
  try {
    for (;;) {
      signal?.throwIfAborted();
      const { bytesRead } = await file.read(buffer, 0, CHUNK_BYTES, null);
      if (bytesRead === 0) return;
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    await file.close();
  }
}
