// The least number of rounds in which a swarm can be done when every uplink carries one piece per round.
// Whole numbers by counting, never by logarithms: a bound that is off by one rounding would accuse good runs.

/** A swarm in rounds. */
export interface RoundSwarm {
  /** Nodes that want everything; the origin is not counted. */
  readonly nodes: number;
  readonly pieces: number;
  /** Pieces the origin sends while a node sends one, at least 1. */
  readonly originRate: number;
}

/**
 * B4: `pieces + floor(log2(nodes))` rounds, the optimum when all uplinks are equal (Mundinger, Weber and Weiss 2008).
 * A piece counts, and can be sent on, at the end of the round it was sent in.
 */
export function pipelineRounds(nodes: number, pieces: number): number {
  return pieces - 1 + doublingsTo(nodes + 1);
}

/**
 * B5: the first round by whose end `pieces * nodes` sends can have been made. Nodes that have nothing cannot send, and
 * those that have something can at most double in number each round: in round t, `originRate * (2^(t-1) - 1)` of them.
 */
export function rampRounds({ nodes, pieces, originRate }: RoundSwarm): number {
  let rounds = 0;
  let missing = pieces * nodes;
  let senders = 0;
  while (missing > 0 && senders < nodes) {
    missing -= originRate + senders;
    senders = 2 * senders + originRate;
    rounds += 1;
  }
  return missing > 0 ? rounds + Math.ceil(missing / (originRate + nodes)) : rounds;
}

/** B6: the last piece leaves the origin in round `ceil(pieces / originRate)`, and must double until all have it. */
export function lastPieceRounds({ nodes, pieces, originRate }: RoundSwarm): number {
  return Math.ceil(pieces / originRate) - 1 + doublingsTo(nodes / originRate + 1);
}

/** How often 1 must double to be at least `count`. */
function doublingsTo(count: number): number {
  let doublings = 0;
  for (let reached = 1; reached < count; reached *= 2) doublings += 1;
  return doublings;
}
