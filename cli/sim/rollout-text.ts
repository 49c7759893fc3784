// What `fleet sim rollout` says to people: how one rollout went, or how several compare. Pure.
import type { RolloutPhase } from "../../protocol/api.ts";
import type { SimRolloutResult, SimRolloutSpread } from "../../sim/core/rollout-result.ts";
import { formatEventLine } from "../follow/event-line.ts";
import { percentile } from "../follow/result.ts";
import { type SummaryStyle, wavesText } from "../follow/summary.ts";
import { formatTable } from "../format/table.ts";
import { wrap } from "../format/text.ts";
import { count, formatSeconds } from "../format/units.ts";

type Run = SimRolloutResult["runs"][number];

/** Where the text begins that a label stands in front of. */
const MARGIN = 12;

const ENDINGS: Readonly<Partial<Record<RolloutPhase, string>>> = {
  succeeded: "succeeded",
  failed: "failed before any node was switched",
  "rolled-back": "stopped and rolled back",
  "rollback-incomplete": "stopped and rolled back in part",
};

/** `columns`: width of the terminal; without one, lines are not broken. */
export function simRolloutText(
  result: SimRolloutResult,
  style: SummaryStyle,
  columns: number | undefined,
): readonly string[] {
  const [first, ...others] = result.runs;
  if (first === undefined) return [];
  if (others.length > 0) return severalText(result, style);
  const story = (result.trace ?? []).map((event) => formatEventLine(event, 0));
  const { paint, glyphs } = style;
  const isGood = first.phase === "succeeded" && first.unnoticed === 0;
  const mark = isGood ? paint.green(glyphs.done) : paint.red(glyphs.failed);
  const facts = factsOf(result, first).flatMap(([label, text]) => labelled(label, text, columns));
  return [...story, `${mark} ${paint.bold(headOf(first))}`, ...facts, paint.dim(`  ${nextStep(result)}`)];
}

function headOf(run: Run): string {
  const ending = run.unnoticed > 0 ? `reported as ${endingOf(run.phase)}` : endingOf(run.phase);
  return `${ending} after ${formatSeconds(run.durationSeconds)}: ${lastWords(run)}`;
}

/** The conclusion alone: the reason has a line of its own. */
function lastWords({ message, reason }: Run): string {
  const prefix = `${reason}; `;
  return reason !== null && message.startsWith(prefix) ? message.slice(prefix.length) : message;
}

type Fact = readonly [label: string, text: string];

function factsOf({ nodes }: SimRolloutResult, run: Run): readonly Fact[] {
  const { down, rollbackSeconds, plannedWaves, unnoticed } = run;
  return [
    ...whyFacts(run),
    ...(plannedWaves.length === 0 ? [] : [["waves", wavesFact(run)] as const]),
    ["blast", blastFact(run, nodes)],
    ["down", `at most ${count(down.atOnce, "node")} at once, switching or broken`],
    ...(rollbackSeconds === null ? [] : [["rollback", formatSeconds(rollbackSeconds)] as const]),
    ["nodes", nodesFact(run)],
    ...(unnoticed === 0 ? [] : [["unnoticed", unnoticedFact(unnoticed)] as const]),
  ];
}

function whyFacts({ reason, firstFailure }: Run): readonly Fact[] {
  const said = firstFailure === null ? [] : [`${firstFailure.node}: ${firstFailure.message}`];
  return [...(reason === null ? [] : [reason]), ...said].map((text, index) => [
    index === 0 ? "why" : "",
    text,
  ]);
}

function wavesFact({ waves, plannedWaves }: Run): string {
  const begun = waves.length === plannedWaves.length ? "" : `, of which ${waves.length} began`;
  return `${wavesText(plannedWaves)}${begun}${waveTimes(waves, plannedWaves.length)}`;
}

function waveTimes(waves: Run["waves"], plannedCount: number): string {
  const ended = waves.flatMap(({ startSeconds, endSeconds }) =>
    endSeconds === null ? [] : endSeconds - startSeconds,
  );
  const sorted = ended.toSorted((a, b) => a - b);
  const median = percentile(sorted, 0.5);
  const longest = sorted.at(-1);
  if (median === null || longest === undefined) return "";
  if (sorted.length === 1)
    return `; ${plannedCount === 1 ? "it" : "the first"} took ${formatSeconds(longest)}`;
  return `; ${formatSeconds(median)} each at the median, ${formatSeconds(longest)} the longest`;
}

function blastFact({ exposed, blastRadius }: Run, nodes: number): string {
  const live = `live on ${exposed.total} of ${count(nodes, "node")}`;
  if (blastRadius.total === 0) return `none: the new release was ${live} and worked`;
  return `did not work on ${count(blastRadius.total, "node")}, ${blastRadius.atOnce} at once; ${live}`;
}

function nodesFact({ phases, live }: Run): string {
  const parts = Object.entries(phases).map(([phase, nodes]) => `${nodes} ${phase.replaceAll("-", " ")}`);
  return `${parts.join(", ")}${live.vanished === 0 ? "" : `; ${live.vanished} vanished`}`;
}

function unnoticedFact(unnoticed: number): string {
  return `${count(unnoticed, "node")} broke after proving healthy: nothing probes a node again`;
}

function labelled(label: string, text: string, columns: number | undefined): readonly string[] {
  const lines = columns === undefined ? [text] : wrap(text, Math.max(MARGIN, columns - MARGIN));
  return lines.map((line, index) => `  ${(index === 0 ? label : "").padEnd(MARGIN - 2)}${line}`);
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
