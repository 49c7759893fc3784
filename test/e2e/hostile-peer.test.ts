// What anybody who can reach a node's swarm port may do to it: nothing ends the process or fills its memory, it goes
// on serving meanwhile, and afterwards it still stages a release. A real `fleet peer`; the coordinator is played.
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdir, mkdtemp, readFile, writeFile } from "node:fs/promises";
import type { AddressInfo, Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { pino } from "pino";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { WebSocketServer } from "ws";
import { type Running, startFleet } from "../../cli/demo/fleet-process.ts";
import { removeTree } from "../../peer/index.ts";
import { openSwarm, type Swarm } from "../../peer/shell/swarm.ts";
import { pieceCountOf, releaseRefOf } from "../../protocol/manifest.ts";
import { type Neighbour, ORIGIN_ID } from "../../protocol/messages.ts";
import { prepareArtifact } from "../../seeder/index.ts";
import { until } from "../peer/processes.ts";
import { manifestOf } from "../peer/releases.ts";
import { FakeCoordinator, publisher, stageOrderOf } from "../peer/shell/fake-fleet.ts";
import type { TestRelease } from "../peer/shell/fake-world.ts";
import { connectTo, handshakeBytes, isCutOff } from "../peer/shell/raw-peer.ts";
import { ATTACKS, Attacker, blockReader, FATAL_MESSAGES, type Victim } from "./support/attacker.ts";
import { forgetPeak, memoryOf, multicastGroups, socketsOf } from "./support/process-state.ts";

const MAIN = fileURLToPath(new URL("../../cli/main.ts", import.meta.url));
const MIB = 1024 * 1024;
/** More than collecting garbage lags behind, and a fraction of what any of these attacks would hold without a bound. */
const GROWTH_BYTES_MAX = 128 * MIB;
/** 239.192.152.143, as the kernel writes it. */
const LOCAL_DISCOVERY_GROUP = "8F98C0EF";
/** A neighbour as the coordinator lists one; it comes to the victim, never the other way round. */
const LISTED = {
  id: "0123456789abcdef0123456789abcdef",
  host: "127.0.0.1",
  port: 9,
  dial: false,
  far: null,
  feeds: null,
};

interface Published {
  readonly release: TestRelease;
  readonly bytes: Buffer;
  readonly victim: Omit<Victim, "port">;
}

let folder: string;
let coordinator: FakeCoordinator;
let origin: Swarm;
let peer: Running;
let pid: number;
let port: number;
let served: Published;
let wanted: Published;
let attacker: Attacker | null = null;
let dribbler: Socket;
let cutOffInTime: Promise<true>;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "fleet-hostile-"));
  const server = new WebSocketServer({ host: "127.0.0.1", port: 0, path: "/v1/control" });
  await once(server, "listening");
  coordinator = new FakeCoordinator(server);
  origin = await openSwarm({ host: "127.0.0.1", port: 0, logger: pino({ level: "silent" }), id: ORIGIN_ID });
  peer = await startPeer(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  pid = peer.process.pid ?? 0;
  port = Number(peer.ready.swarmPort);
  served = await publish("v1");
  wanted = await publish("v2");
  coordinator.send(stageOrderOf(served.release, 1, { neighbours: [originNeighbour(), LISTED] }));
  await coordinator.next("staged");
  // Begun here and looked at in the end, as it takes as long as a handshake may.
  dribbler = await connectTo(port, "127.5.5.5");
  dribbler.write(handshakeBytes(served.victim.infoHash).subarray(0, 67));
  cutOffInTime = isCutOff(dribbler);
  // Nobody that it knows has this one: it stays in the middle of its download until the test says otherwise.
  coordinator.send(stageOrderOf(wanted.release, 2, { neighbours: [LISTED] }));
});

afterAll(async () => {
  dribbler.destroy();
  peer.process.kill("SIGKILL");
  await peer.exited;
  await origin.close();
  await coordinator.close();
  await removeTree(folder);
});

afterEach(() => attacker?.release());

describe("a node under attack", () => {
  it("has no way in but its swarm port, and is in no multicast group of local discovery", async () => {
    const { listening, datagram } = await socketsOf(pid);
    expect(listening).toEqual([port]);
    for (const socket of datagram) expect(socket).toBe(`udp ${port}`);
    expect(await multicastGroups()).not.toContain(LOCAL_DISCOVERY_GROUP);
  });

  describe("while it serves a release", () => {
    it.each(Object.entries(ATTACKS))("withstands %s", (_, attack) => withstands(served, attack));

    it.each(Object.entries(FATAL_MESSAGES))("cuts off who sends %s", (_, bytes) => cutsOff(served, bytes));
  });

  describe("while it fetches a release", () => {
    it.each(Object.entries(ATTACKS))("withstands %s", (_, attack) => withstands(wanted, attack));

    it.each(Object.entries(FATAL_MESSAGES))("cuts off who sends %s", (_, bytes) => cutsOff(wanted, bytes));
  });

  it("is not linked with itself, whether it is told to dial itself or somebody comes with its own id", async () => {
    const { release } = wanted;
    const self: Neighbour = { id: "self", host: "127.0.0.1", port, dial: true, far: null, feeds: null };
    coordinator.send({
      kind: "neighbours",
      generation: 2,
      release: releaseRefOf(release.manifest),
      neighbours: [LISTED, self],
    });
    attacker = new Attacker({ ...served.victim, port });
    const pretender = await attacker.join({ id: String(peer.ready.nodeId) });
    expect(await isCutOff(pretender)).toBe(true);
    await isServed();
  });

  it("keeps the link of a neighbour whose id somebody else claims", async () => {
    const from = new Attacker({ ...served.victim, port });
    attacker = from;
    const fetch = blockReader(await from.join({ from: LISTED.host, id: LISTED.id }));
    await fetch(0);
    const pretenders = await Promise.all(Array.from({ length: 5 }, () => from.join({ id: LISTED.id })));
    for (const pretender of pretenders) await blockReader(pretender)(0);
    expect(await fetch(1)).toEqual(blockOf(served, 1));
  });

  it("replaces the link of a neighbour that comes anew", async () => {
    attacker = new Attacker({ ...served.victim, port });
    const before = await attacker.join({ from: LISTED.host, id: LISTED.id });
    await blockReader(before)(0);
    const after = await attacker.join({ from: LISTED.host, id: LISTED.id });
    await blockReader(after)(0);
    expect(await isCutOff(before)).toBe(true);
  });

  it("has ended a handshake that never came to an end", () => cutOffInTime);

  it("still stages the release, after all of it", async () => {
    const { release } = wanted;
    const neighbours = [LISTED, originNeighbour()];
    coordinator.send({
      kind: "neighbours",
      generation: 2,
      release: releaseRefOf(release.manifest),
      neighbours,
    });
    const isStaged = () => coordinator.sent("staged").some(({ generation }) => generation === 2);
    await until("the second release is staged", isStaged);
    expect(peer.process.exitCode).toBeNull();
  });
});

async function withstands(target: Published, attack: (attacker: Attacker) => Promise<void>): Promise<void> {
  const from = new Attacker({ ...target.victim, port });
  attacker = from;
  const before = await memoryOf(pid);
  await forgetPeak(pid);
  await attack(from);
  // The attacker's sockets are still open: the node serves whom it should all the same.
  await isServed();
  expect((await memoryOf(pid)).peakBytes - before.rssBytes).toBeLessThan(GROWTH_BYTES_MAX);
  expect(peer.process.exitCode).toBeNull();
}

async function cutsOff(target: Published, bytes: (victim: Victim) => Uint8Array): Promise<void> {
  const from = new Attacker({ ...target.victim, port });
  attacker = from;
  const before = await memoryOf(pid);
  await forgetPeak(pid);
  expect(await from.isCutOffFor(bytes(from.victim))).toBe(true);
  await isServed();
  expect((await memoryOf(pid)).peakBytes - before.rssBytes).toBeLessThan(GROWTH_BYTES_MAX);
}

/** A neighbour that comes now gets what it asks for. */
async function isServed(): Promise<void> {
  const neighbour = new Attacker({ ...served.victim, port });
  try {
    const fetch = blockReader(await neighbour.join({ from: LISTED.host, id: LISTED.id }));
    expect(await fetch(0)).toEqual(blockOf(served, 0));
  } finally {
    neighbour.release();
  }
}

function blockOf({ bytes, victim }: Published, piece: number): Buffer {
  const at = piece * victim.pieceLength;
  return bytes.subarray(at, at + 16 * 1024);
}

function originNeighbour(): Neighbour {
  return { id: ORIGIN_ID, host: "127.0.0.1", port: origin.port, dial: true, far: null, feeds: null };
}

async function publish(version: string): Promise<Published> {
  const source = join(folder, version);
  await mkdir(source);
  await writeFile(join(source, "data.bin"), randomBytes(16 * MIB));
  const { artifact, torrentInfo, tarballPath } = await prepareArtifact({
    path: source,
    nodeCount: 2,
    workDirectory: folder,
  });
  const complete = { complete: true, bitmapPath: null, rank: 0, rankCount: 1, seed: 1 };
  await origin.join({ torrentInfo, artifact, filePath: tarballPath, ...complete });
  const release = { manifest: { ...manifestOf(version), artifact }, torrentInfo, tarball: new Uint8Array() };
  const { infoHash, pieceLength } = artifact;
  return {
    release,
    bytes: await readFile(tarballPath),
    victim: { infoHash, pieceLength, pieceCount: pieceCountOf(artifact) },
  };
}

function startPeer(url: string): Promise<Running> {
  const folders = ["--root", join(folder, "root"), "--state", join(folder, "state")];
  const options = ["--trust", publisher.publicKey, "--name", "victim", "--listen", "127.0.0.1:0"];
  return startFleet({
    command: [process.execPath, MAIN],
    args: ["peer", "--url", url, ...folders, ...options],
    cwd: folder,
    env: { PATH: process.env.PATH, HOME: folder },
  });
}
