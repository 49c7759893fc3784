// A whole peer stages releases for a coordinator that speaks the real protocol; swarm and archive code are stand-ins.
import { existsSync } from "node:fs";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { Peer } from "../../../peer/shell/peer.ts";
import { FleetError } from "../../../protocol/errors.ts";
import { UNPACKED_BYTES_MAX } from "../../../protocol/limits.ts";
import { releaseRefOf } from "../../../protocol/manifest.ts";
import { encodeFrame } from "../../../protocol/shell/frame.ts";
import { createSigningKey } from "../../../protocol/shell/signature.ts";
import { until } from "../processes.ts";
import { directoryOf, type Lab, stageOrderOf, startLab } from "./fake-fleet.ts";
import { testRelease } from "./fake-world.ts";

const v1 = testRelease("v1");

/** A peer that has begun with v1 and does not get it; its order is of generation 5. */
async function startFetching(lab: Lab): Promise<Peer> {
  lab.world.delivers = false;
  const peer = await lab.start();
  await peer.admitted;
  lab.coordinator.send(stageOrderOf(v1, 5));
  await until("joined", () => lab.world.torrents[0]?.neighbourLists.length === 1);
  return peer;
}

describe("staging", () => {
  test("verified, installed, reported, served until told to stop", async () => {
    const one = await startLab(v1);
    await (await one.start()).admitted;
    await one.stage(v1);
    const { length } = v1.manifest.artifact;
    expect(one.coordinator.sent("verified")[0]).toMatchObject({
      verifiedBytes: length,
      receivedBytes: length,
    });
    const path = join(one.folder, "root", "web", "versions", directoryOf(v1));
    expect(await readFile(join(path, "tarball"))).toEqual(v1.tarball);
    const tarball = join(one.folder, "state", "artifacts", `${v1.manifest.artifact.sha256}.tar`);
    expect(existsSync(tarball)).toBe(true);
    one.coordinator.send(one.stopServing(v1));
    await until("the tarball is gone", () => !existsSync(tarball));
    expect(one.world.torrents[0]?.closed).toBe(true);
  });

  test("passes its place in the swarm and every change of neighbours on", async () => {
    const one = await startLab(v1);
    one.world.delivers = false;
    await (await one.start()).admitted;
    const neighbours = [{ id: "origin", host: "127.0.0.1", port: 1, dial: true, far: null, feeds: null }];
    one.coordinator.send(stageOrderOf(v1, 7, { neighbours, rank: 3, rankCount: 9 }));
    await until("joined", () => one.world.torrents[0]?.neighbourLists.length === 1);
    const release = releaseRefOf(v1.manifest);
    one.coordinator.send({ kind: "neighbours", generation: 7, release, neighbours: [] });
    await until("changed", () => one.world.torrents[0]?.neighbourLists.length === 2);
    expect(one.world.torrents[0]?.neighbourLists).toEqual([neighbours, []]);
    expect(one.world.torrents[0]?.joined).toMatchObject({ rank: 3, rankCount: 9, complete: false });
    expect(await one.coordinator.next("progress")).toMatchObject({ generation: 7, verifiedBytes: 0 });
  });

  test("opens its links on the order, says so, and asks for pieces on GO", async () => {
    const one = await startLab(v1);
    one.world.delivers = false;
    await (await one.start()).admitted;
    one.coordinator.send(stageOrderOf(v1, 7, { awaitsGo: true }));
    expect(await one.coordinator.next("stage-ready")).toMatchObject({ generation: 7, links: 0 });
    const [torrent] = one.world.torrents;
    expect(torrent?.paused).toBe(true);
    one.coordinator.send({ kind: "go", generation: 7, release: releaseRefOf(v1.manifest) });
    await until("begun", () => torrent?.paused === false);
    expect(one.coordinator.sent("progress")).toEqual([]);
  });

  test("stands still while an operator wants it to", async () => {
    const one = await startLab(v1);
    one.world.delivers = false;
    await (await one.start()).admitted;
    one.coordinator.send(stageOrderOf(v1, 7, { paused: true }));
    await until("joined", () => one.world.torrents.length === 1);
    const [torrent] = one.world.torrents;
    expect(torrent?.paused).toBe(true);
    const release = releaseRefOf(v1.manifest);
    one.coordinator.send({ kind: "pause", generation: 7, release, paused: false });
    await until("resumed", () => torrent?.paused === false);
    one.coordinator.send({ kind: "pause", generation: 7, release, paused: true });
    await until("paused", () => torrent?.paused === true);
  });

  test("the same artifact for two apps at once is fetched once and installed for both", async () => {
    const twin = testRelease("v1", { app: "twin", artifact: v1.manifest.artifact });
    const one = await startLab(v1);
    one.world.delivers = false;
    await (await one.start()).admitted;
    one.coordinator.send(stageOrderOf(v1, 1));
    one.coordinator.send(stageOrderOf({ ...twin, torrentInfo: v1.torrentInfo }, 2));
    await until("joined twice", () => (one.world.torrents[0]?.neighbourLists.length ?? 0) >= 2);
    await one.world.torrents[0]?.deliver(v1.tarball);
    await until("both staged", () => one.coordinator.sent("staged").length === 2);
    expect(one.world.torrents).toHaveLength(1);
    for (const app of ["web", "twin"])
      expect(existsSync(join(one.folder, "root", app, "versions", directoryOf(v1)))).toBe(true);
  });

  const stranger = createSigningKey();
  const other = testRelease("v9");
  const labelled = testRelease("v3", {
    hooks: { postActivate: { argv: ["run", "{label.port}"], timeoutMs: 1_000 } },
  });
  const signed = stageOrderOf(v1, 1).signed;
  const refusals = [
    ["signed by a stranger", v1, { key: stranger }, "manifest-untrusted"],
    [
      "altered after signing",
      v1,
      { signed: { ...signed, manifest: signed.manifest.replace('"v1"', '"v2"') } },
      "manifest-altered",
    ],
    [
      "whose manifest is for another release",
      v1,
      { release: releaseRefOf(other.manifest) },
      "manifest-invalid",
    ],
    ["whose torrent is for another artifact", v1, { torrentInfo: other.torrentInfo }, "manifest-invalid"],
    ["that asks for a label this node does not have", labelled, {}, "hook-failed"],
    [
      "that cannot fit the disk",
      testRelease("v4", { artifact: { unpackedLength: UNPACKED_BYTES_MAX } }),
      {},
      "disk-full",
    ],
  ] as const;
  test.each(refusals)("a release %s is refused and nothing is written", async (_, release, change, code) => {
    const one = await startLab(release);
    await (await one.start()).admitted;
    one.coordinator.send(stageOrderOf(release, 5, change));
    expect(await one.coordinator.next("stage-failed")).toMatchObject({ generation: 5, code });
    expect(one.world.torrents).toEqual([]);
    expect(await readdir(join(one.folder, "root"))).toEqual([".fleet-lock"]);
    expect(await readdir(join(one.folder, "state", "artifacts"))).toEqual([]);
    expect(await readdir(join(one.folder, "state", "releases"))).toEqual([]);
  });

  test("bytes that are not the signed ones are not installed, and not kept", async () => {
    const one = await startLab({ ...v1, tarball: Buffer.from("another tarball!") });
    await (await one.start()).admitted;
    one.coordinator.send(stageOrderOf(v1, 5));
    expect(await one.coordinator.next("stage-failed")).toMatchObject({ code: "artifact-mismatch" });
    await until(
      "discarded",
      async () => (await readdir(join(one.folder, "state", "artifacts"))).length === 0,
    );
    expect(one.world.unpacked).toEqual([]);
  });

  test("a swarm that cannot go on is a failed stage, and a newer order tries again", async () => {
    const one = await startLab(v1);
    one.world.delivers = false;
    await (await one.start()).admitted;
    one.coordinator.send(stageOrderOf(v1, 5));
    await until("joined", () => one.world.torrents.length === 1);
    one.world.torrents[0]?.fail(new FleetError("disk-full", "no room"));
    expect(await one.coordinator.next("stage-failed")).toMatchObject({
      code: "disk-full",
      message: "no room",
    });
    one.world.delivers = true;
    one.coordinator.send(stageOrderOf(v1, 6));
    expect(await one.coordinator.next("staged")).toMatchObject({ generation: 6 });
  });

  test("what is installed is not fetched again after a restart, only served while its tarball is there", async () => {
    const one = await startLab(v1);
    const peer = await one.start();
    await peer.admitted;
    await one.stage(v1);
    await peer.close();
    expect(one.world.torrents[0]?.closed).toBe(true);
    one.world.delivers = false;
    await one.start();
    await until("hello", () => one.coordinator.hellos.length === 2);
    expect(one.coordinator.hellos[1]?.apps).toEqual([
      { app: "web", live: null, installed: [releaseRefOf(v1.manifest)], lastOrder: null },
    ]);
    await until("served again", () => one.world.torrents.length === 2);
    await one.stage(v1);
    expect(one.world.unpacked).toHaveLength(1);
    expect(one.world.torrents).toHaveLength(2);
    one.coordinator.send(one.stopServing(v1));
    await until("left", () => one.world.torrents[1]?.closed === true);
    await one.stage(v1);
    expect(one.world.torrents).toHaveLength(2);
  });

  test("a tarball that is just being deleted is not served to an order that follows at once", async () => {
    const one = await startLab(v1);
    await (await one.start()).admitted;
    await one.stage(v1);
    one.coordinator.send(one.stopServing(v1));
    await one.stage(v1);
    expect(one.world.torrents).toHaveLength(1);
    expect(await readdir(join(one.folder, "state", "artifacts"))).toEqual([]);
  });

  test("an unfinished stage goes on after a restart, with the same files, though the coordinator is away", async () => {
    const one = await startLab(v1);
    const peer = await startFetching(one);
    const neighbours = [{ id: "node-2", host: "127.0.0.1", port: 2, dial: true, far: null, feeds: null }];
    const release = releaseRefOf(v1.manifest);
    one.coordinator.send({ kind: "neighbours", generation: 5, release, neighbours });
    await until("changed", () => one.world.torrents[0]?.neighbourLists.length === 2);
    await peer.close();
    one.coordinator.answer = "silence";
    one.world.delivers = true;
    await one.start();
    const versions = join(one.folder, "root", "web", "versions");
    await until("installed", () => existsSync(join(versions, directoryOf(v1), "tarball")));
    const [before, after] = one.world.torrents;
    expect(after?.neighbourLists).toEqual([neighbours]);
    expect(after?.joined.filePath).toBe(before?.joined.filePath);
    expect(after?.joined.bitmapPath).toBe(before?.joined.bitmapPath);
    expect(one.coordinator.sent("staged")).toEqual([]);
  });

  test("a stage that an operator has paused stays so over a restart", async () => {
    const one = await startLab(v1);
    const peer = await startFetching(one);
    one.coordinator.send({
      kind: "pause",
      generation: 5,
      release: releaseRefOf(v1.manifest),
      paused: true,
    });
    await until("paused", () => one.world.torrents[0]?.paused === true);
    await peer.close();
    await one.start();
    await until("joined again", () => one.world.torrents.length === 2);
    expect(one.world.torrents[1]?.paused).toBe(true);
  });

  test("what was over before a restart is not taken up again", async () => {
    const one = await startLab(v1);
    const peer = await startFetching(one);
    one.coordinator.send({ kind: "stop-serving", generation: 5, release: releaseRefOf(v1.manifest) });
    await until("left", () => one.world.torrents[0]?.closed === true);
    await peer.close();
    await (await one.start()).admitted;
    expect(await readdir(join(one.folder, "state", "orders"))).toEqual([]);
    expect(one.world.torrents).toHaveLength(1);
  });

  test("a noted order that is damaged, or whose publisher is not trusted any more, is dropped", async () => {
    const one = await startLab(v1);
    const peer = await startFetching(one);
    await peer.close();
    const stages = join(one.folder, "state", "orders");
    const [name = ""] = await readdir(stages);
    const noted = await readFile(join(stages, name));
    await writeFile(join(stages, "damaged.order"), noted.subarray(0, -1));
    await writeFile(join(stages, name), encodeFrame(stageOrderOf(v1, 5, { key: createSigningKey() })));
    await (await one.start()).admitted;
    expect(await one.coordinator.next("stage-failed")).toMatchObject({ code: "manifest-untrusted" });
    expect(one.world.torrents).toHaveLength(1);
    await until("dropped", async () => (await readdir(stages)).length === 0);
  });

  test("two apps are staged at the same time", async () => {
    const api = testRelease("v1", { app: "api" });
    const one = await startLab(v1, api);
    await (await one.start()).admitted;
    one.coordinator.send(stageOrderOf(v1, 5));
    one.coordinator.send(stageOrderOf(api, 6));
    await until("both", () => one.coordinator.sent("staged").length === 2);
  });

  test("old versions go, what is live and could be gone back to stays", async () => {
    const releases = Array.from({ length: 9 }, (_, index) => testRelease(`v${index + 1}`));
    const one = await startLab(...releases);
    await (await one.start()).admitted;
    const [first, second, ...later] = releases;
    for (const release of [first, second]) {
      if (release === undefined) continue;
      await one.stage(release);
      one.coordinator.send(one.stopServing(release));
      expect((await one.activate(release)).outcome.kind).toBe("healthy");
    }
    for (const release of later) {
      await one.stage(release);
      one.coordinator.send(one.stopServing(release));
    }
    const versions = join(one.folder, "root", "web", "versions");
    await until("cleaned up", async () => (await readdir(versions)).length === 7);
    const left = (await readdir(versions)).map((name) => name.split("-")[0]).toSorted();
    expect(left).toEqual(["v1", "v2", "v5", "v6", "v7", "v8", "v9"]);
  });
});
