// The nodes' WebSocket from outside: who is let in, what ends a connection, and what a hostile one cannot do to others.
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { connect } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { NODE_FRAME_BYTES_MAX } from "../../../protocol/limits.ts";
import type { Hello } from "../../../protocol/messages.ts";
import { encodeFrame } from "../../../protocol/shell/frame.ts";
import { createSigningKey, signHello } from "../../../protocol/shell/signature.ts";
import { refusal, TestCoordinator } from "./support/coordinator.ts";
import { TestNode } from "./support/node.ts";
import { makeRelease } from "./support/release.ts";
import { scratchFolders } from "./support/scratch.ts";

const newFolder = scratchFolders();
let fleet: TestCoordinator;
let joinToken: string;

beforeEach(async () => {
  fleet = await TestCoordinator.start(newFolder(), { messagesBurst: 50 });
  joinToken = fleet.createToken("node");
});
afterEach(() => fleet.close());

async function nodesOnline(): Promise<number> {
  const { body } = await fleet.call("GET", "/v1/status");
  return (body as { nodesOnline: number }).nodesOnline;
}

/** Polls the status until as many nodes as given are online; the test's own timeout is the limit. */
async function untilOnline(count: number): Promise<void> {
  while ((await nodesOnline()) !== count) await new Promise((resolve) => setImmediate(resolve));
}

describe("a node is let in", () => {
  it("with a signed hello and a node token, and is then known", async () => {
    const node = new TestNode(fleet.url);
    await node.greet({ joinToken });
    expect(await node.next("welcome")).toMatchObject({ nodeId: node.id, heartbeatIntervalMs: 5_000 });
    expect(await fleet.call("GET", "/v1/nodes")).toMatchObject({
      status: 200,
      body: { nodes: [{ id: node.id, online: true, address: "127.0.0.1:7000" }] },
    });
    await node.close();
  });

  it("however much others have sent in their hellos before it", async () => {
    const small = await TestCoordinator.start(newFolder(), { strangerBytesMax: 2 * 1024 });
    const token = small.createToken("node");
    const nodes: TestNode[] = [];
    for (let count = 0; count < 20; count += 1)
      nodes.push(await TestNode.admitted(small.url, { joinToken: token }));
    expect(await small.call("GET", "/v1/status")).toMatchObject({ body: { nodesOnline: 20 } });
    for (const node of nodes) await node.close();
    await small.close();
  });

  it("while a stranger that has sent too much is given up", async () => {
    const small = await TestCoordinator.start(newFolder(), {
      strangerBytesMax: 8 * 1024,
      handshakeTimeoutMs: 600_000,
    });
    const node = await TestNode.admitted(small.url, { joinToken: small.createToken("node") });
    const stranger = new TestNode(small.url);
    await stranger.next("challenge");
    stranger.socket.send(Buffer.alloc(16 * 1024), { fin: false });
    await stranger.closed;
    expect(await small.call("GET", "/v1/status")).toMatchObject({ body: { nodesOnline: 1 } });
    await node.close();
    await small.close();
  });

  it("without a token once it is known, even after its token was revoked and the coordinator restarted", async () => {
    const folder = newFolder();
    const first = await TestCoordinator.start(folder);
    const key = createSigningKey();
    await TestNode.admitted(first.url, { key, joinToken: first.createToken("node") });
    for (const { id } of first.tokens.list()) first.tokens.revoke(id);
    await first.close();
    const second = await TestCoordinator.start(folder);
    const node = await TestNode.admitted(second.url, { key });
    expect(await second.call("GET", "/v1/status")).toMatchObject({ body: { nodesOnline: 1, nodesTotal: 1 } });
    await node.close();
    await second.close();
  });
});

describe("a node is refused", () => {
  const refusals: readonly [string, string, () => Partial<Hello>][] = [
    ["no token", "token-missing", () => ({ joinToken: null })],
    ["something that is no token", "token-wrong", () => ({ joinToken: "hello" })],
    ["an unknown token", "token-wrong", () => ({ joinToken: joinToken.replace(/.{8}$/, "00000000") })],
    ["an expired token", "token-expired", () => ({ joinToken: fleet.createToken("node", 1) })],
    ["an operator's token", "permission-denied", () => ({ joinToken: fleet.operator })],
    ["a signature by another key", "permission-denied", () => ({ publicKey: createSigningKey().publicKey })],
    [
      "a key that is no point of the curve",
      "permission-denied",
      () => ({ publicKey: "_".repeat(43) as never }),
    ],
    ["a signature that is noise", "permission-denied", () => ({ signature: randomBytes(64) })],
    ["a signature over another nonce", "permission-denied", () => ({ signature: undefined as never })],
    ["another protocol version", "protocol-version", () => ({ protocol: 2 })],
    ["a name that is none", "protocol-error", () => ({ name: "../x" })],
  ];

  it.each(refusals)("with %s: %s", async (what, code, change) => {
    const node = new TestNode(fleet.url);
    const changed = { joinToken, ...change() };
    const replayed = signHello(node.key, randomBytes(32));
    await node.greet(what.includes("another nonce") ? { joinToken, signature: replayed } : changed);
    expect(await node.next("refuse")).toMatchObject({ code });
    expect((await node.closed).code).toBe(code === "protocol-error" ? 1002 : 1008);
    expect(await nodesOnline()).toBe(0);
  });

  it("when it replays the hello of another connection", async () => {
    const honest = new TestNode(fleet.url);
    const { nonce } = await honest.next("challenge");
    const hello = { ...honest.hello(nonce), joinToken };
    honest.say(hello);
    await honest.next("welcome");
    const thief = new TestNode(fleet.url);
    await thief.next("challenge");
    thief.say(hello);
    expect(await thief.next("refuse")).toMatchObject({ code: "permission-denied" });
    expect(await nodesOnline()).toBe(1);
    await honest.close();
  });

  it("with a revoked token", async () => {
    fleet.tokens.revoke(fleet.tokens.list().find(({ kind }) => kind === "node")?.id ?? "");
    const node = new TestNode(fleet.url);
    await node.greet({ joinToken });
    expect(await node.next("refuse")).toMatchObject({ code: "token-revoked" });
    await node.closed;
  });

  it("at any other path", async () => {
    const socket = new WebSocket(`${fleet.url.replace("http", "ws")}/v1/other`);
    const [error] = (await once(socket, "error")) as [Error];
    expect(error.message).toContain("404");
  });
});

describe("a browser", () => {
  async function statusFor(origin: string): Promise<string> {
    const node = new TestNode(fleet.url, { headers: { origin } });
    return Promise.race([
      once(node.socket, "open").then(() => "open"),
      once(node.socket, "unexpected-response").then(([, response]) => String(response.statusCode)),
    ]).finally(() => node.socket.terminate());
  }

  it("may not connect from a page of another site", async () => {
    expect(await statusFor("http://evil.example")).toBe("403");
    expect(await statusFor("null")).toBe("403");
  });

  it("may connect from a page of the coordinator", async () => {
    expect(await statusFor(fleet.url)).toBe("open");
  });
});

/** A hello whose error message repeats a key that a remote has chosen. */
function helloWithKey(node: TestNode, key: string): Hello {
  const release = { app: "shop", version: "v1", sha256: "0".repeat(64), [key]: 1 };
  const app = { app: "shop", live: release, installed: [], lastOrder: null };
  return { ...node.hello(randomBytes(32)), apps: [app as never] };
}

describe("a connection ends, and no other with it,", () => {
  let healthy: TestNode;
  beforeEach(async () => {
    healthy = await TestNode.admitted(fleet.url, { joinToken });
  });
  afterEach(async () => {
    healthy.say({ kind: "heartbeat" });
    await untilOnline(1);
    expect(healthy.socket.readyState).toBe(WebSocket.OPEN);
    await healthy.close();
  });

  const garbage: readonly [string, (node: TestNode) => void][] = [
    ["a text frame", (node) => node.socket.send("hello")],
    ["noise", (node) => node.socket.send(randomBytes(100))],
    ["an empty frame", (node) => node.socket.send(Buffer.alloc(0))],
    ["a message cut short", (node) => node.socket.send(encodeFrame({ kind: "heartbeat" }).subarray(0, 5))],
    ["an unknown kind", (node) => node.socket.send(encodeFrame({ kind: "launch" } as never))],
    ["a deep nesting", (node) => node.socket.send(Buffer.alloc(1_000, 0x91))],
    [
      "a name that would not fit a closing frame",
      (node) => node.say(helloWithKey(node, "\u{1F4A5}".repeat(400))),
    ],
    ["a message before the hello", (node) => node.say({ kind: "heartbeat" })],
  ];
  it.each(garbage)("after %s", async (_, send) => {
    const hostile = new TestNode(fleet.url);
    await hostile.next("challenge");
    send(hostile);
    expect(await hostile.next("refuse")).toMatchObject({ code: "protocol-error" });
    expect((await hostile.closed).code).toBe(1002);
  });

  it("after a second hello", async () => {
    const node = await TestNode.admitted(fleet.url, { joinToken });
    node.say(node.hello(randomBytes(32)));
    expect(await node.next("refuse")).toMatchObject({ code: "protocol-error" });
    await node.closed;
  });

  it("after a frame larger than a node may send", async () => {
    const hostile = new TestNode(fleet.url);
    await hostile.next("challenge");
    hostile.socket.send(Buffer.alloc(NODE_FRAME_BYTES_MAX + 1));
    expect((await hostile.closed).code).toBe(1009);
  });

  it("after endless fragments", async () => {
    const hostile = new TestNode(fleet.url);
    await hostile.next("challenge");
    for (let count = 0; count < 100; count += 1) hostile.socket.send(Buffer.of(0xc0), { fin: false });
    expect((await hostile.closed).code).toBe(1008);
  });

  it("after more messages than a node may send", async () => {
    const flooding = await TestNode.admitted(fleet.url, { joinToken });
    for (let count = 0; count < 60; count += 1) flooding.say({ kind: "heartbeat" });
    expect(await flooding.next("refuse")).toMatchObject({ code: "overloaded" });
    await flooding.closed;
  });

  it("when a newer connection of the same node takes its place, which then gets the orders", async () => {
    const key = createSigningKey();
    const older = await TestNode.admitted(fleet.url, { key, joinToken });
    const newer = await TestNode.admitted(fleet.url, { key });
    expect((await older.closed).code).toBe(4001);
    await untilOnline(2);
    await fleet.publish(makeRelease("v1"));
    await fleet.call("POST", "/v1/stages", { body: { app: "shop", version: "v1" } });
    expect(await newer.next("stage")).toMatchObject({ release: { version: "v1" } });
    expect(fleet.logs.messages()).toContain("a node connected again; its older connection ends");
    await newer.close();
    await untilOnline(1);
  });
});

describe("a node that is silent", () => {
  it("before its hello is refused", async () => {
    const hasty = await TestCoordinator.start(newFolder(), { handshakeTimeoutMs: 50 });
    const node = new TestNode(hasty.url);
    expect(await node.next("refuse")).toMatchObject({ code: "protocol-error" });
    await node.closed;
    await hasty.close();
  });

  it("after its hello is cut off and counts as offline", async () => {
    const hasty = await TestCoordinator.start(newFolder(), { offlineAfterMs: 50 });
    const node = new TestNode(hasty.url);
    await node.greet({ joinToken: hasty.createToken("node") });
    expect((await node.closed).code).toBe(1006);
    const { body } = await hasty.call("GET", "/v1/nodes");
    expect(body).toMatchObject({ nodes: [{ id: node.id, online: false }] });
    await hasty.close();
  });
});

describe("too many connections", () => {
  it("from one address are cut", async () => {
    const small = await TestCoordinator.start(newFolder(), { connectionsPerAddressMax: 2 });
    const { hostname, port } = new URL(small.url);
    const open = async () => {
      const socket = connect({ host: hostname, port: Number(port) });
      socket.on("error", () => undefined);
      await once(socket, "connect");
      return socket;
    };
    const kept = [await open(), await open()];
    const cut = await open();
    await once(cut, "close");
    for (const socket of kept) socket.destroy();
    await small.close();
  });
});

it("wrong node tokens from one address are limited, while a right one still works", async () => {
  const codes: string[] = [];
  for (let attempt = 0; attempt < 25; attempt += 1) {
    const node = new TestNode(fleet.url);
    await node.greet({ joinToken: "wrong" });
    codes.push((await node.next("refuse")).code);
    await node.closed;
  }
  expect([codes[0], codes.at(-1)]).toEqual(["token-wrong", "overloaded"]);
  const node = await TestNode.admitted(fleet.url, { joinToken });
  await node.close();
  expect(await fleet.call("GET", "/v1/nodes", { token: joinToken })).toMatchObject(
    refusal(403, "permission-denied"),
  );
});
