// One torrent as people ask about it: joins what its machines, its links and its disk know into one bounded snapshot.
// Reads only.

import type { LinkInspection, TorrentInspection } from "../../protocol/inspection.ts";
import { INSPECTED_LINKS_MAX, INSPECTED_SOURCES_MAX } from "../../protocol/limits.ts";
import { type Artifact, pieceCountOf } from "../../protocol/manifest.ts";
import type { Neighbour } from "../../protocol/messages.ts";
import type { DownloadInspection, LinkDemand } from "../core/download-inspection.ts";
import type { LinkId } from "../core/geometry.ts";
import { nameOfSource } from "../core/link-roster.ts";
import type { Meter } from "./meter.ts";

/** All of a {@link TorrentInspection} but what only the staging of the release knows. */
export type TorrentSnapshot = Omit<TorrentInspection, "generation" | "release" | "phase">;

export interface SnapshotParts {
  readonly now: number;
  readonly pieceCount: number;
  readonly verifiedPieces: number;
  readonly verifiedBytes: number;
  /** Of all links together. */
  readonly meter: Meter;
  readonly intake: Pick<TorrentSnapshot, "hashing" | "writing" | "hashMs" | "writeMs">;
  readonly download: DownloadInspection;
  readonly neighbours: readonly Neighbour[];
  readonly meterOf: (link: LinkId) => Meter | undefined;
  /** Blocks this link has asked for and not got. */
  readonly requestsWaiting: (link: LinkId) => number;
}

export function snapshotOf(parts: SnapshotParts): TorrentSnapshot {
  const { now, download, neighbours, pieceCount, verifiedPieces, meter } = parts;
  const linked = new Set(download.links.map(({ source }) => nameOfSource(source)));
  const unlinked = neighbours.map(({ id }) => id).filter((id) => !linked.has(id));
  const links = download.links.map((demand) => linkOf(demand, parts));
  return {
    ...{ paused: download.paused, pieceCount, verifiedPieces },
    verifiedBytes: parts.verifiedBytes,
    receivedBytes: meter.receivedBytes,
    uploadedBytes: meter.sentBytes,
    receiveBytesPerSecond: meter.receiveBytesPerSecond(now),
    sendBytesPerSecond: meter.sendBytesPerSecond(now),
    receiveBytesPerSecondPeak: meter.receiveBytesPerSecondPeak,
    ...parts.intake,
    neighbourCount: neighbours.length,
    unlinkedCount: unlinked.length,
    unlinked: unlinked.slice(0, INSPECTED_SOURCES_MAX),
    linkCount: links.length,
    links: links.toSorted(byReceiveRate).slice(0, INSPECTED_LINKS_MAX),
    missingCount: download.missingCount,
    unavailableCount: download.unavailableCount,
    missing: download.missing.map((piece) => ({ ...piece, holders: piece.holders.map(nameOfSource) })),
  };
}

function linkOf(demand: LinkDemand, { now, meterOf, requestsWaiting }: SnapshotParts): LinkInspection {
  const { link, source, ...rest } = demand;
  const meter = meterOf(link);
  return {
    source: nameOfSource(source),
    openMs: Math.round(now - (meter?.startedAt ?? now)),
    receiveBytesPerSecond: meter?.receiveBytesPerSecond(now) ?? 0,
    sendBytesPerSecond: meter?.sendBytesPerSecond(now) ?? 0,
    receivedBytes: meter?.receivedBytes ?? 0,
    sentBytes: meter?.sentBytes ?? 0,
    requestsWaiting: requestsWaiting(link),
    ...rest,
  };
}

function byReceiveRate(a: LinkInspection, b: LinkInspection): number {
  return b.receiveBytesPerSecond - a.receiveBytesPerSecond || b.receivedBytes - a.receivedBytes;
}

/** Of a release that has no torrent yet, or none any more. */
export function nothingJoined(artifact: Artifact): TorrentSnapshot {
  const pieceCount = pieceCountOf(artifact);
  return {
    ...{ paused: false, pieceCount, verifiedPieces: 0, verifiedBytes: 0, receivedBytes: 0, uploadedBytes: 0 },
    ...{ receiveBytesPerSecond: 0, sendBytesPerSecond: 0, receiveBytesPerSecondPeak: 0 },
    ...{ hashing: 0, writing: 0, hashMs: 0, writeMs: 0, neighbourCount: 0, unlinkedCount: 0, unlinked: [] },
    ...{ linkCount: 0, links: [], missingCount: pieceCount, unavailableCount: pieceCount, missing: [] },
  };
}
