// What `fleet sim validate --json` prints: every row of every level, and the schema that documents it. Pure.
import { flag, type Infer, integer, list, literal, object, real, text } from "../../protocol/schema.ts";
import { FLEET_VERSION } from "../version.ts";
import { LEVEL_TITLES, type LevelResult } from "./validation.ts";

const LIST_MAX = 10_000;
const sentence = text({ max: 10_000 });
/** A run in which nobody finished took for ever, which is told as the largest number there is. */
const figure = real(0, Number.MAX_VALUE);

export const simValidationSchema = object({
  kind: literal("sim-validation"),
  version: text({ max: 64 }),
  exitCode: integer(0, 255),
  levels: list(
    object({
      level: integer(1, 4),
      title: sentence,
      rows: list(
        object({
          name: sentence,
          /** At level 4 what was simulated, compared with what was measured of real processes. */
          measured: figure,
          expected: figure,
          relation: literal("equal", "at least", "at most"),
          /** By which part of what is expected it may be missed. */
          tolerance: real(0, 1),
          ok: flag,
        }),
        LIST_MAX,
      ),
      violations: list(sentence, LIST_MAX),
      notes: list(sentence, LIST_MAX),
    }),
    4,
  ),
});
export type SimValidation = Infer<typeof simValidationSchema>;

export function validationReport(levels: readonly LevelResult[], exitCode: number): SimValidation {
  const finite = (value: number): number => Math.min(value, Number.MAX_VALUE);
  return {
    kind: "sim-validation",
    version: FLEET_VERSION,
    exitCode,
    levels: levels.map(({ level, rows, violations, notes }) => ({
      level,
      title: LEVEL_TITLES[level],
      rows: rows.map((row) => ({ ...row, measured: finite(row.measured), expected: finite(row.expected) })),
      violations,
      notes,
    })),
  };
}
