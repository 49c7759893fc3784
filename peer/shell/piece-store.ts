// The bytes of one artifact on disk: verified pieces are written, parts of them read for others. One file descriptor,
// positioned reads and writes. Knows piece hashes; never decides which piece, and never marks one as verified.

import { hash, webcrypto } from "node:crypto";
import { constants } from "node:fs";
import { type FileHandle, open, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { FleetError } from "../../protocol/errors.ts";
import { PIECE_LENGTH_MAX } from "../../protocol/limits.ts";
import type { Artifact } from "../../protocol/manifest.ts";
import { type Geometry, geometryOf, pieceBytes } from "../core/geometry.ts";
import { checkDiskSpace, diskError, errnoOf } from "./disk-errors.ts";
import { ExtentCache, type Lease } from "./extent-cache.ts";
import { syncDirectory } from "./files.ts";
import { PieceWriter, writeCallsOf } from "./piece-writer.ts";
import { PIECE_HASH_BYTES } from "./torrent-info.ts";

/** Disk is read in runs of at most this much: one read serves 32 requests. */
const EXTENT_BYTES_MAX = 512 * 1024;
/** Four of the longest runs for each of the links that are served at once; the page cache holds the rest. */
const CACHE_BYTES_MAX = 8 * 1024 * 1024;
/** Shorter pieces are hashed faster than another thread is asked to: 128 KiB take 0.07 ms. */
const HASHED_HERE_BYTES_MAX = 128 * 1024;

export interface PieceStoreOptions {
  readonly artifact: Artifact;
  /** SHA-1 of every piece, one after the other. */
  readonly pieceHashes: Uint8Array;
  readonly filePath: string;
  /** Opens an existing file for reading only. */
  readonly complete: boolean;
}

export class PieceStore {
  readonly geometry: Geometry;
  /** The file was there, in full length, before it was opened: it may hold pieces. */
  readonly existed: boolean;
  readonly #file: FileHandle;
  readonly #path: string;
  readonly #hashes: Buffer;
  /** All pieces but the last have the same length, so one is enough. */
  #zeroDigest: { readonly length: number; readonly digest: Uint8Array } | null = null;
  readonly #extentBytes: number;
  readonly #cache: ExtentCache;
  readonly #writer: PieceWriter;

  private constructor(file: FileHandle, existed: boolean, options: PieceStoreOptions) {
    this.geometry = geometryOf(options.artifact);
    this.existed = existed;
    this.#file = file;
    this.#writer = new PieceWriter(writeCallsOf(file.fd));
    this.#path = options.filePath;
    this.#hashes = Buffer.from(options.pieceHashes);
    this.#extentBytes = Math.min(EXTENT_BYTES_MAX, this.geometry.pieceLength);
    const extentsMax = Math.floor(CACHE_BYTES_MAX / this.#extentBytes);
    this.#cache = new ExtentCache({ extentsMax, extentBytes: this.#extentBytes });
  }

  /** FleetError disk-full when the file cannot fit, file-missing when `complete` and it is not there in full. */
  static async open(options: PieceStoreOptions): Promise<PieceStore> {
    const { artifact, filePath, complete } = options;
    const found = await sizeOf(filePath);
    try {
      if (complete) {
        assertWhole(filePath, found?.bytes ?? 0, artifact.length);
        return new PieceStore(await open(filePath, "r"), true, options);
      }
      await checkDiskSpace(dirname(filePath), artifact.length - (found?.allocatedBytes ?? 0));
      const file = await open(filePath, constants.O_RDWR | constants.O_CREAT, 0o600);
      const existed = found?.bytes === artifact.length;
      if (!existed) await makeSparse(file, filePath, artifact.length);
      return new PieceStore(file, existed, options);
    } catch (cause) {
      throw diskError(cause, "install-failed", `cannot open ${filePath}`);
    }
  }

  /** Known at once for a short piece. Long ones are hashed off the main thread, which has sockets to serve. */
  fits(piece: number, bytes: Uint8Array<ArrayBuffer>): boolean | Promise<boolean> {
    if (bytes.length <= HASHED_HERE_BYTES_MAX)
      return this.#hashOf(piece).equals(hash("sha1", bytes, "buffer"));
    return webcrypto.subtle
      .digest("SHA-1", bytes)
      .then((digest) => this.#hashOf(piece).equals(new Uint8Array(digest)));
  }

  /** Whether this piece is nothing but zeros: a region that was never written then holds it already. */
  async expectsZeros(piece: number): Promise<boolean> {
    const length = pieceBytes(this.geometry, piece);
    if (this.#zeroDigest?.length !== length) {
      const digest = await webcrypto.subtle.digest("SHA-1", new Uint8Array(length));
      this.#zeroDigest = { length, digest: new Uint8Array(digest) };
    }
    return this.#hashOf(piece).equals(this.#zeroDigest.digest);
  }

  /** Writes a whole piece, at once if the disk allows. It is in the page cache then, on the disk after {@link sync}. */
  write(piece: number, bytes: Uint8Array): void | Promise<void> {
    const work = this.#startWrite(piece * this.geometry.pieceLength, bytes);
    if (work === undefined) return this.#cacheWritten(piece, bytes);
    return this.#attempt("write", () => work).then(() => this.#cacheWritten(piece, bytes));
  }

  #startWrite(position: number, bytes: Uint8Array): void | Promise<void> {
    try {
      return this.#writer.write(bytes, position);
    } catch (cause) {
      throw this.#errorOf(cause, "write");
    }
  }

  /** What has just come is what neighbours ask for next. Only the start of a piece that is longer than a run. */
  #cacheWritten(piece: number, bytes: Uint8Array): void {
    if (bytes.length <= this.#extentBytes) this.#cache.put(extentKey(piece, 0), bytes);
  }

  /** Reads the whole piece into `bytes`, past the cache. */
  async readPiece(piece: number, bytes: Uint8Array): Promise<void> {
    await this.#readAt(piece * this.geometry.pieceLength, bytes);
  }

  /** Bytes inside one piece, to be served; at once when they are at hand. Whoever gets the lease gives it back. */
  read(piece: number, offset: number, length: number): Lease | Promise<Lease> {
    const extent = Math.floor(offset / this.#extentBytes);
    const from = offset - extent * this.#extentBytes;
    if (from + length > this.#extentBytes) return this.#readAlone(piece, offset, length);
    const lease = this.#cache.lease(extentKey(piece, extent), { from, to: from + length }, (buffer) =>
      this.#readExtent(piece, extent, buffer),
    );
    return lease ?? this.#readAlone(piece, offset, length);
  }

  async sync(): Promise<void> {
    await this.#attempt("sync", () => this.#file.datasync());
  }

  /** Waits for what is being read or written. */
  async close(): Promise<void> {
    await this.#file.close();
  }

  #hashOf(piece: number): Buffer {
    return this.#hashes.subarray(piece * PIECE_HASH_BYTES, (piece + 1) * PIECE_HASH_BYTES);
  }

  #readExtent(piece: number, extent: number, buffer: Buffer): Promise<void> {
    const offset = extent * this.#extentBytes;
    const length = Math.min(this.#extentBytes, pieceBytes(this.geometry, piece) - offset);
    return this.#readAt(piece * this.geometry.pieceLength + offset, buffer.subarray(0, length));
  }

  /** For ranges that cross two runs, which only odd clients ask for, and while all runs are leased. */
  async #readAlone(piece: number, offset: number, length: number): Promise<Lease> {
    const bytes = Buffer.allocUnsafe(length);
    await this.#readAt(piece * this.geometry.pieceLength + offset, bytes);
    return { bytes, release: () => undefined };
  }

  async #readAt(position: number, bytes: Uint8Array): Promise<void> {
    await this.#attempt("read", async () => {
      for (let done = 0; done < bytes.length; ) {
        const { bytesRead } = await this.#file.read(bytes, done, bytes.length - done, position + done);
        if (bytesRead === 0) throw Object.assign(new Error("the file ends too early"), TRUNCATED);
        done += bytesRead;
      }
    });
  }

  async #attempt<T>(what: string, operation: () => Promise<T>): Promise<T> {
    try {
      return await operation();
    } catch (cause) {
      throw this.#errorOf(cause, what);
    }
  }

  #errorOf(cause: unknown, what: string): unknown {
    return diskError(cause, "install-failed", `cannot ${what} ${this.#path}`);
  }
}

function assertWhole(path: string, bytes: number, length: number): void {
  if (bytes !== length)
    throw new FleetError("file-missing", `${path} has ${bytes} bytes, the release's artifact ${length}`);
}

/** Makes a short read look like what it is: an input error of the disk. */
const TRUNCATED = { code: "EIO", syscall: "read" };
const STAT_BLOCK_BYTES = 512;

const EXTENTS_PER_PIECE_MAX = PIECE_LENGTH_MAX / EXTENT_BYTES_MAX;

function extentKey(piece: number, extent: number): number {
  return piece * EXTENTS_PER_PIECE_MAX + extent;
}

async function sizeOf(path: string): Promise<{ bytes: number; allocatedBytes: number } | null> {
  try {
    const { size, blocks } = await stat(path);
    return { bytes: size, allocatedBytes: Math.min(size, blocks * STAT_BLOCK_BYTES) };
  } catch (cause) {
    if (errnoOf(cause) === "ENOENT") return null;
    throw cause;
  }
}

async function makeSparse(file: FileHandle, path: string, length: number): Promise<void> {
  // What a file of another length holds cannot be this artifact; emptied first, its blocks read as zero again.
  await file.truncate(0);
  await file.truncate(length);
  await file.sync();
  await syncDirectory(dirname(path));
}
