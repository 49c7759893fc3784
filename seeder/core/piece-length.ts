// How long the pieces of an artifact are, from its size and the fleet's. Arithmetic only.
import { PIECE_LENGTH_MAX, PIECE_LENGTH_MIN, PIECES_MAX } from "../../protocol/limits.ts";
import { assert } from "../../protocol/machine.ts";

const MIB = 1024 * 1024;

/** A peer holds several unfinished pieces in memory, and a bad byte costs a whole one again. */
const PIECE_LENGTH_CEILING = 4 * MIB;

/** SHA-1; the coordinator sends every node the hash of every piece. */
const HASH_BYTES = 20;

/**
 * The last of N nodes ends about this many times log2 N piece-times after the bound. Simulated with links of one rate:
 * 24 of them for 16 nodes, 36 for 100, 53 for 1,000.
 */
const LAG_PIECES_PER_DOUBLING = 5;

/**
 * Where links are fast messages take the time, and more pieces than this win nothing any more: 512 MiB without a limit
 * to 8 nodes on two cores takes 16.5 s with 512 pieces, 14.4 s with 4,096 (three runs each), 19 s with 16,384 (one).
 */
const PIECES_WANTED_MAX = 4_096;

/** Smaller fleets count as this many: they grow after a release is published. */
const NODE_COUNT_MIN = 16;

/**
 * Bytes per piece, a power of two. Of N = `nodeCount` nodes, or 16 if that is more, with pieces of P bytes the last
 * waits for 5·log2 N pieces, the longer the later; the hashes take 20·N/P of the time in which the origin sends the
 * artifact once, the shorter the longer. Next to where both are equal, so that their sum is least; within 16 KiB to
 * 4 MiB, and not so short that there are many more than 4,096; longer, up to PIECE_LENGTH_MAX, only where PIECES_MAX
 * pieces would not do.
 */
export function pieceLengthFor(lengthBytes: number, nodeCount: number): number {
  assert(
    lengthBytes > 0 && lengthBytes <= PIECES_MAX * PIECE_LENGTH_MAX,
    "an artifact's length is in bounds",
  );
  const nodes = Math.max(NODE_COUNT_MIN, nodeCount);
  const lagPieces = LAG_PIECES_PER_DOUBLING * Math.log2(nodes);
  const cheapest = Math.sqrt((HASH_BYTES * nodes * lengthBytes) / lagPieces);
  const wanted = Math.max(cheapest, lengthBytes / PIECES_WANTED_MAX, PIECE_LENGTH_MIN);
  let pieceLength = 2 ** Math.round(Math.log2(Math.min(wanted, PIECE_LENGTH_CEILING)));
  while (pieceLength * PIECES_MAX < lengthBytes) pieceLength *= 2;
  return pieceLength;
}
