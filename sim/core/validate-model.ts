// Whether the simplest model of a swarm agrees with theory: no run beats a bound, and textbook policies take as long as
// published. Returns rows to show; what to do about a failed one is the caller's business.
import { runBinomialPipeline } from "./binomial-pipeline.ts";
import { type Bounds, beatsBound, fleetBounds } from "./bounds.ts";
import { completeOverlay, type Overlay, shippedOverlay } from "./overlay.ts";
import { type RoundsSetup, runRounds } from "./rounds.ts";

/** One thing that was checked. Both figures have the same unit, which the name tells. */
export interface CheckRow {
  readonly name: string;
  readonly measured: number;
  readonly expected: number;
  /** How `measured` must stand to `expected`. */
  readonly relation: "equal" | "at least" | "at most";
  /** By which part of `expected` it may miss that. */
  readonly tolerance: number;
  readonly ok: boolean;
}

type Check = Omit<CheckRow, "ok" | "tolerance"> & { readonly tolerance?: number };

/** Judges one check; without a tolerance only rounding is forgiven. */
export function checkRow({ tolerance = 0, ...check }: Check): CheckRow {
  const slack = check.expected * tolerance;
  const isBelow = beatsBound(check.measured, check.expected - slack);
  const isAbove = beatsBound(check.expected + slack, check.measured);
  const { relation } = check;
  const ok = !(isBelow && relation !== "at most") && !(isAbove && relation !== "at least");
  return { ...check, tolerance, ok };
}

/** That a run of any model did not beat the bounds of its fleet, in seconds. */
export function boundRow(name: string, lastSeconds: number, bounds: Bounds): CheckRow {
  return checkRow({
    name: `${name}: last node, s, not before ${bounds.binding}`,
    measured: lastSeconds,
    expected: bounds.hardSeconds,
    relation: "at least",
  });
}

interface Size {
  readonly nodeCount: number;
  readonly pieceCount: number;
}

type RoundsPolicy = Pick<RoundsSetup, "picking" | "superSeeding" | "downloadsPerRound"> & {
  readonly name: string;
  readonly overlayOf: (nodeCount: number, seed: number) => Overlay;
};

const RANDOM: RoundsPolicy = {
  name: "random piece, complete graph",
  picking: "random",
  superSeeding: false,
  downloadsPerRound: 1,
  overlayOf: completeOverlay,
};
const GLOBAL_RAREST: RoundsPolicy = {
  name: "global rarest, complete graph",
  picking: "global-rarest",
  superSeeding: false,
  downloadsPerRound: 2,
  overlayOf: completeOverlay,
};
const LOCAL_RAREST: RoundsPolicy = {
  name: "local rarest, shipped graph",
  picking: "local-rarest",
  superSeeding: false,
  downloadsPerRound: 2,
  overlayOf: shippedOverlay,
};
const SUPER_SEEDING: RoundsPolicy = {
  ...LOCAL_RAREST,
  name: "local rarest, super-seeding, shipped graph",
  superSeeding: true,
};

const SEEDS: readonly number[] = [1, 2, 3];
const SMALL_SIZES: readonly Size[] = [
  { nodeCount: 1, pieceCount: 16 },
  { nodeCount: 2, pieceCount: 1 },
  { nodeCount: 5, pieceCount: 7 },
  { nodeCount: 31, pieceCount: 32 },
  { nodeCount: 100, pieceCount: 64 },
];
const USUAL_SIZE: Size = { nodeCount: 255, pieceCount: 128 };

/** Level 1: whatever the policy of the model in rounds, the fastest of three runs does not beat the bounds. */
export function validateBounds(): readonly CheckRow[] {
  return [RANDOM, GLOBAL_RAREST, LOCAL_RAREST, SUPER_SEEDING].flatMap((policy) =>
    [...SMALL_SIZES, USUAL_SIZE].map((size) => {
      const fastest = Math.min(...roundsOf(policy, size));
      return boundRow(`${policy.name}, ${told(size)}, a round a second`, fastest, roundBounds(size));
    }),
  );
}

/** Level 2: the model in rounds gives what is proven, or published and measured elsewhere, for known policies. */
export function validateRounds(): readonly CheckRow[] {
  return [...pipelineRows(), ...randomRows(), ...rarestRows()];
}

function pipelineRows(): CheckRow[] {
  const dimensions = [1, 2, 3, 5, 8, 10];
  return dimensions.flatMap((dimension) =>
    [1, 16, 128].map((pieceCount) => {
      const size = { nodeCount: 2 ** dimension - 1, pieceCount };
      return checkRow({
        name: `binomial pipeline, ${told(size)}: rounds`,
        measured: runBinomialPipeline(dimension, pieceCount),
        expected: roundBounds(size).hardSeconds,
        relation: "equal",
      });
    }),
  );
}

/** Ganesan and Seshadri 2005 fitted `1.01 k + 4.4 log2 n + 3.2` rounds; k pieces, n nodes with the origin. */
function randomRows(): CheckRow[] {
  const sizes = [USUAL_SIZE, { nodeCount: 63, pieceCount: 256 }, { nodeCount: 511, pieceCount: 256 }];
  return sizes.map((size) =>
    checkRow({
      name: `${RANDOM.name}, ${told(size)}: rounds`,
      measured: mean(roundsOf(RANDOM, size)),
      expected: 1.01 * size.pieceCount + 4.4 * Math.log2(size.nodeCount + 1) + 3.2,
      relation: "equal",
      tolerance: 0.05,
    }),
  );
}

function rarestRows(): CheckRow[] {
  const overBound = (policy: RoundsPolicy): number =>
    mean(roundsOf(policy, USUAL_SIZE)) / roundBounds(USUAL_SIZE).hardSeconds;
  const limits: readonly [RoundsPolicy, Pick<CheckRow, "relation" | "expected">][] = [
    [GLOBAL_RAREST, { relation: "at most", expected: 1.02 }],
    [SUPER_SEEDING, { relation: "at most", expected: 1.06 }],
    [LOCAL_RAREST, { relation: "at least", expected: 1.1 }],
  ];
  return limits.map(([policy, limit]) =>
    checkRow({
      name: `${policy.name}, ${told(USUAL_SIZE)}: rounds over B4`,
      measured: overBound(policy),
      ...limit,
    }),
  );
}

/** Rounds of one run per seed. */
function roundsOf(policy: RoundsPolicy, { nodeCount, pieceCount }: Size): number[] {
  const { overlayOf } = policy;
  return SEEDS.map(
    (seed) => runRounds({ ...policy, overlay: overlayOf(nodeCount, seed), pieceCount, seed }).rounds,
  );
}

/** The bounds of a fleet that takes a second for a piece, so that seconds are rounds. */
function roundBounds({ nodeCount, pieceCount }: Size): Bounds {
  const ones = new Float64Array(nodeCount).fill(1);
  return fleetBounds({
    artifactBytes: pieceCount,
    pieceCount,
    origin: { upBytesPerSecond: 1, zone: 0 },
    nodes: { up: ones, down: ones, zone: new Uint16Array(nodeCount) },
    zones: [{ name: "all", bytesPerSecond: null }],
  });
}

function told({ nodeCount, pieceCount }: Size): string {
  return `${nodeCount} × ${pieceCount}`;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
