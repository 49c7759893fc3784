// Plain mode: aria2 and libtorrent as they are installed fetch a release from running nodes, and a node fetches one
// from them alone.
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ReleaseView, RolloutView } from "../../protocol/api.ts";
import { TestNode } from "../coordinator/shell/support/node.ts";
import { nodeIdOf, randomSample, TestBed } from "../peer/shell/swarm-fixture.ts";
import { Lab } from "./support/lab.ts";
import { stockClients } from "./support/stock-clients.ts";
import { makeRandomFile } from "./support/trees.ts";

const NODES = 2;
const MEBIBYTES = 8;

describe("a client that is not ours", () => {
  let lab: Lab;
  let bed: TestBed;
  /** Never done, so that the others go on serving. */
  let laggard: TestNode;
  let torrent: { readonly file: string; readonly peers: readonly string[] };
  let artifact: { readonly name: string; readonly bytes: Buffer };

  beforeAll(async () => {
    bed = await TestBed.create();
    lab = await Lab.open();
    await lab.startCoordinator();
    await lab.startPeers(NODES);
    laggard = new TestNode(lab.url);
    await laggard.greet({ joinToken: (await lab.read("node.token")).trim(), swarm: { host: null, port: 9 } });
    await laggard.next("welcome");
    await mkdir(lab.path("v1"));
    await makeRandomFile(lab.path("v1", "data.bin"), MEBIBYTES);
    await lab.ok(["publish", "v1", lab.path("v1"), "--app", "shop"]);
    await lab.post("/v1/stages", { app: "shop", version: "v1" });
    await lab.until<RolloutView>(
      "/v1/rollouts/r1",
      ({ nodes }) => nodes.filter(({ phase }) => phase === "staged").length === NODES,
    );
    const { stdout } = await lab.ok([
      "torrent",
      "v1",
      "--app",
      "shop",
      "--out",
      lab.path("v1.torrent"),
      "--json",
    ]);
    torrent = JSON.parse(stdout) as typeof torrent;
    const { manifest } = (await lab.get("/v1/releases/shop/v1")) as ReleaseView;
    const { sha256 } = manifest.artifact;
    artifact = { name: sha256, bytes: await readFile(lab.path("coordinator", "artifacts", sha256)) };
  });

  afterAll(async () => {
    laggard.socket.terminate();
    await bed.close();
    await lab.close();
  });

  describe.each(stockClients().map((client) => [client.title, client] as const))("%s", (_, client) => {
    it.skipIf(!client.isInstalled)("fetches a release from running nodes", async () => {
      const directory = await bed.folder();
      const peers = torrent.peers.filter((peer) => !peer.endsWith(":9"));
      expect(peers).toHaveLength(NODES);
      await client.fetch({ torrentPath: torrent.file, directory }, peers);
      expect((await readFile(join(directory, artifact.name))).equals(artifact.bytes)).toBe(true);
    });

    it.skipIf(!client.isInstalled)("serves a release to a node that knows nobody else", async () => {
      const sample = randomSample(MEBIBYTES * 1024 * 1024, 64 * 1024);
      const directory = await bed.folder();
      const torrentPath = join(directory, "sample.torrent");
      await writeFile(
        torrentPath,
        Buffer.concat([Buffer.from("d4:info"), sample.torrentInfo, Buffer.from("e")]),
      );
      await writeFile(join(directory, sample.artifact.sha256), sample.data);
      const seeder = await client.seed({ torrentPath, directory });
      const node = await bed.child(sample, { id: nodeIdOf(lastNode++), complete: false });
      node.setNeighbours([
        { id: "stock", host: "127.0.0.1", port: seeder.port, dial: true, far: null, feeds: null },
      ]);
      await node.until(({ complete }) => complete);
      expect((await readFile(node.filePath)).equals(sample.data)).toBe(true);
      node.kill();
      await seeder.close();
    });
  });
});

let lastNode = 1;
