// Where an artifact's bytes come from: a tarball as it is, or a directory packed on the way into a temporary one.
// Opens, measures and cleans up; knows nothing of hashes or pieces.
import { randomUUID } from "node:crypto";
import type { Stats } from "node:fs";
import { constants } from "node:fs";
import { type FileHandle, mkdir, open, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { COMPRESSION_HEAD_BYTES, checkDiskSpace, detectCompression, diskError } from "../../peer/index.ts";
import { FleetError } from "../../protocol/errors.ts";
import type { Compression } from "../../protocol/manifest.ts";
import { packDirectory } from "./pack-directory.ts";
import { type DirectoryScan, scanDirectory } from "./scan-directory.ts";

const READ_CHUNK_BYTES = 256 * 1024;

export interface ArtifactSource {
  /** Exact bytes that {@link bytes} gives. */
  readonly length: number;
  readonly compression: Compression;
  readonly tarballPath: string;
  /** May be read once; at its end the tarball is complete. Throws FleetError. */
  readonly bytes: () => AsyncIterable<Uint8Array>;
  /** Removes what was written, which may be nothing. */
  readonly dispose: () => Promise<void>;
}

/**
 * `workDirectory` is made when a directory has to be packed. Throws FleetError file-missing, archive-not-tar for an
 * empty or foreign file, disk-full, and what the archive rules refuse in a directory.
 */
export async function openArtifactSource(
  path: string,
  workDirectory: string,
  signal?: AbortSignal,
): Promise<ArtifactSource> {
  try {
    const stats = await stat(path);
    if (stats.isDirectory()) return await directorySource(path, workDirectory, signal);
    return await tarballSource(path, stats);
  } catch (cause) {
    throw diskError(cause, "file-missing", `cannot read ${path}`);
  }
}

async function tarballSource(path: string, stats: Stats): Promise<ArtifactSource> {
  if (!stats.isFile()) throw new FleetError("file-missing", `${path} is neither a file nor a directory`);
  if (stats.size === 0) throw new FleetError("archive-not-tar", "it is empty");
  const compression = detectCompression(await readHead(path));
  return {
    length: stats.size,
    compression,
    tarballPath: path,
    bytes: () => readFile(path, stats.size),
    dispose: async () => {},
  };
}

async function readHead(path: string): Promise<Uint8Array> {
  const handle = await open(path);
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(COMPRESSION_HEAD_BYTES));
    return buffer.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}

async function* readFile(path: string, length: number): AsyncGenerator<Uint8Array, void, undefined> {
  let bytesRead = 0;
  try {
    const handle = await open(path);
    for await (const chunk of handle.createReadStream({ highWaterMark: READ_CHUNK_BYTES })) {
      bytesRead += (chunk as Uint8Array).length;
      if (bytesRead > length) break;
      yield chunk as Uint8Array;
    }
  } catch (cause) {
    throw diskError(cause, "file-missing", `cannot read ${path}`);
  }
  if (bytesRead !== length) throw new FleetError("archive-corrupt", "it changed while it was read");
}

async function directorySource(
  path: string,
  workDirectory: string,
  signal?: AbortSignal,
): Promise<ArtifactSource> {
  const scan = await scanDirectory(path, signal);
  const tarballPath = join(workDirectory, `pack-${randomUUID()}.tar`);
  try {
    await mkdir(workDirectory, { recursive: true });
    await checkDiskSpace(workDirectory, scan.tarLength);
  } catch (cause) {
    throw diskError(cause, "install-failed", `cannot pack into ${workDirectory}`);
  }
  return {
    length: scan.tarLength,
    compression: "none",
    tarballPath,
    bytes: () => packInto(tarballPath, path, scan),
    dispose: () => rm(tarballPath, { force: true }),
  };
}

/** The packed bytes, each block on disk before it is handed on. Not flushed: a crash only costs packing again. */
async function* packInto(
  tarballPath: string,
  directory: string,
  scan: DirectoryScan,
): AsyncGenerator<Uint8Array, void, undefined> {
  const handle = await createFile(tarballPath);
  try {
    for await (const block of packDirectory(directory, scan)) {
      await writeAll(handle, block);
      yield block;
    }
  } catch (cause) {
    throw diskError(cause, "install-failed", `cannot write ${tarballPath}`);
  } finally {
    await handle.close();
  }
}

async function createFile(path: string): Promise<FileHandle> {
  try {
    return await open(path, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600);
  } catch (cause) {
    throw diskError(cause, "install-failed", `cannot write ${path}`);
  }
}

async function writeAll(handle: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let written = 0; written < bytes.length; )
    written += (await handle.write(bytes, written)).bytesWritten;
}
