// A peer with its real swarm and archive code: fetches a packed release from an origin on loopback, unpacks it,
// runs it.
import { randomBytes } from "node:crypto";
import { chmod, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pino } from "pino";
import { expect, onTestFinished, test } from "vitest";
import { startPeer } from "../../../peer/index.ts";
import { openSwarm } from "../../../peer/shell/swarm.ts";
import type { Manifest } from "../../../protocol/manifest.ts";
import { ORIGIN_ID } from "../../../protocol/messages.ts";
import { prepareArtifact } from "../../../seeder/index.ts";
import { temporaryFolder } from "../../support/folders.ts";
import { fullManifest } from "../releases.ts";
import { activateOrderOf, publisher, stageOrderOf, startFakeCoordinator } from "./fake-fleet.ts";

const logger = pino({ level: "silent" });
const BLOB_BYTES = 3_000_000;

/** A release of a program and a few megabytes, and the origin that has it. */
async function publish(folder: string) {
  const source = join(folder, "source");
  await mkdir(source);
  const script = '#!/bin/sh\necho "$FLEET_HOOK $FLEET_VERSION" >>"$FLEET_SHARED_DIR/deeds"\n';
  await writeFile(join(source, "start"), script);
  await chmod(join(source, "start"), 0o755);
  const blob = randomBytes(BLOB_BYTES);
  await writeFile(join(source, "blob"), blob);
  const prepared = await prepareArtifact({ path: source, nodeCount: 2, workDirectory: folder });
  const { artifact, torrentInfo, tarballPath } = prepared;
  const swarm = await openSwarm({ host: "127.0.0.1", port: 0, logger, id: ORIGIN_ID });
  onTestFinished(() => swarm.close());
  const complete = { complete: true, bitmapPath: null, rank: 0, rankCount: 1, seed: 1 };
  const seeding = await swarm.join({ torrentInfo, artifact, filePath: tarballPath, ...complete });
  const manifest: Manifest = {
    ...fullManifest("v1", {
      hooks: { postActivate: { argv: ["./start"], timeoutMs: 10_000 } },
      health: { probes: [{ kind: "exec", argv: ["test", "-s", "blob"] }], intervalMs: 50, successes: 2 },
    }),
    artifact,
  };
  const release = { manifest, torrentInfo, tarball: new Uint8Array() };
  return {
    release,
    blob,
    seeding,
    neighbour: { id: ORIGIN_ID, host: "127.0.0.1", port: swarm.port, dial: true, far: null, feeds: null },
  };
}

test("a release is fetched, unpacked, activated, and after a restart neither fetched nor unpacked again", async () => {
  const folder = await temporaryFolder();
  const { release, blob, seeding, neighbour } = await publish(folder);
  const coordinator = await startFakeCoordinator();
  const options = {
    url: coordinator.url,
    joinToken: null,
    trust: [publisher.publicKey],
    rootDirectory: join(folder, "root"),
    stateDirectory: join(folder, "state"),
    name: "node-1",
    labels: {},
    listen: { host: "127.0.0.1", port: 0 },
    dht: true,
    agentVersion: "1.0.0",
    logger,
  };
  const peer = await startPeer(options);
  onTestFinished(() => peer.close());
  await peer.admitted;
  coordinator.send(stageOrderOf(release, 1, { neighbours: [neighbour] }));
  const staged = await coordinator.next("staged");
  expect(staged.verifiedBytes).toBe(release.manifest.artifact.length);
  expect(staged.receivedBytes).toBe(release.manifest.artifact.length);
  coordinator.send(activateOrderOf(release, 2));
  expect(await coordinator.next("activated")).toMatchObject({ outcome: { kind: "healthy" } });
  expect(await readFile(join(folder, "root", "web", "live", "blob"))).toEqual(blob);
  expect(await readFile(join(folder, "root", "web", "shared", "deeds"), "utf8")).toBe("postActivate v1\n");

  await peer.close();
  const again = await startPeer({ ...options, trust: [] });
  onTestFinished(() => again.close());
  await again.admitted;
  coordinator.send(stageOrderOf(release, 3, { neighbours: [neighbour] }));
  const { receivedBytes } = await coordinator.next("staged", 1);
  expect(receivedBytes).toBe(0);
  expect(seeding.stats().uploadedBytes).toBe(release.manifest.artifact.length);
});
