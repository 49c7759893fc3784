// Plain mode: an unmodified BitTorrent client fetches from a fleet and seeds to it.
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { neighbourOf, nodeIdOf, randomSample, type Sample, TestBed } from "./swarm-fixture.ts";

interface StockTorrent {
  readonly infoHash: string;
  on(event: "done" | "ready", listener: () => void): void;
  addPeer(address: string): boolean;
}

interface StockClient {
  readonly torrentPort: number;
  add(torrentFile: Uint8Array, options: { path: string }): StockTorrent;
  destroy(callback: () => void): void;
}

let bed: TestBed;
let client: StockClient;

beforeEach(async () => {
  bed = await TestBed.create();
  // Types cover what the adapter needs; here the whole client is the point, with everything it brings along.
  const { default: WebTorrent } = (await import("webtorrent")) as unknown as {
    default: new (options: object) => StockClient;
  };
  client = new WebTorrent({
    tracker: false,
    dht: false,
    lsd: false,
    natUpnp: false,
    natPmp: false,
    utp: false,
    secure: 0,
  });
});

afterEach(async () => {
  await new Promise<void>((resolve) => client.destroy(resolve));
  await bed.close();
});

function torrentFile(sample: Sample): Uint8Array {
  return Buffer.concat([Buffer.from("d4:info"), sample.torrentInfo, Buffer.from("e")]);
}

function happens(torrent: StockTorrent, event: "done" | "ready"): Promise<void> {
  return new Promise((resolve) => torrent.on(event, resolve));
}

describe("an unmodified webtorrent client", () => {
  it("fetches an artifact from an origin", async () => {
    const sample = randomSample(5_000_000, 64 * 1024);
    const origin = await bed.origin(sample);
    const path = join(bed.directory, "stock");
    const torrent = client.add(torrentFile(sample), { path });
    await happens(torrent, "ready");
    torrent.addPeer(`127.0.0.1:${origin.swarm.port}`);
    await happens(torrent, "done");
    expect((await readFile(join(path, sample.artifact.sha256))).equals(sample.data)).toBe(true);
  });

  it("seeds an artifact to a peer, which goes on to seed it to others", async () => {
    const sample = randomSample(5_000_000, 64 * 1024);
    await writeFile(join(bed.directory, sample.artifact.sha256), sample.data);
    const torrent = client.add(torrentFile(sample), { path: bed.directory });
    await happens(torrent, "done");
    const [first, second] = [
      await bed.member(sample, { id: nodeIdOf(1) }),
      await bed.member(sample, { id: nodeIdOf(2) }),
    ];
    first.torrent.setNeighbours([
      { id: "stock", host: "127.0.0.1", port: client.torrentPort, dial: true, far: null, feeds: null },
      neighbourOf(second, false),
    ]);
    second.torrent.setNeighbours([neighbourOf(first, true)]);
    await Promise.all([first.torrent.completed, second.torrent.completed]);
    for (const { filePath } of [first, second])
      expect((await readFile(filePath)).equals(sample.data)).toBe(true);
  });
});
