// What a chart is made of: lines, bands and words over two axes, in the units of the data.
// Types only, and no library: drawing is draw-plot.ts.
import type { Ink } from "./palette.ts";

export type Point = readonly [x: number, y: number];

export interface Axis {
  /** What is counted, with its unit where the ticks have none. */
  readonly name: string;
  readonly min: number;
  readonly max: number;
  readonly isLog?: boolean;
  /** Where it is marked and named. */
  readonly ticks: readonly number[];
  readonly format: (value: number) => string;
}

export interface Line {
  readonly name: string;
  readonly points: readonly Point[];
  readonly ink: Ink;
  readonly widthPx?: number;
  readonly isDashed?: boolean;
  readonly hasDots?: boolean;
  /** Written where the line ends, under its name; both stand at its height, or a little above or below. */
  readonly endLabel?: string;
  readonly endLabelSide?: "above" | "below";
  /** Written above each dot. */
  readonly pointLabels?: readonly string[];
}

/** What lies between two lines that have the same x. */
export interface Band {
  readonly name: string;
  readonly low: readonly Point[];
  readonly high: readonly Point[];
  readonly ink: Ink;
}

/** A word beside a place in the plot. */
export interface Note {
  readonly at: Point;
  readonly text: string;
  readonly ink: Ink;
  readonly side: "left" | "right";
}

/** A straight line across the whole plot, at one x or one y. */
export interface Rule {
  readonly along: "x" | "y";
  readonly value: number;
  /** What it stands for, if its tick does not say so. */
  readonly text?: string;
}

export interface Plot {
  readonly x: Axis;
  readonly y: Axis;
  readonly lines: readonly Line[];
  readonly bands?: readonly Band[];
  readonly notes?: readonly Note[];
  readonly rules?: readonly Rule[];
  /** Names of lines in a row above the plot, for lines too close to each other to be named where they end. */
  readonly hasLegend?: boolean;
}

export interface Frame {
  /** Unlike that of every other SVG on the same page. */
  readonly id: string;
  readonly widthPx: number;
  readonly heightPx: number;
  /** For who cannot see it. */
  readonly title: string;
  readonly description: string;
  /** Whether the title is written above the plot, and the ground is painted: for a file that stands alone. */
  readonly standsAlone: boolean;
}
