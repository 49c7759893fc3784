// The only file that knows ECharts: lines over two axes become an SVG, without a browser.
// The same plot gives the same text: nothing in it may come from a clock, a counter or the machine's fonts.
import { LineChart, type LineSeriesOption } from "echarts/charts";
import {
  GridSimpleComponent,
  type LegendComponentOption,
  LegendPlainComponent,
  MarkLineComponent,
  MarkPointComponent,
  TitleComponent,
} from "echarts/components";
import { type ComposeOption, init, use } from "echarts/core";
import { LabelLayout } from "echarts/features";
import { SVGRenderer } from "echarts/renderers";
import { escapeText } from "./markup.ts";
import { PALETTE } from "./palette.ts";
import type { Axis, Band, Frame, Line, Plot } from "./plot.ts";

use([
  GridSimpleComponent,
  LabelLayout,
  LegendPlainComponent,
  LineChart,
  MarkLineComponent,
  MarkPointComponent,
  SVGRenderer,
  TitleComponent,
]);

type Option = ComposeOption<LineSeriesOption | LegendComponentOption>;

const FONT = "system-ui, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif";
const FONT_PX = 12;
/** Of the average letter, on the wide side: the renderer cannot measure, and too little room cuts words off. */
const LETTER_PX = 6.7;
const TITLE_PX = 40;
const LEGEND_ROW_PX = 22;
const GAP_PX = 8;

/** A whole SVG document of `frame`'s size. */
export function drawPlot(plot: Plot, frame: Frame): string {
  const { widthPx: width, heightPx: height } = frame;
  const chart = init(null, null, { renderer: "svg", ssr: true, width, height });
  try {
    chart.setOption(optionOf(plot, frame));
    return tidied(chart.renderToSVGString(), frame);
  } finally {
    // Its clock would keep the process alive.
    chart.dispose();
  }
}

function optionOf(plot: Plot, frame: Frame): Option {
  const bands = (plot.bands ?? []).flatMap(bandSeries);
  const [first, ...others] = plot.lines.map((line) => lineSeries(line));
  const annotated = first === undefined ? [] : [{ ...first, ...annotationsOf(plot) }, ...others];
  return {
    animation: false,
    textStyle: { fontFamily: FONT, fontSize: FONT_PX, color: PALETTE.text.light },
    ...(frame.standsAlone ? { backgroundColor: PALETTE.paper.light, title: titleOf(frame) } : {}),
    ...(plot.hasLegend === true ? { legend: legendOf(plot, frame) } : {}),
    grid: gridOf(plot, frame),
    xAxis: { ...axisOf(plot.x), nameLocation: "middle", nameGap: 30 },
    yAxis: {
      ...axisOf(plot.y),
      axisLine: { show: false },
      axisTick: { show: false, customValues: [...plot.y.ticks] },
      splitLine: { show: true, lineStyle: { color: PALETTE.grid.light } },
      nameLocation: "end",
      nameGap: 12,
      // Begins at the left edge: a name that stands upright is read by nobody.
      nameTextStyle: {
        color: PALETTE.quiet.light,
        align: "left",
        padding: [0, 0, 0, GAP_PX - leftOf(plot)],
      },
    },
    series: [...bands, ...annotated],
  };
}

function titleOf({ title }: Frame): object {
  return {
    text: title,
    left: GAP_PX,
    top: 10,
    padding: 0,
    textStyle: { fontSize: 15, color: PALETTE.text.light },
  };
}

function gridOf(plot: Plot, frame: Frame): object {
  return {
    left: leftOf(plot),
    right: rightOf(plot),
    top: topOf(plot, frame) + 26,
    bottom: 48,
    outerBoundsMode: "none",
  };
}

/** Above the name of the y axis. */
function topOf(plot: Plot, frame: Frame): number {
  return (frame.standsAlone ? TITLE_PX : 0) + legendRows(plot, frame) * LEGEND_ROW_PX;
}

function leftOf({ y }: Plot): number {
  return textPx(y.ticks.map(y.format)) + GAP_PX * 2;
}

function rightOf({ x, lines }: Plot): number {
  const ends = lines.flatMap(({ name, endLabel }) => (endLabel === undefined ? [] : [name, endLabel]));
  const lastTick = x.ticks.slice(-1).map(x.format);
  return Math.max(textPx(ends) + GAP_PX * 2, textPx(lastTick) / 2 + GAP_PX);
}

function textPx(texts: readonly string[]): number {
  return Math.ceil(Math.max(0, ...texts.map(({ length }) => length)) * LETTER_PX);
}

function axisOf({ min, max, isLog, ticks, format, name }: Axis): object {
  return {
    type: isLog === true ? "log" : "value",
    min,
    max,
    name,
    nameTextStyle: { color: PALETTE.quiet.light },
    axisLine: { onZero: false, lineStyle: { color: PALETTE.axis.light } },
    axisTick: { customValues: [...ticks], lineStyle: { color: PALETTE.axis.light } },
    axisLabel: {
      customValues: [...ticks],
      formatter: format,
      hideOverlap: true,
      color: PALETTE.quiet.light,
    },
    splitLine: { show: false },
  };
}

function lineSeries(line: Line): LineSeriesOption {
  const { name, points, ink, widthPx = 2, isDashed = false, hasDots = false, endLabel, pointLabels } = line;
  return {
    type: "line",
    name,
    silent: true,
    data: points.map(([x, y], index) => ({
      value: [x, y],
      label: { show: pointLabels !== undefined, formatter: pointLabels?.[index] ?? "" },
    })),
    color: ink.light,
    lineStyle: { width: widthPx, color: ink.light, type: isDashed ? [6, 4] : "solid" },
    showSymbol: hasDots,
    symbol: "circle",
    symbolSize: 6,
    itemStyle: { color: ink.light },
    label: { position: "top", distance: 8, color: ink.light },
    labelLayout: { hideOverlap: true },
    ...(endLabel === undefined ? {} : endLabelOf(line, endLabel)),
  };
}

const VERTICAL_ALIGN = { above: "bottom", below: "top", level: "middle" } as const;

function endLabelOf({ name, ink, endLabelSide }: Line, text: string): LineSeriesOption {
  return {
    endLabel: {
      show: true,
      formatter: `{name|${name}}\n${text}`,
      color: ink.light,
      lineHeight: 15,
      distance: GAP_PX,
      verticalAlign: VERTICAL_ALIGN[endLabelSide ?? "level"],
      rich: { name: { fontWeight: 600, color: ink.light, lineHeight: 15 } },
    },
    labelLayout: { moveOverlap: "shiftY" },
  };
}

/** The library fills what lies between the lower line and what is stacked on it. */
function bandSeries({ name, low, high, ink }: Band): readonly LineSeriesOption[] {
  const edge = {
    type: "line",
    stack: name,
    silent: true,
    showSymbol: false,
    lineStyle: { width: 1, color: ink.light },
  } as const;
  return [
    { ...edge, data: low.map(([x, y]) => [x, y]) },
    {
      ...edge,
      data: high.map(([x, y], index) => [x, y - (low[index]?.[1] ?? 0)]),
      areaStyle: { color: ink.light, opacity: 0.18 },
    },
  ];
}

/** Marks belong to a series, so the first line of the plot carries them all. */
function annotationsOf({ notes = [], rules = [] }: Plot): LineSeriesOption {
  const plain = { silent: true, animation: false } as const;
  return {
    markPoint: {
      ...plain,
      symbol: "circle",
      symbolSize: 0.01,
      data: notes.map(({ at: [x, y], text, ink, side }) => ({
        name: text,
        coord: [x, y],
        label: { show: true, formatter: text, position: side, distance: GAP_PX, color: ink.light },
      })),
    },
    markLine: {
      ...plain,
      symbol: "none",
      lineStyle: { color: PALETTE.bound.light, width: 1.5, type: [6, 4] },
      data: rules.map(({ along, value, text = "" }) => ({
        ...(along === "x" ? { xAxis: value } : { yAxis: value }),
        label: {
          show: text !== "",
          formatter: text,
          position: "insideEndBottom",
          distance: 4,
          color: PALETTE.bound.light,
        },
      })),
    },
  };
}

const LEGEND_ITEM_PX = 40;

function legendOf(plot: Plot, frame: Frame): LegendComponentOption {
  return {
    data: plot.lines.map(({ name }) => name),
    left: GAP_PX,
    right: GAP_PX,
    top: frame.standsAlone ? TITLE_PX : 0,
    icon: "roundRect",
    itemWidth: 18,
    itemHeight: 3,
    itemGap: 14,
    padding: 0,
    textStyle: { color: PALETTE.text.light, fontFamily: FONT },
  };
}

function legendRows(plot: Plot, { widthPx }: Frame): number {
  if (plot.hasLegend !== true) return 0;
  const total = plot.lines.reduce((sum, { name }) => sum + name.length * LETTER_PX + LEGEND_ITEM_PX, 0);
  return Math.ceil(total / (widthPx - GAP_PX * 2));
}

/** Drops what only a mouse needs, gives ids that no counter of this process is in, and adds the words. */
function tidied(svg: string, { id, title, description }: Frame): string {
  const words = `<title>${escapeText(title)}</title>\n<desc>${escapeText(description)}</desc>`;
  return svg
    .replace(/<style ?>[\s\S]*?<\/style>\s*/, "")
    .replace(/ (?:class="zr[^"]*"|ecmeta_\w+="[^"]*"|pointer-events="\w+")/g, "")
    .replace(/( id="|url\(#)zr\d+-/g, `$1${id}-`)
    .replace(/^<svg ([^>]*)>/, `<svg role="img" $1>\n${words}`);
}
