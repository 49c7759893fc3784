// The bencoded info dictionary of an artifact's torrent (BEP 3): the one way it is written, and the strict way back.
// A dictionary written in any other way is refused, so that one artifact has one infohash.
import { createHash } from "node:crypto";
import { FleetError } from "../../protocol/errors.ts";
import { type Digest, type InfoHash, infoHashSchema } from "../../protocol/ids.ts";
import {
  ARTIFACT_BYTES_MAX,
  PIECE_LENGTH_MAX,
  PIECE_LENGTH_MIN,
  PIECES_MAX,
  TORRENT_INFO_BYTES_MAX,
} from "../../protocol/limits.ts";
import { type Artifact, pieceCountOf } from "../../protocol/manifest.ts";

export const PIECE_HASH_BYTES = 20;

export interface TorrentInfo {
  /** Bytes of the tarball. */
  readonly length: number;
  readonly pieceLength: number;
  /** The tarball's SHA-256, 64 hex digits: content gives the name. */
  readonly name: string;
  /** SHA-1 of every piece, one after the other. */
  readonly pieces: Uint8Array;
}

const HEAD_PATTERN =
  /^d6:lengthi([1-9][0-9]{0,15})e4:name64:([0-9a-f]{64})12:piece lengthi([1-9][0-9]{0,9})e6:pieces([1-9][0-9]{0,6}):/;
/** The longest text that {@link HEAD_PATTERN} matches is shorter. */
const HEAD_BYTES_MAX = 160;
/** `private`: stock clients must not announce a release to strangers. */
const TAIL = "7:privatei1ee";

export function encodeTorrentInfo(info: TorrentInfo): Uint8Array {
  const head =
    `d6:lengthi${info.length}e4:name64:${info.name}` +
    `12:piece lengthi${info.pieceLength}e6:pieces${info.pieces.length}:`;
  return Buffer.concat([Buffer.from(head), info.pieces, Buffer.from(TAIL)]);
}

export function infoHashOf(torrentInfo: Uint8Array): InfoHash {
  return infoHashSchema.decode(createHash("sha1").update(torrentInfo).digest("hex"), "infohash");
}

/** `pieces` is a view into `bytes`. Throws FleetError manifest-invalid unless it is a dictionary as we write it. */
export function readTorrentInfo(bytes: Uint8Array): TorrentInfo {
  if (bytes.length > TORRENT_INFO_BYTES_MAX) throw invalid(`longer than ${TORRENT_INFO_BYTES_MAX} bytes`);
  const head = HEAD_PATTERN.exec(Buffer.from(bytes.subarray(0, HEAD_BYTES_MAX)).toString("latin1"));
  if (head === null)
    throw invalid("not the dictionary of one file with length, name, piece length and pieces");
  const [matched, length, name = "", pieceLength, piecesLength] = head;
  const piecesEnd = matched.length + Number(piecesLength);
  const tail = Buffer.from(bytes.subarray(piecesEnd)).toString("latin1");
  if (tail !== TAIL) throw invalid("not a private torrent, or its hashes are cut short");
  const pieces = bytes.subarray(matched.length, piecesEnd);
  return checkSizes({ length: Number(length), pieceLength: Number(pieceLength), name, pieces });
}

/**
 * The torrent of exactly this artifact: infohash, SHA-256, length and piece length agree.
 * Throws FleetError manifest-invalid otherwise.
 */
export function checkTorrentInfo(torrentInfo: Uint8Array, artifact: Artifact): TorrentInfo {
  const infoHash = infoHashOf(torrentInfo);
  if (infoHash !== artifact.infoHash)
    throw invalid(`its infohash is ${infoHash}, the manifest says ${artifact.infoHash}`);
  const info = readTorrentInfo(torrentInfo);
  const sha256: Digest = artifact.sha256;
  if (info.name !== sha256) throw invalid(`it is for ${info.name}, the manifest for ${sha256}`);
  if (info.length !== artifact.length || info.pieceLength !== artifact.pieceLength)
    throw invalid(
      `it has ${info.length} bytes in pieces of ${info.pieceLength}, ` +
        `the manifest ${artifact.length} in pieces of ${artifact.pieceLength}`,
    );
  return info;
}

function checkSizes(info: TorrentInfo): TorrentInfo {
  if (info.length > ARTIFACT_BYTES_MAX) throw invalid(`more than ${ARTIFACT_BYTES_MAX} bytes`);
  if (info.pieceLength < PIECE_LENGTH_MIN || info.pieceLength > PIECE_LENGTH_MAX)
    throw invalid(`pieces of ${info.pieceLength} bytes, not ${PIECE_LENGTH_MIN} to ${PIECE_LENGTH_MAX}`);
  const pieceCount = pieceCountOf(info);
  if (pieceCount > PIECES_MAX) throw invalid(`more than ${PIECES_MAX} pieces`);
  if (info.pieces.length !== pieceCount * PIECE_HASH_BYTES)
    throw invalid(`${info.pieces.length} bytes of hashes for ${pieceCount} pieces`);
  return info;
}

function invalid(why: string): FleetError {
  return new FleetError("manifest-invalid", `the release's torrent is unusable: ${why}`);
}
