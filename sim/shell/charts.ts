// The charts of a report: which there are, in which order, how large, and what each says in words.
import type { ReportData, SizeResult } from "../core/report-data.ts";
import { availabilityPlot, completionPlot, originPlot, timePlot } from "./chart-plots.ts";
import { drawPlot } from "./draw-plot.ts";
import { formatCount, formatNodes, formatRatio } from "./figures.ts";
import type { Plot } from "./plot.ts";

export interface Chart {
  /** Also the name of its file, without `.svg`. */
  readonly id: string;
  readonly title: string;
  /** What there is to see in it, in a sentence or two. */
  readonly caption: string;
  /** A whole SVG document: `file` has its title in it, `wide` and `narrow` are for a page that has it beside. */
  readonly draw: (view: View) => string;
}

export type View = "file" | "wide" | "narrow";

const SIZES_PX: Readonly<Record<View, { readonly widthPx: number; readonly heightPx: number }>> = {
  file: { widthPx: 640, heightPx: 400 },
  wide: { widthPx: 640, heightPx: 340 },
  narrow: { widthPx: 350, heightPx: 300 },
};

/** In the order of reading; none when no fleet size was left with a node that finished. */
export function chartsOf({ sizes }: ReportData): readonly Chart[] {
  const first = sizes[0];
  const last = sizes.at(-1);
  if (first === undefined || last === undefined) return [];
  return [
    chart({
      id: "time-by-size",
      title: "Time until the last node has it, by fleet size",
      caption: timeCaption(first, last),
      plot: timePlot(sizes),
    }),
    chart({
      id: "completion",
      title: "Nodes that have it, over time",
      caption: completionCaption(last),
      plot: completionPlot(sizes),
    }),
    chart({
      id: "origin-load",
      title: "What the origin sends, by fleet size",
      caption: originCaption(last),
      plot: originPlot(sizes),
      heightShare: 0.75,
    }),
    chart({
      id: "availability",
      title: `Copies of each piece, over time, among ${formatNodes(last.nodes)}`,
      caption: AVAILABILITY_CAPTION,
      plot: availabilityPlot(last),
    }),
  ];
}

interface ChartParts extends Pick<Chart, "id" | "title" | "caption"> {
  readonly plot: Plot;
  /** Of the usual height, for a chart with little in it. */
  readonly heightShare?: number;
}

function chart({ id, title, caption, plot, heightShare = 1 }: ChartParts): Chart {
  const frame = { title, description: caption };
  return {
    id,
    title,
    caption,
    draw: (view) => {
      const { widthPx, heightPx } = SIZES_PX[view];
      const size = { widthPx, heightPx: Math.round(heightPx * heightShare) };
      return drawPlot(plot, { ...frame, ...size, id: `${id}-${view}`, standsAlone: view === "file" });
    },
  };
}

function timeCaption(first: SizeResult, last: SizeResult): string {
  const growth = formatRatio(last.lastSeconds / first.lastSeconds);
  const alone = last.clientServerSeconds / last.lastSeconds;
  const grown =
    first === last
      ? ""
      : `From ${formatCount(first.nodes)} to ${formatNodes(last.nodes)} the time becomes ${growth} times as long. `;
  const compared = Number.isFinite(alone)
    ? ` From the origin alone, ${formatNodes(last.nodes)} would wait ${formatRatio(alone)} times as long.`
    : "";
  return `${grown}No way of sending can be faster than the bound.${compared}`;
}

function completionCaption({ nodes: count, p50Seconds, p99Seconds, boundSeconds }: SizeResult): string {
  const [half, most] = [p50Seconds / boundSeconds, p99Seconds / boundSeconds].map(formatRatio);
  return (
    "1 is the least time possible for the whole fleet; the steeper a line, the more alike the nodes are. " +
    `Half of ${formatNodes(count)} are done at ${half}, 99 % at ${most}.`
  );
}

function originCaption({ nodes: count, originBytesOverSize }: SizeResult): string {
  return (
    `To ${formatNodes(count)} the origin sends ${formatRatio(originBytesOverSize)} times the artifact's size; ` +
    "the nodes do the rest among themselves. " +
    `Less than 1 is impossible; alone it would send it ${formatCount(count)} times.`
  );
}

const AVAILABILITY_CAPTION =
  "At each moment: how many nodes have the rarest piece, the piece in the middle, and the commonest. " +
  "Pieces leave the origin one after another, and each then spreads: the steeper the edges, the faster. " +
  "The last one to leave the origin is the rarest until the end.";
