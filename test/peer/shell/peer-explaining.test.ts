// A whole peer is asked why it is slow, and tells whom it holds what against; the swarm is a stand-in.
import { describe, expect, test } from "vitest";
import { releaseRefOf } from "../../../protocol/manifest.ts";
import { until } from "../processes.ts";
import { stageOrderOf, startLab } from "./fake-fleet.ts";
import { testRelease } from "./fake-world.ts";

const v1 = testRelease("v1");
const release = releaseRefOf(v1.manifest);
const offence = { source: "b".repeat(32), fault: "bad-data", piece: 3 } as const;

/** In the middle of fetching v1. */
async function fetching() {
  const one = await startLab(v1);
  one.world.delivers = false;
  await (await one.start()).admitted;
  one.coordinator.send(stageOrderOf(v1, 7));
  await until("joined", () => one.world.torrents[0]?.neighbourLists.length === 1);
  const [torrent] = one.world.torrents;
  if (torrent === undefined) throw new Error("nothing was joined");
  return { one, torrent };
}

describe("a peer that is asked about itself", () => {
  test("answers with the number of the question and what it stages", async () => {
    const { one } = await fetching();
    one.coordinator.send({ kind: "inspect", requestId: 41 });
    expect(await one.coordinator.next("inspection")).toMatchObject({
      requestId: 41,
      torrents: [{ generation: 7, release, phase: "fetching", paused: false, verifiedPieces: 0 }],
    });
  });

  test("answers questions that come together, each under its number, and no more than a few of them", async () => {
    const { one } = await fetching();
    for (let requestId = 1; requestId <= 50; requestId += 1)
      one.coordinator.send({ kind: "inspect", requestId });
    await one.coordinator.next("inspection", 7);
    expect(one.coordinator.sent("inspection").map(({ requestId }) => requestId)).toEqual([
      1, 2, 3, 4, 5, 6, 7, 8,
    ]);
  });

  test("is not kept from its orders by it", async () => {
    const { one, torrent } = await fetching();
    one.coordinator.send({ kind: "inspect", requestId: 1 });
    one.coordinator.send({ kind: "pause", generation: 7, release, paused: true });
    await until("paused", () => torrent.paused);
    expect(await one.coordinator.next("inspection")).toMatchObject({ torrents: [{ paused: true }] });
  });

  test("with nothing to do says so", async () => {
    const one = await startLab(v1);
    await (await one.start()).admitted;
    one.coordinator.send({ kind: "inspect", requestId: 1 });
    expect(await one.coordinator.next("inspection")).toMatchObject({ torrents: [] });
  });
});

describe("a peer that meets an offender", () => {
  test("tells the coordinator at once, and not every time", async () => {
    const { one, torrent } = await fetching();
    for (let time = 0; time < 5; time += 1) torrent.joined.onOffence?.(offence);
    await one.coordinator.next("offender", 2);
    expect(one.coordinator.sent("offender")).toEqual(
      [1, 2, 4].map((count) => ({ kind: "offender", generation: 7, release, ...offence, count })),
    );
  });

  test("tells again, before its results, when the coordinator was away", async () => {
    const { one, torrent } = await fetching();
    torrent.joined.onOffence?.(offence);
    await one.coordinator.next("offender");
    one.coordinator.disconnect();
    torrent.joined.onOffence?.(offence);
    await torrent.deliver(v1.tarball);
    expect(await one.coordinator.next("offender", 1)).toMatchObject({ ...offence, count: 2 });
    await one.coordinator.next("staged");
    const kinds = one.coordinator.messages.map(({ kind }) => kind);
    expect(kinds.lastIndexOf("offender")).toBeLessThan(kinds.lastIndexOf("staged"));
  });

  test("says nothing more of it once the release is not served any more", async () => {
    const { one, torrent } = await fetching();
    torrent.joined.onOffence?.(offence);
    await one.coordinator.next("offender");
    one.coordinator.send({ kind: "stop-serving", generation: 7, release });
    await until("left", () => torrent.closed);
    one.coordinator.disconnect();
    await until("back", () => one.coordinator.hellos.length === 2);
    one.coordinator.send({ kind: "inspect", requestId: 1 });
    await one.coordinator.next("inspection");
    expect(one.coordinator.sent("offender")).toHaveLength(1);
  });
});
