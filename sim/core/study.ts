// One scenario at all its fleet sizes with all its seeds: which runs that takes, and what they come to together.
// Runs nothing itself and does not care in which order, or on how many threads, somebody else does.
import { assert } from "../../protocol/machine.ts";
import { type Ceiling, type CeilingResult, checkCeilings, needsClean } from "./expectations.ts";
import { findViolations } from "./invariants.ts";
import type { SwarmOutcome } from "./outcome.ts";
import { boundsOfRun, type SimulationRun } from "./run-bounds.ts";
import { NO_FAULTS, type Scenario } from "./scenario.ts";
import { type BoundedOutcome, compareWithClean, type SizeSummary, summarise, withSlopes } from "./summary.ts";

export interface Study {
  readonly scenario: Scenario;
  readonly seeds: readonly number[];
  readonly ceilings: readonly Ceiling[];
}

export interface StudyResult {
  /** Ascending by nodes; without the sizes of which a run left no node that finished. */
  readonly sizes: readonly SizeSummary[];
  readonly ceilings: readonly CeilingResult[];
  /** One sentence per broken rule; none when the numbers can be believed. */
  readonly violations: readonly string[];
}

/** In the order in which {@link resultOf} wants their outcomes. */
export function runsOf(study: Study): readonly SimulationRun[] {
  const { scenario, seeds } = study;
  return scenariosOf(study).flatMap((each) =>
    scenario.sizes.flatMap((nodeCount) => seeds.map((seed) => ({ scenario: each, nodeCount, seed }))),
  );
}

export function resultOf(study: Study, outcomes: readonly SwarmOutcome[]): StudyResult {
  const runs = runsOf(study);
  assert(runs.length === outcomes.length, "every run of a study has one outcome");
  const bounded = outcomes.map((outcome, index) => {
    const run = runs[index];
    assert(
      run?.nodeCount === outcome.nodes && run.seed === outcome.seed,
      "outcomes are in the order of runs",
    );
    return { run, outcome, bounds: boundsOfRun(run) };
  });
  const violations = bounded.flatMap(({ run, outcome, bounds }) =>
    findViolations(outcome, bounds, run.scenario.artifactBytes).map(
      (sentence) => `${nameOf(run)}: ${sentence}`,
    ),
  );
  const runsPerScenario = study.scenario.sizes.length * study.seeds.length;
  const faulty = sizesOf(study.scenario, bounded.slice(0, runsPerScenario));
  const clean = sizesOf(study.scenario, bounded.slice(runsPerScenario));
  const compared = faulty.map((size) => {
    const same = clean.find(({ nodes }) => nodes === size.nodes);
    return same === undefined ? size : compareWithClean(size, same);
  });
  const sizes = withSlopes(compared, pieceSecondsOf(study.scenario));
  return { sizes, ceilings: checkCeilings(study.ceilings, sizes), violations };
}

/** The scenario itself, and then without its faults when something is expected of the difference. */
function scenariosOf({ scenario, ceilings }: Study): readonly Scenario[] {
  return needsClean(ceilings) ? [scenario, { ...scenario, faults: NO_FAULTS }] : [scenario];
}

function sizesOf(scenario: Scenario, runs: readonly BoundedOutcome[]): readonly SizeSummary[] {
  const artifact = { bytes: scenario.artifactBytes, pieces: scenario.pieces };
  return scenario.sizes.flatMap((nodeCount) => {
    const same = runs.filter(({ outcome }) => outcome.nodes === nodeCount);
    if (same.length === 0) return [];
    return same.some(({ outcome }) => outcome.completedMs.length === 0) ? [] : [summarise(same, artifact)];
  });
}

function pieceSecondsOf({ artifactBytes, pieces, groups }: Scenario): number {
  return artifactBytes / pieces / Math.min(...groups.map(({ upBytesPerSecond }) => upBytesPerSecond));
}

function nameOf({ scenario, nodeCount, seed }: SimulationRun): string {
  return `${scenario.name}, ${nodeCount} nodes, seed ${seed}`;
}
