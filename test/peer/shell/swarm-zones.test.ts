// Peers of one zone and a source in another, on real sockets: what is told of zones reaches those who decide.
import { afterEach, beforeEach, expect, it } from "vitest";
import type { FarShare } from "../../../protocol/messages.ts";
import { type Member, neighbourOf, nodeIdOf, randomSample, TestBed } from "./swarm-fixture.ts";

const MIB = 1024 * 1024;
const EVEN: FarShare = { parts: [0], of: 2 };
const ODD: FarShare = { parts: [1], of: 2 };

let bed: TestBed;

beforeEach(async () => {
  bed = await TestBed.create();
});

afterEach(async () => {
  await bed.close();
});

/** A source that has everything, and two peers that begin when they are told to. */
async function zones(length: number): Promise<{ source: Member; a: Member; b: Member; length: number }> {
  const sample = randomSample(length, 64 * 1024);
  const [a, b] = await Promise.all(
    [1, 2].map((index) => bed.member(sample, { id: nodeIdOf(index), seed: index, paused: true })),
  );
  if (a === undefined || b === undefined) throw new Error("two peers are needed");
  // A node, not the origin: it sends whatever it is asked for, as often as it is asked.
  return { source: await bed.origin(sample, nodeIdOf(9)), a, b, length };
}

it("brings everything from another zone once, and passes it on within this one", async () => {
  const { source, a, b, length } = await zones(16 * MIB);
  a.torrent.setNeighbours([{ ...neighbourOf(source, true), far: EVEN }, neighbourOf(b, true)]);
  b.torrent.setNeighbours([{ ...neighbourOf(source, true), far: ODD }, neighbourOf(a, false)]);
  await expect.poll(() => [a, b].map(({ torrent }) => torrent.stats().links)).toEqual([2, 2]);
  for (const { torrent } of [a, b]) torrent.setPaused(false);
  await Promise.all([a.torrent.completed, b.torrent.completed]);
  expect(source.torrent.stats().uploadedBytes).toBeLessThan(1.1 * length);
  for (const { torrent } of [a, b]) expect(torrent.stats().uploadedBytes).toBeGreaterThan(0.4 * length);
});

it("hears of zones on links that are open already", async () => {
  const { source, a, length } = await zones(2 * MIB);
  a.torrent.setNeighbours([neighbourOf(source, true)]);
  await expect.poll(() => a.torrent.stats().links).toBe(1);
  a.torrent.setNeighbours([{ ...neighbourOf(source, true), far: EVEN }]);
  a.torrent.setPaused(false);
  await expect.poll(() => a.torrent.stats().verifiedBytes).toBe(length / 2);
  a.torrent.setNeighbours([neighbourOf(source, true)]);
  await a.torrent.completed;
});
