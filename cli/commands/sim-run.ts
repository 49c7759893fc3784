// `fleet sim run`: how long an artifact takes to reach fleets of several sizes, against the least time possible.
import path from "node:path";
import type { Command } from "commander";
import { FleetError } from "../../protocol/errors.ts";
import type { Study, StudyResult } from "../../sim/core/study.ts";
import { type RunAll, runAll } from "../../sim/shell/run-pool.ts";
import { type Context, type Outcome, type Run, withJson } from "../command.ts";
import { resolvePath } from "../config/paths.ts";
import { failureOf } from "../failure.ts";
import { clean, type Paint } from "../format/text.ts";
import { count } from "../format/units.ts";
import { commandLine } from "../sim/command-line.ts";
import { scenarioFacts } from "../sim/facts.ts";
import {
  planFromFlags,
  type ScenarioFlags,
  type SeedFlags,
  seedsFromFlags,
  withFleet,
} from "../sim/flags.ts";
import { REPORT_FILE, reportFiles } from "../sim/report-files.ts";
import { simResults } from "../sim/results-schema.ts";
import { runLine, runStudies } from "../sim/run-studies.ts";
import { expectationLines, sizesTable } from "../sim/table.ts";
import { prepareFolder, writeFiles } from "../sim/write-files.ts";

export interface SimRunFlags extends ScenarioFlags, SeedFlags {
  readonly out?: string;
}

export function registerSimRun(sim: Command, run: Run): void {
  withJson(withFleet(sim.command("run"), "fleet sizes, such as 10,100,1000 (default)"))
    .summary("how long a release takes to reach fleets of several sizes")
    .description(
      "Simulate how an artifact spreads through fleets of several sizes: when half, 99 % and all nodes have it, how " +
        "near that is to the least time possible, and what the coordinator must send. Each size is simulated with " +
        "several seeds, and the median is shown.",
    )
    .option("--seed <n>", "the first seed (default: 1)")
    .option("--seeds <k>", "how many seeds, at most 10 (default: 3)")
    .option("--out <dir>", "write results.json, charts and a report there")
    .addHelpText("after", HELP)
    .action((flags: SimRunFlags) => run(flags, (context) => simulateFleet(context, flags, runAll)));
}

const HELP = `
Exit codes: 0 as expected; 1 an expectation of the scenario file was missed; 2 asked for wrongly; 3 a run was faster
than is possible, or broke a promise: do not believe its numbers.

Examples:
  fleet sim run --nodes 10,100,1000,10000 --size 1GiB --up 1Gbit --origin 10Gbit
  fleet sim run --nodes 500 --zones 3 --zone-link 1Gbit --churn 5% --out report
  fleet sim run --scenario site.yaml --json`;

/** FleetError usage, file-missing, config-invalid, storage-failed, simulation-too-large or interrupted. */
export async function simulateFleet(context: Context, flags: SimRunFlags, run: RunAll): Promise<Outcome> {
  const { host } = context;
  const plan = planFromFlags(flags, { resolve: (file) => resolvePath(host, host.cwd, file) });
  const study: Study = { ...plan, seeds: seedsFromFlags(flags) };
  const folder = flags.out === undefined ? null : resolvePath(host, host.cwd, flags.out);
  if (folder !== null) await prepareFolder(folder);
  const [result] = await runStudies(context, [study], { runAll: run, lineOf: runLine });
  if (result === undefined) throw new FleetError("internal", "a study without a result");
  const results = simResults(study, result, commandLine("sim run", flags));
  if (folder !== null) await writeFiles(folder, await reportFiles(study, result, results));
  const failure = failureIn(result);
  return {
    exitCode: failure?.exitCode ?? 0,
    json: results,
    text: (paint) => [
      ...tableOf(study, result, paint),
      ...(folder === null ? [] : ["", `wrote ${clean(path.join(folder, REPORT_FILE))}`]),
    ],
    ...(failure === null ? {} : { failure }),
  };
}

/** What keeps a result from being believed, or its author from being content; null for nothing. */
function failureIn({ violations, ceilings }: StudyResult): ReturnType<typeof failureOf> | null {
  if (violations.length > 0) return failureOf(new FleetError("simulation-impossible", violations.join("\n")));
  const missed = ceilings.filter(({ ok }) => !ok).length;
  if (missed === 0) return null;
  const message = `${count(missed, "expectation")} of the scenario missed`;
  return failureOf(
    new FleetError("simulation-missed", message, { next: "See the lines above, or results.json." }),
  );
}

function tableOf(study: Study, result: StudyResult, paint: Paint): readonly string[] {
  const facts = scenarioFacts(study.scenario, study.seeds);
  const width = Math.max(...facts.map(({ label }) => label.length));
  const expectations = expectationLines(result.ceilings, paint);
  return [
    ...facts.map(({ label, value }) => `${paint.dim(clean(label).padEnd(width))}  ${clean(value)}`),
    "",
    ...sizesTable(result.sizes),
    ...(expectations.length === 0 ? [] : ["", ...expectations]),
  ];
}
