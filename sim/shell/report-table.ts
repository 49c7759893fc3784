// The table of a report: one row per fleet size, and below it what its columns mean.
import type { BoundId } from "../core/bounds.ts";
import type { ReportData, SizeResult } from "../core/report-data.ts";
import { formatCount, formatRatio, formatSeconds } from "./figures.ts";
import { escapeText } from "./markup.ts";

interface Column {
  readonly heading: string;
  readonly cell: (size: SizeResult) => string;
}

/** What matters most stands left: on a narrow screen the rest is a swipe away. */
const COLUMNS: readonly Column[] = [
  { heading: "Nodes", cell: ({ nodes }) => formatCount(nodes) },
  { heading: "Last node", cell: ({ lastSeconds }) => formatSeconds(lastSeconds) },
  { heading: "÷ bound", cell: ({ lastOverBound }) => formatRatio(lastOverBound) },
  { heading: "Bound", cell: ({ boundSeconds, boundId }) => `${formatSeconds(boundSeconds)} (${boundId})` },
  { heading: "Half", cell: ({ p50Seconds }) => formatSeconds(p50Seconds) },
  { heading: "99 %", cell: ({ p99Seconds }) => formatSeconds(p99Seconds) },
  { heading: "Origin sends", cell: ({ originBytesOverSize }) => `${formatRatio(originBytesOverSize)} ×` },
  { heading: "Origin alone", cell: ({ clientServerSeconds }) => formatOrNever(clientServerSeconds) },
  { heading: "Binary tree", cell: ({ treeSeconds }) => formatOrNever(treeSeconds) },
];

/** Why there is no way to be faster. */
const BOUND_WORDS: Readonly<Record<BoundId, string>> = {
  B1: "every byte must leave the origin once",
  B2: "the slowest downlink must carry all of it",
  B3: "all uplinks together must carry a copy for every node",
  B4: "a node can pass on a piece only when it has it, and the number of those that have it can only double",
  B5: "nodes can send only once they have something",
  B6: "the last piece must spread too",
  B7: "a link between zones must carry a copy",
};

export function resultsTable(data: ReportData): string {
  const head = COLUMNS.map(({ heading }) => `<th scope="col">${escapeText(heading)}</th>`).join("");
  const rows = data.sizes.map(
    (size) => `<tr>${COLUMNS.map((column, index) => cellOf(column, size, index)).join("")}</tr>`,
  );
  return `<div class="table" tabindex="0" role="region" aria-label="Results"><table>
<thead><tr>${head}</tr></thead>
<tbody>
${rows.join("\n")}
</tbody>
</table></div>
<p class="note">${escapeText(legendOf(data))}</p>`;
}

function cellOf({ cell }: Column, size: SizeResult, index: number): string {
  const text = escapeText(cell(size));
  return index === 0 ? `<th scope="row">${text}</th>` : `<td>${text}</td>`;
}

function legendOf({ sizes, seeds }: ReportData): string {
  const median = seeds.length === 1 ? "" : ` Each figure is the median of ${seeds.length} seeds.`;
  const ids = [...new Set(sizes.map(({ boundId }) => boundId))].toSorted();
  const bounds = ids.flatMap((id) => (isBoundId(id) ? [`${id}, ${BOUND_WORDS[id]}`] : []));
  const reasons = bounds.length === 0 ? "" : ` (${bounds.join("; ")})`;
  return (
    "Times from the start until the last node, half and 99 % of the nodes have everything. " +
    `Bound: no way of sending can be faster${reasons}. ` +
    "Origin sends: bytes it sends, as times the artifact's size. " +
    `Origin alone and binary tree: the last node's time without a swarm.${median}`
  );
}

function isBoundId(id: string): id is BoundId {
  return Object.hasOwn(BOUND_WORDS, id);
}

/** A tree ends at a node that cannot send. */
function formatOrNever(seconds: number): string {
  return Number.isFinite(seconds) ? formatSeconds(seconds) : "never";
}
