// Rows in aligned columns, headings in capitals. Pure.
import { padEnd, padStart, widthOf } from "./text.ts";

export interface Column {
  readonly heading: string;
  /** Numbers stand right. */
  readonly align?: "left" | "right";
}

const GAP = "  ";

export function formatTable(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
): readonly string[] {
  const headings = columns.map((column) => column.heading);
  const widths = columns.map((_, index) =>
    Math.max(...[headings, ...rows].map((row) => widthOf(row[index] ?? ""))),
  );
  return [headings, ...rows].map((row) =>
    columns
      .map((column, index) =>
        (column.align === "right" ? padStart : padEnd)(row[index] ?? "", widths[index] ?? 0),
      )
      .join(GAP)
      .trimEnd(),
  );
}
