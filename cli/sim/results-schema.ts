// results.json of `fleet sim run`: what it says and the schema that documents it. Pure.
// Every figure is simulated: seconds are counted from GO, percentiles are by nearest rank over the nodes that stayed.
import { ARTIFACT_BYTES_MAX, NODES_MAX, PIECES_MAX } from "../../protocol/limits.ts";
import {
  flag,
  type Infer,
  integer,
  list,
  literal,
  nullable,
  object,
  real,
  text,
} from "../../protocol/schema.ts";
import { METRIC_NAMES, OPERATORS } from "../../sim/core/expectations.ts";
import type { Scenario } from "../../sim/core/scenario.ts";
import type { Study, StudyResult } from "../../sim/core/study.ts";
import { BLOCKS_PER_PIECE_MAX } from "../../sim/core/swarm-events.ts";
import { FLEET_VERSION } from "../version.ts";
import { SEEDS_MAX } from "./quantities.ts";
import { scenarioHash } from "./scenario-hash.ts";

const LIST_MAX = 100_000;
const QUANTILES = 101;
const seconds = real(0, 1e12);
const ratio = real(0, 1e12);
const rate = real(0, 1e12);
const share = real(0, 1);
const millis = real(0, 1e12);
const name = text({ min: 1, max: 64 });
const zone = integer(0, LIST_MAX);
const seed = integer(0);
const seeds = list(seed, SEEDS_MAX, 1);
const traceHash = text({ min: 16, max: 16, pattern: /^[0-9a-f]{16}$/ });

const scenarioSchema = object({
  name,
  artifactBytes: integer(1, ARTIFACT_BYTES_MAX),
  pieces: integer(1, PIECES_MAX),
  blocksPerPiece: integer(1, BLOCKS_PER_PIECE_MAX),
  sizes: list(integer(1, NODES_MAX), LIST_MAX, 1),
  origin: object({ upBytesPerSecond: rate, zone }),
  groups: list(object({ name, share, upBytesPerSecond: rate, downBytesPerSecond: rate, zone }), LIST_MAX, 1),
  zones: list(object({ name, bytesPerSecond: nullable(rate) }), LIST_MAX, 1),
  rttMs: millis,
  zoneRttMs: millis,
  messageWaitMs: millis,
  startJitterMs: millis,
  pieceCost: object({ fixedMs: millis, bytesPerSecond: rate }),
  control: object({ delayMs: millis, serviceMs: millis }),
  faults: object({
    leaveShare: share,
    vanishShare: share,
    slowShare: share,
    slowFactor: share,
    flapShare: share,
    flapEveryMs: millis,
    flapForMs: millis,
    lateShare: share,
    lateByMs: millis,
  }),
  policy: object({
    injection: flag,
    rings: nullable(integer(1)),
    trees: flag,
    picking: literal("rarest", "in-order"),
    endgame: flag,
  }),
});

/** Both what one seed came to and the median over the seeds. */
const figures = {
  boundSeconds: seconds,
  lastSeconds: seconds,
  p50Seconds: seconds,
  p95Seconds: seconds,
  p99Seconds: seconds,
  healthyP95Seconds: nullable(seconds),
  originBytesOverSize: ratio,
  receivedBytesOverSize: ratio,
  crossZoneBytesOverIdeal: nullable(ratio),
};

const sizeSchema = object({
  nodes: integer(1, NODES_MAX),
  pieces: integer(1, PIECES_MAX),
  ...figures,
  boundId: text({ min: 2, max: 2 }),
  clientServerSeconds: seconds,
  treeSeconds: seconds,
  chainSeconds: seconds,
  lastOverBound: ratio,
  p99OverP50: ratio,
  p99OverClean: nullable(ratio),
  healthyP95OverClean: nullable(ratio),
  pieceTimesPerDoubling: nullable(real(-1e12, 1e12)),
  completionSeconds: list(seconds, QUANTILES, QUANTILES),
  availability: list(
    object({
      atMs: millis,
      copiesMin: integer(0, NODES_MAX),
      copiesMedian: integer(0, NODES_MAX),
      copiesMax: integer(0, NODES_MAX),
      doneShare: share,
    }),
    LIST_MAX,
  ),
  perSeed: list(object({ seed, ...figures, finishedNodes: integer(0, NODES_MAX), traceHash }), SEEDS_MAX, 1),
});

export const expectationSchema = object({
  metric: literal(...METRIC_NAMES),
  operator: literal(...OPERATORS),
  limit: real(0, 1e12),
  /** Null when no fleet size has the figure. */
  nodes: nullable(integer(1, NODES_MAX)),
  value: nullable(real(-1e12, 1e12)),
  ok: flag,
});

export const simResultsSchema = object({
  kind: literal("sim-results"),
  /** Changes when a field changes its meaning or goes; new fields may come. */
  schemaVersion: literal(1),
  /** Of the program that simulated. */
  version: text({ max: 64 }),
  /** Gives the same numbers again. */
  command: text({ max: 10_000 }),
  scenario: scenarioSchema,
  scenarioHash: text({ min: 16, max: 16 }),
  seeds,
  /** Ascending by nodes. */
  sizes: list(sizeSchema, LIST_MAX),
  expectations: list(expectationSchema, LIST_MAX),
  /** Bounds that were beaten and promises that were broken: with one, no figure here can be believed. */
  violations: list(text({ max: 10_000 }), LIST_MAX),
});
export type SimResults = Infer<typeof simResultsSchema>;

export function simResults({ scenario, seeds }: Study, result: StudyResult, command: string): SimResults {
  return {
    kind: "sim-results",
    schemaVersion: 1,
    version: FLEET_VERSION,
    command,
    scenario: withDefaults(scenario),
    scenarioHash: scenarioHash(scenario),
    seeds,
    sizes: result.sizes,
    expectations: expectationsOf(result),
    violations: result.violations,
  };
}

function withDefaults(scenario: Scenario): SimResults["scenario"] {
  return { blocksPerPiece: 1, messageWaitMs: 0, ...scenario, faults: { vanishShare: 0, ...scenario.faults } };
}

export function expectationsOf({ ceilings }: StudyResult): readonly Infer<typeof expectationSchema>[] {
  return ceilings.map(({ ceiling: { metric, operator, limit }, nodes, value, ok }) => ({
    ...{ metric, operator, limit },
    ...{ nodes, value, ok },
  }));
}
