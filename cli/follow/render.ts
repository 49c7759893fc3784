// The live view of a rollout: state in, lines out. Pure; never longer or wider than the terminal it is drawn for.
import {
  type NodePhase,
  ROLLOUT_TERMINAL_PHASES,
  type RolloutNodeView,
  type RolloutView,
} from "../../protocol/api.ts";
import type { Millis } from "../../protocol/ids.ts";
import { clean, cut, type Paint, paintWith } from "../format/text.ts";
import { count, formatBytes, formatClock, formatPercent, formatRate } from "../format/units.ts";
import { accusations } from "./accusations.ts";
import { ASCII_GLYPHS, type BarPart, formatBar, type Glyphs, UNICODE_GLYPHS } from "./bar.ts";
import { laggards } from "./laggards.ts";
import { failingNodes } from "./verdict.ts";
import { fetchProgress, type ViewState } from "./view-state.ts";

export interface RenderOptions {
  readonly width: number;
  readonly height: number;
  /** By the coordinator's clock, as the times in the view are. */
  readonly now: Millis;
  readonly colours: boolean;
  readonly unicode: boolean;
}

interface Canvas extends RenderOptions {
  readonly paint: Paint;
  readonly glyphs: Glyphs;
}

const LABEL_WIDTH = 10;
const BAR_WIDTH_MIN = 6;
const BAR_WIDTH_MAX = 32;
/** Columns that the figures after a bar need: `100%  99.9 GB of 99.9 GB  999 MB/s  ETA 59m 59s`. */
const FIGURES_WIDTH = 50;
const SLOW_NODES_MAX = 3;
const FAILING_NODES_MAX = 4;
const LOG_LINES_MAX = 8;
const ACCUSATIONS_MAX = 2;
/** Columns for `… ` before the waves shown, brackets around the present one, ` … 999 more` after them. */
const MORE_WIDTH = 16;

export function renderRollout(state: ViewState, options: RenderOptions): readonly string[] {
  const { colours, unicode, width, height } = options;
  const canvas: Canvas = {
    ...options,
    paint: paintWith(colours),
    glyphs: unicode ? UNICODE_GLYPHS : ASCII_GLYPHS,
  };
  const lines = [
    header(state, canvas),
    ...bars(state, canvas),
    ...waves(state.rollout, canvas),
    nodeCounts(state.rollout, canvas),
    ...waiting(state, canvas),
    ...slow(state, canvas),
    ...failing(state.rollout, canvas),
    ...accusations(state.rollout, ACCUSATIONS_MAX).map((line) => labelled("accused", canvas) + line),
    canvas.paint.dim("Ctrl-C leaves; it goes on without you"),
  ];
  return fitInto(lines, { width, height, paint: canvas.paint });
}

/** Cuts to the terminal, leaving its last line and column free so that drawing never makes it scroll or wrap. */
function fitInto(
  lines: readonly string[],
  o: { width: number; height: number; paint: Paint },
): readonly string[] {
  const linesMax = Math.max(1, o.height - 1);
  const kept =
    lines.length <= linesMax
      ? lines
      : [...lines.slice(0, linesMax - 1), o.paint.dim(`… ${lines.length - linesMax + 1} more lines`)];
  return kept.map((line) => cut(line, Math.max(1, o.width - 1)));
}

function header({ rollout }: ViewState, { paint, glyphs, now }: Canvas): string {
  const elapsed = ((rollout.finishedAt ?? now) - rollout.startedAt) / 1000;
  const parts = [
    `${paint.bold(`${rollout.lane} ${rollout.app} ${rollout.version}`)} to ${count(rollout.nodes.length, "node")}`,
    formatBytes(rollout.artifactBytes),
    rollout.id,
    formatClock(elapsed),
    phaseText(rollout, paint),
  ];
  return parts.join(` ${glyphs.dot} `);
}

function phaseText(rollout: RolloutView, paint: Paint): string {
  switch (rollout.phase) {
    case "staging":
      return paint.cyan("staging");
    case "activating":
      return paint.cyan(`activating wave ${(rollout.wave ?? 0) + 1} of ${rollout.waves.length}`);
    case "rolling-back":
      return paint.yellow("rolling back");
    case "succeeded":
      return paint.green("succeeded");
    case "failed":
    case "rolled-back":
    case "rollback-incomplete":
      return paint.red(rollout.phase.replaceAll("-", " "));
  }
}

function bars(state: ViewState, canvas: Canvas): readonly string[] {
  const { rollout } = state;
  const lines = [fetchBar(state, canvas), nodesBar("unpack", rollout, [has(AFTER_UNPACK, "full")], canvas)];
  if (rollout.lane !== "stage") {
    const parts = [has(["healthy"], "full"), has(["activating"], "half"), has(FAILED, "bad")];
    lines.push(nodesBar("activate", rollout, parts, canvas));
  }
  if (rollout.phase === "rolling-back" || rollout.nodes.some(({ phase }) => UNDONE.includes(phase))) {
    const parts = [
      has(["rolled-back"], "full"),
      has(["rolling-back"], "half"),
      has(["rollback-failed"], "bad"),
    ];
    lines.push(nodesBar("go back", { nodes: rollout.nodes.filter(hasToGoBack) }, parts, canvas));
  }
  return lines;
}

const AFTER_UNPACK: readonly NodePhase[] = [
  "staged",
  "activating",
  "healthy",
  "failed",
  "lost",
  "rolling-back",
  "rolled-back",
  "rollback-failed",
];
const FAILED: readonly NodePhase[] = ["failed", "lost"];
const UNDONE: readonly NodePhase[] = ["rolling-back", "rolled-back", "rollback-failed"];

function hasToGoBack({ phase }: RolloutNodeView): boolean {
  return phase === "healthy" || UNDONE.includes(phase);
}

interface Counted {
  readonly phases: readonly NodePhase[];
  readonly glyph: BarPart["glyph"];
}

function has(phases: readonly NodePhase[], glyph: BarPart["glyph"]): Counted {
  return { phases, glyph };
}

function fetchBar(state: ViewState, canvas: Canvas): string {
  const { verifiedBytes, totalBytes, bytesPerSecond, etaSeconds } = fetchProgress(state);
  const figures = [
    formatPercent(verifiedBytes, totalBytes).padStart(4),
    `${formatBytes(verifiedBytes)} of ${formatBytes(totalBytes)}`,
    ...(bytesPerSecond === null ? [] : [formatRate(bytesPerSecond)]),
    ...(etaSeconds === null ? [] : [`ETA ${formatClock(Math.ceil(etaSeconds))}`]),
  ];
  return barLine("fetch", [{ amount: verifiedBytes, glyph: "full" }], {
    whole: totalBytes,
    figures,
    canvas,
  });
}

/** The first part is what counts as done. */
function nodesBar(
  label: string,
  { nodes }: Pick<RolloutView, "nodes">,
  parts: readonly Counted[],
  canvas: Canvas,
): string {
  const amounts = parts.map(({ phases, glyph }) => ({
    amount: nodes.filter(({ phase }) => phases.includes(phase)).length,
    glyph,
  }));
  const done = amounts[0]?.amount ?? 0;
  const whole = nodes.filter((node) => node.phase !== "deferred").length;
  const figures = [formatPercent(done, whole).padStart(4), `${done} of ${count(whole, "node")}`];
  return barLine(label, amounts, { whole, figures, canvas });
}

function barLine(
  label: string,
  parts: readonly BarPart[],
  { whole, figures, canvas }: { whole: number; figures: readonly string[]; canvas: Canvas },
): string {
  const room = canvas.width - LABEL_WIDTH - FIGURES_WIDTH - 1;
  const width = Math.min(BAR_WIDTH_MAX, Math.max(BAR_WIDTH_MIN, room));
  return `${labelled(label, canvas)}${formatBar(parts, whole, { ...canvas, width })} ${figures.join("  ")}`;
}

function labelled(label: string, { paint }: Canvas): string {
  return paint.dim(label.padEnd(LABEL_WIDTH));
}

/** `1✓ 2✓ [2] 2 1`: sizes of the waves, done ones ticked, the present one in brackets. */
function waves(rollout: RolloutView, canvas: Canvas): readonly string[] {
  const { paint, glyphs } = canvas;
  if (rollout.waves.length === 0) return [];
  const present = rollout.wave ?? 0;
  const isOver = rollout.phase === "succeeded";
  const digits = String(Math.max(...rollout.waves)).length;
  const shownMax = Math.max(1, Math.floor((canvas.width - LABEL_WIDTH - MORE_WIDTH) / (digits + 2)));
  const from = Math.max(0, Math.min(present - 2, rollout.waves.length - shownMax));
  const sizes = rollout.waves.slice(from, from + shownMax).map((size, offset) => {
    const index = from + offset;
    if (index < present || isOver) return paint.green(`${size}${glyphs.done}`);
    return index === present ? paint.bold(`[${size}]`) : paint.dim(String(size));
  });
  const more = rollout.waves.length - from - sizes.length;
  const line = [...(from > 0 ? ["…"] : []), ...sizes, ...(more > 0 ? [`… ${more} more`] : [])].join(" ");
  return [labelled("waves", canvas) + line];
}

const PHASE_ORDER: readonly (readonly [NodePhase, keyof Paint])[] = [
  ["pending", "dim"],
  ["staging", "cyan"],
  ["verified", "cyan"],
  ["staged", "cyan"],
  ["activating", "yellow"],
  ["healthy", "green"],
  ["stage-failed", "red"],
  ["failed", "red"],
  ["lost", "red"],
  ["rolling-back", "yellow"],
  ["rolled-back", "green"],
  ["rollback-failed", "red"],
  ["deferred", "dim"],
];

function nodeCounts(rollout: RolloutView, canvas: Canvas): string {
  const parts = PHASE_ORDER.flatMap(([phase, paint]) => {
    const nodes = rollout.nodes.filter((node) => node.phase === phase).length;
    return nodes === 0 ? [] : [canvas.paint[paint](`${nodes} ${phase}`)];
  });
  const offline = rollout.nodes.filter((node) => !node.online).length;
  if (offline > 0) parts.push(canvas.paint.red(`${offline} offline`));
  return labelled("nodes", canvas) + parts.join(` ${canvas.glyphs.dot} `);
}

function waiting({ rollout, isConnected }: ViewState, canvas: Canvas): readonly string[] {
  const { paint } = canvas;
  if (!isConnected) return [paint.yellow("no connection to the coordinator; trying again")];
  return rollout.waiting.slice(0, 2).map((reason) => labelled("waiting", canvas) + clean(reason));
}

function slow(state: ViewState, canvas: Canvas): readonly string[] {
  const { rollout } = state;
  if (ROLLOUT_TERMINAL_PHASES.includes(rollout.phase)) return [];
  if (rollout.phase === "staging") return slowFetching(rollout, canvas);
  const switching = rollout.nodes
    .filter((node) => node.phase === "activating" || node.phase === "rolling-back")
    .map((node) => ({ node, since: state.switchingSince.get(node.name) ?? null }))
    .toSorted((a, b) => (a.since ?? canvas.now) - (b.since ?? canvas.now));
  if (switching.length === 0) return [];
  const named = switching.slice(0, SLOW_NODES_MAX).map(({ node, since }) => {
    const forSeconds = since === null ? "" : ` ${formatClock((canvas.now - since) / 1000)}`;
    return `${node.name} ${clean(node.step ?? node.phase)}${forSeconds}`;
  });
  const more = switching.length - named.length;
  return [labelled("switching", canvas) + [...named, ...(more > 0 ? [`${more} more`] : [])].join(", ")];
}

function slowFetching(rollout: RolloutView, canvas: Canvas): readonly string[] {
  const nodes = laggards(rollout);
  const lines = nodes.slice(0, SLOW_NODES_MAX).map((node) => {
    const share = formatPercent(node.verifiedBytes, rollout.artifactBytes).padStart(4);
    const rate = node.online ? formatRate(node.receiveBytesPerSecond) : "offline";
    return `${labelled("slow", canvas)}${canvas.paint.yellow(node.name)}  ${share}  ${rate}`;
  });
  const more = nodes.length - lines.length;
  return more > 0
    ? [...lines, `${" ".repeat(LABEL_WIDTH)}${canvas.paint.dim(`and ${count(more, "more node")}`)}`]
    : lines;
}

function failing(rollout: RolloutView, canvas: Canvas): readonly string[] {
  const nodes = failingNodes(rollout);
  const shown = nodes
    .slice(0, FAILING_NODES_MAX)
    .flatMap((node, index) => failingNode(node, index === 0, canvas));
  const more = nodes.length - Math.min(nodes.length, FAILING_NODES_MAX);
  return more > 0 ? [...shown, canvas.paint.red(`  and ${count(more, "more node")} failing`)] : shown;
}

/** The log of the first failing node only: with many, the first is the one to look at. */
export function failingNode(
  node: RolloutNodeView,
  withLog: boolean,
  { paint, glyphs }: { readonly paint: Paint; readonly glyphs: Glyphs },
): readonly string[] {
  const why = [node.code, node.message]
    .filter((text) => text !== null)
    .map(clean)
    .join(": ");
  const head = `${paint.red(`${glyphs.failed} ${node.name}`)}  ${node.phase.replaceAll("-", " ")}  ${why}`;
  const log = withLog ? node.logTail.slice(-LOG_LINES_MAX) : [];
  return [head, ...log.map((line) => `    ${paint.dim(`${glyphs.quote} ${clean(line)}`)}`)];
}
