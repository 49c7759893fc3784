// What anybody who can reach the coordinator may do to its swarm port and its HTTP port: it stays up, holds little for
// them, goes on serving, and afterwards a release still reaches a node.
import { once } from "node:events";
import { mkdir, readFile } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { SHELL_LIMITS } from "../../coordinator/shell/limits.ts";
import type { ReleaseView, RolloutView } from "../../protocol/api.ts";
import { pieceCountOf } from "../../protocol/manifest.ts";
import { ORIGIN_ID } from "../../protocol/messages.ts";
import { TestNode } from "../coordinator/shell/support/node.ts";
import { ATTACKS, Attacker, blockReader, FATAL_MESSAGES, type Victim } from "./support/attacker.ts";
import { Lab, type Running } from "./support/lab.ts";
import { forgetPeak, memoryOf, multicastGroups, socketsOf } from "./support/process-state.ts";
import { makeRandomFile } from "./support/trees.ts";

const MIB = 1024 * 1024;
/** More than collecting garbage lags behind, and a fraction of what any of these attacks would hold without a bound. */
const GROWTH_BYTES_MAX = 128 * MIB;
/** 239.192.152.143, as the kernel writes it. */
const LOCAL_DISCOVERY_GROUP = "8F98C0EF";
const ARTIFACT_MEBIBYTES = 16;

let lab: Lab;
let coordinator: Running;
let pid: number;
/** A node that was let in, is never done, and so keeps the origin serving. */
let laggard: TestNode;
let victim: Victim;
let bytes: Buffer;
let attacker: Attacker | null = null;
const sockets: Socket[] = [];

beforeAll(async () => {
  lab = await Lab.open();
  coordinator = await lab.startCoordinator();
  pid = coordinator.process.pid ?? 0;
  laggard = new TestNode(lab.url);
  const joinToken = (await lab.read("node.token")).trim();
  await laggard.greet({ joinToken, name: "laggard", swarm: { host: null, port: 9 } });
  await laggard.next("welcome");
  await mkdir(lab.path("v1"));
  await makeRandomFile(lab.path("v1", "data.bin"), ARTIFACT_MEBIBYTES);
  await lab.ok(["publish", "v1", lab.path("v1"), "--app", "shop"]);
  await lab.post("/v1/stages", { app: "shop", version: "v1" });
  const { neighbours } = await laggard.next("stage");
  const { artifact } = ((await lab.get("/v1/releases/shop/v1")) as ReleaseView).manifest;
  const { infoHash, pieceLength, sha256 } = artifact;
  const port = neighbours.find(({ id }) => id === ORIGIN_ID)?.port ?? 0;
  victim = { port, infoHash, pieceLength, pieceCount: pieceCountOf(artifact) };
  bytes = await readFile(lab.path("coordinator", "artifacts", sha256));
});

afterAll(async () => {
  laggard.socket.terminate();
  await lab.close();
});

afterEach(() => {
  attacker?.release();
  for (const socket of sockets.splice(0)) socket.destroy();
});

describe("a coordinator under attack", () => {
  it("has no way in but its two ports, and listens to no multicast group of local discovery", async () => {
    const { listening, datagram } = await socketsOf(pid);
    expect(listening.toSorted()).toEqual([Number(new URL(lab.url).port), victim.port].toSorted());
    for (const socket of datagram) expect(socket).toBe(`udp ${victim.port}`);
    expect(await multicastGroups()).not.toContain(LOCAL_DISCOVERY_GROUP);
  });

  it.each(Object.entries(ATTACKS))("its origin withstands %s", (_, attack) =>
    growsLittle(async (from) => {
      await attack(from);
      await isServed();
    }),
  );

  it.each(Object.entries(FATAL_MESSAGES))("its origin cuts off who sends %s", (_, message) =>
    growsLittle(async (from) => {
      expect(await from.isCutOffFor(message(from.victim))).toBe(true);
      await isServed();
    }),
  );

  it.each<readonly [string, () => Promise<void>]>([
    ["two thousand connections that say nothing", () => open(2_000, "")],
    [
      "two hundred requests without an end",
      () => open(200, "GET /v1/status HTTP/1.1\r\nHost: x\r\nX-Slow: "),
    ],
    [
      "two hundred requests with endless headers",
      () => open(200, `GET / HTTP/1.1\r\n${"x: y\r\n".repeat(4_000)}`),
    ],
    [
      "bodies that nobody may send",
      () => open(200, `${bodyHead("/v1/releases", 2 * MIB)}${"[".repeat(MIB)}`),
    ],
    [
      "uploads that nobody may send",
      () => open(50, `${bodyHead(`/v1/artifacts/${"0".repeat(64)}`, 4 * MIB)}${"x".repeat(2 * MIB)}`),
    ],
    ["a thousand WebSockets that never say who they are", () => greet(1_000, () => undefined)],
    [
      "WebSockets that send noise",
      () => greet(200, (node) => node.socket.send(Buffer.alloc(512 * 1024, 0x91))),
    ],
    ["four hundred hellos of a mebibyte that lack their last byte", () => beginHellos(400)],
    ["WebSockets that send a frame in ten thousand parts", () => greet(20, sendInParts)],
    ["a node that sends more than it may", floodAsNode],
  ])("its HTTP port withstands %s", (_, attack) =>
    growsLittle(async () => {
      await attack();
      expect(await lab.get("/v1/health")).toEqual({ status: "ok" });
      laggard.say({ kind: "heartbeat" });
    }),
  );

  it("still brings a release to a node, after all of it", async () => {
    await lab.startPeer("node-1");
    await lab.ok(["publish", "v1", lab.path("v1"), "--app", "other"]);
    const { id } = (await lab.post("/v1/stages", { app: "other", version: "v1" })) as RolloutView;
    const isStaged = ({ nodes }: RolloutView) =>
      nodes.some(({ name, phase }) => name === "node-1" && phase === "staged");
    await lab.until<RolloutView>(`/v1/rollouts/${id}`, isStaged);
    expect(coordinator.process.exitCode).toBeNull();
  });
});

async function growsLittle(attack: (from: Attacker) => Promise<void>): Promise<void> {
  const from = new Attacker(victim);
  attacker = from;
  laggard.say({ kind: "heartbeat" });
  const before = await memoryOf(pid);
  await forgetPeak(pid);
  await attack(from);
  expect((await memoryOf(pid)).peakBytes - before.rssBytes).toBeLessThan(GROWTH_BYTES_MAX);
  expect(coordinator.process.exitCode).toBeNull();
}

/** A node that comes now gets what it asks for. */
async function isServed(): Promise<void> {
  const node = new Attacker(victim);
  try {
    const fetch = blockReader(await node.join({ from: "127.0.0.1", id: laggard.id }));
    expect(await fetch(0)).toEqual(bytes.subarray(0, 16 * 1024));
  } finally {
    node.release();
  }
}

/** Connections that have each said this, and stay. */
async function open(count: number, text: string): Promise<void> {
  const { hostname, port } = new URL(lab.url);
  const opened = Array.from({ length: count }, async () => {
    const socket = connect({ host: hostname, port: Number(port) });
    sockets.push(socket);
    socket.on("error", () => undefined);
    await once(socket, "connect");
    socket.write(text);
  });
  await Promise.all(opened);
}

function bodyHead(path: string, length: number): string {
  const method = path.includes("artifacts") ? "PUT" : "POST";
  return `${method} ${path} HTTP/1.1\r\nHost: x\r\nContent-Length: ${length}\r\n\r\n`;
}

async function greet(count: number, act: (node: TestNode) => void): Promise<void> {
  const nodes = Array.from({ length: count }, () => new TestNode(lab.url));
  await Promise.all(nodes.map((node) => node.next("challenge")));
  for (const node of nodes) act(node);
  await lab.get("/v1/status");
  for (const node of nodes) node.socket.terminate();
}

/** Until the coordinator has ended all of them but as many as may stay. */
async function beginHellos(count: number): Promise<void> {
  const { hostname, port } = new URL(lab.url);
  const begun = Buffer.concat([Buffer.from(UPGRADE), FRAME_HEAD, Buffer.alloc(MIB - 1)]);
  const begin = (): Socket => {
    const socket = connect({ host: hostname, port: Number(port) });
    // What it is told, it throws away; unread, that would hide the end.
    socket.on("error", () => undefined).resume();
    socket.write(begun);
    return socket;
  };
  const opened = Array.from({ length: count }, begin);
  sockets.push(...opened);
  const held = (): number => MIB * opened.filter((socket) => !socket.closed).length;
  await new Promise<void>((resolve) => {
    const look = (): void => {
      if (held() <= SHELL_LIMITS.strangerBytesMax) resolve();
    };
    for (const socket of opened) socket.on("close", look);
  });
}

const UPGRADE = [
  "GET /v1/control HTTP/1.1",
  "Host: x",
  "Connection: Upgrade",
  "Upgrade: websocket",
  "Sec-WebSocket-Version: 13",
  `Sec-WebSocket-Key: ${Buffer.alloc(16).toString("base64")}`,
  "\r\n",
].join("\r\n");

/** RFC 6455: of one binary message of a mebibyte, masked with zeros. */
const FRAME_HEAD = Buffer.from([0x82, 0xff, 0, 0, 0, 0, 0, 0x10, 0, 0, 0, 0, 0, 0]);

function sendInParts(node: TestNode): void {
  for (let part = 0; part < 10_000; part += 1)
    node.socket.send(Buffer.of(0xc0), { fin: false }, () => undefined);
}

async function floodAsNode(): Promise<void> {
  const joinToken = (await lab.read("node.token")).trim();
  const node = await TestNode.admitted(lab.url, { joinToken });
  for (let count = 0; count < 50_000; count += 1) node.say({ kind: "heartbeat" });
  expect(await node.next("refuse")).toMatchObject({ code: "overloaded" });
  await node.closed;
}
