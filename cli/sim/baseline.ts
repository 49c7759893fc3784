// The file that `fleet sim check` compares with: figures of every scenario, seed by seed, under the scenario's hash.
// It is committed, so it is written to be read in a diff: keys in order, one line for each figure.
import { readFileSync } from "node:fs";
import { FleetError } from "../../protocol/errors.ts";
import { NODES_MAX } from "../../protocol/limits.ts";
import {
  DecodeError,
  dictionary,
  type Infer,
  integer,
  list,
  literal,
  real,
  type Schema,
  strictObject,
  text,
} from "../../protocol/schema.ts";
import { GATE_SEEDS, GATED_NAMES, type ScenarioBaseline, type SizeFigures } from "../../sim/core/gate.ts";

const SCENARIOS_MAX = 1_000;
const FIGURE_MAX = 1e12;

const perSeed = list(real(0, FIGURE_MAX), GATE_SEEDS.length, GATE_SEEDS.length);
const figuresSchema = dictionary(literal(...GATED_NAMES), perSeed, GATED_NAMES.length) as Schema<SizeFigures>;

const scenarioSchema: Schema<ScenarioBaseline> = strictObject({
  scenarioHash: text({ min: 16, max: 16 }),
  seeds: list(integer(0), GATE_SEEDS.length, GATE_SEEDS.length),
  sizes: dictionary(text({ min: 1, max: String(NODES_MAX).length }), figuresSchema, SCENARIOS_MAX),
});

export const baselineSchema = strictObject({
  kind: literal("sim-baseline"),
  schemaVersion: literal(1),
  scenarios: dictionary(text({ min: 1, max: 64 }), scenarioSchema, SCENARIOS_MAX),
});
export type Baseline = Infer<typeof baselineSchema>;

/** Null when there is no such file. FleetError file-missing when it cannot be read, baseline-unusable if it is none. */
export function readBaseline(file: string): Baseline | null {
  let source: string;
  try {
    source = readFileSync(file, "utf8");
  } catch (cause) {
    if (cause instanceof Error && "code" in cause && cause.code === "ENOENT") return null;
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new FleetError("file-missing", `cannot read ${file}: ${why}`, { cause });
  }
  try {
    return baselineSchema.decode(JSON.parse(source) as unknown, "");
  } catch (cause) {
    if (!(cause instanceof SyntaxError || cause instanceof DecodeError)) throw cause;
    throw new FleetError("baseline-unusable", `${file} is no baseline: ${cause.message}`, { cause });
  }
}

/** Scenarios in the order of their names, lists of numbers on one line. */
export function baselineText(scenarios: Readonly<Record<string, ScenarioBaseline>>): string {
  const sorted = Object.entries(scenarios).toSorted(([a], [b]) => (a < b ? -1 : 1));
  const baseline: Baseline = {
    kind: "sim-baseline",
    schemaVersion: 1,
    scenarios: Object.fromEntries(sorted),
  };
  const indented = JSON.stringify(baseline, null, 2);
  return `${indented.replace(/\[[^[\]{}]*\]/g, (numbers) => numbers.replace(/\s+/g, " "))}\n`;
}
