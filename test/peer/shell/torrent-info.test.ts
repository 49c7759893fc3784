// The torrent's info dictionary: one way to write it, and nothing else is read.
import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  checkTorrentInfo,
  encodeTorrentInfo,
  infoHashOf,
  readTorrentInfo,
  type TorrentInfo,
} from "../../../peer/shell/torrent-info.ts";
import { FleetError } from "../../../protocol/errors.ts";
import { digestSchema } from "../../../protocol/ids.ts";
import { PIECE_LENGTH_MIN, PIECES_MAX, TORRENT_INFO_BYTES_MAX } from "../../../protocol/limits.ts";
import type { Artifact } from "../../../protocol/manifest.ts";

const name = createHash("sha256").update("content").digest("hex");

function infoOf(pieceCount: number, lastPieceBytes = 100): TorrentInfo {
  const pieceLength = PIECE_LENGTH_MIN;
  const pieces = new Uint8Array(20 * pieceCount).map((_, index) => index % 251);
  return { length: (pieceCount - 1) * pieceLength + lastPieceBytes, pieceLength, name, pieces };
}

function artifactOf(info: TorrentInfo): Artifact {
  const infoHash = infoHashOf(encodeTorrentInfo(info));
  const { length, pieceLength } = info;
  const rest = { compression: "none", unpackedLength: length, entryCount: 1 } as const;
  return { length, pieceLength, infoHash, sha256: digestSchema.decode(info.name, "sha256"), ...rest };
}

describe("an info dictionary", () => {
  test("is written with its keys in order, as BEP 3 wants it", () => {
    const text = Buffer.from(
      encodeTorrentInfo({ ...infoOf(1), pieces: Buffer.from("p".repeat(20)) }),
    ).toString();
    expect(text).toBe(
      `d6:lengthi100e4:name64:${name}12:piece lengthi16384e6:pieces20:${"p".repeat(20)}7:privatei1ee`,
    );
  });

  test("comes back as it was written", () => {
    const counts = fc.integer({ min: 1, max: 300 });
    const lengths = fc.integer({ min: 1, max: PIECE_LENGTH_MIN });
    fc.assert(
      fc.property(counts, lengths, (pieceCount, lastPieceBytes) => {
        const info = infoOf(pieceCount, lastPieceBytes);
        expect(readTorrentInfo(encodeTorrentInfo(info))).toEqual({
          ...info,
          pieces: Buffer.from(info.pieces),
        });
      }),
    );
  });

  test("of the most pieces fits its limit", () => {
    const bytes = encodeTorrentInfo(infoOf(PIECES_MAX));
    expect(bytes.length).toBeLessThanOrEqual(TORRENT_INFO_BYTES_MAX);
    expect(readTorrentInfo(bytes).pieces.length).toBe(20 * PIECES_MAX);
  });

  test("of one piece more is refused, though it would fit", () => {
    const bytes = encodeTorrentInfo(infoOf(PIECES_MAX + 1));
    expect(bytes.length).toBeLessThanOrEqual(TORRENT_INFO_BYTES_MAX);
    expect(() => readTorrentInfo(bytes)).toThrow(/more than 32768 pieces/);
  });

  const good = Buffer.from(encodeTorrentInfo(infoOf(3))).toString("latin1");
  test.each([
    ["nothing", ""],
    ["something longer than any", `${good}${"x".repeat(TORRENT_INFO_BYTES_MAX)}`],
    ["a cut dictionary", good.slice(0, -1)],
    ["something after it", `${good}e`],
    ["no private flag", good.replace("7:privatei1e", "")],
    ["a private flag of 0", good.replace("7:privatei1e", "7:privatei0e")],
    ["another key", good.replace("4:name", "3:fooi1e4:name")],
    ["a leading zero", good.replace("6:lengthi", "6:lengthi0")],
    ["a negative length", good.replace("6:lengthi", "6:lengthi-")],
    ["a name that is no digest", good.replace(name, "x".repeat(64))],
    ["a piece length too small", good.replace("i16384e", "i16383e")],
    ["a piece length too large", good.replace("i16384e", "i99999999e")],
    ["a piece length of zero", good.replace("i16384e", "i0e")],
    ["fewer hashes than pieces", good.replace(/lengthi32868e/, "lengthi49253e")],
    ["more hashes than pieces", good.replace(/lengthi32868e/, "lengthi1e")],
    ["more pieces than allowed", good.replace(/lengthi32868e/, `lengthi${PIECES_MAX * 16384 + 1}e`)],
    ["more bytes than allowed", good.replace(/lengthi32868e/, "lengthi9007199254740991e")],
    ["hashes that claim to go on", good.replace("6:pieces60:", "6:pieces999999:")],
  ])("with %s is refused", (_, text) => {
    expect(text).not.toBe(good);
    expect(() => readTorrentInfo(Buffer.from(text, "latin1"))).toThrow(FleetError);
  });

  test("with any byte changed is another torrent, or none", () => {
    const bytes = Buffer.from(good, "latin1");
    const artifact = artifactOf(infoOf(3));
    fc.assert(
      fc.property(fc.nat({ max: bytes.length - 1 }), fc.integer({ min: 1, max: 255 }), (offset, change) => {
        const changed = Buffer.from(bytes);
        changed[offset] = (changed[offset] ?? 0) ^ change;
        expect(() => checkTorrentInfo(changed, artifact)).toThrow(/infohash/);
      }),
    );
  });
});

describe("a torrent for another artifact is refused:", () => {
  const info = infoOf(3);
  const artifact = artifactOf(info);
  const bytes = encodeTorrentInfo(info);

  test("while its own is taken", () => {
    expect(checkTorrentInfo(bytes, artifact)).toEqual({ ...info, pieces: Buffer.from(info.pieces) });
  });

  test.each([
    ["infohash", { infoHash: artifactOf(infoOf(4)).infoHash }],
    ["SHA-256", { sha256: digestSchema.decode("0".repeat(64), "sha256") }],
    ["length", { length: artifact.length + 1 }],
    ["piece length", { pieceLength: 2 * artifact.pieceLength }],
  ])("%s", (_, other) => {
    const check = () => checkTorrentInfo(bytes, { ...artifact, ...other });
    expect(check).toThrow(expect.objectContaining({ code: "manifest-invalid" }));
  });
});
