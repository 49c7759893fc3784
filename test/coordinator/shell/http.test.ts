// The HTTP interface from outside: who may call what, what errors look like, and what a client cannot do to it.
import { once } from "node:events";
import { request } from "node:http";
import { connect } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { refusal, TestCoordinator } from "./support/coordinator.ts";
import { makeRelease } from "./support/release.ts";
import { scratchFolders } from "./support/scratch.ts";

const newFolder = scratchFolders();
let fleet: TestCoordinator;

beforeEach(async () => {
  fleet = await TestCoordinator.start(newFolder(), { jsonBodyBytesMax: 50_000, lingerMs: 1_000 });
});
afterEach(() => fleet.close());

/** Writes text to the port as it is and returns what comes back until the connection ends. */
function rawExchange(text: string): Promise<string> {
  const { hostname, port } = new URL(fleet.url);
  return new Promise((resolve, reject) => {
    const socket = connect({ host: hostname, port: Number(port) }, () => socket.write(text));
    let answer = "";
    socket.on("data", (chunk) => {
      answer += chunk.toString();
    });
    socket.on("close", () => resolve(answer));
    socket.on("error", reject);
  });
}

describe("an operator's token", () => {
  it("is not needed to ask for health", async () => {
    expect(await fleet.call("GET", "/v1/health", { token: null })).toMatchObject({ status: 200 });
  });

  it("opens every other route", async () => {
    expect(await fleet.call("GET", "/v1/status")).toMatchObject({
      status: 200,
      body: { coordinatorVersion: "1.2.3", nodesTotal: 0 },
    });
  });

  it.each([
    ["missing", 401, "token-missing", () => null],
    ["not a token", 401, "token-wrong", () => "hello"],
    ["unknown", 401, "token-wrong", () => fleet.operator.replace(/_[0-9a-f]{16}_/, `_${"0".repeat(16)}_`)],
    [
      "of the right id and another secret",
      401,
      "token-wrong",
      () => `${fleet.operator.slice(0, -8)}00000000`,
    ],
    ["expired", 401, "token-expired", () => fleet.createToken("operator", 1)],
    ["a node's", 403, "permission-denied", () => fleet.createToken("node")],
    ["absurdly long", 401, "token-wrong", () => `${fleet.operator}${`.${"k".repeat(43)}`.repeat(40)}`],
  ])("that is %s is answered with %i %s", async (_, status, code, token) => {
    const reply = await fleet.call("GET", "/v1/status", { token: token() });
    expect(reply).toMatchObject(refusal(status, code));
  });

  it("stops working at its next use once it is revoked", async () => {
    expect(await fleet.call("GET", "/v1/status")).toMatchObject({ status: 200 });
    fleet.tokens.revoke(fleet.tokens.list()[0]?.id ?? "");
    expect(await fleet.call("GET", "/v1/status")).toMatchObject(refusal(401, "token-revoked"));
  });

  it("that is wrong too often is turned away, while a right one from the same address still works", async () => {
    const codes = new Set<string>();
    for (let attempt = 0; attempt < 30; attempt += 1) {
      const { body } = await fleet.call("GET", "/v1/status", { token: "wrong" });
      codes.add((body as { error: { code: string } }).error.code);
    }
    expect([...codes]).toEqual(["token-wrong", "overloaded"]);
    expect(await fleet.call("GET", "/v1/status")).toMatchObject({ status: 200 });
  });

  it("never shows in the log, and neither does what was sent in its place", async () => {
    const node = fleet.createToken("node");
    await fleet.call("GET", "/v1/status");
    await fleet.call("GET", "/v1/status", { token: node });
    await fleet.call("GET", "/v1/status", { token: `${fleet.operator}0` });
    const logged = fleet.logs.lines.join("\n");
    for (const secret of [fleet.operator, node]) expect(logged).not.toContain(secret.slice(-40));
    expect(fleet.logs.messages()).toContain("a token was refused");
  });
});

it("gives the torrent of a release, and of none that is not published", async () => {
  const release = makeRelease("v1");
  await fleet.publish(release);
  const { torrentInfo } = release.publish;
  expect(await fleet.call("GET", "/v1/releases/shop/v1/torrent")).toMatchObject({
    status: 200,
    body: { torrentInfo },
  });
  expect(await fleet.call("GET", "/v1/releases/shop/v2/torrent")).toMatchObject(
    refusal(404, "release-unknown"),
  );
  expect(await fleet.call("GET", "/v1/releases/shop/v1/torrent", { token: null })).toMatchObject(
    refusal(401, "token-missing"),
  );
});

describe("errors", () => {
  it("name a path that is not served", async () => {
    expect(await fleet.call("GET", "/v1/nothing")).toMatchObject(refusal(404, "not-found"));
    expect(await fleet.call("GET", "/v1/releases/shop/%ff")).toMatchObject(refusal(404, "not-found"));
  });

  it("name the methods that a path takes", async () => {
    const reply = await fleet.call("PUT", "/v1/status");
    expect(reply.status).toBe(405);
    expect(reply.headers.get("allow")).toBe("GET");
  });

  it("name what is unknown", async () => {
    expect(await fleet.call("GET", "/v1/releases/shop/v1")).toMatchObject(refusal(404, "release-unknown"));
    expect(await fleet.call("GET", "/v1/rollouts/r1")).toMatchObject(refusal(404, "rollout-unknown"));
    expect(await fleet.call("GET", "/v1/rollouts/r1/watch")).toMatchObject(refusal(404, "rollout-unknown"));
  });

  it.each([
    ["no JSON", { raw: Buffer.from("{") }],
    ["no UTF-8", { raw: Buffer.from([0x22, 0xff, 0x22]) }],
    ["another shape", { body: { app: "shop" } }],
    ["a value out of range", { body: { app: "Shop!", version: "v1" } }],
    ["too long", { body: { app: "shop", version: "v".repeat(60_000) } }],
  ])("say so when a body is %s", async (_, options) => {
    expect(await fleet.call("POST", "/v1/stages", options)).toMatchObject(refusal(400, "request-invalid"));
  });

  it("carry the core's refusal", async () => {
    expect(await fleet.call("POST", "/v1/stages", { body: { app: "shop", version: "v1" } })).toMatchObject(
      refusal(404, "release-unknown"),
    );
    expect(await fleet.publish(makeRelease("v1"))).toMatchObject({ status: 201 });
    expect(await fleet.call("POST", "/v1/stages", { body: { app: "shop", version: "v1" } })).toMatchObject(
      refusal(409, "no-nodes"),
    );
  });

  it("refuse an event id that is none", async () => {
    expect(await fleet.call("GET", "/v1/events?after=-1")).toMatchObject(refusal(400, "request-invalid"));
    expect(await fleet.call("GET", "/v1/events?after=0")).toMatchObject({
      status: 200,
      body: { events: [] },
    });
  });
});

describe("a client that is too slow", () => {
  beforeEach(async () => {
    await fleet.close();
    fleet = await TestCoordinator.start(newFolder(), { headersTimeoutMs: 100, bodyTimeoutMs: 100 });
  });

  it("is cut off when its head does not come", async () => {
    expect(await rawExchange("GET /v1/health HTTP/1.1\r\nHost: x\r\nX-Slow: ")).toContain(" 408 ");
  });

  it("is cut off when its body does not come", async () => {
    const head = `POST /v1/stages HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${fleet.operator}\r\n`;
    expect(await rawExchange(`${head}Content-Length: 10\r\n\r\n{`)).toBe("");
  });
});

describe("a client that misbehaves", () => {
  it("is told when its head is too large", async () => {
    expect(await rawExchange(`GET / HTTP/1.1\r\nHost: x\r\nX: ${"x".repeat(20_000)}\r\n\r\n`)).toContain(
      " 431 ",
    );
  });

  it("is told when it does not speak HTTP", async () => {
    const answer = await rawExchange("hello\r\n\r\n");
    expect(answer).toContain(" 400 ");
    expect(JSON.parse(answer.split("\r\n\r\n")[1] ?? "")).toMatchObject({
      error: { code: "request-invalid" },
    });
  });

  it("learns that it is refused before it has sent its body", async () => {
    const head = "PUT /v1/artifacts/x HTTP/1.1\r\nHost: x\r\nContent-Length: 100000000\r\n\r\n";
    expect(await rawExchange(head)).toContain(" 401 ");
  });

  it("is not cut off while it still sends, because that could lose the answer on the way", async () => {
    const { hostname, port } = new URL(fleet.url);
    const socket = connect({ host: hostname, port: Number(port) });
    socket.write("PUT /v1/artifacts/x HTTP/1.1\r\nHost: x\r\nContent-Length: 200000\r\n\r\n");
    const [answer] = (await once(socket, "data")) as [Buffer];
    expect(answer.toString()).toContain(" 401 ");
    // Some round trips, in which a server that cuts at once would have done so.
    for (let trip = 0; trip < 5; trip += 1) await fleet.call("GET", "/v1/health");
    expect(socket.readyState).toBe("open");
    socket.write(Buffer.alloc(200_000));
    await once(socket, "close");
  });

  it("that asks first is not told to go on when it is refused", async () => {
    const outcome = await new Promise<string>((resolve) => {
      const call = request(`${fleet.url}/v1/stages`, { method: "POST", headers: { expect: "100-continue" } });
      call.on("continue", () => resolve("continue"));
      call.on("response", (response) => resolve(`${response.statusCode}`));
      call.on("error", () => resolve("error"));
      call.flushHeaders();
    });
    expect(outcome).toBe("401");
  });

  it("that asks first is told to go on when its body is wanted", async () => {
    const body = JSON.stringify({ app: "shop", version: "v1" });
    const status = await new Promise<number>((resolve, reject) => {
      const authorization = `Bearer ${fleet.operator}`;
      const headers = { expect: "100-continue", "content-length": body.length, authorization };
      const call = request(`${fleet.url}/v1/stages`, { method: "POST", headers });
      call.on("continue", () => call.end(body));
      call.on("response", (response) => resolve(response.statusCode ?? 0));
      call.on("error", reject);
      call.flushHeaders();
    });
    expect(status).toBe(404);
  });
});
