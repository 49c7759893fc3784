// Whole swarms on loopback: real sockets, real files.
import { createHash } from "node:crypto";
import { readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { BLOCK_BYTES } from "../../../peer/core/geometry.ts";
import { PieceStore } from "../../../peer/shell/piece-store.ts";
import { openSwarm } from "../../../peer/shell/swarm.ts";
import { encodeTorrentInfo, infoHashOf } from "../../../peer/shell/torrent-info.ts";
import { FleetError } from "../../../protocol/errors.ts";
import { PIECE_LENGTH_MAX, PIECES_MAX } from "../../../protocol/limits.ts";
import { artifactSchema } from "../../../protocol/manifest.ts";
import { serveBlocks } from "./raw-peer.ts";
import {
  connectAll,
  type Member,
  neighbourOf,
  nodeIdOf,
  randomSample,
  type Sample,
  silent,
  TestBed,
} from "./swarm-fixture.ts";

const MIB = 1024 * 1024;

let bed: TestBed;

beforeEach(async () => {
  bed = await TestBed.create();
});

afterEach(async () => {
  vi.restoreAllMocks();
  await bed.close();
});

async function members(sample: Sample, count: number): Promise<Member[]> {
  return Promise.all(
    Array.from({ length: count }, (_, rank) =>
      bed.member(sample, { id: nodeIdOf(rank + 1), rank, rankCount: count, seed: rank }),
    ),
  );
}

async function expectSame(sample: Sample, list: readonly Member[]): Promise<void> {
  for (const member of list) {
    const digest = createHash("sha256")
      .update(await readFile(member.filePath))
      .digest("hex");
    expect(digest).toBe(sample.artifact.sha256);
  }
}

async function completed(list: readonly Member[]): Promise<void> {
  await Promise.all(list.map(({ torrent }) => torrent.completed));
}

describe("openSwarm", () => {
  it("brings 32 MiB from one origin to four peers, byte for byte", async () => {
    const sample = randomSample(32 * MIB - 12_345, 256 * 1024);
    const origin = await bed.origin(sample);
    const peers = await members(sample, 4);
    connectAll(origin, peers);
    await completed(peers);
    await expectSame(sample, peers);
    const { length } = sample.artifact;
    for (const { torrent } of peers) {
      const stats = torrent.stats();
      expect(stats.verifiedBytes).toBe(length);
      expect(stats.receivedBytes).toBeGreaterThanOrEqual(length);
      expect(stats.receivedBytes).toBeLessThan(length * 1.1);
      expect(stats.links).toBeGreaterThanOrEqual(4);
    }
    const sent = [origin, ...peers].reduce((sum, { torrent }) => sum + torrent.stats().uploadedBytes, 0);
    const received = peers.reduce((sum, { torrent }) => sum + torrent.stats().receivedBytes, 0);
    expect(sent).toBeGreaterThanOrEqual(received);
    // The peers did part of the work.
    expect(origin.torrent.stats().uploadedBytes).toBeLessThan(4 * length);
  });

  it("serves a peer that comes when the others are done, without the origin", async () => {
    const sample = randomSample(4 * MIB, 64 * 1024);
    const origin = await bed.origin(sample);
    const [first, late] = await members(sample, 2);
    if (first === undefined || late === undefined) throw new Error("two peers are needed");
    first.torrent.setNeighbours([neighbourOf(origin, true), neighbourOf(late, false)]);
    await first.torrent.completed;
    await origin.swarm.close();
    late.torrent.setNeighbours([neighbourOf(first, true)]);
    await late.torrent.completed;
    await expectSame(sample, [late]);
    expect(late.torrent.stats().receivedBytes).toBe(sample.artifact.length);
  });

  it("finishes among the peers once the origin has sent one copy and died", async () => {
    const sample = randomSample(8 * MIB, 64 * 1024);
    const { pieceLength, infoHash } = sample.artifact;
    let answers = 0;
    // Each piece goes to one peer only: the others can get it from nobody else.
    const origin = await serveBlocks(infoHash, {
      id: "origin",
      block: ({ piece, offset, length: wanted, from }) => {
        if (from !== nodeIdOf((piece % 3) + 1)) return "refuse";
        const at = piece * pieceLength + offset;
        answers += 1;
        return sample.data.subarray(at, at + wanted);
      },
    });
    const peers = await members(sample, 3);
    connectAll({ swarm: origin, id: "origin" }, peers);
    const blocks = sample.artifact.length / BLOCK_BYTES;
    await vi.waitUntil(() => copyIsOut(peers, sample), { timeout: 10_000, interval: 5 });
    origin.close();
    await completed(peers);
    await expectSame(sample, peers);
    expect(answers).toBeLessThan(blocks * 1.1);
  });

  it("does not wait for a neighbour that is not there yet, and finds it when it comes", async () => {
    const sample = randomSample(2 * MIB, 64 * 1024);
    const [peer] = await members(sample, 1);
    if (peer === undefined) throw new Error("a peer is needed");
    const placeholder = await openSwarm({ host: "127.0.0.1", port: 0, logger: silent });
    const { port } = placeholder;
    await placeholder.close();
    peer.torrent.setNeighbours([
      { id: "origin", host: "127.0.0.1", port, dial: true, far: null, feeds: null },
    ]);
    const filePath = join(bed.directory, "late-origin.tar");
    await writeFile(filePath, sample.data);
    const late = await openSwarm({ host: "127.0.0.1", port, logger: silent, id: "origin" });
    try {
      await late.join({
        ...sample,
        filePath,
        complete: true,
        bitmapPath: null,
        rank: 0,
        rankCount: 1,
        seed: 1,
      });
      await peer.torrent.completed;
      await expectSame(sample, [peer]);
    } finally {
      await late.close();
    }
  });

  it("exchanges two artifacts on one port at once", async () => {
    const samples = [randomSample(2 * MIB, 64 * 1024), randomSample(3 * MIB, 32 * 1024)];
    const origin = await openSwarm({ host: "127.0.0.1", port: 0, logger: silent, id: "origin" });
    const peer = await openSwarm({ host: "127.0.0.1", port: 0, logger: silent, id: nodeIdOf(1) });
    try {
      const common = { rank: 0, rankCount: 1, seed: 1 };
      const torrents = await Promise.all(
        samples.map(async (sample, index) => {
          const from = join(bed.directory, `from-${index}`);
          await writeFile(from, sample.data);
          await origin.join({ ...sample, ...common, filePath: from, complete: true, bitmapPath: null });
          const to = join(bed.directory, `to-${index}`);
          return peer.join({
            ...sample,
            ...common,
            filePath: to,
            complete: false,
            bitmapPath: `${to}.bitmap`,
          });
        }),
      );
      for (const torrent of torrents)
        torrent.setNeighbours([
          { id: "origin", host: "127.0.0.1", port: origin.port, dial: true, far: null, feeds: null },
        ]);
      await Promise.all(torrents.map((torrent) => torrent.completed));
      for (const [index, sample] of samples.entries())
        expect((await readFile(join(bed.directory, `to-${index}`))).equals(sample.data)).toBe(true);
    } finally {
      await Promise.all([origin.close(), peer.close()]);
    }
  });

  it("drops the link to a neighbour that is not listed any more, and stays linked to the others", async () => {
    const sample = randomSample(MIB, 64 * 1024);
    const origin = await bed.origin(sample);
    const [first, second] = await members(sample, 2);
    if (first === undefined || second === undefined) throw new Error("two peers are needed");
    second.torrent.setNeighbours([neighbourOf(first, false)]);
    first.torrent.setNeighbours([neighbourOf(origin, true), neighbourOf(second, true)]);
    await vi.waitUntil(() => first.torrent.stats().links === 2);
    first.torrent.setNeighbours([neighbourOf(origin, true)]);
    await vi.waitUntil(() => first.torrent.stats().links === 1 && second.torrent.stats().links === 0);
  });

  it("has what it fetched before when it joins again, and fetches only the rest", async () => {
    const sample = randomSample(4 * MIB, 64 * 1024);
    const filePath = join(bed.directory, "again.tar");
    const options = { id: nodeIdOf(1), filePath };
    const server = await serveBlocks(sample.artifact.infoHash, {
      // The first half of 64 pieces.
      bitfield: Buffer.from("ffffffff00000000", "hex"),
      block: ({ piece, offset, length }) => {
        const at = piece * sample.artifact.pieceLength + offset;
        return sample.data.subarray(at, at + length);
      },
    });
    const before = await bed.member(sample, options);
    before.torrent.setNeighbours([
      { id: "half", host: "127.0.0.1", port: server.port, dial: true, far: null, feeds: null },
    ]);
    const kept = 2 * MIB;
    await vi.waitUntil(() => before.torrent.stats().verifiedBytes === kept, { timeout: 10_000 });
    await before.swarm.close();
    server.close();
    const origin = await bed.origin(sample);
    const after = await bed.member(sample, options);
    expect(after.torrent.stats().verifiedBytes).toBe(kept);
    after.torrent.setNeighbours([neighbourOf(origin, true)]);
    await after.torrent.completed;
    expect(after.torrent.stats().receivedBytes).toBe(sample.artifact.length - kept);
    await expectSame(sample, [after]);
  });

  it("is complete at once when all of the file is there, bitmap or not", async () => {
    const sample = randomSample(MIB, 64 * 1024);
    const filePath = join(bed.directory, "whole.tar");
    await writeFile(filePath, sample.data);
    const member = await bed.member(sample, { id: nodeIdOf(1), filePath });
    await member.torrent.completed;
    expect(member.torrent.stats().verifiedBytes).toBe(sample.artifact.length);
  });

  it("starts over in a file of another length", async () => {
    const sample = randomSample(MIB, 64 * 1024);
    const filePath = join(bed.directory, "other.tar");
    await writeFile(filePath, sample.data.subarray(0, MIB - 1));
    const member = await bed.member(sample, { id: nodeIdOf(1), filePath });
    expect(member.torrent.stats().verifiedBytes).toBe(0);
    expect((await stat(filePath)).size).toBe(MIB);
  });

  it("says that its port is taken, and by what name", async () => {
    const first = await openSwarm({ host: "127.0.0.1", port: 0, logger: silent });
    try {
      const second = openSwarm({ host: "127.0.0.1", port: first.port, logger: silent });
      await expect(second).rejects.toMatchObject({ code: "port-in-use" });
    } finally {
      await first.close();
    }
    const elsewhere = openSwarm({ host: "192.0.2.1", port: 0, logger: silent });
    await expect(elsewhere).rejects.toMatchObject({ code: "listen-failed" });
  });

  it("refuses a torrent that is not the artifact's", async () => {
    const sample = randomSample(MIB, 64 * 1024);
    const other = randomSample(MIB, 64 * 1024);
    const joining = bed.member({ ...sample, torrentInfo: other.torrentInfo }, { id: nodeIdOf(1) });
    await expect(joining).rejects.toMatchObject({ code: "manifest-invalid" });
  });

  it("refuses to be an origin without the file", async () => {
    const sample = randomSample(MIB, 64 * 1024);
    const joining = bed.member(sample, { id: "origin", complete: true, bitmapPath: null });
    await expect(joining).rejects.toMatchObject({ code: "file-missing" });
  });

  it("refuses before it starts what the disk cannot hold", async () => {
    const sha256 = "0".repeat(64);
    const length = PIECES_MAX * PIECE_LENGTH_MAX;
    const shape = { length, pieceLength: PIECE_LENGTH_MAX };
    const pieces = Buffer.alloc(20 * PIECES_MAX);
    const torrentInfo = encodeTorrentInfo({ ...shape, name: sha256, pieces });
    const artifact = artifactSchema.decode(
      {
        ...shape,
        sha256,
        infoHash: infoHashOf(torrentInfo),
        compression: "none",
        unpackedLength: 1,
        entryCount: 1,
      },
      "artifact",
    );
    const joining = bed.member({ artifact, torrentInfo, data: Buffer.alloc(0) }, { id: nodeIdOf(1) });
    await expect(joining).rejects.toMatchObject({ code: "disk-full" });
  });

  it("gives up with disk-full when the disk fills while it fetches, and still closes", async () => {
    const sample = randomSample(MIB, 64 * 1024);
    const origin = await bed.origin(sample);
    vi.spyOn(PieceStore.prototype, "write").mockRejectedValue(new FleetError("disk-full", "no space left"));
    const [peer] = await members(sample, 1);
    peer?.torrent.setNeighbours([neighbourOf(origin, true)]);
    await expect(peer?.torrent.completed).rejects.toMatchObject({ code: "disk-full" });
    await peer?.swarm.close();
  });
});

/** Every piece is on the disk of the peer that alone may get it from the origin. */
async function copyIsOut(peers: readonly Member[], { artifact, data }: Sample): Promise<boolean> {
  const files = await Promise.all(peers.map(({ filePath }) => readFile(filePath)));
  for (let at = 0; at < data.length; at += artifact.pieceLength) {
    const owner = files[(at / artifact.pieceLength) % peers.length];
    const end = at + artifact.pieceLength;
    if (owner?.subarray(at, end).equals(data.subarray(at, end)) !== true) return false;
  }
  return true;
}
