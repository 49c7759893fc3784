// What a node tells of itself when it is asked why it is slow: one snapshot, for people. Nothing is decided by it.
import {
  INSPECTED_LINKS_MAX,
  INSPECTED_MISSING_MAX,
  INSPECTED_SOURCES_MAX,
  INSPECTED_TORRENTS_MAX,
  PIECES_MAX,
} from "./limits.ts";
import { releaseRefSchema } from "./manifest.ts";
import { sourceSchema } from "./offence.ts";
import { flag, type Infer, integer, list, literal, nullable, object, real } from "./schema.ts";

const byteCount = integer(0);
const rate = real(0, 1e12);
const elapsedMs = integer(0);
const pieceCount = integer(0, PIECES_MAX);

/** Answered with `inspection` and the same number. */
export const inspectSchema = object({ kind: literal("inspect"), requestId: integer(1) });

/** Of one link; also part of what people are shown. */
export const LINK_FIELDS = {
  source: sourceSchema,
  openMs: elapsedMs,
  receiveBytesPerSecond: rate,
  sendBytesPerSecond: rate,
  receivedBytes: byteCount,
  sentBytes: byteCount,
  /** Blocks asked of it and not here. */
  requestsOpen: integer(0),
  /** Blocks it has asked for and not got. */
  requestsWaiting: integer(0),
  /** It serves us nothing at present. */
  choked: flag,
  /** Pieces it has, and those of them that we lack. */
  pieces: pieceCount,
  usefulPieces: pieceCount,
  /** How long it has owed blocks without sending any; null while it owes none. */
  silentMs: nullable(elapsedMs),
  /** Times it was silent for so long that others were asked as well. */
  stalls: integer(0),
};
const linkInspectionSchema = object(LINK_FIELDS);
export type LinkInspection = Infer<typeof linkInspectionSchema>;

/** Of one missing piece; also part of what people are shown. */
export const MISSING_FIELDS = {
  piece: integer(0, PIECES_MAX - 1),
  /** `wanted`: asked of nobody. `asked`: under way. `checking`: here, being hashed or written. */
  state: literal("wanted", "asked", "checking"),
  /** Linked sources that have it, and the first of them. */
  holderCount: integer(0),
  holders: list(sourceSchema, INSPECTED_SOURCES_MAX),
};

/** Of one torrent, links and missing pieces aside; also part of what people are shown. */
export const TORRENT_FIELDS = {
  /** Links are open and nothing is asked for. */
  paused: flag,
  pieceCount,
  verifiedPieces: pieceCount,
  verifiedBytes: byteCount,
  receivedBytes: byteCount,
  uploadedBytes: byteCount,
  receiveBytesPerSecond: rate,
  sendBytesPerSecond: rate,
  /** The best that was seen since this attempt began. */
  receiveBytesPerSecondPeak: rate,
  /** Pieces that are all here: being hashed, and being written. */
  hashing: integer(0),
  writing: integer(0),
  /** What one piece took of late. */
  hashMs: real(0, 1e9),
  writeMs: real(0, 1e9),
  /** Neighbours the coordinator has named, and the first of those without an open link. */
  neighbourCount: integer(0),
  unlinkedCount: integer(0),
  unlinked: list(sourceSchema, INSPECTED_SOURCES_MAX),
  linkCount: integer(0),
  missingCount: pieceCount,
  /** Missing pieces that no linked source has. */
  unavailableCount: pieceCount,
};

const torrentInspectionSchema = object({
  generation: integer(1),
  release: releaseRefSchema,
  /** `waiting`: other releases come first. */
  phase: literal("waiting", "fetching", "installing", "serving"),
  ...TORRENT_FIELDS,
  /** The fastest to send to us first; all of them unless there are more than fit. */
  links: list(linkInspectionSchema, INSPECTED_LINKS_MAX),
  /** The first of the missing, those with the fewest holders first. */
  missing: list(object(MISSING_FIELDS), INSPECTED_MISSING_MAX),
});
export type TorrentInspection = Infer<typeof torrentInspectionSchema>;

export const inspectionSchema = object({
  kind: literal("inspection"),
  requestId: integer(1),
  /** Share of the last quarter of a second in which its main thread was busy. */
  busyShare: real(0, 1),
  /** What the process may move for all its torrents together; null is without limit. */
  uploadBytesPerSecondMax: nullable(integer(1)),
  downloadBytesPerSecondMax: nullable(integer(1)),
  /** Unfinished ones first. */
  torrents: list(torrentInspectionSchema, INSPECTED_TORRENTS_MAX),
});
export type Inspection = Infer<typeof inspectionSchema>;
