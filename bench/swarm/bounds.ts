// The least time in which a swarm can finish, whatever it does: fluid bounds, and those that know of pieces.
// Arithmetic only.

export interface SwarmShape {
  /** Bytes of the artifact. */
  readonly artifactBytes: number;
  readonly pieceLength: number;
  /** Bytes per second that the origin can send. */
  readonly originBytesPerSecond: number;
  /** Bytes per second that each receiving node can send, and can receive. One entry per node. */
  readonly nodeBytesPerSecond: readonly number[];
}

/**
 * Seconds until the last node can be done: max(F/u_s, F/min d_i, N·F/(u_s + Σu_i)), the fluid optimum of R. Kumar and
 * K. W. Ross, "Peer-assisted file distribution: the minimum distribution time", IEEE HotWeb 2006.
 *
 * `receivers` are the nodes that must be done, all by default. The others help: they only add what they can send.
 */
export function fluidBound(shape: SwarmShape, receivers = shape.nodeBytesPerSecond): number {
  const { artifactBytes, originBytesPerSecond, nodeBytesPerSecond } = shape;
  const sendable = nodeBytesPerSecond.reduce((sum, rate) => sum + rate, originBytesPerSecond);
  return Math.max(
    artifactBytes / originBytesPerSecond,
    artifactBytes / Math.min(...receivers),
    (receivers.length * artifactBytes) / sendable,
  );
}

export interface PieceBound {
  readonly seconds: number;
  /** `exact`: an optimal schedule reaches it. `reference`: binds only when no piece moves faster than a node's rate. */
  readonly kind: "exact" | "reference";
}

/**
 * Seconds until the last node can be done when a node passes on whole pieces only. All links equal:
 * τ·(M + floor(log2 N)) for M pieces that take τ each, the optimum of J. Mundinger, R. Weber and G. Weiss, "Optimal
 * scheduling of peer-to-peer file dissemination", 2008. A faster origin, S times a node's rate: the smallest T with
 * Σ_{t≤T} (S + min(N, S(2^(t−1) − 1))) ≥ M·N, because who has a piece at most doubles. Null where neither holds:
 * nodes of different rates, or an origin slower than they are.
 */
export function pieceBound(shape: SwarmShape): PieceBound | null {
  const { artifactBytes, pieceLength, originBytesPerSecond, nodeBytesPerSecond } = shape;
  const [rate = 0] = nodeBytesPerSecond;
  const speedup = originBytesPerSecond / rate;
  if (nodeBytesPerSecond.some((other) => other !== rate) || !(speedup >= 1)) return null;
  const nodeCount = nodeBytesPerSecond.length;
  const pieceSeconds = pieceLength / rate;
  if (speedup === 1) {
    const ticks = artifactBytes / pieceLength + Math.floor(Math.log2(nodeCount));
    return { kind: "exact", seconds: ticks * pieceSeconds };
  }
  const ticks = rampTicks(artifactBytes / pieceLength, nodeCount, speedup);
  return { kind: "reference", seconds: ticks * pieceSeconds };
}

function rampTicks(pieceCount: number, nodeCount: number, speedup: number): number {
  const wanted = pieceCount * nodeCount;
  let sent = 0;
  let ticks = 0;
  for (let helpers = 0; helpers < nodeCount && sent < wanted; helpers = 2 * helpers + speedup) {
    sent += speedup + helpers;
    ticks += 1;
  }
  return sent >= wanted ? ticks : ticks + Math.ceil((wanted - sent) / (speedup + nodeCount));
}
