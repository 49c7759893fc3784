// What a scenario's author expects of a run, such as `lastOverBound <= 1.05`, and whether it came true: absolute
// ceilings, which a slow drift cannot pass as it can pass a comparison with yesterday.
import type { SizeSummary } from "./summary.ts";

/** What can be expected something of, and what it is in a few words. */
export const METRICS = {
  lastSeconds: "seconds until the last node has everything",
  p50Seconds: "seconds until half of the nodes have everything",
  p95Seconds: "seconds until 95 % of them have",
  p99Seconds: "seconds until 99 % of them have",
  healthyP95Seconds: "seconds until 95 % of the nodes that no fault slowed have everything",
  lastOverBound: "the last node over the least time possible",
  p99OverP50: "how far the nodes are apart",
  originBytesOverSize: "what the origin sent over the artifact's size",
  receivedBytesOverSize: "what a node received over the artifact's size",
  crossZoneBytesOverIdeal: "what crossed between zones over the least possible",
  p99OverClean: "p99Seconds over the same without faults",
  healthyP95OverClean: "healthyP95Seconds over p95Seconds of the same without faults",
  pieceTimesPerDoubling: "by how many piece-times the last node is later for each doubling of the fleet",
} as const satisfies Partial<Record<keyof SizeSummary, string>>;

export type MetricName = keyof typeof METRICS;
export const METRIC_NAMES = Object.keys(METRICS) as readonly MetricName[];

export const OPERATORS = ["<=", ">=", "<", ">"] as const;
export type Operator = (typeof OPERATORS)[number];

export interface Ceiling {
  readonly metric: MetricName;
  readonly operator: Operator;
  readonly limit: number;
  /** The fleet size it is for; null for all that have no ceiling of their own on the metric. */
  readonly nodes: number | null;
}

export interface CeilingResult {
  readonly ceiling: Ceiling;
  /** Null when it is about all sizes and no size has the metric. */
  readonly nodes: number | null;
  /** Null when the metric was not measured, which is never as expected. */
  readonly value: number | null;
  readonly ok: boolean;
}

/** Metrics that need the scenario to be run without its faults too. */
export function needsClean(ceilings: readonly Ceiling[]): boolean {
  return ceilings.some(({ metric }) => metric === "p99OverClean" || metric === "healthyP95OverClean");
}

/** One result for each fleet size that a ceiling is about. */
export function checkCeilings(
  ceilings: readonly Ceiling[],
  sizes: readonly SizeSummary[],
): readonly CeilingResult[] {
  return ceilings.flatMap((ceiling): readonly CeilingResult[] => {
    const about = sizes.filter((size) => isAbout(ceiling, size, ceilings));
    const results = about
      .map(({ nodes, [ceiling.metric]: value }) => ({ ceiling, nodes, value, ok: holds(ceiling, value) }))
      // The smallest fleet has none to be compared with: that a general ceiling says nothing of it is no failure.
      .filter(({ value }) => value !== null || ceiling.nodes !== null);
    if (results.length > 0 || about.length === 0) return results;
    return [{ ceiling, nodes: ceiling.nodes, value: null, ok: false }];
  });
}

/** `lastOverBound <= 1.05`, with ` at 1000 nodes` when it is for one size. */
export function ceilingText({ metric, operator, limit, nodes }: Ceiling): string {
  return `${metric} ${operator} ${limit}${nodes === null ? "" : ` at ${nodes} nodes`}`;
}

function isAbout(ceiling: Ceiling, size: SizeSummary, all: readonly Ceiling[]): boolean {
  if (ceiling.nodes !== null) return ceiling.nodes === size.nodes;
  return !all.some(({ metric, nodes }) => metric === ceiling.metric && nodes === size.nodes);
}

function holds({ operator, limit }: Ceiling, value: number | null): boolean {
  if (value === null) return false;
  switch (operator) {
    case "<=":
      return value <= limit;
    case ">=":
      return value >= limit;
    case "<":
      return value < limit;
    case ">":
      return value > limit;
  }
}
