// The tables of `fleet sim run` and `fleet sim check`, as lines for a terminal. Pure.
import type { CeilingResult } from "../../sim/core/expectations.ts";
import { ceilingText } from "../../sim/core/expectations.ts";
import type { GateRow } from "../../sim/core/gate.ts";
import type { SizeSummary } from "../../sim/core/summary.ts";
import { type Column, formatTable } from "../format/table.ts";
import type { Paint } from "../format/text.ts";
import { formatRatio, formatSeconds } from "../format/units.ts";

/** Figures of the gate that are ratios; all others are seconds. */
const RATIO = /Over/;

export function sizesTable(sizes: readonly SizeSummary[]): readonly string[] {
  const hasZones = sizes.some(({ crossZoneBytesOverIdeal }) => crossZoneBytesOverIdeal !== null);
  const columns: Column[] = ["NODES", "LAST", "P50", "P99", "BOUND", "LAST/BOUND", "ORIGIN/SIZE"]
    .concat(hasZones ? ["ZONES/IDEAL"] : [])
    .map((heading) => ({ heading, align: "right" }));
  const rows = sizes.map((size) => [
    String(size.nodes),
    formatSeconds(size.lastSeconds),
    formatSeconds(size.p50Seconds),
    formatSeconds(size.p99Seconds),
    `${formatSeconds(size.boundSeconds)} ${size.boundId}`,
    size.lastOverBound.toFixed(3),
    size.originBytesOverSize.toFixed(3),
    size.crossZoneBytesOverIdeal === null ? "-" : formatRatio(size.crossZoneBytesOverIdeal),
  ]);
  return formatTable(columns, rows);
}

/** One line for each expectation at each fleet size it is about. */
export function expectationLines(results: readonly CeilingResult[], paint: Paint): readonly string[] {
  return results.map((result) => {
    const { ok, value } = result;
    const measured = value === null ? "not measured" : String(Number(value.toPrecision(4)));
    return `${ok ? paint.green("as expected") : paint.red("missed")}  ${expectationText(result)}: ${measured}`;
  });
}

/** `lastOverBound <= 1.05 at 1000 nodes`, whether the author said it of one size or of all. */
export function expectationText({ ceiling, nodes }: CeilingResult): string {
  return ceilingText({ ...ceiling, nodes });
}

export interface MovedRow extends GateRow {
  readonly scenario: string;
}

export function movedTable(rows: readonly MovedRow[], paint: Paint): readonly string[] {
  const columns: Column[] = [
    { heading: "SCENARIO" },
    { heading: "NODES", align: "right" },
    { heading: "FIGURE" },
    { heading: "BASELINE", align: "right" },
    { heading: "NOW", align: "right" },
    { heading: "CHANGE", align: "right" },
    { heading: "ALLOWED", align: "right" },
    { heading: "EACH SEED" },
    { heading: "" },
  ];
  return formatTable(
    columns,
    rows.map((row) => [
      row.scenario,
      String(row.nodes),
      row.metric,
      figureText(row.metric, row.before),
      figureText(row.metric, row.now),
      row.change === null ? "-" : signedPercent(row.change),
      `${(row.allowed * 100).toFixed(1)}%`,
      rangeText(row.changePerSeed),
      row.verdict === "better" ? paint.yellow(row.verdict) : paint.red(row.verdict),
    ]),
  );
}

function figureText(metric: string, value: number | null): string {
  if (value === null) return "-";
  return RATIO.test(metric) ? value.toFixed(4) : `${value.toPrecision(5)} s`;
}

function rangeText(changes: readonly number[]): string {
  if (changes.length === 0) return "-";
  return `${signedPercent(Math.min(...changes))} to ${signedPercent(Math.max(...changes))}`;
}

function signedPercent(change: number): string {
  const percent = change * 100;
  return `${percent > 0 ? "+" : ""}${percent.toFixed(Math.abs(percent) < 0.1 ? 3 : 1)}%`;
}
