// A release through the real coordinator: upload, publish, stage, activate, watched over HTTP, with nodes that obey.
import { readdir, writeFile } from "node:fs/promises";
import { request } from "node:http";
import { join } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { RolloutView } from "../../../protocol/api.ts";
import { NO_FLEET_LIMITS, NO_RATES } from "../../../protocol/rates.ts";
import { createSigningKey } from "../../../protocol/shell/signature.ts";
import { DEFAULT_STRATEGY } from "../../../protocol/strategy.ts";
import { refusal, TestCoordinator } from "./support/coordinator.ts";
import { TestNode } from "./support/node.ts";
import { activateNext, stageNext } from "./support/obedient.ts";
import { makeRelease } from "./support/release.ts";
import { scratchFolders } from "./support/scratch.ts";
import { historyOf, TestStream, viewOf } from "./support/stream.ts";

const newFolder = scratchFolders();
const V1 = { app: "shop", version: "v1" };
let folder: string;
let fleet: TestCoordinator;

beforeEach(async () => {
  folder = newFolder();
  fleet = await TestCoordinator.start(folder);
});
afterEach(() => fleet.close());

function joinNode(): Promise<TestNode> {
  return TestNode.admitted(fleet.url, { joinToken: fleet.createToken("node") });
}

async function startStage(): Promise<RolloutView> {
  const { status, body } = await fleet.call("POST", "/v1/stages", { body: V1 });
  expect(status).toBe(201);
  return body as RolloutView;
}

describe("an artifact", () => {
  it("is uploaded once, found, and then published with its release", async () => {
    const release = makeRelease("v1");
    const path = `/v1/artifacts/${release.sha256}`;
    expect(await fleet.call("HEAD", path)).toMatchObject({ status: 404 });
    expect(await fleet.call("PUT", path, { raw: release.bytes })).toMatchObject({ status: 201 });
    expect(await fleet.call("PUT", path, { raw: release.bytes })).toMatchObject({ status: 200 });
    const found = await fleet.call("HEAD", path);
    expect([found.status, found.headers.get("content-length")]).toEqual([200, String(release.bytes.length)]);
    expect(await fleet.call("POST", "/v1/releases", { body: release.publish })).toMatchObject({
      status: 201,
      body: { manifest: { version: "v1" }, standing: "published" },
    });
    expect(await fleet.call("GET", "/v1/releases/shop/v1")).toMatchObject({ status: 200 });
    expect(await fleet.call("GET", "/v1/releases?app=other")).toMatchObject({ body: { releases: [] } });
    expect(await fleet.call("GET", "/v1/releases")).toMatchObject({
      body: { releases: [{ manifest: { version: "v1" } }] },
    });
  });

  it("that is not what its path says is refused and not kept", async () => {
    const { sha256 } = makeRelease("v1");
    const reply = await fleet.call("PUT", `/v1/artifacts/${sha256}`, { raw: Buffer.from("other") });
    expect(reply).toMatchObject(refusal(400, "artifact-mismatch"));
    expect(await readdir(join(folder, "artifacts"))).toEqual([]);
  });

  it("that has rotted on the disk can be uploaded again", async () => {
    const release = makeRelease("v1");
    const path = `/v1/artifacts/${release.sha256}`;
    await fleet.call("PUT", path, { raw: release.bytes });
    await writeFile(join(folder, "artifacts", release.sha256), Buffer.alloc(release.bytes.length, "rot"));
    const reply = await fleet.call("POST", "/v1/releases", { body: release.publish });
    expect(reply).toMatchObject(refusal(400, "artifact-mismatch"));
    expect(await fleet.publish(release)).toMatchObject({ status: 201 });
  });

  it("must announce its length and be named by a digest", async () => {
    const { bytes, sha256 } = makeRelease("v1");
    const chunked = await new Promise<number>((resolve, reject) => {
      const headers = { authorization: `Bearer ${fleet.operator}`, "transfer-encoding": "chunked" };
      const call = request(`${fleet.url}/v1/artifacts/${sha256}`, { method: "PUT", headers });
      call.on("response", (response) => resolve(response.statusCode ?? 0));
      call.on("error", reject);
      call.end(bytes);
    });
    expect(chunked).toBe(400);
    expect(await fleet.call("PUT", "/v1/artifacts/..%2Ffleet.db", { raw: bytes })).toMatchObject(
      refusal(400, "request-invalid"),
    );
  });

  it("whose sender goes away in the middle leaves nothing", async () => {
    const { bytes, sha256 } = makeRelease("v1");
    const headers = { authorization: `Bearer ${fleet.operator}`, "content-length": bytes.length };
    const call = request(`${fleet.url}/v1/artifacts/${sha256}`, { method: "PUT", headers });
    call.on("error", () => undefined);
    call.write(bytes.subarray(0, 10_000));
    const filesOf = () => readdir(join(folder, "artifacts"));
    while ((await filesOf()).length === 0) await nextTurn();
    call.destroy();
    while ((await filesOf()).length > 0) await nextTurn();
    expect(await fleet.call("HEAD", `/v1/artifacts/${sha256}`)).toMatchObject({ status: 404 });
  });
});

describe("a release is refused", () => {
  it("without its artifact", async () => {
    const { publish } = makeRelease("v1");
    expect(await fleet.call("POST", "/v1/releases", { body: publish })).toMatchObject(
      refusal(409, "artifact-missing"),
    );
  });

  it("when its manifest was altered after signing", async () => {
    const release = makeRelease("v1");
    const manifest = release.publish.signed.manifest.replace('"version":"v1"', '"version":"v9"');
    const altered = { ...release.publish, signed: { ...release.publish.signed, manifest } };
    expect(await fleet.publish({ ...release, publish: altered })).toMatchObject(
      refusal(400, "manifest-altered"),
    );
  });

  it("with another release's torrent", async () => {
    const { torrentInfo } = makeRelease("v2").publish;
    const release = makeRelease("v1");
    const reply = await fleet.publish({ ...release, publish: { ...release.publish, torrentInfo } });
    expect(reply).toMatchObject(refusal(400, "manifest-invalid"));
  });

  it("with other bytes under the same version, but not with the same ones again", async () => {
    expect(await fleet.publish(makeRelease("v1"))).toMatchObject({ status: 201 });
    expect(await fleet.publish(makeRelease("v1"))).toMatchObject({ status: 201 });
    const other = makeRelease("v1", Buffer.from("something else"));
    expect(await fleet.publish(other)).toMatchObject(refusal(409, "release-conflict"));
  });
});

describe("a rollout", () => {
  beforeEach(async () => {
    await fleet.publish(makeRelease("v1"));
  });

  it("goes from the operator's word to a fleet on the new release", async () => {
    const nodes = [await joinNode(), await joinNode()];
    const body = { ...V1, strategy: DEFAULT_STRATEGY };
    const { status, body: view } = await fleet.call("POST", "/v1/rollouts", { body });
    expect([status, (view as RolloutView).phase]).toEqual([201, "staging"]);
    const { id } = view as RolloutView;
    const stream = await TestStream.open(`${fleet.url}/v1/rollouts/${id}/watch`, fleet.operator);
    await Promise.all(nodes.map((node) => stageNext(node)));
    await Promise.all(nodes.map((node) => activateNext(node)));
    const items = await stream.rest();
    const last = items.at(-1);
    expect(last === undefined ? null : viewOf(last).phase).toBe("succeeded");
    const kinds = items.filter(({ event }) => event === "history").map((item) => historyOf(item).kind);
    expect(kinds[0]).toBe("rollout-started");
    expect(kinds.at(-1)).toBe("rollout-finished");
    expect(await fleet.call("GET", "/v1/status")).toMatchObject({
      body: { nodesOnline: 2, apps: [{ stable: "v1", live: [{ version: "v1", nodes: 2 }] }] },
    });
    for (const node of nodes) await node.close();
  });

  it("seeds the stored artifact while nodes fetch, and counts what the origin sends up to the last one", async () => {
    const node = await joinNode();
    const { sha256, manifest } = makeRelease("v1");
    const { id } = await startStage();
    const order = await node.next("stage");
    expect(order.neighbours).toEqual([
      { id: "origin", host: "127.0.0.1", port: fleet.swarm.port, dial: true, far: null, feeds: null },
    ]);
    const seeding = fleet.swarm.seeding.get(sha256);
    expect(seeding?.join).toMatchObject({ filePath: join(folder, "artifacts", sha256), complete: true });
    if (seeding !== undefined) seeding.uploadedBytes = 12_345;
    node.received.unshift(order);
    await stageNext(node);
    await node.next("stop-serving");
    expect(await fleet.call("GET", `/v1/rollouts/${id}`)).toMatchObject({
      body: { phase: "succeeded", originUploadedBytes: 12_345, artifactBytes: manifest.artifact.length },
    });
    while (fleet.swarm.seeding.size > 0) await nextTurn();
    await node.close();
  });

  it("is given GO once its nodes are ready, and paused and resumed by an operator", async () => {
    const node = await joinNode();
    const { id } = await startStage();
    const { generation, release, awaitsGo, paused } = await node.next("stage");
    expect({ awaitsGo, paused }).toEqual({ awaitsGo: true, paused: false });
    node.say({ kind: "stage-ready", generation, release, links: 1 });
    expect(await node.next("go")).toEqual({ kind: "go", generation, release });
    const pause = await fleet.call("POST", `/v1/rollouts/${id}/pause`, { body: { by: "ada@laptop" } });
    expect(pause).toMatchObject({ status: 200, body: { id, pausedBy: "ada@laptop" } });
    expect(await node.next("pause")).toEqual({ kind: "pause", generation, release, paused: true });
    const resume = await fleet.call("POST", `/v1/rollouts/${id}/resume`, { body: { by: "bob@desk" } });
    expect(resume).toMatchObject({ status: 200, body: { id, pausedBy: null } });
    expect(await node.next("pause")).toMatchObject({ paused: false });
    const unknown = await fleet.call("POST", "/v1/rollouts/r99/pause", { body: { by: "bob@desk" } });
    expect(unknown).toMatchObject(refusal(404, "rollout-unknown"));
    await node.close();
  });

  it("is held to the fleet's limits, which nodes hear of at once and after a restart of theirs", async () => {
    const node = await joinNode();
    expect(await node.next("limits")).toEqual({ kind: "limits", ...NO_RATES });
    const limits = { ...NO_FLEET_LIMITS, nodeUploadBytesPerSecondMax: 25_000_000 };
    const put = await fleet.call("PUT", "/v1/limits", { body: { limits, by: "ada@laptop" } });
    expect(put).toMatchObject({ status: 200, body: { limits, setBy: "ada@laptop", nodesFetching: 0 } });
    expect(await node.next("limits")).toMatchObject({ uploadBytesPerSecondMax: 25_000_000 });
    await node.close();
    const again = await TestNode.admitted(fleet.url, { key: node.key });
    expect(await again.next("limits")).toMatchObject({ uploadBytesPerSecondMax: 25_000_000 });
    expect(await fleet.call("GET", "/v1/limits")).toMatchObject({ status: 200, body: { limits } });
    const wrong = { ...limits, fleetBytesPerSecondMax: 1 };
    const refused = await fleet.call("PUT", "/v1/limits", { body: { limits: wrong, by: "ada@laptop" } });
    expect(refused).toMatchObject(refusal(400, "request-invalid"));
    await again.close();
  });

  it("can be called back while it runs, which answers with the rollout that is stopped", async () => {
    const node = await joinNode();
    const body = { ...V1, strategy: DEFAULT_STRATEGY };
    const { body: started } = await fleet.call("POST", "/v1/rollouts", { body });
    const { id } = started as RolloutView;
    const rollback = await fleet.call("POST", "/v1/rollbacks", { body: { app: "shop", version: null } });
    expect(rollback).toMatchObject({ status: 201, body: { id } });
    await node.close();
  });

  it("goes on after the coordinator was stopped and started again", async () => {
    const key = createSigningKey();
    await TestNode.admitted(fleet.url, { key, joinToken: fleet.createToken("node") });
    const { id } = await startStage();
    await fleet.close();
    fleet = await TestCoordinator.start(folder);
    expect(fleet.swarm.seeding.size).toBe(1);
    const node = await TestNode.admitted(fleet.url, { key });
    await stageNext(node);
    await node.next("stop-serving");
    expect(await fleet.call("GET", `/v1/rollouts/${id}`)).toMatchObject({ body: { phase: "succeeded" } });
    await node.close();
  });
});

describe("a stream of a rollout", () => {
  let node: TestNode;
  let watchUrl: string;
  beforeEach(async () => {
    await fleet.publish(makeRelease("v1"));
    node = await joinNode();
    watchUrl = `${fleet.url}/v1/rollouts/${(await startStage()).id}/watch`;
  });
  afterEach(() => node.close());

  it("begins with the history so far and the present view", async () => {
    const stream = await TestStream.open(watchUrl, fleet.operator);
    const [first, second] = [await stream.next(), await stream.next()];
    expect(first === null ? null : historyOf(first)).toMatchObject({ kind: "rollout-started" });
    expect(second === null ? null : viewOf(second)).toMatchObject({ phase: "staging" });
    stream.close();
  });

  it("continues after the event that a client saw last", async () => {
    const stream = await TestStream.open(watchUrl, fleet.operator);
    const seen = await stream.until(({ event }) => event === "history");
    stream.close();
    await stageNext(node);
    const byQuery = await TestStream.open(`${watchUrl}?after=${seen.id}`, fleet.operator);
    const byHeader = await TestStream.open(watchUrl, fleet.operator, { "last-event-id": seen.id ?? "" });
    for (const again of [byQuery, byHeader]) {
      const kinds = (await again.rest())
        .filter(({ event }) => event === "history")
        .map((item) => historyOf(item).kind);
      expect(kinds).not.toContain("rollout-started");
      expect(kinds.at(-1)).toBe("rollout-finished");
    }
  });

  it("shows progress in views that come no faster than agreed", async () => {
    const stream = await TestStream.open(watchUrl, fleet.operator);
    await stream.until(({ event }) => event === "rollout");
    const { generation, release } = await node.next("stage");
    const report = { kind: "progress", generation, release, receivedBytes: 0, uploadedBytes: 0 } as const;
    for (let count = 1; count <= 50; count += 1)
      node.say({ ...report, verifiedBytes: count, receiveBytesPerSecond: 1 });
    const view = viewOf(await stream.until(({ event }) => event === "rollout"));
    expect(view.nodes[0]?.verifiedBytes).toBeGreaterThan(1);
    stream.close();
  });

  it("ends with a word when the coordinator stops", async () => {
    const stream = await TestStream.open(watchUrl, fleet.operator);
    const rest = stream.rest();
    await fleet.close();
    expect((await rest).at(-1)).toMatchObject({ event: "comment", data: "the coordinator is shutting down" });
    expect((await node.closed).code).toBe(1001);
    fleet = await TestCoordinator.start(folder);
  });

  it("is refused when too many are watching", async () => {
    await fleet.close();
    fleet = await TestCoordinator.start(folder, { watchersMax: 1 });
    const url = watchUrl.replace(/^http:\/\/[^/]+/, fleet.url);
    const first = await TestStream.open(url, fleet.operator);
    await expect(TestStream.open(url, fleet.operator)).rejects.toThrow("status 503");
    first.close();
  });
});
