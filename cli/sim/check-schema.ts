// What `fleet sim check --json` prints: every figure, moved or not, and the schema that documents it. Pure.
import { NODES_MAX } from "../../protocol/limits.ts";
import {
  flag,
  type Infer,
  integer,
  list,
  literal,
  nullable,
  object,
  real,
  text,
} from "../../protocol/schema.ts";
import { GATE_SEEDS, GATED_NAMES } from "../../sim/core/gate.ts";
import { FLEET_VERSION } from "../version.ts";
import { type CheckedScenario, rowsOf } from "./gate-studies.ts";
import { expectationSchema, expectationsOf } from "./results-schema.ts";
import { scenarioHash } from "./scenario-hash.ts";

const LIST_MAX = 100_000;
/** A figure that was 0 before has no relative change; it is told as the largest number there is. */
const change = real(-1, Number.MAX_VALUE);
const figure = nullable(real(0, 1e12));

export const simCheckSchema = object({
  kind: literal("sim-check"),
  version: text({ max: 64 }),
  exitCode: integer(0, 255),
  /** Whether the baseline was written anew. */
  updated: flag,
  scenarios: list(
    object({
      name: text({ min: 1, max: 64 }),
      scenarioHash: text({ min: 16, max: 16 }),
      /** Every figure of every fleet size; none when the baseline was written anew. */
      rows: list(
        object({
          nodes: integer(1, NODES_MAX),
          metric: literal(...GATED_NAMES),
          /** Medians over the seeds; null when only the other side has the figure. */
          before: figure,
          now: figure,
          /** Relative: 0.02 is 2 % more than before. */
          change: nullable(change),
          allowed: real(0, 1e12),
          changePerSeed: list(change, GATE_SEEDS.length),
          verdict: literal("same", "worse", "better", "gone", "new"),
        }),
        LIST_MAX,
      ),
      expectations: list(expectationSchema, LIST_MAX),
      violations: list(text({ max: 10_000 }), LIST_MAX),
    }),
    LIST_MAX,
  ),
});
export type SimCheck = Infer<typeof simCheckSchema>;

export function checkReport(
  checked: readonly CheckedScenario[],
  { exitCode, isUpdated }: { readonly exitCode: number; readonly isUpdated: boolean },
): SimCheck {
  return {
    kind: "sim-check",
    version: FLEET_VERSION,
    exitCode,
    updated: isUpdated,
    scenarios: checked.map((each) => ({
      name: each.study.scenario.name,
      scenarioHash: scenarioHash(each.study.scenario),
      rows: rowsOf(each).map(({ scenario: _, ...row }) => row),
      expectations: expectationsOf(each.result),
      violations: each.result.violations,
    })),
  };
}
