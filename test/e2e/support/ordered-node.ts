// A real `fleet peer` with a coordinator of its own that the test plays, so that the test alone says who knows whom.
// Everything ends with the test.
import { randomBytes } from "node:crypto";
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { pino } from "pino";
import { onTestFinished } from "vitest";
import { openSwarm } from "../../../peer/shell/swarm.ts";
import type { InfoHash } from "../../../protocol/ids.ts";
import { releaseRefOf } from "../../../protocol/manifest.ts";
import { type Neighbour, ORIGIN_ID } from "../../../protocol/messages.ts";
import { prepareArtifact } from "../../../seeder/index.ts";
import { manifestOf } from "../../peer/releases.ts";
import {
  directoryOf,
  type FakeCoordinator,
  publisher,
  stageOrderOf,
  startFakeCoordinator,
} from "../../peer/shell/fake-fleet.ts";
import type { TestRelease } from "../../peer/shell/fake-world.ts";
import type { Lab, Running } from "./lab.ts";

export interface Published {
  readonly release: TestRelease;
  readonly infoHash: InfoHash;
  /** The origin as every node dials it. */
  readonly origin: Neighbour;
  closeOrigin(): Promise<void>;
}

/** A release of random bytes, and an origin without a DHT that has it. */
export async function publishRandom(lab: Lab, version: string, mebibytes: number): Promise<Published> {
  const source = lab.path("source", version);
  await mkdir(source, { recursive: true });
  await writeFile(`${source}/blob`, randomBytes(mebibytes * 1024 * 1024));
  const { artifact, torrentInfo, tarballPath } = await prepareArtifact({
    path: source,
    nodeCount: 2,
    workDirectory: lab.directory,
  });
  const swarm = await openSwarm({
    host: "127.0.0.1",
    port: 0,
    logger: pino({ level: "silent" }),
    id: ORIGIN_ID,
  });
  onTestFinished(() => swarm.close());
  const whole = { complete: true, bitmapPath: null, rank: 0, rankCount: 1, seed: 1 };
  await swarm.join({ torrentInfo, artifact, filePath: tarballPath, ...whole });
  return {
    release: { manifest: { ...manifestOf(version), artifact }, torrentInfo, tarball: new Uint8Array() },
    infoHash: artifact.infoHash,
    origin: { id: ORIGIN_ID, host: "127.0.0.1", port: swarm.port, dial: true, far: null, feeds: null },
    closeOrigin: () => swarm.close(),
  };
}

export class OrderedNode {
  readonly running: Running;
  readonly id: string;
  /** Of its swarm, and of its DHT. */
  readonly port: number;
  readonly #lab: Lab;
  readonly #name: string;
  #coordinator: FakeCoordinator;
  #generation = 0;

  private constructor(lab: Lab, name: string, parts: { running: Running; coordinator: FakeCoordinator }) {
    this.#lab = lab;
    this.#name = name;
    this.#coordinator = parts.coordinator;
    this.running = parts.running;
    this.id = String(parts.running.ready.nodeId);
    this.port = Number(parts.running.ready.swarmPort);
  }

  static async start(lab: Lab, name: string, extra: readonly string[] = []): Promise<OrderedNode> {
    const coordinator = await startFakeCoordinator();
    const running = await lab.start([
      ...["peer", "--url", coordinator.url, "--trust", publisher.publicKey, "--name", name],
      ...["--root", lab.path(name, "root"), "--state", lab.path(name, "state")],
      ...["--listen", "127.0.0.1:0", ...extra],
    ]);
    return new OrderedNode(lab, name, { running, coordinator });
  }

  /** This node in a list of neighbours of whom nobody dials anybody: all they have is an address. */
  get acquaintance(): Neighbour {
    return { id: this.id, host: "127.0.0.1", port: this.port, dial: false, far: null, feeds: null };
  }

  order({ release }: Published, ...neighbours: readonly Neighbour[]): void {
    this.#generation += 1;
    this.#coordinator.send(stageOrderOf(release, this.#generation, { neighbours: [...neighbours] }));
  }

  introduce({ release }: Published, ...neighbours: readonly Neighbour[]): void {
    this.#coordinator.send({
      kind: "neighbours",
      generation: this.#generation,
      release: releaseRefOf(release.manifest),
      neighbours: [...neighbours],
    });
  }

  /** Its coordinator has told it to stage so many releases, and it has. */
  async staged(count = 1): Promise<void> {
    await this.#coordinator.next("staged", count - 1);
  }

  /** Its coordinator vanishes. */
  async isolate(): Promise<void> {
    await this.#coordinator.close();
  }

  /** Its coordinator is back, on the same address. */
  async reconnect(): Promise<void> {
    this.#coordinator = await startFakeCoordinator(Number(new URL(this.#coordinator.url).port));
  }

  /** Whether the release lies unpacked in its place. */
  async hasInstalled({ release }: Published): Promise<boolean> {
    const versions = this.#lab.path(this.#name, "root", release.manifest.app, "versions");
    return (await readdir(versions).catch((): string[] => [])).includes(directoryOf(release));
  }
}
