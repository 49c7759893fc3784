// Judges a change by simulated time and counters: the runs of now against those of a baseline, seed for seed the same.
// Never looks at wall time, whose noise alone fails every second run on shared machines.
import { assert } from "../../protocol/machine.ts";
import { median, medianDeviation } from "./statistics.ts";
import type { SeedResult, SizeSummary } from "./summary.ts";

/** Ten seeds, always the same ones: what is left of chance between two runs is what the change itself did. */
export const GATE_SEEDS: readonly number[] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10];

/** A change of policy draws other random numbers and moves every median a little: less than this means nothing. */
const ALLOWED_SHARE = 0.01;
/** Three deviations of a mean of ten, with the median deviation for one deviation. */
const DEVIATIONS_ALLOWED = 3;
/** Figures that must not change at all may still be rounded otherwise. */
const ROUNDING_SHARE = 1e-9;

/** What is compared, by the name it has in a {@link SeedResult}; of each, less is better. */
export const GATED_NAMES = [
  "p50Seconds",
  "healthyP95Seconds",
  "p99Seconds",
  "lastSeconds",
  "originBytesOverSize",
  "receivedBytesOverSize",
  "crossZoneBytesOverIdeal",
] as const satisfies readonly (keyof SeedResult)[];

export type GatedName = (typeof GATED_NAMES)[number];

/** By metric, one value per seed in the order of the seeds; absent when a scenario has no such figure. */
export type SizeFigures = Readonly<Partial<Record<GatedName, readonly number[]>>>;

/** One scenario's figures, by fleet size. */
export interface ScenarioBaseline {
  /** Of everything that the figures depend on but the program itself. */
  readonly scenarioHash: string;
  readonly seeds: readonly number[];
  readonly sizes: Readonly<Record<string, SizeFigures>>;
}

export interface GateRow {
  readonly nodes: number;
  readonly metric: GatedName;
  /** Medians; null when only the other side has the figure. */
  readonly before: number | null;
  readonly now: number | null;
  /** Relative: 0.02 is 2 % more than before. Null without both sides. */
  readonly change: number | null;
  /** How much either way is taken for chance. */
  readonly allowed: number;
  /** The same of each seed, in the order of the seeds. */
  readonly changePerSeed: readonly number[];
  /** Better is no reason to pass: the baseline would stay behind, and hide the next loss. */
  readonly verdict: "same" | "worse" | "better" | "gone" | "new";
}

/** What a baseline keeps of the runs of now. */
export function figuresOf(sizes: readonly SizeSummary[]): Readonly<Record<string, SizeFigures>> {
  return Object.fromEntries(sizes.map(({ nodes, perSeed }) => [String(nodes), sizeFigures(perSeed)]));
}

/** One row per fleet size and metric, sizes ascending. */
export function compareWithBaseline(
  now: Readonly<Record<string, SizeFigures>>,
  before: Readonly<Record<string, SizeFigures>>,
): readonly GateRow[] {
  const sizes = [...new Set([...Object.keys(before), ...Object.keys(now)])].toSorted((a, b) => +a - +b);
  return sizes.flatMap((size) =>
    GATED_NAMES.flatMap((metric) => {
      const sides = { before: before[size]?.[metric] ?? null, now: now[size]?.[metric] ?? null };
      return sides.before === null && sides.now === null ? [] : [compare(Number(size), metric, sides)];
    }),
  );
}

interface Sides {
  readonly before: readonly number[] | null;
  readonly now: readonly number[] | null;
}

function compare(nodes: number, metric: GatedName, { before, now }: Sides): GateRow {
  if (before === null || now === null) {
    const verdict = before === null ? "new" : "gone";
    const medians = { before: before && median(before), now: now && median(now) };
    return { nodes, metric, ...medians, change: null, allowed: 0, changePerSeed: [], verdict };
  }
  assert(before.length === now.length, "both sides of a comparison have the same seeds");
  const medians = { before: median(before), now: median(now) };
  const change = relative(medians.before, medians.now);
  const changePerSeed = before.map((value, index) => relative(value, now[index] ?? value));
  const exact = isExact(metric, before);
  const allowed = exact ? 0 : allowedChange(before);
  const moved = exact ? Math.max(...changePerSeed) : change;
  const verdict = Math.abs(moved) <= allowed + ROUNDING_SHARE ? "same" : moved < 0 ? "better" : "worse";
  return { nodes, metric, ...medians, change, allowed, changePerSeed, verdict };
}

/** A fleet in which every byte came exactly once must go on like that, in every run. */
function isExact(metric: GatedName, before: readonly number[]): boolean {
  return metric === "receivedBytesOverSize" && before.every((value) => Math.abs(value - 1) <= ROUNDING_SHARE);
}

/** Relative. The baseline's own spread counts, so that a change cannot make its own excuse by spreading more. */
export function allowedChange(before: readonly number[]): number {
  const centre = median(before);
  if (centre === 0) return ALLOWED_SHARE;
  const spread = (DEVIATIONS_ALLOWED * medianDeviation(before)) / Math.sqrt(before.length) / Math.abs(centre);
  return Math.max(ALLOWED_SHARE, spread);
}

function relative(before: number, now: number): number {
  if (now === before) return 0;
  return before === 0 ? Number.MAX_VALUE : (now - before) / before;
}

function sizeFigures(perSeed: readonly SeedResult[]): SizeFigures {
  const figures = GATED_NAMES.map((name): readonly [GatedName, readonly (number | null)[]] => [
    name,
    perSeed.map((result) => result[name]),
  ]);
  return Object.fromEntries(figures.filter(([, values]) => !values.includes(null)));
}
