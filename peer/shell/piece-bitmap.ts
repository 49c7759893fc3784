// Which pieces survive a crash: the verified-piece bitmap on disk, and the search for pieces it does not know of yet.
// A bit is written only after its piece has been synced; never trusts a bitmap of another artifact.

import { Bitfield } from "../../protocol/bitfield.ts";
import { FleetError } from "../../protocol/errors.ts";
import { type InfoHash, infoHashSchema } from "../../protocol/ids.ts";
import { ARTIFACT_BYTES_MAX, PIECE_LENGTH_MAX, PIECES_MAX } from "../../protocol/limits.ts";
import { type Artifact, pieceCountOf } from "../../protocol/manifest.ts";
import { integer, literal, strictObject, text } from "../../protocol/schema.ts";
import { pieceBytes } from "../core/geometry.ts";
import { readJson, writeFileAtomic } from "./files.ts";
import type { PieceStore } from "./piece-store.ts";

const bitmapSchema = strictObject({
  format: literal(1),
  infoHash: infoHashSchema,
  length: integer(1, ARTIFACT_BYTES_MAX),
  pieceLength: integer(1, PIECE_LENGTH_MAX),
  /** Base64 of the bits, piece 0 first. */
  bits: text({ max: PIECES_MAX }),
});

/** The pieces that a bitmap vouches for; none when there is no usable bitmap for this artifact. */
export async function readBitmap(path: string, artifact: Artifact): Promise<Bitfield> {
  const pieceCount = pieceCountOf(artifact);
  const saved = await readSaved(path);
  if (saved === null || !isFor(saved, artifact)) return new Bitfield(pieceCount);
  return Bitfield.fromBytes(Buffer.from(saved.bits, "base64"), pieceCount) ?? new Bitfield(pieceCount);
}

/** Replaces the bitmap; afterwards it is on disk. */
export async function writeBitmap(path: string, artifact: Artifact, pieces: Uint8Array): Promise<void> {
  const { infoHash, length, pieceLength } = artifact;
  const bits = Buffer.from(pieces).toString("base64");
  await writeFileAtomic(path, JSON.stringify({ format: 1, infoHash, length, pieceLength, bits }));
}

/**
 * Adds the pieces that are on disk although the bitmap does not say so: they were written in the last second before
 * a crash. Regions that were never written read as zeros and cost no hash.
 */
export async function addWrittenPieces(store: PieceStore, verified: Bitfield): Promise<void> {
  const buffer = new Uint8Array(store.geometry.pieceLength);
  for (let piece = 0; piece < verified.length; piece++) {
    if (verified.has(piece)) continue;
    const bytes = buffer.subarray(0, pieceBytes(store.geometry, piece));
    await store.readPiece(piece, bytes);
    const fits = isZero(bytes) ? await store.expectsZeros(piece) : await store.fits(piece, bytes);
    if (fits) verified.add(piece);
  }
}

function isFor(
  saved: { infoHash: InfoHash; length: number; pieceLength: number },
  artifact: Artifact,
): boolean {
  const { infoHash, length, pieceLength } = artifact;
  return saved.infoHash === infoHash && saved.length === length && saved.pieceLength === pieceLength;
}

async function readSaved(path: string) {
  try {
    return await readJson(path, bitmapSchema);
  } catch (error) {
    // A damaged bitmap only means that pieces are hashed again.
    if (error instanceof FleetError && error.code === "data-corrupt") return null;
    throw error;
  }
}

const ZEROS = Buffer.alloc(64 * 1024);

function isZero(bytes: Uint8Array): boolean {
  for (let at = 0; at < bytes.length; at += ZEROS.length) {
    const part = bytes.subarray(at, at + ZEROS.length);
    if (ZEROS.compare(part, 0, part.length, 0, part.length) !== 0) return false;
  }
  return true;
}
