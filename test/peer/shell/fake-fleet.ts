// A coordinator for tests of a whole peer that speaks the real protocol over a real WebSocket, and the peer's start.
import { once } from "node:events";
import { mkdir, readFile, readlink } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { dirname, join } from "node:path";
import { pino } from "pino";
import { onTestFinished } from "vitest";
import { type WebSocket, WebSocketServer } from "ws";
import { type Peer, type PeerOptions, startPeerWith } from "../../../peer/shell/peer.ts";
import { type PublicKey, rolloutIdSchema } from "../../../protocol/ids.ts";
import { releaseRefOf, versionDirectoryName } from "../../../protocol/manifest.ts";
import type { CoordinatorMessage, Hello, NodeMessage, StageOrder } from "../../../protocol/messages.ts";
import { decodeNodeFrame, encodeFrame } from "../../../protocol/shell/frame.ts";
import {
  createSigningKey,
  nodeIdOf,
  type SigningKey,
  signManifest,
  verifyHello,
} from "../../../protocol/shell/signature.ts";
import { temporaryFolder } from "../../support/folders.ts";
import { until } from "../processes.ts";
import { FakeWorld, type TestRelease } from "./fake-world.ts";

export const publisher = createSigningKey();

type Answer = "welcome" | "silence" | { readonly refuse: string };

/** One node at a time; keeps every message it was ever sent. */
export class FakeCoordinator {
  readonly url: string;
  readonly hellos: Hello[] = [];
  readonly messages: NodeMessage[] = [];
  readonly connections: WebSocket[] = [];
  /** In the order in which connections ended. */
  readonly closeCodes: number[] = [];
  answer: Answer = "welcome";
  readonly #server: WebSocketServer;

  constructor(server: WebSocketServer) {
    this.#server = server;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    server.on("connection", (socket) => this.#greet(socket));
  }

  send(message: CoordinatorMessage): void {
    this.connections.at(-1)?.send(encodeFrame(message));
  }

  sendRaw(bytes: Uint8Array): void {
    this.connections.at(-1)?.send(bytes);
  }

  /** What a hello is answered with unless a test wants something else. */
  welcome(hello: Hello): void {
    this.send({ kind: "welcome", nodeId: nodeIdOf(hello.publicKey), heartbeatIntervalMs: 200 });
  }

  disconnect(): void {
    for (const socket of this.connections) socket.terminate();
  }

  async close(): Promise<void> {
    this.disconnect();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  sent<Kind extends NodeMessage["kind"]>(kind: Kind): readonly Extract<NodeMessage, { kind: Kind }>[] {
    return this.messages.filter(
      (message): message is Extract<NodeMessage, { kind: Kind }> => message.kind === kind,
    );
  }

  /** The newest message of a kind, once there are more than `after`. */
  async next<Kind extends NodeMessage["kind"]>(
    kind: Kind,
    after = 0,
  ): Promise<Extract<NodeMessage, { kind: Kind }>> {
    await until(`message ${kind}`, () => this.sent(kind).length > after);
    const message = this.sent(kind).at(-1);
    if (message === undefined) throw new Error("unreachable");
    return message;
  }

  #greet(socket: WebSocket): void {
    const nonce = Buffer.alloc(32, this.connections.length + 1);
    this.connections.push(socket);
    socket.on("message", (data: Buffer) => {
      const message = decodeNodeFrame(data);
      if (message.kind !== "hello") {
        this.messages.push(message);
        return;
      }
      if (!verifyHello(message.publicKey, nonce, message.signature))
        throw new Error("the hello is not signed");
      this.hellos.push(message);
      this.#answerHello(socket, message);
    });
    socket.on("error", () => {});
    socket.on("close", (code) => this.closeCodes.push(code));
    socket.send(encodeFrame({ kind: "challenge", protocol: 1, nonce }));
  }

  #answerHello(socket: WebSocket, hello: Hello): void {
    if (this.answer === "silence") return;
    if (this.answer === "welcome") return this.welcome(hello);
    socket.send(encodeFrame({ kind: "refuse", code: this.answer.refuse, message: "not today" }));
    socket.close();
  }
}

export async function startFakeCoordinator(port = 0): Promise<FakeCoordinator> {
  const server = new WebSocketServer({ host: "127.0.0.1", port, path: "/v1/control" });
  await once(server, "listening");
  const coordinator = new FakeCoordinator(server);
  onTestFinished(() => coordinator.close());
  return coordinator;
}

export interface Lab {
  readonly folder: string;
  readonly world: FakeWorld;
  readonly coordinator: FakeCoordinator;
  readonly trust: readonly PublicKey[];
  start(change?: Partial<PeerOptions>): Promise<Peer>;
  /** A path under the app's shared folder, which is made. */
  shared(name: string): Promise<string>;
  /** What the services' hooks have done so far. */
  deeds(): Promise<readonly string[]>;
  /** Orders it under a new generation and waits until the node says that it is staged. */
  stage(release: TestRelease): Promise<void>;
  /** Orders it under a new generation and returns how that ended. */
  activate(release: TestRelease, healthTimeoutMs?: number): Promise<Activated>;
  /** The order that ends what the last stage order began. */
  stopServing(release: TestRelease): CoordinatorMessage;
  /** Where the app's live link points. */
  liveLink(): Promise<string>;
}

type Activated = Extract<NodeMessage, { kind: "activated" }>;

/** Call inside a test. */
export async function startLab(...releases: readonly TestRelease[]): Promise<Lab> {
  return createLab(await temporaryFolder(), releases);
}

export async function createLab(folder: string, releases: readonly TestRelease[]): Promise<Lab> {
  const world = new FakeWorld(releases);
  const coordinator = await startFakeCoordinator();
  const trust = [publisher.publicKey];
  let generation = 0;
  return {
    folder,
    world,
    coordinator,
    trust,
    start: async (change = {}) => {
      const peer = await startPeerWith(
        {
          url: coordinator.url,
          joinToken: null,
          trust,
          rootDirectory: join(folder, "root"),
          stateDirectory: join(folder, "state"),
          name: "node-1",
          labels: { zone: "a" },
          listen: { host: "0.0.0.0", port: 0 },
          dht: false,
          agentVersion: "1.0.0",
          logger: pino({ level: "silent" }),
          ...change,
        },
        world,
      );
      onTestFinished(() => peer.close());
      return peer;
    },
    shared: async (name) => {
      const path = join(folder, "root", "web", "shared", name);
      await mkdir(dirname(path), { recursive: true });
      return path;
    },
    deeds: async () => {
      try {
        const text = await readFile(join(folder, "root", "web", "shared", "deeds"), "utf8");
        return text.split("\n").filter((line) => line !== "");
      } catch {
        return [];
      }
    },
    stage: async (release) => {
      generation += 1;
      const before = coordinator.sent("staged").length;
      coordinator.send(stageOrderOf(release, generation));
      await coordinator.next("staged", before);
    },
    activate: async (release, healthTimeoutMs) => {
      generation += 1;
      const before = coordinator.sent("activated").length;
      coordinator.send(activateOrderOf(release, generation, healthTimeoutMs));
      return coordinator.next("activated", before);
    },
    stopServing: (release) => {
      return { kind: "stop-serving", generation, release: releaseRefOf(release.manifest) };
    },
    liveLink: () => readlink(join(folder, "root", "web", "live")),
  };
}

export function stageOrderOf(
  release: TestRelease,
  generation: number,
  change: { key?: SigningKey } & Partial<StageOrder> = {},
): StageOrder {
  const { key = publisher, ...rest } = change;
  return {
    kind: "stage",
    generation,
    release: releaseRefOf(release.manifest),
    signed: signManifest(release.manifest, key),
    torrentInfo: release.torrentInfo,
    neighbours: [],
    rank: 0,
    rankCount: 1,
    awaitsGo: false,
    paused: false,
    ...rest,
  };
}

export function activateOrderOf(
  release: TestRelease,
  generation: number,
  healthTimeoutMs = 20_000,
): CoordinatorMessage {
  return {
    kind: "activate",
    generation,
    rolloutId: rolloutIdSchema.decode("r1", "rollout"),
    release: releaseRefOf(release.manifest),
    healthTimeoutMs,
  };
}

export function deactivateOrderOf(release: TestRelease, generation: number): CoordinatorMessage {
  const rolloutId = rolloutIdSchema.decode("r1", "rollout");
  return { kind: "deactivate", generation, rolloutId, app: release.manifest.app };
}

/** The release's directory name under versions/. */
export function directoryOf(release: TestRelease): string {
  return versionDirectoryName(release.manifest.version, release.manifest.artifact.sha256);
}
