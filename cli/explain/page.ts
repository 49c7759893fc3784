// Why a node is slow, as one page for people: the cause first, then what it rests on. Pure.
import type { Explanation, LinkView, StageExplanation, TorrentView } from "../../protocol/explain.ts";
import { formatTable } from "../format/table.ts";
import { clean, cut, type Paint, wrap } from "../format/text.ts";
import { count, formatAgo, formatBytes, formatClock, formatPercent, formatRate } from "../format/units.ts";

export interface PageStyle {
  readonly paint: Paint;
  /** Columns of the terminal; null prints whole lines, for files and pipes. */
  readonly width: number | null;
}

const LABEL_WIDTH = 10;
const INDENT = "  ";
const NAME_WIDTH_MAX = 16;
/** Links listed: the fastest, and those that should send and do not. `--json` has all. */
const FASTEST_MAX = 8;
const TROUBLED_MAX = 8;
/** Shorter silence is a pause between two blocks. */
const SILENT_MS_MIN = 1_000;

export function explainPage(view: Explanation, style: PageStyle): readonly string[] {
  const head = headline(view, style.paint);
  const { width } = style;
  const stages = view.stages.flatMap((stage) => ["", ...stageLines(stage, view, style)]);
  return [
    width === null ? head : cut(head, width),
    ...(stages.length > 0 ? stages : ["", "nothing is being staged on it"]),
  ];
}

function headline({ node, answer, since, at }: Explanation, paint: Paint): string {
  const forHowLong = since === null ? "" : ` for ${formatClock((at - since) / 1000)}`;
  const states = {
    answered: paint.green(`online${forHowLong}`),
    silent: paint.red("online, does not answer"),
    offline: paint.red(`offline, seen ${formatAgo(at - node.lastSeenAt)}`),
  };
  const rest = `${clean(node.address)}  agent ${clean(node.agentVersion)}`;
  return `${paint.bold(clean(node.name))}  ${states[answer]}  ${rest}`;
}

function stageLines(stage: StageExplanation, view: Explanation, style: PageStyle): readonly string[] {
  const { paint } = style;
  const { verdict, torrent } = stage;
  const isOver = verdict.limit === "done" || verdict.limit === "failed";
  const colour =
    verdict.limit === "done" ? paint.green : verdict.limit === "failed" ? paint.red : paint.yellow;
  return [
    paint.bold(stageHead(stage)),
    ...labelled("why", clean(verdict.message), style, colour),
    ...stage.accused.flatMap((one) => labelled("accused", clean(one.message), style, paint.red)),
    ...stage.accuses.flatMap((one) => labelled("accuses", clean(one.message), style)),
    ...(isOver || torrent !== null ? [] : labelled("last told", toldText(stage, view.at), style)),
    ...(torrent === null ? [] : torrentLines(torrent, view, style)),
  ];
}

/** `shop v42 (r7): 45% of 100 MB, about 12s to go` */
function stageHead({
  app,
  version,
  rolloutId,
  state,
  artifactBytes,
  verifiedBytes,
  etaSeconds,
}: StageExplanation) {
  const rollout = rolloutId === null ? "" : ` (${rolloutId})`;
  const share = `${formatPercent(verifiedBytes, artifactBytes)} of ${formatBytes(artifactBytes)}`;
  const eta = etaSeconds === null ? "" : `, about ${formatClock(Math.ceil(etaSeconds))} to go`;
  const progress = state === "staging" || state === "failed" ? share + eta : state;
  return `${app} ${version}${rollout}: ${progress}`;
}

function toldText(
  { toldAt, progressAt, receiveBytesPerSecond, verifiedBytes }: StageExplanation,
  at: number,
) {
  if (toldAt === null) return "nothing yet";
  const stands = progressAt === null ? "" : `; its last new piece came ${formatAgo(at - progressAt)}`;
  const had = `${formatBytes(verifiedBytes)} verified and ${formatRate(receiveBytesPerSecond)} coming in`;
  return `${had}, ${formatAgo(at - toldAt)}${stands}`;
}

function torrentLines(torrent: TorrentView, view: Explanation, style: PageStyle): readonly string[] {
  const out = labelled("out", outText(torrent), style);
  if (torrent.missingCount === 0) return torrent.linkCount === 0 ? [] : out;
  return [
    ...labelled("in", inText(torrent), style),
    ...out,
    ...labelled("machine", machineText(torrent, view), style),
    ...labelled("missing", missingText(torrent), style),
    ...labelled("links", linksText(torrent), style),
    ...linkTable(torrent.links, style),
  ];
}

function inText(torrent: TorrentView): string {
  const { receiveBytesPerSecond, receiveBytesPerSecondPeak, receivedBytes, verifiedBytes } = torrent;
  const best = receiveBytesPerSecondPeak > 0 ? `, ${formatRate(receiveBytesPerSecondPeak)} at best` : "";
  const bytes = `${formatBytes(receivedBytes)} received, ${formatBytes(verifiedBytes)} verified`;
  return `${formatRate(receiveBytesPerSecond)} now${best}; ${bytes}`;
}

function outText({ sendBytesPerSecond, uploadedBytes }: TorrentView): string {
  return `${formatRate(sendBytesPerSecond)} now; ${formatBytes(uploadedBytes)} sent`;
}

function machineText(torrent: TorrentView, view: Explanation): string {
  const { hashing, writing, hashMs, writeMs } = torrent;
  const { busyShare, downloadBytesPerSecondMax: down, uploadBytesPerSecondMax: up } = view;
  const thread = busyShare === null ? "" : `main thread ${Math.round(busyShare * 100)}% busy; `;
  const hash = `${count(hashing, "piece")} being hashed (${hashMs.toFixed(0)} ms each)`;
  const write = `${writing} being written (${writeMs.toFixed(0)} ms each)`;
  const limits = [
    down === null ? "" : `capped at ${formatRate(down)} in`,
    up === null ? "" : `capped at ${formatRate(up)} out`,
  ].filter((text) => text !== "");
  return `${thread}${[`${hash}, ${write}`, ...limits].join("; ")}`;
}

/** `55 of 100 pieces, 3 of them no link has; rarest: 17, 31 (nobody); 90 (origin, web-2)` */
function missingText({ missingCount, pieceCount, unavailableCount, missing }: TorrentView): string {
  const none = unavailableCount === 0 ? "" : `, ${unavailableCount} of them no link has`;
  const byHolders = Map.groupBy(missing, holdersText);
  const first = [...byHolders].map(
    ([who, pieces]) => `${pieces.map(({ piece }) => piece).join(", ")} (${who})`,
  );
  return `${missingCount} of ${count(pieceCount, "piece")}${none}; rarest: ${first.join("; ")}`;
}

function holdersText({ holderCount, holders }: TorrentView["missing"][number]): string {
  if (holderCount === 0) return "nobody";
  const more = holderCount > holders.length ? ` and ${holderCount - holders.length} more` : "";
  return `${holders.map(clean).toSorted().join(", ")}${more}`;
}

function linksText({ linkCount, neighbourCount, unlinkedCount, unlinked }: TorrentView): string {
  const more = unlinkedCount > unlinked.length ? ` and ${unlinkedCount - unlinked.length} more` : "";
  const missing = unlinkedCount === 0 ? "" : `; none to ${unlinked.map(clean).join(", ")}${more}`;
  return `${linkCount} open, ${count(neighbourCount, "neighbour")} named${missing}`;
}

function linkTable(links: readonly LinkView[], { width, paint }: PageStyle): readonly string[] {
  if (links.length === 0) return [];
  const shown = worthShowing(links);
  const columns = [
    { heading: "SOURCE" },
    { heading: "IN", align: "right" },
    { heading: "OUT", align: "right" },
    { heading: "ASKED", align: "right" },
    { heading: "WANTS", align: "right" },
    { heading: "HAS", align: "right" },
    { heading: "OPEN", align: "right" },
    { heading: "NOTE" },
  ] as const;
  const rows = shown.map((link) => [
    cut(clean(link.name), NAME_WIDTH_MAX),
    formatRate(link.receiveBytesPerSecond),
    formatRate(link.sendBytesPerSecond),
    String(link.requestsOpen),
    String(link.requestsWaiting),
    String(link.usefulPieces),
    formatClock(link.openMs / 1000),
    noteOf(link, paint),
  ]);
  const more = links.length - shown.length;
  const rest = more === 0 ? [] : [`and ${count(more, "more link")}, which --json lists`];
  const lines = [...formatTable(columns, rows), ...rest].map((line) => INDENT + line);
  return width === null ? lines : lines.map((line) => cut(line, width));
}

/** In the order they came: the fastest first. */
function worthShowing(links: readonly LinkView[]): readonly LinkView[] {
  const fastest = links.slice(0, FASTEST_MAX);
  const troubled = links.slice(FASTEST_MAX).filter(isTroubled).slice(0, TROUBLED_MAX);
  return [...fastest, ...troubled];
}

function isTroubled(link: LinkView): boolean {
  return link.usefulPieces > 0 && (link.choked || (link.silentMs ?? 0) >= SILENT_MS_MIN);
}

function noteOf(link: LinkView, paint: Paint): string {
  const silentMs = link.silentMs ?? 0;
  const parts = [
    link.choked && link.usefulPieces > 0 ? paint.yellow("chokes us") : "",
    silentMs >= SILENT_MS_MIN ? paint.red(`silent ${formatClock(silentMs / 1000)}`) : "",
    link.stalls > 0 ? count(link.stalls, "stall") : "",
  ];
  return parts.filter((part) => part !== "").join(", ");
}

function labelled(
  label: string,
  text: string,
  { paint, width }: PageStyle,
  colour: (text: string) => string = (plain) => plain,
): readonly string[] {
  const indent = INDENT + " ".repeat(LABEL_WIDTH);
  const lines = width === null ? [text] : wrap(text, Math.max(20, width - indent.length));
  return lines.map((line, index) => {
    const head = index === 0 ? INDENT + paint.dim(label.padEnd(LABEL_WIDTH)) : indent;
    return head + colour(line);
  });
}
