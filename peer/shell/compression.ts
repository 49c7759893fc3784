// Which compression a tarball has, by its first bytes, and its decompressed stream. A damaged or cut stream is
// FleetError archive-corrupt, wherever it was cut into chunks; never buffers more than a chunk each way.
import { pipeline } from "node:stream/promises";
import { constants, createGunzip, createZstdDecompress, type Gunzip, type ZstdDecompress } from "node:zlib";
import { FleetError } from "../../protocol/errors.ts";
import { ARCHIVE_ENTRIES_MAX } from "../../protocol/limits.ts";
import type { Compression } from "../../protocol/manifest.ts";

/** As many leading bytes as {@link detectCompression} wants to see. */
export const COMPRESSION_HEAD_BYTES = 512;

const OUTPUT_CHUNK_BYTES = 256 * 1024;
/** 128 MiB, zstd's own default: a frame that wants more memory to unpack is refused. */
const ZSTD_WINDOW_LOG_MAX = 27;
/** gzip members or zstd frames in one file; formats made for seeking have about one per file inside. */
const STREAMS_MAX = ARCHIVE_ENTRIES_MAX;

const FOREIGN_FORMATS: readonly (readonly [string, readonly number[]])[] = [
  ["an xz file", [0xfd, 0x37, 0x7a, 0x58, 0x5a]],
  ["a bzip2 file", [0x42, 0x5a, 0x68]],
  ["a zip file", [0x50, 0x4b, 0x03, 0x04]],
  ["a 7z file", [0x37, 0x7a, 0xbc, 0xaf]],
  ["an lz4 file", [0x04, 0x22, 0x4d, 0x18]],
];

type Decoder = Gunzip | ZstdDecompress;

/**
 * From the first {@link COMPRESSION_HEAD_BYTES} of a file (fewer when it is shorter); the file's name says nothing.
 * Throws FleetError archive-not-tar for what is plainly another format.
 */
export function detectCompression(head: Uint8Array): Compression {
  // An uncompressed tar starts with a file name, which may look like anything.
  if (Buffer.from(head.subarray(257, 262)).toString("latin1") === "ustar") return "none";
  if (startsWith(head, [0x1f, 0x8b])) return "gzip";
  if (startsWith(head, [0x28, 0xb5, 0x2f, 0xfd])) return "zstd";
  // Parallel compressors open with a skippable frame: sixteen possible magic numbers.
  if (startsWith(head.subarray(1), [0x2a, 0x4d, 0x18]) && ((head[0] ?? 0) & 0xf0) === 0x50) return "zstd";
  const foreign = FOREIGN_FORMATS.find(([, magic]) => startsWith(head, magic));
  if (foreign !== undefined)
    throw new FleetError("archive-not-tar", `this is ${foreign[0]}, not a tar archive with gzip or zstd`);
  return "none";
}

/** Closes `source` when the reader stops early. Errors of `source` itself pass through unchanged. */
export async function* decompress(
  source: AsyncIterable<Uint8Array>,
  compression: Compression,
): AsyncGenerator<Uint8Array, void, undefined> {
  if (compression === "none") {
    yield* source;
    return;
  }
  const input = new ChunkInput(source);
  try {
    for (let streams = 0; !(await input.atEnd()); streams += 1) {
      if (streams === STREAMS_MAX)
        throw new FleetError("archive-too-large", `more than ${STREAMS_MAX} compressed streams in one file`);
      yield* decodeOne(input, compression);
    }
  } finally {
    await input.close();
  }
}

/** Decodes until the decoder says its stream is over, and leaves what follows in `input`. */
async function* decodeOne(
  input: ChunkInput,
  compression: "gzip" | "zstd",
): AsyncGenerator<Uint8Array, void, undefined> {
  const decoder = createDecoder(compression);
  const feeding = pipeline(feed(input, decoder), decoder);
  // The loop meets the same failure first; without this it would also count as unhandled.
  feeding.catch(() => {});
  try {
    for await (const chunk of decoder) yield chunk as Uint8Array;
    // Only now has the feeder put back what the decoder did not take.
    await feeding;
  } catch (cause) {
    throw asCorrupt(cause, compression);
  }
}

/**
 * A decoder at the end of its stream takes no more bytes and, for zstd, says nothing about what it left: all
 * further frames would be dropped in silence. So each chunk is written alone and what was not taken goes back.
 */
async function* feed(input: ChunkInput, decoder: Decoder): AsyncGenerator<Uint8Array, void, undefined> {
  let fedBytes = 0;
  for (let chunk = await input.take(); chunk !== null; chunk = await input.take()) {
    fedBytes += chunk.length;
    yield chunk;
    const unusedBytes = fedBytes - decoder.bytesWritten;
    if (unusedBytes > 0) {
      input.putBack(chunk.subarray(chunk.length - unusedBytes));
      return;
    }
  }
}

function createDecoder(compression: "gzip" | "zstd"): Decoder {
  // A high-water mark of one byte makes the pipeline wait until a chunk is used up before it asks for the next.
  const options = { chunkSize: OUTPUT_CHUNK_BYTES, writableHighWaterMark: 1 };
  if (compression === "gzip") return createGunzip(options);
  const params = { [constants.ZSTD_d_windowLogMax]: ZSTD_WINDOW_LOG_MAX };
  return createZstdDecompress({ ...options, params });
}

/** An async iterable read chunk by chunk, to which the unused rest of a chunk can be given back. */
class ChunkInput {
  readonly #iterator: AsyncIterator<Uint8Array>;
  #pending: Uint8Array | null = null;

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#iterator = source[Symbol.asyncIterator]();
  }

  /** The next bytes, never empty; null at the end. */
  async take(): Promise<Uint8Array | null> {
    const pending = this.#pending;
    this.#pending = null;
    if (pending !== null) return pending;
    for (;;) {
      const next = await this.#iterator.next();
      if (next.done === true) return null;
      if (next.value.length > 0) return next.value;
    }
  }

  putBack(chunk: Uint8Array): void {
    this.#pending = chunk;
  }

  async atEnd(): Promise<boolean> {
    this.#pending = await this.take();
    return this.#pending === null;
  }

  async close(): Promise<void> {
    await this.#iterator.return?.();
  }
}

function asCorrupt(cause: unknown, compression: "gzip" | "zstd"): unknown {
  if (!(cause instanceof Error) || !("code" in cause) || typeof cause.code !== "string") return cause;
  if (!/^(Z_|ZSTD_)/.test(cause.code)) return cause;
  const why = cause.code === "Z_BUF_ERROR" ? "cut short" : "damaged";
  return new FleetError("archive-corrupt", `the ${compression} stream is ${why}: ${cause.message}`, {
    cause,
  });
}

function startsWith(bytes: Uint8Array, magic: readonly number[]): boolean {
  return magic.every((byte, index) => bytes[index] === byte);
}
