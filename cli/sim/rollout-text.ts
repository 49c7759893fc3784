// What `fleet sim rollout` says to people: how one rollout went, or how several compare. Pure.
import type { RolloutPhase } from "../../protocol/api.ts";
import type { SimRolloutResult, SimRolloutSpread } from "../../sim/core/rollout-result.ts";
import { formatEventLine } from "../follow/event-line.ts";
import { type SummaryStyle, wavesText } from "../follow/summary.ts";
import { formatTable } from "../format/table.ts";
import { count, formatSeconds } from "../format/units.ts";

type Run = SimRolloutResult["runs"][number];
type Reach = Run["down"];

const ENDINGS: Readonly<Partial<Record<RolloutPhase, string>>> = {
  succeeded: "succeeded",
  failed: "failed before any node was switched",
  "rolled-back": "stopped and rolled back",
  "rollback-incomplete": "stopped, and not every node came back",
};

export function simRolloutText(result: SimRolloutResult, style: SummaryStyle): readonly string[] {
  const [first, ...others] = result.runs;
  if (first === undefined) return [];
  const story = (result.trace ?? []).map((event) => formatEventLine(event, 0));
  return others.length > 0 ? severalText(result, style) : [...story, ...oneText(result, first, style)];
}

function oneText(result: SimRolloutResult, run: Run, { paint, glyphs }: SummaryStyle): readonly string[] {
  const isGood = run.phase === "succeeded" && run.unnoticed === 0;
  const mark = isGood ? paint.green(glyphs.done) : paint.red(glyphs.failed);
  const head = `${endingOf(run.phase)} after ${formatSeconds(run.durationSeconds)}: ${lastWords(run)}`;
  return [
    `${mark} ${paint.bold(head)}`,
    ...whyLines(run),
    ...waveLines(run),
    ...reachLines(run, result.nodes),
    ...(run.rollbackSeconds === null ? [] : [`  rollback  ${formatSeconds(run.rollbackSeconds)}`]),
    `  nodes     ${nodesText(run)}`,
    ...unnoticedLines(run),
    paint.dim(`  ${nextStep(result)}`),
  ];
}

/** The conclusion alone: the reason stands in a line of its own. */
function lastWords({ message, reason }: Run): string {
  const prefix = `${reason}; `;
  return reason !== null && message.startsWith(prefix) ? message.slice(prefix.length) : message;
}

function whyLines({ reason, firstFailure }: Run): readonly string[] {
  const why = reason === null ? [] : [reason];
  const said = firstFailure === null ? [] : [`${firstFailure.node}: ${firstFailure.message}`];
  return [...why, ...said].map((line, index) => `  ${index === 0 ? "why     " : "        "}  ${line}`);
}

function waveLines({ waves, plannedWaves }: Run): readonly string[] {
  if (plannedWaves.length === 0) return [];
  const took = waves.flatMap(({ startSeconds, endSeconds }) =>
    endSeconds === null ? [] : endSeconds - startSeconds,
  );
  const sorted = took.toSorted((a, b) => a - b);
  const median = sorted[Math.ceil(sorted.length / 2) - 1];
  const last = sorted.at(-1);
  const isWhole = waves.length === plannedWaves.length;
  const begun = isWhole ? "" : `, of which ${waves.length} began`;
  const times =
    median === undefined || last === undefined
      ? []
      : [`            each ${formatSeconds(median)} at the median, the longest ${formatSeconds(last)}`];
  return [`  waves     ${wavesText(plannedWaves)}${begun}`, ...times];
}

function reachLines({ exposed, blastRadius, down }: Run, nodes: number): readonly string[] {
  const broken =
    blastRadius.total === 0 ? "it worked on all of them" : `it did not work on ${reachText(blastRadius)}`;
  return [
    `  exposed   ${exposed.total} of ${count(nodes, "node")} had the new release; ${broken}`,
    `  down      ${down.atOnce} at once at most were switching or broken`,
  ];
}

function reachText({ atOnce, total }: Reach): string {
  return `${total}, at most ${atOnce} at once`;
}

function nodesText({ phases, live }: Run): string {
  const parts = Object.entries(phases).map(([phase, nodes]) => `${nodes} ${phase.replaceAll("-", " ")}`);
  const vanished = live.vanished === 0 ? "" : `; ${live.vanished} vanished`;
  return `${parts.join(", ")}${vanished}`;
}

function unnoticedLines({ unnoticed }: Run): readonly string[] {
  if (unnoticed === 0) return [];
  return [`  unnoticed ${count(unnoticed, "node")} broke after proving healthy: nothing probes a node again`];
}

function nextStep({ trace }: SimRolloutResult): string {
  const more = "--runs 20 shows how much of it is chance";
  return trace === null ? `--trace tells every event, ${more}` : more;
}

function severalText(result: SimRolloutResult, { paint }: SummaryStyle): readonly string[] {
  const { runs, nodes, endings, summary } = result;
  const seeds = `seeds ${runs[0]?.seed} to ${runs.at(-1)?.seed}`;
  const head = `${runs.length} rollouts to ${count(nodes, "node")}, ${seeds}`;
  const ended = endings.map(({ phase, runs }) => `  ${String(runs).padStart(4)} ${endingOf(phase)}`);
  const row = (name: string, spread: SimRolloutSpread, format: (value: number) => string) => [
    name,
    format(spread.median),
    format(spread.worst),
    String(spread.worstSeed),
  ];
  const rows = [
    row("duration", summary.durationSeconds, formatSeconds),
    ...(summary.rollbackSeconds === null
      ? []
      : [row("rollback, where there was one", summary.rollbackSeconds, formatSeconds)]),
    row("nodes that had the new release", summary.exposed, String),
    row("nodes on which it did not work", summary.blastRadius, String),
    row("  of those, at once", summary.blastRadiusAtOnce, String),
    row("nodes switching or broken at once", summary.downAtOnce, String),
  ];
  const columns = [
    { heading: "" },
    { heading: "MEDIAN", align: "right" },
    { heading: "WORST", align: "right" },
    { heading: "SEED", align: "right" },
  ] as const;
  return [
    paint.bold(head),
    ...ended,
    ...formatTable(columns, rows).map((line) => `  ${line}`),
    paint.dim(`  --seed ${summary.durationSeconds.worstSeed} --trace without --runs tells the longest one`),
  ];
}

function endingOf(phase: RolloutPhase): string {
  return ENDINGS[phase] ?? phase;
}
