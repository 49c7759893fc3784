// Unpacks a verified tarball into a fresh directory: all of it, durable and read-only, or nothing at all.
// Never touches anything outside that directory and never goes past the sizes that were signed.
import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import { FleetError } from "../../protocol/errors.ts";
import type { Compression } from "../../protocol/manifest.ts";
import { type ArchiveTotals, walkArchive } from "./archive.ts";
import { checkDiskSpace, diskError } from "./disk-errors.ts";
import { fileChunks } from "./file-chunks.ts";
import { removeTree } from "./remove-tree.ts";
import { TreeWriter } from "./tree-writer.ts";

export interface UnpackOptions {
  /** Path of the tarball. */
  readonly tarball: string;
  readonly compression: Compression;
  /** Exact bytes of the decompressed tar stream, from the signed manifest. */
  readonly unpackedLength: number;
  /** Exact number of entries, from the signed manifest. */
  readonly entryCount: number;
  /** Created by this call; must not exist, its parent must. */
  readonly directory: string;
  readonly signal?: AbortSignal;
}

/**
 * Files end as `mode & 0o555`, directories as 0o555, times as in the archive, owned by whoever runs this; all fsynced,
 * the directory's own name excepted. Rename the result within its parent only: moving a read-only directory to
 * another parent takes root. On any failure nothing is left of it.
 * Throws FleetError archive-* for what the archive rules refuse or the signed sizes do not fit, file-missing without
 * a tarball, disk-full, install-failed for other disk trouble (`directory` is there already); the reason of `signal`.
 */
export async function unpackArchive(options: UnpackOptions): Promise<void> {
  const { directory } = options;
  try {
    await checkDiskSpace(dirname(directory), options.unpackedLength);
    // Alone in here until the end: the mode keeps other users from swapping a path under the writer.
    await mkdir(directory, 0o700);
  } catch (cause) {
    throw diskError(cause, "install-failed", "cannot make the release's directory");
  }
  const writer = new TreeWriter(directory);
  try {
    checkTotals(await walkTarball(options, writer), options);
    await writer.finish();
  } catch (cause) {
    await writer.abandon();
    throw await afterRemoval(directory, diskError(cause, "install-failed", "cannot unpack the release"));
  }
}

function walkTarball(options: UnpackOptions, writer: TreeWriter): Promise<ArchiveTotals> {
  const { compression, unpackedLength, entryCount, signal } = options;
  return walkArchive(readTarball(options.tarball), writer, {
    compression,
    caps: { unpackedLength, entryCount, code: "archive-unsafe" },
    ...(signal && { signal }),
  });
}

async function* readTarball(path: string): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    yield* fileChunks(path);
  } catch (cause) {
    throw diskError(cause, "file-missing", "cannot read the tarball");
  }
}

function checkTotals(found: ArchiveTotals, signed: ArchiveTotals): void {
  if (found.unpackedLength === signed.unpackedLength && found.entryCount === signed.entryCount) return;
  throw new FleetError(
    "archive-corrupt",
    `the archive unpacks to ${found.unpackedLength} bytes in ${found.entryCount} entries, ` +
      `its manifest says ${signed.unpackedLength} in ${signed.entryCount}`,
  );
}

/** The failure to report once the partial tree is gone, or a worse one when it cannot be removed. */
async function afterRemoval(directory: string, failure: unknown): Promise<unknown> {
  try {
    await removeTree(directory);
    return failure;
  } catch (cause) {
    const message = failure instanceof Error ? failure.message : String(failure);
    return new FleetError(
      "install-failed",
      `${message}; then the partial ${directory} could not be removed`,
      {
        cause: new AggregateError([failure, cause], "unpacking and cleaning up both failed"),
      },
    );
  }
}
