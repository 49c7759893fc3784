// What the model of a swarm leaves out, one sentence each, for whoever reads its numbers.
// Owns these words only: what the model has in it is scenario.ts.

export const NOT_MODELLED: readonly string[] = [
  "TCP: no slow start, congestion, loss or headers. A link carries one block after the other at its full rate.",
  "Messages among blocks: they take half a round trip and the wait that the scenario names, however busy a link is.",
  "The network between the links: only the nodes' own links and those of zones can be narrow.",
  "Blocks as small as real ones: a piece travels in at most 16, where a real one has up to hundreds.",
  "What else a machine does: hashing and writing take a time per piece, and nothing competes with them.",
  "What comes before the start: connecting, signatures, and the order to begin.",
  "Damaged pieces, hostile nodes, a coordinator that restarts, and nodes that restart with what they had.",
];
