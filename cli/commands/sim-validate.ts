// `fleet sim validate`: whether the simulator can be believed, against theory, an exact model and real processes.
import type { Command } from "commander";
import { FleetError } from "../../protocol/errors.ts";
import type { CheckRow } from "../../sim/core/validate-model.ts";
import { type Context, type GlobalFlags, type Outcome, type Run, withJson } from "../command.ts";
import { resolvePath } from "../config/paths.ts";
import { failureOf } from "../failure.ts";
import { type Column, formatTable } from "../format/table.ts";
import { clean, type Paint } from "../format/text.ts";
import { count } from "../format/units.ts";
import { readRealRuns, resultFilesIn } from "../sim/bench-results.ts";
import {
  checkLevel,
  impossibilities,
  LEVEL_TITLES,
  LEVELS,
  type Level,
  type LevelResult,
  TOOLS,
  type ValidationTools,
} from "../sim/validation.ts";
import { validationReport } from "../sim/validation-schema.ts";

export interface SimValidateFlags extends GlobalFlags {
  readonly level?: string;
  readonly real?: readonly string[];
}

/** Where this project keeps its own measurements. */
const REAL_FOLDER = "bench/results/validate";
const HOW_TO_MEASURE =
  "As root, in a checkout: npm run bench:swarm -- --nodes 8 --mbit 4 --mib 16 --warm-up 4 --runs 3 --policy shipped " +
  "--json 08-shipped.json, and the same with other numbers of nodes and other policies.";

export function registerSimValidate(sim: Command, run: Run): void {
  withJson(sim.command("validate"))
    .summary("whether the simulator can be believed")
    .description(
      "Check the simulator itself, in four levels: no run beats a bound (1), a simple model agrees with theory (2), " +
        "simulated links agree with known cases and with exactly fair ones (3), and simulated swarms take as long as " +
        "real processes did (4).",
    )
    .option("--level <levels>", "which of them, such as 1,2 (default: all that can be)")
    .option("--real <file...>", `results of bench:swarm for level 4 (default: ${REAL_FOLDER}/*.json)`)
    .addHelpText("after", HELP)
    .action((flags: SimValidateFlags) => run(flags, (context) => validateSimulator(context, flags, TOOLS)));
}

const HELP = `
Exit codes: 0 all as it should be; 1 a figure is off by more than its tolerance; 2 asked for wrongly; 3 a run beat a
bound or broke a promise.

Examples:
  fleet sim validate
  fleet sim validate --level 1,2
  fleet sim validate --level 4 --real 08-shipped.json 16-shipped.json`;

/** FleetError usage, file-missing or config-invalid. */
export function validateSimulator(
  context: Context,
  flags: SimValidateFlags,
  tools: ValidationTools,
): Outcome {
  const { host, output } = context;
  const files =
    flags.real?.map((file) => resolvePath(host, host.cwd, file)) ??
    resultFilesIn(resolvePath(host, host.cwd, REAL_FOLDER));
  const levels = levelsOf(flags, files);
  const real = levels.includes(4) ? files.flatMap(readRealRuns) : [];
  const results = levels.map((level) => {
    output.note(`level ${level}: ${LEVEL_TITLES[level]}`);
    return checkLevel(level, real, tools);
  });
  const isLeftOut = flags.level === undefined && !levels.includes(4);
  const failure = failureIn(results);
  return {
    exitCode: failure?.exitCode ?? 0,
    json: validationReport(results, failure?.exitCode ?? 0),
    text: (paint) => [
      ...results.flatMap((result) => [...levelText(result, paint), ""]),
      ...(isLeftOut ? [`level 4 left out: no results in ${REAL_FOLDER}. ${HOW_TO_MEASURE}`, ""] : []),
      summaryOf(results),
    ],
    ...(failure === null ? {} : { failure }),
  };
}

function levelsOf({ level, real }: SimValidateFlags, files: readonly string[]): readonly Level[] {
  const asked =
    level === undefined ? (files.length === 0 ? [1, 2, 3] : LEVELS) : level.split(",").map(Number);
  const known = LEVELS.filter((one) => asked.includes(one));
  if (known.length < new Set(asked).size)
    throw new FleetError("usage", `--level ${level}: expected some of 1, 2, 3 and 4, such as 1,2`);
  if (real !== undefined && !known.includes(4))
    throw new FleetError("usage", "--real is for level 4, which --level leaves out");
  if (known.includes(4) && files.length === 0)
    throw new FleetError(
      "file-missing",
      `level 4 has nothing to compare with: no results in ${REAL_FOLDER}`,
      {
        next: HOW_TO_MEASURE,
      },
    );
  return known;
}

function failureIn(results: readonly LevelResult[]): ReturnType<typeof failureOf> | null {
  const impossible = results.flatMap(impossibilities);
  if (impossible.length > 0) return failureOf(new FleetError("simulation-impossible", impossible.join("\n")));
  const missed = results.flatMap(({ rows }) => rows.filter(({ ok }) => !ok)).length;
  if (missed === 0) return null;
  return failureOf(
    new FleetError("simulation-missed", `${count(missed, "row")} off by more than the tolerance`, {
      next: "See the rows marked OFF.",
    }),
  );
}

const COLUMNS: readonly Column[] = [
  { heading: "CHECK" },
  { heading: "MEASURED", align: "right" },
  { heading: "EXPECTED", align: "right" },
  { heading: "TOLERANCE", align: "right" },
  { heading: "" },
];
const SIGNS: Readonly<Record<CheckRow["relation"], string>> = {
  equal: "=",
  "at least": ">=",
  "at most": "<=",
};
const SIMULATED_COLUMNS = COLUMNS.with(1, { heading: "SIMULATED", align: "right" }).with(2, {
  heading: "REAL",
  align: "right",
});

function levelText({ level, rows, violations, notes }: LevelResult, paint: Paint): readonly string[] {
  const cells = rows.map(({ name, measured, expected, relation, tolerance, ok }) => [
    clean(name),
    figureText(measured),
    `${SIGNS[relation]} ${figureText(expected)}`,
    tolerance === 0 ? "-" : `${Number((tolerance * 100).toPrecision(3))}%`,
    ok ? paint.green("ok") : paint.red("OFF"),
  ]);
  return [
    paint.bold(`Level ${level}: ${LEVEL_TITLES[level]}`),
    ...formatTable(level === 4 ? SIMULATED_COLUMNS : COLUMNS, cells),
    ...notes.map(clean),
    ...violations.map((sentence) => paint.red(clean(sentence))),
  ];
}

function figureText(value: number): string {
  return String(Number(value.toPrecision(5)));
}

function summaryOf(results: readonly LevelResult[]): string {
  const rows = results.flatMap((result) => result.rows);
  const off = rows.filter(({ ok }) => !ok).length;
  const broken = results.flatMap(({ violations }) => violations).length;
  return `${count(rows.length, "check")}: ${off} off, ${count(broken, "promise")} broken`;
}
