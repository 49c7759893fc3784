// The least time in which a swarm can copy F bytes to N nodes, whatever it does. Pure.

export interface FluidRates {
  /** Bytes per second that each node can receive, and can send. */
  readonly nodeBytesPerSecond: number;
  /** Bytes per second that the coordinator can send. */
  readonly originBytesPerSecond: number;
}

/**
 * Seconds: max(F/u_s, F/d, N·F/(u_s + N·u)), with all nodes equal (u = d). Every byte must leave the origin
 * once, a node takes F/d to receive it, and all uplinks together must carry N·F. The fluid optimum of R. Kumar
 * and K. W. Ross, "Peer-assisted file distribution: the minimum distribution time", IEEE HotWeb 2006.
 */
export function fluidBoundSeconds(artifactBytes: number, nodeCount: number, rates: FluidRates): number {
  const { nodeBytesPerSecond, originBytesPerSecond } = rates;
  return Math.max(
    artifactBytes / originBytesPerSecond,
    artifactBytes / nodeBytesPerSecond,
    (nodeCount * artifactBytes) / (originBytesPerSecond + nodeCount * nodeBytesPerSecond),
  );
}
