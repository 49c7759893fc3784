// Sums up the runs of one fleet size, one run per seed: each figure is the median over the seeds.
// Pure arithmetic over outcomes and bounds; whether a figure is good or possible is judged elsewhere.
import { assert } from "../../protocol/machine.ts";
import type { Bounds } from "./bounds.ts";
import type { SwarmOutcome } from "./outcome.ts";
import type { SizeResult } from "./report-data.ts";
import { median, quantile } from "./statistics.ts";

/** One run and the bounds of the very fleet it had: faults are drawn from its seed. */
export interface BoundedOutcome {
  readonly outcome: SwarmOutcome;
  readonly bounds: Bounds;
}

/** What one seed came to. Simulated seconds from GO, percentiles by nearest rank over the nodes that stayed. */
export interface SeedResult {
  readonly seed: number;
  readonly boundSeconds: number;
  readonly lastSeconds: number;
  readonly p50Seconds: number;
  readonly p95Seconds: number;
  readonly p99Seconds: number;
  /** Of nodes that no fault slowed down; null when there are none. */
  readonly healthyP95Seconds: number | null;
  /** What the origin sent over the artifact's size. */
  readonly originBytesOverSize: number;
  /** What all nodes received, doubles and the bytes of those that left included, over what those that stayed needed. */
  readonly receivedBytesOverSize: number;
  /** What crossed between zones over the least there can be; null when nothing had to. */
  readonly crossZoneBytesOverIdeal: number | null;
  readonly finishedNodes: number;
  readonly traceHash: string;
}

/** The runs of one fleet size. Figures that {@link SeedResult} has too are medians over the seeds. */
export interface SizeSummary extends SizeResult {
  readonly pieces: number;
  readonly p95Seconds: number;
  readonly p99OverP50: number;
  readonly healthyP95Seconds: number | null;
  readonly receivedBytesOverSize: number;
  readonly crossZoneBytesOverIdeal: number | null;
  /** Over the same scenario without faults; null when that was not simulated. */
  readonly p99OverClean: number | null;
  readonly healthyP95OverClean: number | null;
  /**
   * By how many piece-times at the slowest group's uplink the last node is later than in the next smaller fleet, for
   * each doubling in between: 1 in the ideal, whatever the size. Null for the smallest fleet.
   */
  readonly pieceTimesPerDoubling: number | null;
  readonly perSeed: readonly SeedResult[];
}

const QUANTILES = 101;

/** All of one fleet size, at least one; in each at least one node finished. */
export function summarise(runs: readonly BoundedOutcome[], artifact: ArtifactFacts): SizeSummary {
  const perSeed = runs.map((run) => resultOf(run, artifact.bytes));
  const typical = typicalRun(runs, perSeed);
  const { outcome, bounds } = typical;
  const over = (figure: (result: SeedResult) => number): number => median(perSeed.map(figure));
  return {
    nodes: outcome.nodes,
    pieces: artifact.pieces,
    boundSeconds: over(({ boundSeconds }) => boundSeconds),
    boundId: bounds.binding,
    clientServerSeconds: median(runs.map((run) => run.bounds.baselines.clientServerSeconds)),
    treeSeconds: median(runs.map((run) => run.bounds.baselines.treeSeconds)),
    chainSeconds: median(runs.map((run) => run.bounds.baselines.chainSeconds)),
    lastSeconds: over(({ lastSeconds }) => lastSeconds),
    p50Seconds: over(({ p50Seconds }) => p50Seconds),
    p95Seconds: over(({ p95Seconds }) => p95Seconds),
    p99Seconds: over(({ p99Seconds }) => p99Seconds),
    p99OverP50: over(({ p99Seconds, p50Seconds }) => p99Seconds / p50Seconds),
    lastOverBound: over(({ lastSeconds, boundSeconds }) => lastSeconds / boundSeconds),
    healthyP95Seconds: medianOfSome(perSeed, ({ healthyP95Seconds }) => healthyP95Seconds),
    originBytesOverSize: over(({ originBytesOverSize }) => originBytesOverSize),
    receivedBytesOverSize: over(({ receivedBytesOverSize }) => receivedBytesOverSize),
    crossZoneBytesOverIdeal: medianOfSome(perSeed, ({ crossZoneBytesOverIdeal }) => crossZoneBytesOverIdeal),
    p99OverClean: null,
    healthyP95OverClean: null,
    pieceTimesPerDoubling: null,
    completionSeconds: Array.from(
      { length: QUANTILES },
      (_, percent) => quantile(outcome.completedMs, percent) / 1000,
    ),
    availability: outcome.availability,
    perSeed,
  };
}

export interface ArtifactFacts {
  readonly bytes: number;
  readonly pieces: number;
}

/** How much the faults of a scenario cost, told by a run of the same without any. */
export function compareWithClean(faulty: SizeSummary, clean: SizeSummary): SizeSummary {
  const { healthyP95Seconds } = faulty;
  return {
    ...faulty,
    p99OverClean: faulty.p99Seconds / clean.p99Seconds,
    healthyP95OverClean: healthyP95Seconds === null ? null : healthyP95Seconds / clean.p95Seconds,
  };
}

/** Sizes of one scenario, ascending, each told how much later it is than the one before. */
export function withSlopes(sizes: readonly SizeSummary[], pieceSeconds: number): readonly SizeSummary[] {
  return sizes.map((size, index) => {
    const smaller = sizes[index - 1];
    if (smaller === undefined) return size;
    const doublings = Math.log2(size.nodes / smaller.nodes);
    const later = (size.lastSeconds - smaller.lastSeconds) / pieceSeconds;
    return { ...size, pieceTimesPerDoubling: later / doublings };
  });
}

function resultOf({ outcome, bounds }: BoundedOutcome, artifactBytes: number): SeedResult {
  const { completedMs, healthyCompletedMs } = outcome;
  const ideal = bounds.baselines.idealCrossZoneBytes;
  const seconds = (percent: number): number => quantile(completedMs, percent) / 1000;
  return {
    seed: outcome.seed,
    boundSeconds: bounds.hardSeconds,
    lastSeconds: seconds(100),
    p50Seconds: seconds(50),
    p95Seconds: seconds(95),
    p99Seconds: seconds(99),
    healthyP95Seconds: healthyCompletedMs.length === 0 ? null : quantile(healthyCompletedMs, 95) / 1000,
    originBytesOverSize: outcome.originBytes / artifactBytes,
    receivedBytesOverSize: outcome.receivedBytes / (artifactBytes * completedMs.length),
    crossZoneBytesOverIdeal: ideal === 0 ? null : outcome.crossZoneBytes / ideal,
    finishedNodes: completedMs.length,
    traceHash: outcome.traceHash,
  };
}

/** The run whose last node was in the middle; of an even number, the faster of the two. */
function typicalRun(runs: readonly BoundedOutcome[], perSeed: readonly SeedResult[]): BoundedOutcome {
  const byLast = [...perSeed.keys()].toSorted((a, b) => lastOf(perSeed, a) - lastOf(perSeed, b) || a - b);
  const typical = runs[byLast[(byLast.length - 1) >> 1] ?? 0];
  assert(typical !== undefined, "a summary of no runs");
  return typical;
}

function lastOf(perSeed: readonly SeedResult[], index: number): number {
  return perSeed[index]?.lastSeconds ?? 0;
}

/** Null when a seed has no such figure. */
function medianOfSome(
  perSeed: readonly SeedResult[],
  figure: (result: SeedResult) => number | null,
): number | null {
  const known = perSeed.map(figure).filter((value) => value !== null);
  return known.length < perSeed.length ? null : median(known);
}
