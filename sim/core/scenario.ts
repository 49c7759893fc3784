// What is simulated: an artifact, a fleet, its links, what goes wrong, and which policy moves the bytes.
// Types and defaults only; reading a scenario from a file or from flags is shell/scenario-file.ts and the command.

/** Nodes with the same links. */
export interface Group {
  readonly name: string;
  /** Part of the fleet, 0 to 1; all groups together make 1. */
  readonly share: number;
  readonly upBytesPerSecond: number;
  readonly downBytesPerSecond: number;
  /** Index into the scenario's zones. */
  readonly zone: number;
}

/** A rack, a site, a region: nodes behind one link to everywhere else. */
export interface Zone {
  readonly name: string;
  /** What that link carries each way; null when it never limits. */
  readonly bytesPerSecond: number | null;
}

export interface Origin {
  readonly upBytesPerSecond: number;
  readonly zone: number;
}

/** Shares are of the fleet, 0 to 1. Which nodes it hits is drawn from the seed. */
export interface Faults {
  /** Leave for good at a random time within the first bound: their connections close, as when a process is killed. */
  readonly leaveShare: number;
  /** The same, but nobody is told: a machine without power. Without it none. */
  readonly vanishShare?: number;
  /** Have `slowFactor` times their group's rates. */
  readonly slowShare: number;
  readonly slowFactor: number;
  /** Lose all their links every `flapEveryMs`, for `flapForMs`. */
  readonly flapShare: number;
  readonly flapEveryMs: number;
  readonly flapForMs: number;
  /** Start at a random time up to `lateByMs` after GO. */
  readonly lateShare: number;
  readonly lateByMs: number;
}

/** What a node spends on a piece before it counts and can be passed on. */
export interface PieceCost {
  readonly fixedMs: number;
  /** Hashing and writing. */
  readonly bytesPerSecond: number;
}

/** The control plane: how long a message takes, and how long the coordinator works on each. */
export interface Control {
  readonly delayMs: number;
  readonly serviceMs: number;
}

/** The policy that ships, and ways to cripple it, for comparison and to test the gate. */
export interface Policy {
  /** The origin lets every piece out once before it repeats any. */
  readonly injection: boolean;
  /** Rings of the peer graph, two links each; null as it ships. */
  readonly rings: number | null;
  /** Large fleets bring stripes along trees; otherwise everything is asked for. */
  readonly trees: boolean;
  readonly picking: "rarest" | "in-order";
  readonly endgame: boolean;
  /** The coordinator knows in which zone everybody is; without this it does. */
  readonly zones?: boolean;
}

/** Who stands where, as known of a real swarm. */
export interface Placement {
  /** The group of each node, by index, which is its rank. */
  readonly groups: readonly number[];
  /** What the graph is laid with: the number that the swarm had at its coordinator. */
  readonly graphSeed: number;
}

export interface Scenario {
  readonly name: string;
  readonly artifactBytes: number;
  /** How many pieces the model cuts it into. */
  readonly pieces: number;
  /** In how many blocks a piece travels, 1 to 16; without it 1, which is fastest. Real pieces have up to hundreds. */
  readonly blocksPerPiece?: number;
  /** Fleet sizes to simulate, ascending. */
  readonly sizes: readonly number[];
  readonly origin: Origin;
  readonly groups: readonly Group[];
  readonly zones: readonly Zone[];
  /** Without it, chance decides. */
  readonly placement?: Placement;
  /** Round trip between nodes of one zone, and between zones. */
  readonly rttMs: number;
  readonly zoneRttMs: number;
  /** What a message between nodes waits each way behind the blocks of busy links, in the mean; without it nothing. */
  readonly messageWaitMs?: number;
  /** Each node starts at a random time up to this after GO. */
  readonly startJitterMs: number;
  readonly pieceCost: PieceCost;
  readonly control: Control;
  readonly faults: Faults;
  readonly policy: Policy;
}

export const NO_FAULTS: Faults = {
  leaveShare: 0,
  slowShare: 0,
  slowFactor: 1,
  flapShare: 0,
  flapEveryMs: 0,
  flapForMs: 0,
  lateShare: 0,
  lateByMs: 0,
};

export const SHIPPED_POLICY: Policy = {
  injection: true,
  rings: null,
  trees: true,
  picking: "rarest",
  endgame: true,
};
