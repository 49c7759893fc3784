// Two releases of the same bytes share one torrent: joined once, left with the last, held only when both are.
import { describe, expect, test } from "vitest";
import { SharedTorrents } from "../../../peer/shell/shared-torrents.ts";
import type { Neighbour } from "../../../protocol/messages.ts";
import { FakeWorld, testRelease } from "./fake-world.ts";

const v1 = testRelease("v1");
const neighbour = (id: string, dial: boolean): Neighbour => ({
  id,
  host: "10.0.0.1",
  port: 7_000,
  dial,
  far: null,
  feeds: null,
});

async function sharing() {
  const world = new FakeWorld([]);
  const torrents = new SharedTorrents(await world.openSwarm());
  const join = (paused = false) =>
    torrents.join({
      ...{ torrentInfo: v1.torrentInfo, artifact: v1.manifest.artifact, filePath: "/nowhere", paused },
      ...{ complete: false, bitmapPath: null, rank: 0, rankCount: 1, seed: 1 },
    });
  return { world, join };
}

describe("a torrent that two releases share", () => {
  test("is joined once, also when both come at the same time, and left with the last", async () => {
    const { world, join } = await sharing();
    const [one, other] = await Promise.all([join(), join()]);
    expect(world.torrents).toHaveLength(1);
    await one.close();
    await one.close();
    expect(world.torrents[0]?.closed).toBe(false);
    await other.close();
    expect(world.torrents[0]?.closed).toBe(true);
    await join();
    expect(world.torrents).toHaveLength(2);
  });

  test("has the neighbours of both, and dials whom either is to dial", async () => {
    const { world, join } = await sharing();
    const [one, other] = [await join(), await join()];
    one.setNeighbours([neighbour("a", true), neighbour("b", false)]);
    other.setNeighbours([neighbour("b", true), neighbour("c", false)]);
    const list = world.torrents[0]?.neighbourLists.at(-1);
    expect(list).toEqual([neighbour("a", true), neighbour("b", true), neighbour("c", false)]);
    await other.close();
    expect(world.torrents[0]?.neighbourLists.at(-1)).toEqual([neighbour("a", true), neighbour("b", false)]);
  });

  test("stands still only while both are to", async () => {
    const { world, join } = await sharing();
    const [one, other] = [await join(true), await join(true)];
    const [torrent] = world.torrents;
    expect(torrent?.paused).toBe(true);
    one.setPaused(false);
    expect(torrent?.paused).toBe(false);
    one.setPaused(true);
    expect(torrent?.paused).toBe(true);
    other.setPaused(false);
    expect(torrent?.paused).toBe(false);
    await other.close();
    expect(torrent?.paused).toBe(true);
  });

  test("that cannot be joined fails both, and may be tried again", async () => {
    const world = new FakeWorld([]);
    const swarm = await world.openSwarm();
    let failing = true;
    const torrents = new SharedTorrents({
      join: (options) => (failing ? Promise.reject(new Error("no disk")) : swarm.join(options)),
    });
    const options = {
      ...{ torrentInfo: v1.torrentInfo, artifact: v1.manifest.artifact, filePath: "/nowhere" },
      ...{ complete: false, bitmapPath: null, rank: 0, rankCount: 1, seed: 1 },
    };
    const both = await Promise.allSettled([torrents.join(options), torrents.join(options)]);
    expect(both.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
    failing = false;
    await torrents.join(options);
    expect(world.torrents).toHaveLength(1);
  });
});
