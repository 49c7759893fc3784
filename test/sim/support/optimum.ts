// The fewest rounds in which a tiny swarm can be done, found by trying everything.
// The one judge of the closed forms that shares nothing with them; hopeless beyond 16 node-and-piece pairs.

export interface TinySwarm {
  readonly nodes: number;
  readonly pieces: number;
  /** Pieces the origin sends in a round; every node sends one. */
  readonly originSlots: number;
  /** Pieces a node can take in a round. */
  readonly downloadsPerRound: number;
}

/** A state is a bit per node and piece: bit `node * pieces + piece` is set when the node has the piece. */
type State = number;

/** Breadth first over states, of those that differ only in the names of nodes and pieces one. */
export function optimumRounds(swarm: TinySwarm): number {
  const size = swarm.nodes * swarm.pieces;
  if (size > 16) throw new RangeError(`${size} node-and-piece pairs are too many to try everything`);
  const canonical = canonicalStates(swarm);
  const seen = new Set<State>([0]);
  let frontier: readonly State[] = [0];
  for (let rounds = 0; ; rounds++) {
    if (frontier.includes(2 ** size - 1)) return rounds;
    const next: State[] = [];
    for (const state of frontier)
      for (const successor of successors(state, swarm)) {
        const one = canonical[successor] ?? 0;
        if (seen.has(one)) continue;
        seen.add(one);
        next.push(one);
      }
    frontier = next;
  }
}

/** Every state that one round can lead to; sending nothing is a choice too. */
function successors(state: State, swarm: TinySwarm): ReadonlySet<State> {
  const allPieces = 2 ** swarm.pieces - 1;
  const reached = new Set<State>([state]);
  for (let slot = 0; slot < swarm.originSlots; slot++)
    spread(state, reached, { swarm, sends: allPieces, from: -1 });
  for (let from = 0; from < swarm.nodes; from++) {
    const sends = (state >>> (from * swarm.pieces)) & allPieces;
    spread(state, reached, { swarm, sends, from });
  }
  return reached;
}

interface Turn {
  readonly swarm: TinySwarm;
  /** The pieces the sender had when the round began. */
  readonly sends: number;
  /** The sending node; -1 for the origin. */
  readonly from: number;
}

/** Adds to the states reached within a round those that one more sender's turn leads to. */
function spread(start: State, reached: Set<State>, { swarm, sends, from }: Turn): void {
  const { nodes, pieces, downloadsPerRound } = swarm;
  for (const state of [...reached])
    for (let to = 0; to < nodes; to++) {
      const taken = ((state ^ start) >>> (to * pieces)) & (2 ** pieces - 1);
      if (to === from || countBits(taken) >= downloadsPerRound) continue;
      for (let piece = 0; piece < pieces; piece++)
        if ((sends & (1 << piece)) !== 0) reached.add(state | (1 << (to * pieces + piece)));
    }
}

/** For each state, the smallest of those it becomes when nodes or pieces change names. */
function canonicalStates({ nodes, pieces }: TinySwarm): Int32Array {
  const renamings = permutations(nodes).flatMap((nodeNames) =>
    permutations(pieces).map((pieceNames) =>
      nodeNames.flatMap((node) => pieceNames.map((piece) => node * pieces + piece)),
    ),
  );
  const canonical = new Int32Array(2 ** (nodes * pieces)).fill(-1);
  for (const state of canonical.keys()) {
    if (canonical[state] !== -1) continue;
    for (const renaming of renamings) canonical[renamed(state, renaming)] = state;
  }
  return canonical;
}

function renamed(state: State, renaming: readonly number[]): State {
  let result = 0;
  for (const [bit, target] of renaming.entries()) if ((state & (1 << bit)) !== 0) result |= 1 << target;
  return result;
}

function permutations(count: number): number[][] {
  if (count === 0) return [[]];
  return permutations(count - 1).flatMap((shorter) =>
    Array.from({ length: count }, (_, place) => shorter.toSpliced(place, 0, count - 1)),
  );
}

function countBits(word: number): number {
  let count = 0;
  for (let rest = word; rest !== 0; rest &= rest - 1) count += 1;
  return count;
}
