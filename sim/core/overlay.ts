// Who may send to whom in the model of rounds: everyone to everyone, or the graph that ships.
// Ranks and lists only; who does send, and what, is rounds.ts.
import { buildGraph, linksToOrigin } from "../../coordinator/core/graph.ts";

/** Nodes each may send to, by rank; the last entry is the origin's, which only sends. */
export type Overlay = readonly Int32Array[];

/** Everyone may send to everyone. */
export function completeOverlay(nodeCount: number): Overlay {
  const ranks = Int32Array.from({ length: nodeCount }, (_, rank) => rank);
  return [...Array.from(ranks, (rank) => ranks.filter((other) => other !== rank)), ranks];
}

/** The peer graph and the origin's links as they ship. */
export function shippedOverlay(nodeCount: number, seed: number): Overlay {
  const graph = buildGraph(nodeCount, seed);
  const ranks = [...graph.keys()];
  return [
    ...ranks.map((rank) => Int32Array.from(graph.get(rank) ?? []).sort()),
    Int32Array.from(ranks.filter((rank) => linksToOrigin(rank, nodeCount))),
  ];
}
