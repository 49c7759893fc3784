// What `fleet sim check` makes of scenarios, their results and a baseline: rows, a verdict and an exit code. Pure.
import { FleetError } from "../../protocol/errors.ts";
import { compareWithBaseline, figuresOf, GATE_SEEDS, type ScenarioBaseline } from "../../sim/core/gate.ts";
import type { Study, StudyResult } from "../../sim/core/study.ts";
import { count } from "../format/units.ts";
import type { ScenarioPlan } from "./scenario-file.ts";
import { scenarioHash } from "./scenario-hash.ts";
import type { MovedRow } from "./table.ts";

/** One scenario that was checked. */
export interface CheckedScenario {
  readonly study: Study;
  readonly result: StudyResult;
  readonly baseline: ScenarioBaseline | null;
}

export function gateStudy(plan: ScenarioPlan): Study {
  return { ...plan, seeds: GATE_SEEDS };
}

/** What a baseline keeps of a scenario. */
export function newBaseline({ scenario, seeds }: Study, { sizes }: StudyResult): ScenarioBaseline {
  return { scenarioHash: scenarioHash(scenario), seeds, sizes: figuresOf(sizes) };
}

/** Before anything is simulated: why these scenarios cannot be compared with this baseline; empty when they can. */
export function baselineFaults(
  studies: readonly Study[],
  baselines: Readonly<Record<string, ScenarioBaseline>>,
): readonly string[] {
  return studies.flatMap(({ scenario, seeds }) => {
    const baseline = baselines[scenario.name];
    if (baseline === undefined) return [`${scenario.name} is not in it`];
    if (baseline.scenarioHash !== scenarioHash(scenario)) return [`${scenario.name} has changed since`];
    if (baseline.seeds.join() !== seeds.join()) return [`${scenario.name} was run with other seeds`];
    return [];
  });
}

/** Every figure of a scenario against its baseline. */
export function rowsOf({ study, result, baseline }: CheckedScenario): readonly MovedRow[] {
  if (baseline === null) return [];
  return compareWithBaseline(figuresOf(result.sizes), baseline.sizes).map((row) => ({
    scenario: study.scenario.name,
    ...row,
  }));
}

/** The worst of what was found, as what is told and exited with; null when all is as it was and as expected. */
export function verdictOf(checked: readonly CheckedScenario[]): FleetError | null {
  const violations = checked.flatMap(({ result }) => result.violations);
  if (violations.length > 0) return new FleetError("simulation-impossible", violations.join("\n"));
  const moved = checked.flatMap(rowsOf).filter(({ verdict }) => verdict !== "same");
  const better = moved.filter(({ verdict }) => verdict === "better").length;
  const missed = checked.flatMap(({ result }) => result.ceilings).filter(({ ok }) => !ok).length;
  if (moved.length + missed === 0) return null;
  const parts = [
    moved.length > better ? `${count(moved.length - better, "figure")} worse than the baseline` : null,
    better > 0 ? `${count(better, "figure")} better than the baseline` : null,
    missed > 0 ? `${count(missed, "expectation")} missed` : null,
  ].filter((part) => part !== null);
  return new FleetError("simulation-missed", parts.join(", "), nextAfter(moved.length, better));
}

function nextAfter(moved: number, better: number): { readonly next: string } | Record<string, never> {
  if (moved === 0) return { next: "Mend what made it slow, or change `expect` in the scenario file." };
  if (better < moved) return {};
  return { next: "Well done: run with --update and commit the baseline, so that the next loss shows." };
}
