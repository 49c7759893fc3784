// How long the pieces of an artifact are, from its size and the fleet's. Arithmetic only.
import { PIECE_LENGTH_MAX, PIECE_LENGTH_MIN, PIECES_MAX } from "../../protocol/limits.ts";
import { assert } from "../../protocol/machine.ts";

const KIB = 1024;

/**
 * One request block: what is asked for can be passed on as soon as it is here. Per piece each link carries a 9-byte
 * HAVE and every node a 20-byte hash, with ten links about 110 bytes or 0.7 % of this. In simulation 8 MiB to 40 nodes
 * end at 1.13 of the bound with it, at 1.18 with pieces of twice the length.
 */
const PIECE_LENGTH_FLOOR = PIECE_LENGTH_MIN;

/** A peer holds several unfinished pieces in memory, and a bad byte costs a whole one again. */
const PIECE_LENGTH_CEILING = 4 * 1024 * KIB;

/**
 * Store and forward costs about one or two times N·P/F of the time the artifact needs on a link, so that product
 * stays this small. It also gives at least 31·N pieces, more than the 20·log2 N that mixing needs.
 */
const FORWARDING_SHARE_MAX = 1 / 32;

/**
 * Smaller fleets count as this many: they grow after a release is published, and at least 512 pieces keep what a crash
 * makes a node fetch again under 0.2 % a piece.
 */
const NODE_COUNT_MIN = 16;

/**
 * Bytes per piece, a power of two: the longest with N·P/`lengthBytes` at most 1/32, for N = `nodeCount` or 16 if that
 * is more, within 16 KiB to 4 MiB; longer, up to PIECE_LENGTH_MAX, only where PIECES_MAX pieces would not do.
 */
export function pieceLengthFor(lengthBytes: number, nodeCount: number): number {
  assert(
    lengthBytes > 0 && lengthBytes <= PIECES_MAX * PIECE_LENGTH_MAX,
    "an artifact's length is in bounds",
  );
  const wanted = (FORWARDING_SHARE_MAX * lengthBytes) / Math.max(NODE_COUNT_MIN, nodeCount);
  let pieceLength = PIECE_LENGTH_FLOOR;
  while (pieceLength * 2 <= Math.min(wanted, PIECE_LENGTH_CEILING)) pieceLength *= 2;
  while (pieceLength * PIECES_MAX < lengthBytes) pieceLength *= 2;
  return pieceLength;
}
