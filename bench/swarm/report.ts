// What a benchmark hands out: its JSON, and the table that people read. Pure.
import type { LinkCheck } from "./link-check.ts";
import type { BenchOptions, SystemName } from "./options.ts";
import { type Figures, medianFigures, type RunResult } from "./result.ts";

export interface SystemReport {
  readonly name: SystemName;
  readonly version: string | null;
  /** Why it was not measured; null when it was. */
  readonly skipped: string | null;
  readonly runs: readonly (RunResult & { readonly fault: string | null })[];
  readonly median: Figures | null;
}

export interface BenchReport {
  readonly format: 1;
  /** ISO 8601, when the first run began. */
  readonly date: string;
  /** As it was called, for whoever wants to repeat it. */
  readonly command: string;
  readonly machine: {
    readonly cpus: number;
    readonly cpuModel: string;
    readonly memoryGib: number;
    readonly kernel: string;
    readonly node: string;
  };
  /** Commit of the sources; null when they are not in git. `+` behind it: with changes. */
  readonly commit: string | null;
  readonly options: Omit<
    BenchOptions,
    "jsonPath" | "workDirectory" | "logsDirectory" | "main" | "policy" | "queueKib"
  > & {
    /** Results from before they could be chosen lack them. */
    readonly policy?: BenchOptions["policy"];
    readonly queueKib?: BenchOptions["queueKib"];
  };
  readonly artifactBytes: number;
  readonly pieceLength: number | null;
  readonly linkCheck: LinkCheck | null;
  readonly systems: readonly SystemReport[];
}

export function systemReport(system: Omit<SystemReport, "median">): SystemReport {
  return { ...system, median: medianFigures(system.runs) };
}

interface Column {
  readonly title: string;
  readonly show: (figures: Figures) => string;
}

const SECONDS_COLUMNS: readonly Column[] = [
  { title: "p50 s", show: ({ p50Seconds }) => fixed(p50Seconds, 2) },
  { title: "p95 s", show: ({ p95Seconds }) => fixed(p95Seconds, 2) },
  { title: "last s", show: ({ lastSeconds }) => fixed(lastSeconds, 2) },
];
const SHAPED_COLUMNS: readonly Column[] = [
  { title: "÷ bound", show: ({ lastOverFluidBound }) => fixed(lastOverFluidBound, 3) },
  { title: "÷ piece bound", show: ({ lastOverPieceBound }) => fixed(lastOverPieceBound, 3) },
];
const FAST_COLUMNS: readonly Column[] = [
  { title: "fast p95 ÷ bound", show: ({ fastP95OverBound }) => fixed(fastP95OverBound, 3) },
];
const COST_COLUMNS: readonly Column[] = [
  { title: "MB/s", show: ({ megabytesPerSecond }) => fixed(megabytesPerSecond, 1) },
  { title: "origin ÷ F", show: ({ originSentOverSize }) => fixed(originSentOverSize, 3) },
  { title: "received ÷ F", show: ({ receivedOverSizeMean }) => fixed(receivedOverSizeMean, 3) },
  { title: "most", show: ({ receivedOverSizeMax }) => fixed(receivedOverSizeMax, 3) },
  { title: "origin link ÷ F", show: ({ originLinkOverSize }) => fixed(originLinkOverSize, 2) },
  { title: "drops", show: ({ droppedPackets }) => fixed(droppedPackets, 0) },
  { title: "CPU s/GiB", show: ({ cpuSecondsPerGib }) => fixed(cpuSecondsPerGib, 1) },
  { title: "peak MiB", show: ({ peakMebibytesPeer }) => fixed(peakMebibytesPeer, 0) },
  { title: "origin MiB", show: ({ peakMebibytesOrigin }) => fixed(peakMebibytesOrigin, 0) },
  { title: "idle %", show: ({ idleShare }) => fixed(idleShare * 100, 0) },
];

/** Rows of cells, the titles first: each run, then each median where there are several. */
export function tableOf(report: Pick<BenchReport, "options" | "systems">): readonly (readonly string[])[] {
  const { mbit, slow } = report.options;
  const columns = [
    ...SECONDS_COLUMNS,
    ...(mbit === null ? [] : SHAPED_COLUMNS),
    ...(slow === null ? [] : FAST_COLUMNS),
    ...COST_COLUMNS,
  ];
  const rowOf = (name: string, figures: Figures, right: string) => [
    name,
    ...columns.map(({ show }) => show(figures)),
    right,
  ];
  const rows = report.systems.flatMap(({ name, runs, median }) => {
    const own = runs.map((run, index) => rowOf(`${name} ${index + 1}`, run.figures, rightOf(run)));
    return median === null || runs.length < 2 ? own : [...own, rowOf(`${name} median`, median, "")];
  });
  return [["", ...columns.map(({ title }) => title), "right"], ...rows];
}

/** `16/16`, and what else a run had to show. */
export function rightOf(run: RunResult): string {
  const staged =
    run.stagedNodes === null || run.stagedNodes === run.expectedNodes ? "" : `, ${run.stagedNodes} staged`;
  return `${run.rightNodes}/${run.expectedNodes}${staged}`;
}

/** Columns under each other, the first to the left and the others to the right. */
export function layOut(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => (row[column] ?? "").length)),
  );
  return rows
    .map((row) =>
      row
        .map((cell, column) =>
          column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0),
        )
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

/** What the numbers were measured under, one sentence a line. */
export function conditionsOf(report: BenchReport): readonly string[] {
  const { options, machine, linkCheck, pieceLength } = report;
  const { nodes, mbit, originMbit, mib, slow, fault, policy = null, queueKib = null } = options;
  const links =
    mbit === null
      ? "links as fast as the machine"
      : `${mbit} Mbit/s each way for every node, ${originMbit} Mbit/s for the origin`;
  const pieces = pieceLength === null ? "" : `, pieces of ${pieceLength / 1024} KiB`;
  return [
    `${nodes} nodes, one origin, ${mib} MiB${pieces}; ${links}.`,
    ...(slow === null ? [] : [`${percent(slow.share)} of the nodes have ${slow.factor} of the rate.`]),
    ...(fault === null ? [] : [faultText(fault)]),
    ...(policy === null ? [] : [`Policy: ${policy}.`]),
    ...(queueKib === null ? [] : [`Queues before links hold ${queueKib} KiB.`]),
    ...(linkCheck === null
      ? []
      : [
          `A plain TCP transfer reached ${percent(linkCheck.originToNode)} of the rate from the origin to a node, ` +
            `${percent(linkCheck.nodeToOrigin)} back.`,
        ]),
    `${machine.cpus} × ${machine.cpuModel}, ${machine.memoryGib} GiB, Linux ${machine.kernel}, Node ${machine.node}.`,
  ];
}

function faultText(fault: NonNullable<BenchOptions["fault"]>): string {
  switch (fault.kind) {
    case "peers":
      return `${percent(fault.share)} of the nodes are killed when all have ${percent(fault.at)} of their bytes.`;
    case "coordinator":
      return `The coordinator is killed when the nodes have ${percent(fault.at)} of their bytes, and started again.`;
    case "origin":
      return "The coordinator is killed once every piece is on some node, and comes back when all nodes are done.";
  }
}

export function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}

function fixed(value: number | null, digits: number): string {
  return value === null ? "–" : value.toFixed(digits);
}
