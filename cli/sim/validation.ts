// The levels of `fleet sim validate`: what each of them checks, and what it found. Simulates, and reads what was given.
import { FleetError } from "../../protocol/errors.ts";
import type { RealRun } from "../../sim/core/real-swarms.ts";
import { simulateSwarm } from "../../sim/core/swarm-run.ts";
import { type CheckRow, validateBounds, validateRounds } from "../../sim/core/validate-model.ts";
import { validateReal } from "../../sim/core/validate-real.ts";
import { type Simulate, validateNetwork, validateRuns } from "../../sim/core/validate-runs.ts";

export const LEVELS = [1, 2, 3, 4] as const;
export type Level = (typeof LEVELS)[number];

export const LEVEL_TITLES: Readonly<Record<Level, string>> = {
  1: "nothing beats a bound or breaks a promise",
  2: "the model in rounds agrees with theory",
  3: "the model of events agrees with what is known, and with exactly fair links",
  4: "the model of events agrees with real processes on shaped links",
};

export interface LevelResult {
  readonly level: Level;
  readonly rows: readonly CheckRow[];
  /** One sentence per broken rule: no figure of the simulator is to be believed with one. */
  readonly violations: readonly string[];
  /** What to know beside the rows, one sentence each. */
  readonly notes: readonly string[];
}

/** What levels are checked with; tests put worse things in its place. */
export interface ValidationTools {
  readonly simulate: Simulate;
  readonly checks: Readonly<Record<1 | 2 | 3, (simulate: Simulate) => Omit<LevelResult, "level">>>;
}

export const TOOLS: ValidationTools = {
  simulate: (run) => simulateSwarm(run),
  checks: {
    1: (simulate) => {
      const { rows, violations } = validateRuns(simulate);
      return { rows: [...validateBounds(), ...rows], violations, notes: [] };
    },
    2: () => ({ rows: validateRounds(), violations: [], notes: [] }),
    3: (simulate) => ({ rows: validateNetwork(simulate), violations: [], notes: [] }),
  },
};

/** FleetError usage when level 4 has nothing to begin with. */
export function checkLevel(
  level: Level,
  real: readonly RealRun[],
  { simulate, checks }: ValidationTools,
): LevelResult {
  if (level !== 4) return { level, ...checks[level](simulate) };
  const findings = validateReal(real, simulate);
  if (findings === null)
    throw new FleetError(
      "usage",
      "no run of the shipped policy on equal links left enough of the processor idle",
      {
        next: "Measure again on a quiet machine, or with slower links.",
      },
    );
  return { level, ...findings, violations: [] };
}

/** Whether level 1 itself says that something impossible happened. */
export function impossibilities({ level, rows, violations }: LevelResult): readonly string[] {
  if (level !== 1) return violations;
  return [...violations, ...rows.filter(({ ok }) => !ok).map(({ name }) => `beaten: ${name}`)];
}
