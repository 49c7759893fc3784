// `fleet sim check`: whether a change made releases slower, by simulated time and counters; for CI.
import { readdirSync, statSync } from "node:fs";
import path from "node:path";
import type { Command } from "commander";
import { FleetError } from "../../protocol/errors.ts";
import type { ScenarioBaseline } from "../../sim/core/gate.ts";
import type { Study } from "../../sim/core/study.ts";
import { type RunAll, runAll } from "../../sim/shell/run-pool.ts";
import { type Context, type GlobalFlags, type Outcome, type Run, withJson } from "../command.ts";
import { resolvePath } from "../config/paths.ts";
import { failureOf } from "../failure.ts";
import { clean, type Paint } from "../format/text.ts";
import { count } from "../format/units.ts";
import { baselineText, readBaseline } from "../sim/baseline.ts";
import { checkReport } from "../sim/check-schema.ts";
import {
  baselineFaults,
  type CheckedScenario,
  gateStudy,
  newBaseline,
  rowsOf,
  verdictOf,
} from "../sim/gate-studies.ts";
import { runLine, runStudies } from "../sim/run-studies.ts";
import { readScenarioFile } from "../sim/scenario-file.ts";
import { expectationLines, movedTable } from "../sim/table.ts";
import { writeWhole } from "../sim/write-files.ts";

export interface SimCheckFlags extends GlobalFlags {
  readonly baseline: string;
  readonly update: boolean;
}

export function registerSimCheck(sim: Command, run: Run): void {
  withJson(sim.command("check [scenario...]"))
    .summary("fail when a change made releases slower")
    .description(
      "Simulate scenarios with ten fixed seeds and compare simulated times and counters with a baseline that is " +
        "committed: wall time never counts. SCENARIO is a file or a folder of .yaml files; without any it is the " +
        "baseline's folder.",
    )
    .requiredOption("--baseline <file>", "what to compare with, a JSON file")
    .option("--update", "write what was measured into the baseline", false)
    .addHelpText("after", HELP)
    .action((scenarios: readonly string[], flags: SimCheckFlags) =>
      run(flags, (context) => checkScenarios(context, scenarios, { flags, run: runAll })),
    );
}

const HELP = `
Exit codes: 0 nothing moved; 1 something moved, for the worse or for the better, or an expectation was missed; 2 asked
for wrongly; 3 a run beat a bound or broke a promise; 4 the baseline is missing, or of other scenarios.

Examples:
  fleet sim check --baseline sim/baseline.json
  fleet sim check sim/site.yaml --baseline sim/baseline.json --update`;

/** FleetError usage, file-missing, config-invalid, baseline-unusable, storage-failed or interrupted. */
export async function checkScenarios(
  context: Context,
  scenarios: readonly string[],
  { flags, run }: { readonly flags: SimCheckFlags; readonly run: RunAll },
): Promise<Outcome> {
  const { host } = context;
  const file = resolvePath(host, host.cwd, flags.baseline);
  const named = scenarios.map((name) => resolvePath(host, host.cwd, name));
  const studies = readStudies(named.length === 0 ? [path.dirname(file)] : named);
  const before = readBaseline(file)?.scenarios ?? null;
  if (!flags.update) refuseOtherBaseline(file, studies, { before, isWhole: named.length === 0 });
  const results = await runStudies(context, studies, { runAll: run, lineOf: runLine });
  const checked = studies.flatMap((study, index): readonly CheckedScenario[] => {
    const result = results[index];
    const baseline = flags.update ? null : (before?.[study.scenario.name] ?? null);
    return result === undefined ? [] : [{ study, result, baseline }];
  });
  const verdict = verdictOf(checked);
  const isUpdated = flags.update && verdict?.code !== "simulation-impossible";
  if (isUpdated) {
    const kept = named.length === 0 ? {} : (before ?? {});
    const fresh = checked.map(
      ({ study, result }) => [study.scenario.name, newBaseline(study, result)] as const,
    );
    await writeWhole(file, baselineText({ ...kept, ...Object.fromEntries(fresh) }));
  }
  const failure = verdict === null ? null : failureOf(verdict);
  return {
    exitCode: failure?.exitCode ?? 0,
    json: checkReport(checked, { exitCode: failure?.exitCode ?? 0, isUpdated }),
    text: (paint) => [...checkText(checked, paint), isUpdated ? `wrote ${clean(file)}` : summaryOf(checked)],
    ...(failure === null ? {} : { failure }),
  };
}

/** FleetError usage when a folder has none, or two scenarios have one name. */
function readStudies(places: readonly string[]): readonly Study[] {
  const files = [...new Set(places.flatMap(scenarioFilesIn))];
  const studies = files.map((file) => gateStudy(readScenarioFile(file)));
  const names = studies.map(({ scenario }) => scenario.name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw new FleetError("usage", `two scenarios are called ${twice}`);
  return studies;
}

function scenarioFilesIn(place: string): readonly string[] {
  if (statSync(place, { throwIfNoEntry: false })?.isDirectory() !== true) return [place];
  const names = readdirSync(place).filter((name) => /\.ya?ml$/.test(name));
  if (names.length === 0) throw new FleetError("usage", `there is no scenario, a .yaml file, in ${place}`);
  return names.toSorted().map((name) => path.join(place, name));
}

function refuseOtherBaseline(
  file: string,
  studies: readonly Study[],
  { before, isWhole }: { before: Readonly<Record<string, ScenarioBaseline>> | null; isWhole: boolean },
): void {
  if (before === null) throw new FleetError("baseline-unusable", `there is no baseline ${file}`);
  const names = studies.map(({ scenario }) => scenario.name);
  const left = isWhole ? Object.keys(before).filter((name) => !names.includes(name)) : [];
  const faults = [
    ...baselineFaults(studies, before),
    ...left.map((name) => `${name} has no scenario any more`),
  ];
  if (faults.length > 0) throw new FleetError("baseline-unusable", `baseline ${file}: ${faults.join("; ")}`);
}

/** What moved and what was missed; nothing when all is well. */
function checkText(checked: readonly CheckedScenario[], paint: Paint): readonly string[] {
  const moved = checked.flatMap(rowsOf).filter(({ verdict }) => verdict !== "same");
  const missed = checked.flatMap(({ study, result }) =>
    expectationLines(
      result.ceilings.filter(({ ok }) => !ok),
      paint,
    ).map((line) => `${clean(study.scenario.name)}: ${line}`),
  );
  return [...(moved.length === 0 ? [] : [...movedTable(moved, paint), ""]), ...missed];
}

function summaryOf(checked: readonly CheckedScenario[]): string {
  const rows = checked.flatMap(rowsOf);
  const moved = rows.filter(({ verdict }) => verdict !== "same").length;
  const expected = checked.flatMap(({ result }) => result.ceilings);
  const missed = expected.filter(({ ok }) => !ok).length;
  return (
    `${count(checked.length, "scenario")}: ${moved} of ${count(rows.length, "figure")} moved, ` +
    `${missed} of ${count(expected.length, "expectation")} missed`
  );
}
