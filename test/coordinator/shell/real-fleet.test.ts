// The coordinator with the real origin and real peers on loopback: every byte goes through the swarm, all nodes end up
// on the release.
import { randomBytes } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { pino } from "pino";
import { expect, it, onTestFinished } from "vitest";
import { openTokenStore, startCoordinator } from "../../../coordinator/index.ts";
import { type Peer, startPeer } from "../../../peer/index.ts";
import type { RolloutView } from "../../../protocol/api.ts";
import { appNameSchema, versionSchema } from "../../../protocol/ids.ts";
import type { Manifest } from "../../../protocol/manifest.ts";
import { createSigningKey, signManifest } from "../../../protocol/shell/signature.ts";
import { formatToken } from "../../../protocol/shell/token.ts";
import { DEFAULT_STRATEGY } from "../../../protocol/strategy.ts";
import { prepareArtifact } from "../../../seeder/index.ts";
import { temporaryFolder } from "../../support/folders.ts";
import { TestStream, viewOf } from "./support/stream.ts";

const LOOPBACK = { host: "127.0.0.1", port: 0 };
const logger = pino({ level: "silent" });
const publisher = createSigningKey();
const PEER_COUNT = 3;

/** A coordinator on the folder, and how its operator calls it. */
async function startOn(dataDirectory: string) {
  const tokens = openTokenStore(dataDirectory);
  const options = { expiresAt: null, note: "" };
  const operator = formatToken(tokens.create("operator", { ...options, trust: [] }));
  const joinToken = formatToken(tokens.create("node", { ...options, trust: [publisher.publicKey] }));
  tokens.close();
  const coordinator = await startCoordinator({
    ...{ dataDirectory, version: "test", logger },
    listen: LOOPBACK,
    swarmListen: LOOPBACK,
  });
  const call = async (method: string, path: string, body: Uint8Array | object): Promise<unknown> => {
    const headers = { authorization: `Bearer ${operator}` };
    const content = body instanceof Uint8Array ? new Uint8Array(body) : JSON.stringify(body);
    const response = await fetch(coordinator.url + path, { method, headers, body: content });
    expect(response.status).toBe(201);
    return response.json();
  };
  return { coordinator, operator, joinToken, call };
}

async function startPeers(url: string, joinToken: string, folder: string): Promise<readonly Peer[]> {
  const peers = await Promise.all(
    Array.from({ length: PEER_COUNT }, (_, index) =>
      startPeer({
        ...{ url, joinToken, trust: [], labels: {}, listen: LOOPBACK, dht: true },
        ...{ agentVersion: "test", logger },
        rootDirectory: join(folder, `root-${index}`),
        stateDirectory: join(folder, `state-${index}`),
        name: `node-${index}`,
      }),
    ),
  );
  onTestFinished(async () => {
    await Promise.all(peers.map((peer) => peer.close()));
  });
  await Promise.all(peers.map((peer) => peer.admitted));
  return peers;
}

it("brings a release to every node, and its figures are true", async () => {
  const folder = await temporaryFolder();
  const { coordinator, operator, joinToken, call } = await startOn(join(folder, "data"));
  onTestFinished(() => coordinator.close());
  await startPeers(coordinator.url, joinToken, folder);

  const blob = randomBytes(2_000_000);
  mkdirSync(join(folder, "build"));
  writeFileSync(join(folder, "build", "blob"), blob);
  const prepared = await prepareArtifact({
    path: join(folder, "build"),
    nodeCount: PEER_COUNT,
    workDirectory: folder,
  });
  const { artifact } = prepared;
  const manifest: Manifest = {
    ...{ format: 1, sequence: 1, createdAt: 1, artifact },
    app: appNameSchema.decode("shop", "app"),
    version: versionSchema.decode("v1", "version"),
    hooks: { preActivate: null, postActivate: null },
    health: { probes: [], intervalMs: 50, timeoutMs: 1_000, successes: 1, startPeriodMs: 0 },
  };
  await call("PUT", `/v1/artifacts/${artifact.sha256}`, await readFile(prepared.tarballPath));
  const torrentInfo = Buffer.from(prepared.torrentInfo).toString("base64url");
  await call("POST", "/v1/releases", { signed: signManifest(manifest, publisher), torrentInfo });
  const request = { app: "shop", version: "v1", strategy: DEFAULT_STRATEGY };
  const { id } = (await call("POST", "/v1/rollouts", request)) as RolloutView;

  const stream = await TestStream.open(`${coordinator.url}/v1/rollouts/${id}/watch`, operator);
  const last = (await stream.rest()).at(-1);
  const view = last === undefined ? null : viewOf(last);
  expect(view).toMatchObject({ phase: "succeeded", waves: [1, 1, 1] });
  for (let index = 0; index < PEER_COUNT; index += 1)
    expect((await readFile(join(folder, `root-${index}`, "shop", "live", "blob"))).equals(blob)).toBe(true);
  const received = view?.nodes.reduce((sum, node) => sum + node.receivedBytes, 0) ?? 0;
  expect(received).toBeGreaterThanOrEqual(PEER_COUNT * artifact.length);
  expect(view?.originUploadedBytes).toBeGreaterThanOrEqual(artifact.length);
});
