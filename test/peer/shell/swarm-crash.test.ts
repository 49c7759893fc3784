// A peer that is killed in the middle of its download: what it had is still there, and is not fetched again.
import { readFile, truncate, writeFile } from "node:fs/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { neighbourOf, nodeIdOf, randomSample, type Sample, TestBed } from "./swarm-fixture.ts";

const MIB = 1024 * 1024;
const PIECE_LENGTH = 256 * 1024;

let bed: TestBed;

beforeEach(async () => {
  bed = await TestBed.create();
});

afterEach(() => bed.close());

/** Kills a downloading child at about half; returns what it had received by its last report. */
async function killAtHalf(sample: Sample, id: string): Promise<{ filePath: string; receivedBytes: number }> {
  const origin = await bed.child(sample, { id: "origin", complete: true });
  const child = await bed.child(sample, { id, complete: false });
  child.setNeighbours([neighbourOf(origin, true)]);
  const { stats } = await child.until(
    ({ stats: { verifiedBytes } }) => verifiedBytes >= sample.data.length / 2,
  );
  child.kill();
  await child.isGone();
  // Everything the origin has sent to it is what it received, or lost.
  const sent = (await origin.until((report) => report.stats.links === 0)).stats.uploadedBytes;
  origin.kill();
  expect(stats.verifiedBytes).toBeLessThan(sample.data.length);
  return { filePath: child.filePath, receivedBytes: sent };
}

describe("a peer that is killed at half of its download", () => {
  it("fetches less than 2 % of the artifact twice", async () => {
    const sample = randomSample(128 * MIB, PIECE_LENGTH);
    const id = nodeIdOf(1);
    const before = await killAtHalf(sample, id);
    const origin = await bed.origin(sample);
    const again = await bed.member(sample, { id, filePath: before.filePath });
    again.torrent.setNeighbours([neighbourOf(origin, true)]);
    await again.torrent.completed;
    expect((await readFile(again.filePath)).equals(sample.data)).toBe(true);
    const twice = before.receivedBytes + again.torrent.stats().receivedBytes - sample.data.length;
    expect(twice).toBeLessThan(0.02 * sample.data.length);
  });

  it("believes neither a damaged bitmap nor a piece that was damaged since, when no bit vouches for it", async () => {
    const sample = randomSample(16 * MIB, PIECE_LENGTH);
    const id = nodeIdOf(1);
    const { filePath } = await killAtHalf(sample, id);
    await writeFile(`${filePath}.bitmap`, "{");
    const bytes = await readFile(filePath);
    const written = findWritten(bytes, sample);
    bytes[written * PIECE_LENGTH] = (bytes[written * PIECE_LENGTH] ?? 0) ^ 1;
    await writeFile(filePath, bytes);
    const origin = await bed.origin(sample);
    const again = await bed.member(sample, { id, filePath });
    expect(again.torrent.stats().verifiedBytes).toBeGreaterThan(0);
    again.torrent.setNeighbours([neighbourOf(origin, true)]);
    await again.torrent.completed;
    expect((await readFile(filePath)).equals(sample.data)).toBe(true);
  });

  it("starts over when the part file was cut", async () => {
    const sample = randomSample(16 * MIB, PIECE_LENGTH);
    const id = nodeIdOf(1);
    const { filePath } = await killAtHalf(sample, id);
    await truncate(filePath, MIB);
    const again = await bed.member(sample, { id, filePath });
    expect(again.torrent.stats().verifiedBytes).toBe(0);
  });
});

/** A piece that is in the file. */
function findWritten(bytes: Buffer, { data }: Sample): number {
  for (let at = 0; at < data.length; at += PIECE_LENGTH)
    if (bytes.subarray(at, at + PIECE_LENGTH).equals(data.subarray(at, at + PIECE_LENGTH)))
      return at / PIECE_LENGTH;
  throw new Error("no piece was written");
}
