// How a rollout ended, for people: what is live where, how long it took, what went wrong. Pure.
import type { RolloutView } from "../../protocol/api.ts";
import { formatTable } from "../format/table.ts";
import type { Paint } from "../format/text.ts";
import { count, formatBytes, formatRatio, formatSeconds } from "../format/units.ts";
import { accusations } from "./accusations.ts";
import type { Glyphs } from "./bar.ts";
import { failingNode } from "./render.ts";
import { elapsedSecondsOf, type StageResult, stageResultOf } from "./result.ts";
import { failingNodes } from "./verdict.ts";

export interface SummaryStyle {
  readonly paint: Paint;
  readonly glyphs: Glyphs;
}

/** Failing nodes listed in full; `fleet status --json` has them all. */
const FAILING_MAX = 20;
const WAVES_LISTED_MAX = 10;
const ACCUSATIONS_MAX = 5;

/** Of `fleet stage`: every node's seconds, then the figures over all of them. */
export function stageSummary(
  result: StageResult,
  rollout: RolloutView,
  style: SummaryStyle,
): readonly string[] {
  const { paint, glyphs } = style;
  const staged = result.nodes.filter((node) => node.phase === "staged").length;
  const isDone = rollout.phase === "succeeded";
  const head = `${result.app} ${result.version} is staged on ${staged} of ${count(result.nodes.length, "node")}`;
  return [
    `${isDone ? paint.green(glyphs.done) : paint.red(glyphs.failed)} ${paint.bold(head)}`,
    ...stageTable(result),
    ...stageFigures(result),
    ...accused(rollout),
    ...failures(rollout, style),
  ];
}

/** Of `fleet release` and `fleet rollback`; `isGood` when it ended as the person wanted. */
export function rolloutSummary(
  rollout: RolloutView,
  isGood: boolean,
  style: SummaryStyle,
): readonly string[] {
  const { paint, glyphs } = style;
  const mark = isGood ? paint.green(glyphs.done) : paint.red(glyphs.failed);
  return [
    `${mark} ${paint.bold(conclusion(rollout))}`,
    ...fetchLine(rollout),
    ...(rollout.waves.length > 0 ? [`  waves     ${wavesText(rollout.waves)}`] : []),
    ...deferredLine(rollout),
    ...accused(rollout),
    ...failures(rollout, style),
  ];
}

function conclusion(rollout: RolloutView): string {
  const name = `${rollout.app} ${rollout.version}`;
  const total = count(rollout.nodes.length, "node");
  const took = `after ${formatSeconds(elapsedSecondsOf(rollout))}`;
  const having = (phase: string): number => rollout.nodes.filter((node) => node.phase === phase).length;
  const touched = having("rolled-back") + having("failed");
  switch (rollout.phase) {
    case "staging":
    case "activating":
    case "rolling-back":
      return `${name} is ${rollout.phase.replaceAll("-", " ")} on ${total}`;
    case "succeeded":
      return rollout.lane === "stage"
        ? `${name} is staged on ${having("staged")} of ${total} ${took}`
        : `${name} is live on ${having("healthy")} of ${total} ${took}`;
    case "failed":
      return `${name} failed ${took}, before any of ${total} was switched`;
    case "rolled-back":
      return `${name} was rolled back ${took}; ${touched} of ${total} had been switched`;
    case "rollback-incomplete":
      return `${name} left the fleet mixed ${took}`;
  }
}

function stageTable(result: StageResult): readonly string[] {
  const columns = [
    { heading: "NODE" },
    { heading: "SECONDS", align: "right" },
    { heading: "RECEIVED", align: "right" },
    { heading: "SENT", align: "right" },
    { heading: "STATE" },
  ] as const;
  const byTime = result.nodes.toSorted((a, b) => (a.seconds ?? Infinity) - (b.seconds ?? Infinity));
  const rows = byTime.map((node) => [
    node.name,
    node.seconds?.toFixed(2) ?? "-",
    formatBytes(node.receivedBytes),
    formatBytes(node.uploadedBytes),
    node.phase.replaceAll("-", " "),
  ]);
  return formatTable(columns, rows).map((line) => `  ${line}`);
}

function stageFigures(result: StageResult): readonly string[] {
  const { minSeconds, p50Seconds, p95Seconds, lastSeconds, boundSeconds } = result;
  if (minSeconds === null || p50Seconds === null || p95Seconds === null || lastSeconds === null) return [];
  const times = [
    `min ${formatSeconds(minSeconds)}`,
    `p50 ${formatSeconds(p50Seconds)}`,
    `p95 ${formatSeconds(p95Seconds)}`,
    `last ${formatSeconds(lastSeconds)}`,
  ];
  const lines = [`  verified  ${times.join(", ")}`, originLine(result)];
  if (boundSeconds === null || boundSeconds <= 0) return lines;
  const ratio = formatRatio(lastSeconds / boundSeconds);
  return [
    ...lines,
    `  bound     ${formatSeconds(boundSeconds)} at these link rates; last is ${ratio} times that`,
  ];
}

function fetchLine(rollout: RolloutView): readonly string[] {
  if (rollout.nodes.every((node) => node.receivedBytes === 0)) return [];
  const result = stageResultOf(rollout, null);
  const { lastSeconds } = result;
  const last = lastSeconds === null ? "" : `, the last after ${formatSeconds(lastSeconds)}`;
  return [`  fetched   ${formatBytes(rollout.artifactBytes)} to each node${last}`, originLine(result)];
}

function originLine({ originUploadedBytes, originBytesOverSize, artifactBytes }: StageResult): string {
  const sent = `${formatBytes(originUploadedBytes)}, ${formatRatio(originBytesOverSize)} times the artifact of`;
  return `  origin    the coordinator sent ${sent} ${formatBytes(artifactBytes)}`;
}

function deferredLine(rollout: RolloutView): readonly string[] {
  const names = rollout.nodes.filter((node) => node.phase === "deferred").map((node) => node.name);
  if (names.length === 0) return [];
  const shown = names.slice(0, 5).join(", ");
  const more = names.length > 5 ? ` and ${names.length - 5} more` : "";
  return [`  deferred  ${shown}${more}: went offline before being switched`];
}

function accused(rollout: RolloutView): readonly string[] {
  return accusations(rollout, ACCUSATIONS_MAX).map((line) => `  accused   ${line}`);
}

function failures(rollout: RolloutView, style: SummaryStyle): readonly string[] {
  const nodes = failingNodes(rollout);
  const shown = nodes.slice(0, FAILING_MAX).flatMap((node, index) => failingNode(node, index === 0, style));
  const more = nodes.length > FAILING_MAX ? [`and ${count(nodes.length - FAILING_MAX, "more node")}`] : [];
  return [...shown, ...more].map((line) => `  ${line}`);
}

/** `1, 2, 2, 1`; when there are many, `1, 48 waves of 2, 1`. */
export function wavesText(waves: readonly number[]): string {
  if (waves.length <= WAVES_LISTED_MAX) return waves.join(", ");
  const runs: { size: number; times: number }[] = [];
  for (const size of waves) {
    const last = runs.at(-1);
    if (last?.size === size) last.times += 1;
    else runs.push({ size, times: 1 });
  }
  return runs.map(({ size, times }) => (times === 1 ? String(size) : `${times} waves of ${size}`)).join(", ");
}
