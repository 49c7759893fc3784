// How an artifact is cut: pieces that are verified as a whole, and the blocks that are asked for one by one.
// Plain arithmetic; never holds state.
import type { Bitfield } from "../../protocol/bitfield.ts";
import { PIECE_LENGTH_MAX } from "../../protocol/limits.ts";

/** What every BitTorrent client asks for at once, and the most that some are willing to send. */
export const BLOCK_BYTES = 16 * 1024;
/** More blocks than any piece has, so that piece and block fit one number. */
const BLOCKS_PER_PIECE_MAX = PIECE_LENGTH_MAX / BLOCK_BYTES;

/** Names a connection inside one torrent; never used again while the torrent is open. */
export type LinkId = number;

export interface Geometry {
  readonly length: number;
  readonly pieceLength: number;
  readonly pieceCount: number;
}

export function geometryOf(artifact: { readonly length: number; readonly pieceLength: number }): Geometry {
  const { length, pieceLength } = artifact;
  return { length, pieceLength, pieceCount: Math.ceil(length / pieceLength) };
}

export function pieceBytes(geometry: Geometry, piece: number): number {
  return Math.min(geometry.pieceLength, geometry.length - piece * geometry.pieceLength);
}

/** Of these pieces together. */
export function bytesOf(geometry: Geometry, pieces: Bitfield): number {
  let bytes = 0;
  for (let piece = 0; piece < pieces.length; piece++)
    if (pieces.has(piece)) bytes += pieceBytes(geometry, piece);
  return bytes;
}

export function blockCount(geometry: Geometry, piece: number): number {
  return Math.ceil(pieceBytes(geometry, piece) / BLOCK_BYTES);
}

export function blockBytes(geometry: Geometry, piece: number, block: number): number {
  return Math.min(BLOCK_BYTES, pieceBytes(geometry, piece) - block * BLOCK_BYTES);
}

/** One number for a block of the torrent, for use as a map key. */
export function blockKey(piece: number, block: number): number {
  return piece * BLOCKS_PER_PIECE_MAX + block;
}

export function pieceOfKey(key: number): number {
  return Math.floor(key / BLOCKS_PER_PIECE_MAX);
}

export function blockOfKey(key: number): number {
  return key % BLOCKS_PER_PIECE_MAX;
}
