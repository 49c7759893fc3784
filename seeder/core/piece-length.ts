// How long the pieces of an artifact are, from its size and the fleet's. Arithmetic only.
import { PIECE_LENGTH_MAX, PIECES_MAX } from "../../protocol/limits.ts";
import { assert } from "../../protocol/machine.ts";

const KIB = 1024;

/**
 * Every piece costs its messages, and those cost processor time: with half of this, 8 MiB to 40 nodes at 8 Mbit/s would
 * end at 1.13 of the bound instead of 1.21 if time were all (in simulation), but 40 agents on two cores take 1.5
 * instead of 1.3. Shorter pieces only help where a node's link is slow against its processor.
 */
const PIECE_LENGTH_FLOOR = 32 * KIB;

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
 * is more, within 32 KiB to 4 MiB; longer, up to PIECE_LENGTH_MAX, only where PIECES_MAX pieces would not do.
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
