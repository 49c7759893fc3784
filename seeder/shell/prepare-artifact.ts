// Makes an artifact out of a tarball or a directory: hashed, checked by the archive rules and cut into pieces in one
// pass over its bytes, in constant memory. Signs nothing and talks to nobody.
import { encodeTorrentInfo, infoHashOf, inspectArchive } from "../../peer/index.ts";
import { FleetError } from "../../protocol/errors.ts";
import { ARTIFACT_BYTES_MAX, PIECE_LENGTH_MAX, PIECE_LENGTH_MIN, PIECES_MAX } from "../../protocol/limits.ts";
import type { Artifact } from "../../protocol/manifest.ts";
import { pieceLengthFor } from "../core/piece-length.ts";
import { ArtifactHasher } from "./artifact-hasher.ts";
import { type ArtifactSource, openArtifactSource } from "./artifact-source.ts";

export interface PrepareOptions {
  /** A .tar, .tar.gz or .tar.zst file, by content and not by name, or a directory. */
  readonly path: string;
  /** Size of the fleet, for the piece length. */
  readonly nodeCount: number;
  /** Bytes, a power of two; what suits the artifact and the fleet when it is left out. */
  readonly pieceLength?: number;
  /** Where a directory is packed into a temporary tarball; made when it is not there. */
  readonly workDirectory: string;
  /** Bytes of the tarball; called once per chunk read. */
  readonly onProgress?: (bytesDone: number, bytesTotal: number) => void;
  readonly signal?: AbortSignal;
}

export interface PreparedArtifact {
  readonly tarballPath: string;
  readonly artifact: Artifact;
  /** The bencoded info dictionary. */
  readonly torrentInfo: Uint8Array;
  /** Removes a packed tarball; a tarball that was given stays. */
  dispose(): Promise<void>;
}

/**
 * Throws FleetError file-missing, disk-full, archive-not-tar, archive-corrupt, archive-unsafe or archive-too-large,
 * usage for pieces that nodes would not take, and the reason of `signal`; then nothing is left behind. What it accepts,
 * a node can unpack.
 */
export async function prepareArtifact(options: PrepareOptions): Promise<PreparedArtifact> {
  try {
    const source = await openArtifactSource(options.path, options.workDirectory, options.signal);
    return await measureOrDispose(source, options);
  } catch (cause) {
    throw withPath(cause, options.path);
  }
}

async function measureOrDispose(source: ArtifactSource, options: PrepareOptions): Promise<PreparedArtifact> {
  try {
    return await measure(source, options);
  } catch (cause) {
    await source.dispose();
    throw cause;
  }
}

async function measure(source: ArtifactSource, options: PrepareOptions): Promise<PreparedArtifact> {
  const { length, compression, tarballPath } = source;
  if (length > ARTIFACT_BYTES_MAX)
    throw new FleetError("archive-too-large", `it has more than ${ARTIFACT_BYTES_MAX} bytes`);
  const pieceLength = options.pieceLength ?? pieceLengthFor(length, options.nodeCount);
  checkPieceLength(pieceLength, length);
  const hasher = new ArtifactHasher({ length, pieceLength });
  const bytes = hashing(source.bytes(), hasher, (bytesDone) => options.onProgress?.(bytesDone, length));
  const totals = await inspectArchive(bytes, compression, options.signal);
  const { sha256, pieces } = hasher.finish();
  const torrentInfo = encodeTorrentInfo({ length, pieceLength, name: sha256, pieces });
  const artifact = { length, sha256, infoHash: infoHashOf(torrentInfo), pieceLength, compression, ...totals };
  return { tarballPath, artifact, torrentInfo, dispose: source.dispose };
}

function checkPieceLength(pieceLength: number, length: number): void {
  const isInRange = pieceLength >= PIECE_LENGTH_MIN && pieceLength <= PIECE_LENGTH_MAX;
  if (!isInRange || Math.log2(pieceLength) % 1 !== 0)
    throw new FleetError(
      "usage",
      `pieces of ${pieceLength} bytes: expected a power of two from 16 KiB to 16 MiB`,
    );
  const pieces = Math.ceil(length / pieceLength);
  if (pieces > PIECES_MAX)
    throw new FleetError(
      "usage",
      `pieces of ${pieceLength} bytes would be ${pieces}, of at most ${PIECES_MAX}`,
    );
}

/** What is wrong inside an archive says nothing of which archive it is. */
function withPath(cause: unknown, path: string): unknown {
  if (!(cause instanceof FleetError) || !cause.code.startsWith("archive-")) return cause;
  return new FleetError(cause.code, `${path}: ${cause.message}`, { cause });
}

async function* hashing(
  source: AsyncIterable<Uint8Array>,
  hasher: ArtifactHasher,
  onProgress: (bytesDone: number) => void,
): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const chunk of source) {
    hasher.update(chunk);
    onProgress(hasher.bytesDone);
    yield chunk;
  }
}
