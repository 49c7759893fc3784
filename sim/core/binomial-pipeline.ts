// The schedule that reaches the optimum when there are 2^k - 1 nodes with equal links: nodes on the corners of a cube,
// all swapping pieces along one direction after another. Shows that bound B4 is tight; too brittle to ship.
import { Bitfield } from "../../protocol/bitfield.ts";
import { assert } from "../../protocol/machine.ts";

/**
 * Rounds until all `2^dimension - 1` nodes have every piece, by the binomial pipeline (Ganesan and Seshadri 2005). In
 * round t corners exchange along direction t mod dimension; the origin, at corner 0, sends piece t or its last one,
 * every other corner the highest piece it has.
 */
export function runBinomialPipeline(dimension: number, pieceCount: number): number {
  const corners = Array.from({ length: 2 ** dimension }, () => new Bitfield(pieceCount));
  const highest = new Int32Array(corners.length).fill(-1);
  let unfinished = corners.length - 1;
  let rounds = 0;
  for (; unfinished > 0; rounds++) {
    assert(rounds < pieceCount + dimension, `the pipeline is not done after ${rounds} rounds`);
    highest[0] = Math.min(rounds, pieceCount - 1);
    const sent = highest.slice();
    for (let corner = 1; corner < corners.length; corner++) {
      const piece = sent[corner ^ (1 << (rounds % dimension))] ?? -1;
      const field = corners[corner];
      if (piece < 0 || field === undefined || !field.add(piece)) continue;
      highest[corner] = Math.max(highest[corner] ?? -1, piece);
      if (field.isFull) unfinished -= 1;
    }
  }
  return rounds;
}
