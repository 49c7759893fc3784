// The artifact's file: what is written comes back, and damage is noticed.
import { mkdtemp, open, readFile, rm, stat, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Lease } from "../../../peer/shell/extent-cache.ts";
import { PieceStore } from "../../../peer/shell/piece-store.ts";
import { readTorrentInfo } from "../../../peer/shell/torrent-info.ts";
import { randomSample, type Sample, sampleOf } from "./swarm-fixture.ts";

const MIB = 1024 * 1024;

let directory: string;
let stores: PieceStore[];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "fleet-store-"));
  stores = [];
});

afterEach(async () => {
  for (const store of stores) await store.close();
  await rm(directory, { recursive: true, force: true });
});

async function openStore(sample: Sample, filePath: string, complete = false): Promise<PieceStore> {
  const { pieces } = readTorrentInfo(sample.torrentInfo);
  const store = await PieceStore.open({ artifact: sample.artifact, pieceHashes: pieces, filePath, complete });
  stores.push(store);
  return store;
}

function pieceOf(sample: Sample, piece: number): Uint8Array<ArrayBuffer> {
  const { pieceLength } = sample.artifact;
  return new Uint8Array(sample.data.subarray(piece * pieceLength, (piece + 1) * pieceLength));
}

describe("PieceStore", () => {
  it("creates a sparse file of the full length, and writes pieces to their places in any order", async () => {
    const sample = randomSample(3 * MIB + 77, 512 * 1024);
    const path = join(directory, "part");
    const store = await openStore(sample, path);
    const { size, blocks } = await stat(path);
    expect(size).toBe(sample.data.length);
    expect(blocks).toBe(0);
    for (const piece of [6, 0, 3, 5, 1, 4, 2]) await store.write(piece, pieceOf(sample, piece));
    await store.sync();
    expect((await readFile(path)).equals(sample.data)).toBe(true);
  });

  it("tells a piece that fits its hash from one that does not", async () => {
    const sample = randomSample(200_000, 64 * 1024);
    const store = await openStore(sample, join(directory, "part"));
    const last = pieceOf(sample, 3);
    expect(await store.fits(3, last)).toBe(true);
    expect(await store.fits(2, last)).toBe(false);
    last[0] = (last[0] ?? 0) ^ 1;
    expect(await store.fits(3, last)).toBe(false);
  });

  it("knows which pieces are nothing but zeros", async () => {
    const data = Buffer.alloc(200_000);
    data[70_000] = 1;
    const store = await openStore(sampleOf(data, 64 * 1024), join(directory, "part"));
    expect(await Promise.all([0, 1, 2, 3].map((piece) => store.expectsZeros(piece)))).toEqual([
      true,
      false,
      true,
      true,
    ]);
  });

  it("reads any range inside a piece, also across its cached runs and many at once", async () => {
    const sample = randomSample(5 * MIB - 1_000, 2 * MIB);
    const path = join(directory, "whole");
    await writeFile(path, sample.data);
    const store = await openStore(sample, path, true);
    const range = fc
      .record({
        piece: fc.nat(2),
        from: fc.double({ min: 0, max: 1, noNaN: true }),
        length: fc.integer({ min: 1, max: 131_072 }),
      })
      .map(({ piece, from, length }) => {
        const bytes = Math.min(2 * MIB, sample.data.length - piece * 2 * MIB);
        const offset = Math.floor(from * (bytes - 1));
        return { piece, offset, length: Math.min(length, bytes - offset) };
      });
    await fc.assert(
      fc.asyncProperty(fc.array(range, { minLength: 1, maxLength: 40 }), async (ranges) => {
        const leases = await Promise.all(ranges.map((at) => store.read(at.piece, at.offset, at.length)));
        for (const [index, lease] of leases.entries()) {
          const { piece = 0, offset = 0, length = 0 } = ranges[index] ?? {};
          const at = piece * 2 * MIB + offset;
          expect(lease.bytes.equals(sample.data.subarray(at, at + length))).toBe(true);
        }
        for (const lease of leases) lease.release();
      }),
      { numRuns: 30 },
    );
  });

  it("does not touch leased bytes while others are read", async () => {
    const sample = randomSample(40 * MIB, 512 * 1024);
    const path = join(directory, "whole");
    await writeFile(path, sample.data);
    const store = await openStore(sample, path, true);
    const held: { lease: Lease; at: number }[] = [];
    // More runs than the cache has, each in use.
    for (let piece = 0; piece < 80; piece++)
      held.push({ lease: await store.read(piece, 100, 16_384), at: piece * 512 * 1024 + 100 });
    for (const { lease, at } of held)
      expect(lease.bytes.equals(sample.data.subarray(at, at + 16_384))).toBe(true);
    for (const { lease } of held) lease.release();
  });

  it("says which file cannot be read when it was cut short", async () => {
    const sample = randomSample(MIB, 64 * 1024);
    const path = join(directory, "whole");
    await writeFile(path, sample.data);
    const store = await openStore(sample, path, true);
    await truncate(path, 1_000);
    await expect(store.read(15, 0, 16_384)).rejects.toMatchObject({
      code: "install-failed",
      message: expect.stringContaining(path),
    });
    // A failed read is not remembered.
    const file = await open(path, "r+");
    await file.write(sample.data, 0, sample.data.length, 0);
    await file.close();
    const lease = await store.read(15, 0, 16_384);
    expect(lease.bytes.equals(sample.data.subarray(15 * 65_536, 15 * 65_536 + 16_384))).toBe(true);
  });

  it("refuses a folder that is not there", async () => {
    const sample = randomSample(MIB, 64 * 1024);
    const opening = openStore(sample, join(directory, "missing", "part"));
    await expect(opening).rejects.toMatchObject({ code: "install-failed" });
  });

  it("writes nothing to a complete file", async () => {
    const sample = randomSample(MIB, 64 * 1024);
    const path = join(directory, "whole");
    await writeFile(path, sample.data);
    const store = await openStore(sample, path, true);
    expect(() => store.write(0, pieceOf(sample, 1))).toThrow(
      expect.objectContaining({ code: "install-failed" }),
    );
  });
});
