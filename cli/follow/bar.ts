// A progress bar of one line. Pure.
import type { Paint } from "../format/text.ts";

export interface Glyphs {
  readonly full: string;
  /** Under way: told apart from full without colours too. */
  readonly half: string;
  /** Gone wrong. */
  readonly bad: string;
  readonly empty: string;
  readonly done: string;
  readonly failed: string;
  readonly quote: string;
  readonly dot: string;
}

export const UNICODE_GLYPHS: Glyphs = {
  full: "█",
  half: "▒",
  bad: "▓",
  empty: "░",
  done: "✓",
  failed: "✗",
  quote: "│",
  dot: "·",
};
export const ASCII_GLYPHS: Glyphs = {
  full: "#",
  half: "=",
  bad: "x",
  empty: ".",
  done: "+",
  failed: "x",
  quote: "|",
  dot: "-",
};

export interface BarPart {
  readonly amount: number;
  readonly glyph: "full" | "half" | "bad";
}

const PAINTS = { full: "green", half: "yellow", bad: "red" } as const;

/** Parts side by side, the rest empty. Full only when the parts make up the whole. */
export function formatBar(
  parts: readonly BarPart[],
  whole: number,
  o: { width: number; paint: Paint; glyphs: Glyphs },
): string {
  let amount = 0;
  let drawn = 0;
  let line = "";
  for (const part of parts) {
    amount += part.amount;
    const until = whole <= 0 ? 0 : Math.min(o.width, Math.floor((amount / whole) * o.width));
    line += o.paint[PAINTS[part.glyph]](o.glyphs[part.glyph].repeat(Math.max(0, until - drawn)));
    drawn = Math.max(drawn, until);
  }
  return line + o.paint.dim(o.glyphs.empty.repeat(o.width - drawn));
}
