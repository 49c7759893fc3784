// One plot for each chart of a report, from the results of all fleet sizes.
// Must show what was simulated and nothing else: a curve without a number at a fleet size has no point there.
import type { AvailabilitySample } from "../core/outcome.ts";
import type { SizeResult } from "../core/report-data.ts";
import {
  formatCount,
  formatNodes,
  formatRatio,
  formatRoundSeconds,
  formatSeconds,
  logTimeTicks,
  roundTicks,
  timeTicks,
} from "./figures.ts";
import { PALETTE, RAMP } from "./palette.ts";
import type { Axis, Line, Note, Plot, Point } from "./plot.ts";

export function timePlot(sizes: readonly SizeResult[]): Plot {
  const curve = (
    name: string,
    seconds: (size: SizeResult) => number,
    style: Pick<Line, "ink" | "widthPx" | "isDashed" | "hasDots" | "endLabelSide">,
  ): readonly Line[] => {
    const points = sizes
      .map((size): Point => [size.nodes, seconds(size)])
      .filter(([, y]) => Number.isFinite(y));
    const end = points.at(-1);
    return end === undefined ? [] : [{ name, points, endLabel: formatSeconds(end[1]), ...style }];
  };
  const isAlone = sizes.length === 1;
  const lines = [
    ...curve("origin alone", ({ clientServerSeconds }) => clientServerSeconds, {
      ink: PALETTE.originAlone,
      hasDots: isAlone,
    }),
    ...curve("binary tree", ({ treeSeconds }) => treeSeconds, { ink: PALETTE.tree, hasDots: isAlone }),
    ...curve("swarm", ({ lastSeconds }) => lastSeconds, {
      ink: PALETTE.swarm,
      widthPx: 3,
      hasDots: true,
      endLabelSide: "above",
    }),
    ...curve("bound", ({ boundSeconds }) => boundSeconds, {
      ink: PALETTE.bound,
      isDashed: true,
      hasDots: isAlone,
      endLabelSide: "below",
    }),
  ];
  return { x: nodesAxis(sizes), y: timeAxis(lines, "time"), lines };
}

/** From here on the small times would lie flat on the axis. */
const LOG_FROM_SPAN = 20;
const LINEAR_TICKS = 6;

function timeAxis(lines: readonly Line[], name: string): Axis {
  const seconds = lines.flatMap(({ points }) => points.map(([, y]) => y));
  const min = Math.min(...seconds);
  const max = Math.max(...seconds);
  if (max / min <= LOG_FROM_SPAN) return fromZero(timeTicks(max, LINEAR_TICKS), name, formatRoundSeconds);
  const [low, high] = widened(min, max, 0.14);
  return {
    name: `${name} (logarithmic)`,
    min: low,
    max: high,
    isLog: true,
    ticks: logTimeTicks(low, high),
    format: formatRoundSeconds,
  };
}

/** Adds to both ends of a logarithmic axis that share of its length: room for what is written there. */
function widened(min: number, max: number, share: number): readonly [number, number] {
  const factor = (max / min) ** share;
  return [min / factor, max * factor];
}

/** The sizes that were simulated are its ticks. */
function nodesAxis(sizes: readonly SizeResult[]): Axis {
  const counts = sizes.map(({ nodes }) => nodes);
  const [min, max] = [Math.min(...counts), Math.max(...counts)];
  const [low, high] = min === max ? [min / 2, max * 2] : widened(min, max, 0.04);
  return {
    name: "nodes (logarithmic)",
    min: low,
    max: high,
    isLog: true,
    ticks: counts,
    format: formatCount,
  };
}

export function completionPlot(sizes: readonly SizeResult[]): Plot {
  const shown = spread(sizes, RAMP.length);
  const lines = shown.map((size, index): Line => {
    const { completionSeconds, boundSeconds } = size;
    const step = shown.length === 1 ? 1 : index / (shown.length - 1);
    return {
      // What is counted is said once, after the last.
      name: index < shown.length - 1 ? formatCount(size.nodes) : formatNodes(size.nodes),
      points: completionSeconds.map((seconds, percent): Point => [seconds / boundSeconds, percent / 100]),
      ink: RAMP[Math.round(step * (RAMP.length - 1))] ?? PALETTE.swarm,
    };
  });
  const times = lines.flatMap(({ points }) => points.map(([x]) => x));
  const ticks = roundTicks(Math.min(1, ...times), Math.max(1, ...times), LINEAR_TICKS);
  return {
    x: {
      name: "time from the start, over the least time possible",
      min: ticks[0] ?? 0,
      max: ticks.at(-1) ?? 1,
      ticks,
      format: (ratio) => (ratio === 1 ? "1 = bound" : String(ratio)),
    },
    y: fromZero([0, 0.25, 0.5, 0.75, 1], "nodes that have it", (share) => `${share * 100} %`),
    lines,
    rules: [{ along: "x", value: 1 }],
    hasLegend: true,
  };
}

export function originPlot(sizes: readonly SizeResult[]): Plot {
  const points = sizes.map(({ nodes, originBytesOverSize }): Point => [nodes, originBytesOverSize]);
  const most = Math.max(...points.map(([, y]) => y));
  const ticks = roundTicks(0, Math.max(2, most * 1.15), LINEAR_TICKS);
  return {
    x: nodesAxis(sizes),
    y: fromZero(ticks, "sent, as times the artifact's size", (value) => String(value)),
    lines: [
      {
        name: "origin",
        points,
        ink: PALETTE.swarm,
        widthPx: 3,
        hasDots: true,
        pointLabels: points.map(([, y]) => formatRatio(y)),
      },
    ],
    rules: [{ along: "y", value: 1, text: "one copy" }],
  };
}

/** More than there are pixels to tell them apart. */
const SAMPLES_SHOWN = 200;

export function availabilityPlot({ nodes, availability, completionSeconds }: SizeResult): Plot {
  const endMs = 1000 * (completionSeconds.at(-1) ?? 0);
  const samples = spread(
    availability.filter(({ atMs }, index) => index < 2 || atMs <= endMs * 1.05),
    SAMPLES_SHOWN,
  );
  const over = (copies: (sample: AvailabilitySample) => number): readonly Point[] =>
    samples.map((sample): Point => [sample.atMs / 1000, copies(sample)]);
  const low = over(({ copiesMin }) => copiesMin);
  const middle = over(({ copiesMedian }) => copiesMedian);
  const high = over(({ copiesMax }) => copiesMax);
  const x = fromZero(
    timeTicks(Math.max(0, ...low.map(([at]) => at)), LINEAR_TICKS),
    "time from the start",
    formatRoundSeconds,
  );
  const ink = PALETTE.swarm;
  return {
    x,
    y: fromZero(roundTicks(0, nodes, LINEAR_TICKS), "nodes that have the piece", formatCount),
    bands: [{ name: "pieces", low, high, ink }],
    lines: [{ name: "piece in the middle", points: middle, ink }],
    notes: [
      ...noteBeside(high, x, { share: 0.75, text: "commonest piece", rightUntil: 0.36 }),
      ...noteBeside(middle, x, { share: 0.5, text: "piece in the middle", rightUntil: 0.25 }),
      ...noteBeside(low, x, { share: 0.25, text: "rarest piece", rightUntil: 0.64 }),
    ],
  };
}

interface Wording {
  /** Of the curve's end: at what height the words stand. */
  readonly share: number;
  readonly text: string;
  /** Share of the axis up to which they stand right of the curve: so they have room. */
  readonly rightUntil: number;
}

/** Beside where the curve first gets so high; one that never rises has none. */
function noteBeside(
  points: readonly Point[],
  x: Axis,
  { share, text, rightUntil }: Wording,
): readonly Note[] {
  const height = share * (points.at(-1)?.[1] ?? 0);
  const index = points.findIndex(([, y]) => y > 0 && y >= height);
  const above = points[index];
  if (above === undefined) return [];
  const at = crossing(points[index - 1] ?? above, above, height);
  return [{ at, text, ink: PALETTE.swarm, side: at[0] / x.max < rightUntil ? "right" : "left" }];
}

/** Where the line from one point to a higher one is at a height. A curve may rise from nothing to all in one step. */
function crossing([x, y]: Point, [aboveX, aboveY]: Point, height: number): Point {
  if (aboveY === y) return [aboveX, aboveY];
  return [x + ((height - y) / (aboveY - y)) * (aboveX - x), height];
}

function fromZero(ticks: readonly number[], name: string, format: (value: number) => string): Axis {
  return { name, min: 0, max: ticks.at(-1) ?? 1, ticks, format };
}

/** At most `count` of them at even steps, the first and the last among them. */
function spread<Item>(items: readonly Item[], count: number): readonly Item[] {
  if (items.length <= count) return items;
  return Array.from({ length: count }, (_, index) =>
    items.at(Math.round((index * (items.length - 1)) / (count - 1))),
  ).filter((item) => item !== undefined);
}
