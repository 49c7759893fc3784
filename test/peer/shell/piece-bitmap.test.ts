// What is known of verified pieces after a crash.
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { addWrittenPieces, readBitmap, writeBitmap } from "../../../peer/shell/piece-bitmap.ts";
import { FLUSH_AFTER_MS, FLUSH_BYTES, PieceLedger } from "../../../peer/shell/piece-ledger.ts";
import { PieceStore } from "../../../peer/shell/piece-store.ts";
import { readTorrentInfo } from "../../../peer/shell/torrent-info.ts";
import { Bitfield } from "../../../protocol/bitfield.ts";
import { infoHashSchema } from "../../../protocol/ids.ts";
import { randomSample, sampleOf } from "./swarm-fixture.ts";

const PIECE_LENGTH = 32 * 1024;
const PIECES = 20;
const sample = randomSample(PIECES * PIECE_LENGTH - 100, PIECE_LENGTH);
const { artifact } = sample;

let directory: string;
let path: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "fleet-bitmap-"));
  path = join(directory, "bitmap");
});

afterEach(async () => {
  vi.restoreAllMocks();
  await rm(directory, { recursive: true, force: true });
});

function fieldOf(...pieces: number[]): Bitfield {
  const field = new Bitfield(PIECES);
  for (const piece of pieces) field.add(piece);
  return field;
}

describe("readBitmap", () => {
  it("gives back what was written, and leaves no other file behind", async () => {
    await writeBitmap(path, artifact, fieldOf(0, 7, 19).toBytes());
    expect(await readBitmap(path, artifact)).toEqual(fieldOf(0, 7, 19));
    expect(await readdir(directory)).toEqual(["bitmap"]);
  });

  it("vouches for nothing when there is none", async () => {
    expect((await readBitmap(path, artifact)).count).toBe(0);
  });

  it("ignores one of another artifact", async () => {
    await writeBitmap(path, artifact, fieldOf(1).toBytes());
    const infoHash = infoHashSchema.decode("0".repeat(40), "");
    for (const other of [{ infoHash }, { length: artifact.length - 1 }, { pieceLength: PIECE_LENGTH / 2 }])
      expect((await readBitmap(path, { ...artifact, ...other })).count).toBe(0);
  });

  it.each([
    ["cut off", (text: string) => text.slice(0, 40)],
    ["empty", () => ""],
    ["too short", (text: string) => text.replace(/"bits":"[^"]*"/, '"bits":"AA=="')],
    ["full of pieces that do not exist", (text: string) => text.replace(/"bits":"[^"]*"/, '"bits":"////"')],
    ["of another format", (text: string) => text.replace('"format":1', '"format":2')],
  ])("ignores one that is %s", async (_what, damage) => {
    await writeBitmap(path, artifact, fieldOf(1).toBytes());
    await writeFile(path, damage(await readFile(path, "utf8")));
    expect((await readBitmap(path, artifact)).count).toBe(0);
  });
});

describe("addWrittenPieces", () => {
  async function verifiedIn(content: Buffer, known: Bitfield, of = sample): Promise<number[]> {
    const filePath = join(directory, "part");
    await writeFile(filePath, content);
    const { pieces } = readTorrentInfo(of.torrentInfo);
    const store = await PieceStore.open({
      artifact: of.artifact,
      pieceHashes: pieces,
      filePath,
      complete: false,
    });
    await addWrittenPieces(store, known);
    await store.close();
    return Array.from({ length: PIECES }, (_, piece) => piece).filter((piece) => known.has(piece));
  }

  it("finds the pieces that were written but not recorded, and no damaged one", async () => {
    const content = Buffer.alloc(sample.data.length);
    for (const piece of [2, 3, 19])
      sample.data.copy(content, piece * PIECE_LENGTH, piece * PIECE_LENGTH, (piece + 1) * PIECE_LENGTH);
    content[3 * PIECE_LENGTH + 5] = (content[3 * PIECE_LENGTH + 5] ?? 0) ^ 1;
    expect(await verifiedIn(content, fieldOf(10))).toEqual([2, 10, 19]);
  });

  it("takes a hole for a piece of zeros where the artifact has one", async () => {
    const data = Buffer.from(sample.data);
    data.fill(0, 4 * PIECE_LENGTH, 5 * PIECE_LENGTH);
    const holed = sampleOf(data, PIECE_LENGTH);
    expect(await verifiedIn(Buffer.alloc(data.length), fieldOf(), holed)).toEqual([4]);
  });
});

describe("PieceLedger", () => {
  it("records a piece only after the data is synced, and only those that were there before", async () => {
    const filePath = join(directory, "part");
    const { pieces } = readTorrentInfo(sample.torrentInfo);
    const store = await PieceStore.open({ artifact, pieceHashes: pieces, filePath, complete: false });
    const verified = fieldOf(1);
    const synced = Promise.withResolvers<void>();
    vi.spyOn(store, "sync").mockReturnValueOnce(synced.promise);
    const ledger = new PieceLedger({
      artifact,
      store,
      verified,
      bitmapPath: path,
      unflushed: 1,
      onError: (error) => {
        throw error;
      },
    });
    const flushing = ledger.flush();
    verified.add(2);
    ledger.note();
    expect((await readBitmap(path, artifact)).count).toBe(0);
    synced.resolve();
    await flushing;
    expect(await readBitmap(path, artifact)).toEqual(fieldOf(1));
    await ledger.flush();
    expect(await readBitmap(path, artifact)).toEqual(fieldOf(1, 2));
    await store.close();
  });

  it("records after some seconds by itself, and at once when many bytes have come", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    try {
      const filePath = join(directory, "part");
      const { pieces } = readTorrentInfo(sample.torrentInfo);
      const store = await PieceStore.open({ artifact, pieceHashes: pieces, filePath, complete: false });
      const sync = vi.spyOn(store, "sync").mockResolvedValue();
      const onError = vi.fn();
      const ledger = new PieceLedger({
        artifact,
        store,
        verified: fieldOf(1),
        bitmapPath: null,
        unflushed: 0,
        onError,
      });
      ledger.note();
      expect(sync).not.toHaveBeenCalled();
      await vi.advanceTimersByTimeAsync(FLUSH_AFTER_MS);
      expect(sync).toHaveBeenCalledTimes(1);
      for (let bytes = 0; bytes < FLUSH_BYTES; bytes += artifact.pieceLength) ledger.note();
      expect(sync).toHaveBeenCalledTimes(2);
      await ledger.flush();
      sync.mockRejectedValueOnce(new Error("the disk is gone"));
      ledger.note();
      await vi.advanceTimersByTimeAsync(FLUSH_AFTER_MS);
      expect(onError).toHaveBeenCalledTimes(1);
      await store.close();
    } finally {
      vi.useRealTimers();
    }
  });
});
