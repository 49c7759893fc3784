// The results in docs/benchmarks.md, from reports. Pure text.
import { markdownTable } from "../../scripts/docs-tables.ts";
import { type BenchReport, conditionsOf, percent, type SystemReport, tableOf } from "./report.ts";

/** Below this, somebody else or the systems themselves used up the machine, and links were not the limit. */
const IDLE_SHARE_MIN = 0.1;

/** Markdown: one part per report. */
export function resultsText(reports: readonly BenchReport[]): string {
  return reports.length === 0 ? "No results are kept yet." : reports.map(sectionOf).join("\n\n");
}

function sectionOf(report: BenchReport): string {
  const [head = [], ...rows] = tableOf(report);
  const busy = report.systems.filter(isBusy).map(({ name }) => name);
  const notes = [
    ...report.systems.flatMap(({ name, skipped }) =>
      skipped === null ? [] : [`${name} was not measured: ${skipped}.`],
    ),
    ...report.systems.flatMap(faultsOf),
    ...(busy.length === 0 ? [] : [busyText(busy)]),
  ];
  const commit = report.commit === null ? "" : ` Sources: ${report.commit}.`;
  return `### ${titleOf(report)}

    ${report.command}

${conditionsOf(report).join(" ")} ${report.date.slice(0, 10)}.${commit} ${versionsOf(report)}

${markdownTable(head, rows)}${notes.map((note) => `\n\n${note}`).join("")}`;
}

function titleOf({ options }: BenchReport): string {
  const { nodes, mbit, originMbit, mib, slow, fault } = options;
  const links = mbit === null ? "unshaped" : `${mbit} Mbit/s`;
  const origin = originMbit === mbit ? "" : `, origin ${originMbit} Mbit/s`;
  const slowText = slow === null ? "" : `, ${percent(slow.share)} slow`;
  const faultText = fault === null ? "" : `, ${fault.kind} killed`;
  return `${nodes} ${nodes === 1 ? "node" : "nodes"}, ${links}${origin}, ${mib} MiB${slowText}${faultText}`;
}

function versionsOf({ systems }: BenchReport): string {
  const versions = systems.flatMap(({ name, version, skipped }) =>
    name === "fleet" || skipped !== null || version === null ? [] : [`${name}: ${version.split(" (")[0]}`],
  );
  return versions.length === 0 ? "" : `${versions.join("; ")}.`;
}

function isBusy({ median }: SystemReport): boolean {
  return median !== null && median.idleShare < IDLE_SHARE_MIN;
}

function busyText(names: readonly string[]): string {
  return (
    `**The machine had less than ${percent(IDLE_SHARE_MIN)} of its time left for ${names.join(", ")}:** ` +
    "what they show is its CPU as much as the links."
  );
}

function faultsOf({ runs }: SystemReport): readonly string[] {
  return runs.flatMap(({ fault }, index) => (fault === null ? [] : [`Run ${index + 1}: ${fault}.`]));
}
