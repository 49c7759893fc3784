// Limits of a whole swarm on loopback: all torrents of a process under one cap.
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { SwarmTorrent } from "../../../peer/shell/swarm.ts";
import { type Member, neighbourOf, nodeIdOf, randomSample, type Sample, TestBed } from "./swarm-fixture.ts";

const MIB = 1024 * 1024;
const PIECE_BYTES = 64 * 1024;
/** Two MiB take more than half a second. */
const CAP = 3 * MIB;
const NO_LIMITS = { uploadBytesPerSecondMax: null, downloadBytesPerSecondMax: null };

let bed: TestBed;

beforeEach(async () => {
  bed = await TestBed.create();
});

afterEach(() => bed.close());

/** Joins a second torrent in the process of a member. */
async function joinAlso(member: Member, sample: Sample, complete: boolean): Promise<SwarmTorrent> {
  const filePath = join(bed.directory, `${member.id}-also`);
  if (complete) await writeFile(filePath, sample.data);
  return member.swarm.join({
    ...sample,
    filePath,
    complete,
    bitmapPath: complete ? null : `${filePath}.bitmap`,
    rank: 0,
    rankCount: 1,
    seed: 2,
  });
}

/** Two torrents of the same size from one process to another; the second is joined when limits are set already. */
async function twoTorrents(set: (origin: Member, peer: Member) => void) {
  const first = randomSample(2 * MIB, PIECE_BYTES);
  const second = randomSample(2 * MIB, PIECE_BYTES);
  const origin = await bed.origin(first);
  const peer = await bed.member(first, { id: nodeIdOf(1) });
  set(origin, peer);
  await joinAlso(origin, second, true);
  const torrents = [peer.torrent, await joinAlso(peer, second, false)];
  return { origin, peer, torrents };
}

describe("a swarm under limits", () => {
  it.each(["downloadBytesPerSecondMax", "uploadBytesPerSecondMax"] as const)(
    "shares %s between its torrents, and both complete",
    async (which) => {
      const limits = { ...NO_LIMITS, [which]: CAP };
      const { origin, torrents } = await twoTorrents((from, to) =>
        (which === "downloadBytesPerSecondMax" ? to : from).swarm.setLimits(limits),
      );
      const startedAt = performance.now();
      for (const torrent of torrents) torrent.setNeighbours([neighbourOf(origin, true)]);
      await Promise.race(torrents.map(({ completed }) => completed));
      for (const torrent of torrents) expect(torrent.stats().verifiedBytes).toBeGreaterThan(MIB);
      await Promise.all(torrents.map(({ completed }) => completed));
      // Less would be more than the cap, and its burst, allows on any machine.
      const seconds = (performance.now() - startedAt) / 1000;
      expect(seconds).toBeGreaterThan((4 * MIB - CAP / 20) / CAP);
    },
  );

  it("goes on at full speed when its limits are lifted", async () => {
    const slow = { uploadBytesPerSecondMax: 125, downloadBytesPerSecondMax: 125 };
    const { origin, peer, torrents } = await twoTorrents((from, to) => {
      for (const { swarm } of [from, to]) swarm.setLimits(slow);
    });
    for (const torrent of torrents) torrent.setNeighbours([neighbourOf(origin, true)]);
    await vi.waitUntil(() => torrents.every((torrent) => torrent.stats().links === 1));
    for (const { swarm } of [origin, peer]) swarm.setLimits(NO_LIMITS);
    await Promise.all(torrents.map(({ completed }) => completed));
    // At the old rate it would have been a day.
    for (const torrent of torrents) expect(torrent.stats().verifiedBytes).toBe(2 * MIB);
  });
});
