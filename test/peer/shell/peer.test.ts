// A whole peer against a coordinator that speaks the real protocol; only the swarm and the archive code are stand-ins.
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, readlink, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { pino } from "pino";
import { describe, expect, test } from "vitest";
import { FleetError } from "../../../protocol/errors.ts";
import { UNPACKED_BYTES_MAX } from "../../../protocol/limits.ts";
import { releaseRefOf, versionDirectoryName } from "../../../protocol/manifest.ts";
import type { CoordinatorMessage } from "../../../protocol/messages.ts";
import { createSigningKey } from "../../../protocol/shell/signature.ts";
import type { TokenKind } from "../../../protocol/shell/token.ts";
import { createToken, formatToken } from "../../../protocol/shell/token.ts";
import { temporaryFolder } from "../../support/folders.ts";
import { until } from "../processes.ts";
import {
  activateOrderOf,
  createLab,
  deactivateOrderOf,
  type Lab,
  publisher,
  stageOrderOf,
} from "./fake-fleet.ts";
import { type TestRelease, testRelease } from "./fake-world.ts";

const v1 = testRelease("v1");
const v2 = testRelease("v2");

async function lab(...releases: readonly TestRelease[]): Promise<Lab> {
  return createLab(await temporaryFolder(), releases);
}

function directoryOf(release: TestRelease): string {
  return versionDirectoryName(release.manifest.version, release.manifest.artifact.sha256);
}

function liveLink(one: Lab): Promise<string> {
  return readlink(join(one.folder, "root", "web", "live"));
}

let generations = 0;

/** Stages it and waits until the node says so. */
async function stage(one: Lab, release: TestRelease): Promise<void> {
  generations += 1;
  const before = one.coordinator.sent("staged").length;
  one.coordinator.send(stageOrderOf(release, generations));
  await one.coordinator.next("staged", before);
}

/** Activates it and returns how that ended. */
async function activate(one: Lab, release: TestRelease, healthTimeoutMs?: number) {
  generations += 1;
  const before = one.coordinator.sent("activated").length;
  one.coordinator.send(activateOrderOf(release, generations, healthTimeoutMs));
  return one.coordinator.next("activated", before);
}

describe("joining", () => {
  test("the hello is signed over the challenge and says who and where the node is", async () => {
    const one = await lab();
    const peer = await one.start({ listen: { host: "127.0.0.1", port: 0 } });
    await peer.admitted;
    expect(one.coordinator.hellos[0]).toMatchObject({
      name: "node-1",
      labels: { zone: "a" },
      agentVersion: "1.0.0",
      swarm: { host: "127.0.0.1", port: peer.swarmPort },
      apps: [],
    });
    await one.coordinator.next("heartbeat", 1);
  });

  test("a node that listens everywhere leaves its address to the coordinator", async () => {
    const one = await lab();
    await (await one.start()).admitted;
    expect(one.coordinator.hellos[0]?.swarm.host).toBeNull();
  });

  test("publisher keys in the join token are trusted, at the next start too", async () => {
    const one = await lab(v1);
    const joinToken = formatToken(createToken("node", [publisher.publicKey]));
    const peer = await one.start({ trust: [], joinToken: ` ${joinToken}\n` });
    await peer.admitted;
    expect(one.coordinator.hellos[0]?.joinToken).toBe(joinToken);
    await peer.close();
    await (await one.start({ trust: [] })).admitted;
    await stage(one, v1);
  });

  test.each(["token-wrong", "token-expired", "protocol-version"])(
    "a node that is new to the fleet reports %s and stops trying",
    async (code) => {
      const one = await lab();
      one.coordinator.answer = { refuse: code };
      const peer = await one.start();
      await expect(peer.admitted).rejects.toMatchObject({ code, message: "not today" });
      expect(one.coordinator.connections).toHaveLength(1);
    },
  );

  test("a node that was admitted once keeps trying", async () => {
    const one = await lab();
    const first = await one.start();
    await first.admitted;
    await until("remembered", async () =>
      (await readFile(join(one.folder, "state", "node.json"), "utf8")).includes('"admitted":true'),
    );
    await first.close();
    one.coordinator.answer = { refuse: "token-revoked" };
    const second = await one.start();
    let settled = false;
    second.admitted.then(
      () => {
        settled = true;
      },
      () => {
        settled = true;
      },
    );
    await until("refused", () => one.coordinator.hellos.length === 2);
    await new Promise((resolve) => setImmediate(resolve));
    expect(settled).toBe(false);
  });

  test("a node that loses the coordinator comes back", async () => {
    const one = await lab();
    await (await one.start()).admitted;
    one.coordinator.disconnect();
    await until("a second hello", () => one.coordinator.hellos.length === 2);
    await one.coordinator.next("heartbeat");
  });

  test("a coordinator that sends what is no message is left and tried again", async () => {
    const one = await lab();
    await (await one.start()).admitted;
    one.coordinator.sendRaw(new Uint8Array([0xc1, 0xff]));
    await until("a second hello", () => one.coordinator.hellos.length === 2);
  });

  test("no secret of the token gets into the log", async () => {
    const one = await lab(v1);
    const token = createToken("node", [publisher.publicKey]);
    const log = new PassThrough();
    const peer = await one.start({ joinToken: formatToken(token), logger: pino({ level: "trace" }, log) });
    await peer.admitted;
    await stage(one, v1);
    await activate(one, v1);
    await peer.close();
    const text = String(log.read());
    expect(text).toContain("welcomed by the coordinator");
    expect(text).not.toContain(token.secret);
  });

  test.each([
    ["a token that is none", { joinToken: "secret" }, "token-wrong"],
    ["an operator's token", { joinToken: tokenOf("operator") }, "permission-denied"],
    ["an address that is none", { url: "coordinator" }, "usage"],
  ])("%s is refused before anything starts", async (_, change, code) => {
    const one = await lab();
    await expect(one.start(change)).rejects.toMatchObject({ code });
    expect(one.coordinator.connections).toHaveLength(0);
  });

  test("two agents never share a state directory", async () => {
    const one = await lab();
    const peer = await one.start();
    await expect(one.start()).rejects.toMatchObject({ code: "data-locked" });
    await peer.close();
    await one.start();
  });
});

describe("staging", () => {
  test("verified, installed, reported, served until told to stop", async () => {
    const one = await lab(v1);
    await (await one.start()).admitted;
    await stage(one, v1);
    const { length } = v1.manifest.artifact;
    expect(one.coordinator.sent("verified")[0]).toMatchObject({
      verifiedBytes: length,
      receivedBytes: length,
    });
    const path = join(one.folder, "root", "web", "versions", directoryOf(v1));
    expect(await readFile(join(path, "tarball"))).toEqual(v1.tarball);
    const tarball = join(one.folder, "state", "artifacts", `${v1.manifest.artifact.sha256}.tar`);
    expect(existsSync(tarball)).toBe(true);
    one.coordinator.send(stopServing(v1));
    await until("the tarball is gone", () => !existsSync(tarball));
    expect(one.world.torrents[0]?.closed).toBe(true);
  });

  test("passes its place in the swarm and every change of neighbours on", async () => {
    const one = await lab(v1);
    one.world.delivers = false;
    await (await one.start()).admitted;
    const neighbours = [{ id: "origin", host: "127.0.0.1", port: 1, dial: true }];
    one.coordinator.send(stageOrderOf(v1, 7, { neighbours, rank: 3, rankCount: 9 }));
    await until("joined", () => one.world.torrents[0]?.neighbourLists.length === 1);
    const release = releaseRefOf(v1.manifest);
    one.coordinator.send({ kind: "neighbours", generation: 7, release, neighbours: [] });
    await until("changed", () => one.world.torrents[0]?.neighbourLists.length === 2);
    expect(one.world.torrents[0]?.neighbourLists).toEqual([neighbours, []]);
    expect(one.world.torrents[0]?.joined).toMatchObject({ rank: 3, rankCount: 9, complete: false });
    expect(await one.coordinator.next("progress")).toMatchObject({ generation: 7, verifiedBytes: 0 });
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
    const one = await lab(release);
    await (await one.start()).admitted;
    one.coordinator.send(stageOrderOf(release, 5, change));
    expect(await one.coordinator.next("stage-failed")).toMatchObject({ generation: 5, code });
    expect(one.world.torrents).toEqual([]);
    expect(await readdir(join(one.folder, "root"))).toEqual([".fleet-lock"]);
    expect(await readdir(join(one.folder, "state", "artifacts"))).toEqual([]);
    expect(await readdir(join(one.folder, "state", "releases"))).toEqual([]);
  });

  test("bytes that are not the signed ones are not installed, and not kept", async () => {
    const one = await lab({ ...v1, tarball: Buffer.from("another tarball!") });
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
    const one = await lab(v1);
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
    const one = await lab(v1);
    const peer = await one.start();
    await peer.admitted;
    await stage(one, v1);
    await peer.close();
    expect(one.world.torrents[0]?.closed).toBe(true);
    await one.start();
    await until("hello", () => one.coordinator.hellos.length === 2);
    expect(one.coordinator.hellos[1]?.apps).toEqual([
      { app: "web", live: null, installed: [releaseRefOf(v1.manifest)], lastOrder: null },
    ]);
    one.world.delivers = false;
    await stage(one, v1);
    expect(one.world.unpacked).toHaveLength(1);
    expect(one.world.torrents).toHaveLength(2);
    one.coordinator.send(stopServing(v1));
    await until("left", () => one.world.torrents[1]?.closed === true);
    await stage(one, v1);
    expect(one.world.torrents).toHaveLength(2);
  });

  test("an unfinished stage waits for the order to come again, then goes on with the same files", async () => {
    const one = await lab(v1);
    one.world.delivers = false;
    const peer = await one.start();
    await peer.admitted;
    one.coordinator.send(stageOrderOf(v1, 5));
    await until("joined", () => one.world.torrents.length === 1);
    await peer.close();
    one.world.delivers = true;
    await (await one.start()).admitted;
    await one.coordinator.next("heartbeat", one.coordinator.sent("heartbeat").length);
    expect(one.world.torrents).toHaveLength(1);
    one.coordinator.send(stageOrderOf(v1, 5));
    await one.coordinator.next("staged");
    expect(one.world.torrents[1]?.joined.filePath).toBe(one.world.torrents[0]?.joined.filePath);
    expect(one.world.torrents[1]?.joined.bitmapPath).toBe(one.world.torrents[0]?.joined.bitmapPath);
  });

  test("two apps are staged at the same time", async () => {
    const api = testRelease("v1", { app: "api" });
    const one = await lab(v1, api);
    await (await one.start()).admitted;
    one.coordinator.send(stageOrderOf(v1, 5));
    one.coordinator.send(stageOrderOf(api, 6));
    await until("both", () => one.coordinator.sent("staged").length === 2);
  });

  test("old versions go, what is live and could be gone back to stays", async () => {
    const releases = Array.from({ length: 9 }, (_, index) => testRelease(`v${index + 1}`));
    const one = await lab(...releases);
    await (await one.start()).admitted;
    const [first, second, ...later] = releases;
    for (const release of [first, second]) {
      if (release === undefined) continue;
      await stage(one, release);
      one.coordinator.send(stopServing(release));
      expect((await activate(one, release)).outcome.kind).toBe("healthy");
    }
    for (const release of later) {
      await stage(one, release);
      one.coordinator.send(stopServing(release));
    }
    const versions = join(one.folder, "root", "web", "versions");
    await until("cleaned up", async () => (await readdir(versions)).length === 7);
    const left = (await readdir(versions)).map((name) => name.split("-")[0]).toSorted();
    expect(left).toEqual(["v1", "v2", "v5", "v6", "v7", "v8", "v9"]);
  });
});

describe("orders for what is not here", () => {
  test("are answered, and leave nothing behind", async () => {
    const one = await lab(v1);
    await (await one.start()).admitted;
    expect(await activate(one, v1)).toMatchObject({
      live: null,
      outcome: { kind: "failed", code: "install-failed", restored: "none" },
    });
    one.coordinator.send(deactivateOrderOf(v1, 10_000));
    expect(await one.coordinator.next("activated", 1)).toMatchObject({ outcome: { kind: "healthy" } });
    expect(await readdir(join(one.folder, "state", "apps"))).toEqual([]);
  });

  test("are answered as damage when the live link is not ours", async () => {
    const one = await lab(v1);
    await mkdir(join(one.folder, "root", "web", "live"), { recursive: true });
    await (await one.start()).admitted;
    expect(await activate(one, v1)).toMatchObject({ outcome: { kind: "failed", code: "data-corrupt" } });
    one.coordinator.send(stageOrderOf(v1, 40_000));
    expect(await one.coordinator.next("stage-failed")).toMatchObject({ code: "data-corrupt" });
  });
});

describe("activating", () => {
  test("stops the old, swings the link, starts the new and reports it healthy", async () => {
    const one = await lab(v1, v2);
    await (await one.start()).admitted;
    await stage(one, v1);
    await stage(one, v2);
    expect(await activate(one, v1)).toMatchObject({ live: { version: "v1" }, outcome: { kind: "healthy" } });
    expect(await activate(one, v2)).toMatchObject({ live: { version: "v2" }, outcome: { kind: "healthy" } });
    expect(await one.deeds()).toEqual(["start v1", "stop v1", "start v2"]);
    expect(await liveLink(one)).toBe(`versions/${directoryOf(v2)}`);
    const steps = one.coordinator.sent("activating").map((message) => message.step);
    expect(steps).toEqual([
      "switching",
      "starting",
      "probing",
      "stopping",
      "switching",
      "starting",
      "probing",
    ]);
  });

  test("puts the old release back when the new one does not become healthy, and says why", async () => {
    const one = await lab(v1, v2);
    await (await one.start()).admitted;
    await stage(one, v1);
    await stage(one, v2);
    await activate(one, v1);
    await writeFile(await one.shared("check-v2-fails"), "");
    const ended = await activate(one, v2, 500);
    expect(ended.live).toMatchObject({ version: "v1" });
    expect(ended.outcome).toEqual({
      kind: "failed",
      code: "health-timeout",
      message: "not healthy within 0.5 s: ./service (exec probe of web v2) exited with 1",
      logTail: ["check-v2 does not work"],
      restored: "done",
    });
    expect(await one.deeds()).toEqual(["start v1", "stop v1", "start v2", "stop v2", "start v1"]);
    expect(await liveLink(one)).toBe(`versions/${directoryOf(v1)}`);
  });

  test("a hook that fails is reported with its last lines", async () => {
    const one = await lab(v1);
    await (await one.start()).admitted;
    await stage(one, v1);
    await writeFile(await one.shared("start-v1-fails"), "");
    const ended = await activate(one, v1);
    expect(ended).toMatchObject({
      live: null,
      outcome: {
        kind: "failed",
        code: "hook-failed",
        message: "the postActivate hook of web v1 exited with 1",
        logTail: ["start-v1 does not work"],
        restored: "none",
      },
    });
    expect(existsSync(join(one.folder, "root", "web", "live"))).toBe(false);
  });

  test("an app can be taken off", async () => {
    const one = await lab(v1);
    await (await one.start()).admitted;
    await stage(one, v1);
    await activate(one, v1);
    one.coordinator.send(deactivateOrderOf(v1, 10_000));
    expect(await one.coordinator.next("activated", 1)).toMatchObject({
      live: null,
      outcome: { kind: "healthy" },
    });
    expect(await one.deeds()).toEqual(["start v1", "stop v1"]);
  });

  test("the same order again runs nothing and gets the same answer, an older one none", async () => {
    const one = await lab(v1, v2);
    await (await one.start()).admitted;
    await stage(one, v1);
    await stage(one, v2);
    const first = await activate(one, v1);
    one.coordinator.send(activateOrderOf(v2, first.generation - 1));
    one.coordinator.send(activateOrderOf(v1, first.generation));
    expect(await one.coordinator.next("activated", 1)).toEqual(first);
    expect(one.coordinator.sent("activated")).toHaveLength(2);
    expect(await one.deeds()).toEqual(["start v1"]);
  });

  test("an outcome the coordinator missed is told after the next welcome, and stands in the hello", async () => {
    const one = await lab(v1);
    await (await one.start()).admitted;
    await stage(one, v1);
    const gate = await one.shared("start-v1-waits");
    await writeFile(gate, "");
    one.coordinator.send(activateOrderOf(v1, 20_000));
    await until("starting", async () => (await one.deeds()).length === 1);
    one.coordinator.answer = { refuse: "overloaded" };
    one.coordinator.disconnect();
    await rm(gate);
    const journal = join(one.folder, "state", "apps", "web.json");
    await until("decided", async () =>
      (await readFile(journal, "utf8")).includes('"outcome":{"kind":"healthy"}'),
    );
    one.coordinator.answer = "welcome";
    expect(await one.coordinator.next("activated")).toMatchObject({
      generation: 20_000,
      outcome: { kind: "healthy" },
    });
    const [state] = one.coordinator.hellos.at(-1)?.apps ?? [];
    expect(state).toMatchObject({
      live: { version: "v1" },
      lastOrder: { generation: 20_000, outcome: { kind: "healthy" } },
    });
  });

  test("a restart in mid-hook ends the old hook, runs the step again and reports the same order", async () => {
    const one = await lab(v1, v2);
    const peer = await one.start();
    await peer.admitted;
    await stage(one, v1);
    await stage(one, v2);
    await activate(one, v1);
    const gate = await one.shared("start-v2-waits");
    await writeFile(gate, "");
    one.coordinator.send(activateOrderOf(v2, 30_000));
    await until("starting v2", async () => (await one.deeds()).includes("start v2"));
    const marker = join(one.folder, "state", "apps", "web.hook");
    await until("remembered", () => existsSync(marker));
    const { pid } = JSON.parse(await readFile(marker, "utf8")) as { pid: number };
    await peer.close();
    const again = await one.start();
    await again.admitted;
    await until("starting v2 again", async () => (await one.deeds()).length === 4);
    expect(existsSync(`/proc/${pid}/cwd`)).toBe(false);
    expect(one.coordinator.hellos.at(-1)?.apps[0]?.lastOrder).toEqual({ generation: 30_000, outcome: null });
    await rm(gate);
    expect(await one.coordinator.next("activated", one.coordinator.sent("activated").length)).toMatchObject({
      generation: 30_000,
      outcome: { kind: "healthy" },
    });
    expect(await one.deeds()).toEqual(["start v1", "stop v1", "start v2", "start v2"]);
  });

  test("services go on when the peer stops", async () => {
    const one = await lab(v1);
    const peer = await one.start();
    await peer.admitted;
    await stage(one, v1);
    await activate(one, v1);
    await peer.close();
    expect(await one.deeds()).toEqual(["start v1"]);
    expect(await liveLink(one)).toBe(`versions/${directoryOf(v1)}`);
    expect(one.world.swarmsClosed).toBe(1);
  });

  test("a damaged journal stops the start and is named", async () => {
    const one = await lab(v1);
    const peer = await one.start();
    await peer.admitted;
    await stage(one, v1);
    await activate(one, v1);
    await peer.close();
    const path = join(one.folder, "state", "apps", "web.json");
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    await writeFile(path, '{"format":1}');
    await expect(one.start()).rejects.toMatchObject({ code: "data-corrupt" });
    await expect(one.start()).rejects.toThrow(path);
  });
});

function stopServing(release: TestRelease): CoordinatorMessage {
  return { kind: "stop-serving", generation: generations, release: releaseRefOf(release.manifest) };
}

function tokenOf(kind: TokenKind): string {
  return formatToken(createToken(kind, []));
}
