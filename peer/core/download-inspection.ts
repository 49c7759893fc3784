// A download as people ask about it: what each link owes and offers, and what is missing and who has it.
// Reads the state, changes nothing, and is called when somebody asks: it may look at every piece.
import type { Millis } from "../../protocol/ids.ts";
import { INSPECTED_MISSING_MAX, INSPECTED_SOURCES_MAX } from "../../protocol/limits.ts";
import type { DownloadState, Link } from "./download-state.ts";
import type { LinkId } from "./geometry.ts";

export interface LinkDemand {
  readonly link: LinkId;
  readonly source: string;
  readonly requestsOpen: number;
  readonly choked: boolean;
  readonly pieces: number;
  readonly usefulPieces: number;
  /** Null while it owes nothing. */
  readonly silentMs: number | null;
  readonly stalls: number;
}

export interface MissingPiece {
  readonly piece: number;
  readonly state: "wanted" | "asked" | "checking";
  readonly holderCount: number;
  /** The first of them, as sources. */
  readonly holders: readonly string[];
}

export interface DownloadInspection {
  readonly paused: boolean;
  readonly links: readonly LinkDemand[];
  readonly missingCount: number;
  /** Missing pieces that no link has. */
  readonly unavailableCount: number;
  /** The first few, fewest holders first. */
  readonly missing: readonly MissingPiece[];
}

export function inspectDownload(state: DownloadState, now: Millis): DownloadInspection {
  const links = [...state.links.values()];
  const counted = missingPieces(state).map((piece) => ({ piece, holderCount: countHolders(links, piece) }));
  const rarest = counted.toSorted((a, b) => a.holderCount - b.holderCount || a.piece - b.piece);
  return {
    paused: state.paused,
    links: links.map((link) => demandOf(link, now)),
    missingCount: counted.length,
    unavailableCount: counted.filter(({ holderCount }) => holderCount === 0).length,
    missing: rarest.slice(0, INSPECTED_MISSING_MAX).map(({ piece, holderCount }) => ({
      piece,
      state: stateOf(state, piece),
      holderCount,
      holders: links
        .filter((link) => link.has.has(piece))
        .slice(0, INSPECTED_SOURCES_MAX)
        .map((link) => link.source),
    })),
  };
}

function demandOf(link: Link, now: Millis): LinkDemand {
  const { owesSince } = link;
  return {
    link: link.id,
    source: link.source,
    requestsOpen: link.open.size,
    choked: link.choked,
    pieces: link.has.count,
    usefulPieces: link.useful,
    silentMs: owesSince === null ? null : Math.max(0, Math.round(now - owesSince)),
    stalls: link.stalls,
  };
}

function missingPieces({ geometry, verified }: DownloadState): readonly number[] {
  const missing: number[] = [];
  for (let piece = 0; piece < geometry.pieceCount; piece++) if (!verified.has(piece)) missing.push(piece);
  return missing;
}

function countHolders(links: readonly Link[], piece: number): number {
  let count = 0;
  for (const link of links) if (link.has.has(piece)) count += 1;
  return count;
}

function stateOf(state: DownloadState, piece: number): MissingPiece["state"] {
  const progress = state.active.get(piece);
  if (progress === undefined) return "wanted";
  if (progress.isComplete) return "checking";
  return progress.isAskedFor ? "asked" : "wanted";
}
