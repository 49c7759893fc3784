// docs/benchmarks.md, from reports. Pure text.
import { markdownTable } from "../../scripts/docs-tables.ts";
import { type BenchReport, conditionsOf, percent, type SystemReport, tableOf } from "./report.ts";

/** Below this, somebody else or the systems themselves used up the machine, and links were not the limit. */
const IDLE_SHARE_MIN = 0.1;

const HEAD = `# Benchmarks

<!-- Written by \`npm run bench:docs\`: change bench/swarm/page.ts or the results, not this file. -->

How long a release takes from one origin to every node, on links of a known rate, and how far that is from the least time there can be. Stock systems run on
the same links, in turns with fleet, on the same day.

## How it is measured

- Every node, and the origin, is a Linux network namespace with one link to one bridge. \`tbf\` shapes both directions of every link (burst 32 kB, queue 50 ms). A plain TCP
  transfer shows before each measurement that the links have the rate they should.
- fleet is the real thing: \`fleet coordinator\`, one \`fleet peer\` per node, \`fleet publish\`, \`fleet stage\`, started as a user starts them. Nobody is told the rates.
- The clock starts at GO, when nodes may begin to fetch. For fleet, the order, signatures and open connections come before it; the JSON has the time from the order, too. For
  stock systems it is the moment they are told to add the torrent, or started, with the origin seeding and known to the tracker.
- The clock stops when the last node has all bytes, verified. Afterwards the SHA-256 of what every node has is compared with what was published.
- Stock systems have their default settings, without DHT, local discovery and port mapping; WebTorrent fetches rarest pieces first. They exchange the same pieces, and know each
  other from an HTTP tracker on the origin's link.
- All of it runs on one machine, so CPU time is part of what is measured. *idle* is the share of all cores' time that nothing used between GO and the last node.

| column | says |
| --- | --- |
| ÷ bound | last node's time over the fluid bound max(F/u_s, F/min d, N·F/(u_s + Σu)), for F bytes, an origin that sends u_s, and N nodes that receive d and send u (Kumar and Ross, 2006) |
| ÷ piece bound | the same over the bound for nodes that pass on whole pieces: τ(M + ⌊log₂ N⌋) for M pieces of τ seconds and equal links (Mundinger, Weber and Weiss, 2008) |
| fast p95 ÷ bound | of the nodes with the full rate alone, against the bound for them |
| origin ÷ F, received ÷ F | payload that the origin sent, and nodes received on average, as times the artifact's size; *most*: the node with the most |
| origin link ÷ F | what passed the origin's link towards the nodes, headers and all else included |
| drops | packets that full queues dropped |
| CPU s/GiB | of all processes together, per GiB that arrived |
| peak MiB, origin MiB | most memory that any node's process, and the origin's, ever had resident |
| right | nodes whose every byte was right, of those that were to finish |

To repeat one, as root, on Linux with iproute2: the command stands under its heading. Stock systems that are not installed are left out; on Debian,
\`apt-get install aria2 python3-libtorrent transmission-cli curl\` has them.
`;

export function benchmarksPage(reports: readonly BenchReport[]): string {
  return [HEAD, ...reports.map(sectionOf)].join("\n");
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
  return `## ${titleOf(report)}

    ${report.command}

${conditionsOf(report).join(" ")} ${report.date.slice(0, 10)}.${commit} ${versionsOf(report)}

${markdownTable(head, rows)}
${notes.map((note) => `\n${note}\n`).join("")}`;
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
