// What holds a stage on a node up: one total function from what was measured to one cause, in plain words.
// Heuristic where nobody can know, and worded so. It asks the certain things first and guesses last.
import type { Verdict } from "../../protocol/explain.ts";
import type { Inspection, LinkInspection, TorrentInspection } from "../../protocol/inspection.ts";
import { ORIGIN_ID } from "../../protocol/messages.ts";

/** A thread busier than this answers everything late. */
const BUSY_SHARE = 0.9;
/** A rate this close to a cap is held by it: what is left is the cap's own granularity. */
const CAPPED_SHARE = 0.85;
/** Pieces of one link settle one by one; this many at once in the same step are a queue. */
const QUEUE_MIN = 2;
/** A step that is busy for this share of the time is what the rest waits for. */
const STEP_BUSY_SHARE = 0.8;
/** Below this share of its best rate, a node whose pieces queue for the disk is standing still for them. */
const STANDSTILL_SHARE = 0.05;
/** A link that brings less than this share of all is not what fills the node's own link. */
const SENDING_SHARE = 0.02;
/** So close to the best rate it ever had, several sources at once fill a node's own link. */
const FULL_SHARE = 0.8;
/** A source that brings this share alone sets the pace. */
const ALONE_SHARE = 0.9;
/** Owing for this long without a block is standing, not pausing between two. */
const SILENT_MS = 1_000;

export interface VerdictFacts {
  readonly node: "answered" | "silent" | "offline";
  /** What the coordinator has heard of the stage, and why it failed. */
  readonly state: "staging" | "verified" | "staged" | "failed";
  readonly failure: string | null;
  /** The operator who has paused the release; null when none has. */
  readonly pausedBy: string | null;
  /** GO has not been given. */
  readonly awaitsGo: boolean;
  readonly artifactBytes: number;
  readonly pieceLength: number;
  readonly verifiedBytes: number;
  readonly inspection: Inspection | null;
  readonly torrent: TorrentInspection | null;
}

export function verdictOf(facts: VerdictFacts): Verdict {
  return (
    settled(facts) ??
    held(facts) ??
    (facts.inspection === null || facts.torrent === null
      ? unheard(facts)
      : ofFetching(facts, facts.inspection, facts.torrent))
  );
}

/** There is nothing left to wait for. */
function settled({ state, failure, node }: VerdictFacts): Verdict | null {
  if (state === "staged") return { limit: "done", message: "staged: nothing is left to fetch" };
  if (state === "failed")
    return { limit: "failed", message: `it gave up: ${failure ?? "it did not say why"}` };
  if (node === "offline")
    return { limit: "offline", message: "the node is not connected; this is what it said last" };
  return null;
}

/** Somebody wants it to wait, or it is past fetching. */
function held(facts: VerdictFacts): Verdict | null {
  const { pausedBy, awaitsGo, torrent, state } = facts;
  const installing = {
    limit: "installing",
    message: "all bytes are here; they are checked and unpacked",
  } as const;
  if (state === "verified") return installing;
  if (pausedBy !== null) return { limit: "paused", message: `the release is paused by ${pausedBy}` };
  if (awaitsGo)
    return { limit: "waiting-for-go", message: "its links are open; it begins together with the others" };
  if (torrent === null) return null;
  if (torrent.phase === "waiting")
    return { limit: "waiting-for-turn", message: "other releases are staged on this node first" };
  if (torrent.phase === "installing" || torrent.missingCount === 0) return installing;
  return torrent.paused ? { limit: "paused", message: "it has been told to ask for nothing" } : null;
}

function unheard({ node }: VerdictFacts): Verdict {
  const message =
    node === "answered"
      ? "it knows nothing of this release: it may just have started"
      : "the node is connected and did not answer in time; this is what it said last";
  return { limit: "silent", message };
}

function ofFetching(facts: VerdictFacts, inspection: Inspection, torrent: TorrentInspection): Verdict {
  return (
    ofConnections(torrent) ??
    ofCap(inspection, torrent) ??
    ofMachine(facts, inspection, torrent) ??
    ofSources(torrent)
  );
}

function ofConnections(torrent: TorrentInspection): Verdict | null {
  const { linkCount, neighbourCount, unavailableCount, missingCount } = torrent;
  if (linkCount === 0) {
    const message =
      neighbourCount === 0
        ? "the coordinator has given it nobody to fetch from"
        : `it has no open link to any of its ${neighbourCount} neighbours`;
    return { limit: "no-links", message };
  }
  if (unavailableCount < missingCount) return null;
  const links = linkCount === 1 ? "its only link has" : `none of its ${linkCount} links has`;
  const what = linkCount === 1 ? "none of the" : "any of the";
  return { limit: "no-source", message: `${links} ${what} ${pieces(missingCount)} it lacks` };
}

function ofCap(inspection: Inspection, torrent: TorrentInspection): Verdict | null {
  const cap = inspection.downloadBytesPerSecondMax;
  if (cap === null) return null;
  // The cap is for all releases of the node together.
  const total = inspection.torrents.reduce((sum, one) => sum + one.receiveBytesPerSecond, 0);
  if (total < CAPPED_SHARE * cap) return null;
  const others = inspection.torrents.length > 1 && total > torrent.receiveBytesPerSecond;
  const shared = others ? ", shared with the other releases on it" : "";
  return {
    limit: "capped",
    message: `capped at ${rateText(cap)} by \`fleet limits\` or its own configuration${shared}`,
  };
}

function ofMachine(facts: VerdictFacts, inspection: Inspection, torrent: TorrentInspection): Verdict | null {
  if (inspection.busyShare >= BUSY_SHARE) {
    const percent = Math.round(inspection.busyShare * 100);
    return { limit: "cpu", message: `its processor: the main thread was busy ${percent} % of the time` };
  }
  const { hashing, writing, hashMs, writeMs } = torrent;
  if (writing >= QUEUE_MIN && writing >= hashing && keepsUpNot(facts, torrent, writeMs))
    return {
      limit: "disk",
      message: `its disk: ${pieces(writing)} wait to be written, one takes ${ms(writeMs)}`,
    };
  if (hashing >= QUEUE_MIN && keepsUpNot(facts, torrent, hashMs))
    return {
      limit: "hashing",
      message: `checking: ${pieces(hashing)} wait to be hashed, one takes ${ms(hashMs)}`,
    };
  return null;
}

/** The step is busy nearly all the time, or has brought everything to a standstill. */
function keepsUpNot({ pieceLength }: VerdictFacts, torrent: TorrentInspection, stepMs: number): boolean {
  const { receiveBytesPerSecond: rate, receiveBytesPerSecondPeak: peak } = torrent;
  const share = (rate / pieceLength) * (stepMs / 1000);
  return share >= STEP_BUSY_SHARE || rate <= STANDSTILL_SHARE * peak;
}

function ofSources(torrent: TorrentInspection): Verdict {
  const { links, linkCount, receiveBytesPerSecond: rate, receiveBytesPerSecondPeak: peak } = torrent;
  const useful = links.filter((link) => link.usefulPieces > 0);
  const sending = useful.filter((link) => link.receiveBytesPerSecond > SENDING_SHARE * rate && rate > 0);
  const best = Math.max(0, ...sending.map((link) => link.receiveBytesPerSecond));
  if (sending.length >= 2 && rate >= FULL_SHARE * peak && best < ALONE_SHARE * rate)
    return {
      limit: "own-link",
      message: `probably its own link: ${sending.length} sources send at once, and it gets about the most it ever got`,
    };
  if (useful.length > 0 && useful.every((link) => link.source === ORIGIN_ID))
    return {
      limit: "origin",
      message: `the origin: of ${linkCount} links only the one to it has what the node lacks`,
    };
  return { limit: "sources", message: `its sources: ${sourcesText(useful, sending.length)}` };
}

/** `1 of 4 sends; 1 does not serve it, 2 owe blocks for more than a second`. */
function sourcesText(useful: readonly LinkInspection[], sending: number): string {
  const choked = useful.filter((link) => link.choked).length;
  const silent = useful.filter((link) => !link.choked && (link.silentMs ?? 0) > SILENT_MS).length;
  const idle = useful.filter((link) => !link.choked && link.requestsOpen === 0).length;
  const parts = [
    choked > 0 ? `${choked} ${choked === 1 ? "does" : "do"} not serve it` : "",
    silent > 0
      ? `${silent} ${silent === 1 ? "owes" : "owe"} blocks and ${silent === 1 ? "is" : "are"} silent`
      : "",
    idle > 0 ? `${idle} ${idle === 1 ? "is" : "are"} asked for nothing just now` : "",
  ].filter((part) => part !== "");
  const reasons = parts.length === 0 ? "" : `; ${parts.join(", ")}`;
  const having = useful.length === 1 ? "of 1 that has" : `of ${useful.length} that have`;
  return `${sending} ${having} what it lacks ${sending === 1 ? "sends" : "send"}${reasons}`;
}

function pieces(count: number): string {
  return count === 1 ? "1 piece" : `${count} pieces`;
}

function ms(value: number): string {
  return `${Math.round(value)} ms`;
}

function rateText(bytesPerSecond: number): string {
  return bytesPerSecond >= 100_000
    ? `${Number((bytesPerSecond / 1e6).toPrecision(3))} MB/s`
    : `${Number((bytesPerSecond / 1e3).toPrecision(3))} kB/s`;
}
