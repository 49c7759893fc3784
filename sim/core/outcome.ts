// What one simulated run came to, and what the runs of one fleet size come to together.
// Types only: the numbers are gathered in swarm-run.ts and summed up in summary.ts.

/** One run: one scenario, one fleet size, one seed. Times are simulated, from GO. */
export interface SwarmOutcome {
  readonly nodes: number;
  readonly seed: number;
  /** Nodes that stayed and never had everything; more than none is a broken promise. */
  readonly unfinished: number;
  /** When each node that stayed had everything, ascending. */
  readonly completedMs: Float64Array;
  /** The same, of nodes whose rates no fault lowered; all of them when there are none. */
  readonly healthyCompletedMs: Float64Array;
  readonly originBytes: number;
  /** By all nodes together, what came twice included. */
  readonly receivedBytes: number;
  /** Between zones, in all directions. */
  readonly crossZoneBytes: number;
  /** At even steps of simulated time: of all pieces, how many the rarest and the mean piece's holders are. */
  readonly availability: readonly AvailabilitySample[];
  readonly events: number;
  /** 16 hexadecimal digits over every event in order: equal for equal runs, on every machine. */
  readonly traceHash: string;
}

export interface AvailabilitySample {
  readonly atMs: number;
  /** Holders among the nodes of the rarest piece, of the piece in the middle, and of the commonest. */
  readonly copiesMin: number;
  readonly copiesMedian: number;
  readonly copiesMax: number;
  /** Pieces held, of all nodes together, 0 to 1. */
  readonly doneShare: number;
}
