// A fleet of model nodes around the real coordinator core, on virtual time: every message has a delay, nodes can
// crash, and the coordinator can be killed between any two events and rebuilt from what it saved.
import { CoordinatorCore } from "../../../coordinator/core/coordinator.ts";
import type { CoordinatorEffect, CoordinatorEvent } from "../../../coordinator/core/events.ts";
import type { SavedRecord } from "../../../coordinator/core/records.ts";
import type { FleetEvent, RolloutView } from "../../../protocol/api.ts";
import {
  type AppName,
  appNameSchema,
  digestSchema,
  infoHashSchema,
  nodeIdSchema,
  publicKeySchema,
  type RolloutId,
  type Version,
  versionSchema,
} from "../../../protocol/ids.ts";
import { encodeManifest, type Manifest } from "../../../protocol/manifest.ts";
import type { CoordinatorMessage, NodeMessage } from "../../../protocol/messages.ts";
import type { FleetLimits } from "../../../protocol/rates.ts";
import type { Strategy } from "../../../protocol/strategy.ts";
import { ModelNode, type NodeTraits } from "./model-node.ts";

const MESSAGE_DELAY_MS = 5;
export const APP: AppName = appNameSchema.decode("shop", "app");

interface Timer {
  readonly at: number;
  readonly order: number;
  readonly run: () => void;
}

export class ModelFleet {
  readonly nodes: ModelNode[] = [];
  readonly history: FleetEvent[] = [];
  readonly saved = new Map<string, SavedRecord>();
  now = 1_000_000;
  /** Called after every event, with the core as it is then. */
  onStep: (fleet: ModelFleet) => void = () => undefined;
  /** Called for every message to a node. */
  onSend: (nodeId: string, message: CoordinatorMessage) => void = () => undefined;
  core: CoordinatorCore;
  lastStarted: RolloutId | null = null;
  #timers: Timer[] = [];
  #timerCount = 0;
  #up = true;

  /** Where the coordinator's seeder is. */
  readonly #originZone: string | null;

  constructor(originZone: string | null = null) {
    this.#originZone = originZone;
    this.core = this.#newCore();
  }

  addNodes(count: number, traits: (index: number) => NodeTraits): void {
    for (let index = 0; index < count; index += 1) {
      const id = nodeIdSchema.decode((this.nodes.length + 1).toString(16).padStart(32, "0"), "id");
      const node = new ModelNode(id, `node-${String(this.nodes.length + 1).padStart(2, "0")}`, traits(index));
      this.nodes.push(node);
      this.connect(node);
    }
  }

  publish(version: string, change: Partial<Manifest> = {}): void {
    const manifest = manifestOf(version, change);
    const text = encodeManifest(manifest);
    const signature = { publicKey: publicKeySchema.decode("A".repeat(43), "key"), signature: "A".repeat(86) };
    this.feed({
      kind: "publish",
      release: { signed: { manifest: text, signatures: [signature] }, manifest, torrentInfo: "AAAA" },
    });
  }

  release(version: string, strategy: Strategy): RolloutId {
    this.feed({ kind: "start-rollout", request: { app: APP, version: versionOf(version), strategy } });
    return this.#started();
  }

  stage(version: string): RolloutId {
    this.feed({ kind: "start-stage", request: { app: APP, version: versionOf(version) } });
    return this.#started();
  }

  rollback(version: string | null = null): RolloutId | null {
    this.feed({
      kind: "start-rollback",
      request: { app: APP, version: version === null ? null : versionOf(version) },
    });
    return this.lastStarted;
  }

  setLimits(limits: FleetLimits, by = "ada@laptop"): void {
    this.feed({ kind: "set-limits", request: { limits, by } });
  }

  /** Every node that fetches says how fast, at once. */
  reportRates(bytesPerSecond: readonly number[]): void {
    this.nodes.forEach((node, index) => {
      const stage = node.begunStages.at(-1);
      if (stage === undefined || !node.online) return;
      const transfer = { verifiedBytes: 1, receivedBytes: 1, uploadedBytes: 0 };
      const receiveBytesPerSecond = bytesPerSecond[index] ?? 0;
      const message = { kind: "progress", ...stage, ...transfer, receiveBytesPerSecond } as const;
      this.feed({ kind: "node-message", nodeId: node.id, message });
    });
  }

  setPaused(rolloutId: RolloutId, paused: boolean, by = "ada@laptop"): void {
    this.feed({ kind: "set-paused", order: { rolloutId, paused, by } });
  }

  view(id: RolloutId): RolloutView {
    const view = this.core.rollout(id);
    if (view === null) throw new Error(`no rollout ${id}`);
    return view;
  }

  feed(event: CoordinatorEvent): void {
    if (!this.#up) return;
    this.#run(this.core.handle(event, this.now));
  }

  connect(node: ModelNode): void {
    node.online = true;
    node.session += 1;
    const session = node.session;
    this.after(MESSAGE_DELAY_MS, () => {
      if (!node.online || node.session !== session) return;
      const place = {
        publicKey: publicKeySchema.decode("A".repeat(43), "key"),
        remoteHost: "127.0.0.1",
        localHost: "127.0.0.1",
      };
      this.feed({ kind: "node-hello", nodeId: node.id, hello: node.hello(), ...place });
      node.isKnown = this.#up;
      for (const message of node.unreported()) this.#deliver(node, message);
    });
  }

  disconnect(node: ModelNode): void {
    if (!node.online) return;
    node.online = false;
    node.isKnown = false;
    node.lostAt = this.now;
    this.feed({ kind: "node-gone", nodeId: node.id });
  }

  /** Kill -9: what was in flight from or to the coordinator is gone, nodes come back when it does. */
  killCoordinator(downMs: number): void {
    this.#up = false;
    for (const node of this.nodes) node.session += 1;
    this.after(downMs, () => {
      this.#up = true;
      this.core = this.#newCore();
      this.#run(this.core.restore(this.now));
      for (const node of this.nodes) if (node.online) this.connect(node);
    });
  }

  after(delayMs: number, run: () => void): void {
    this.#timerCount += 1;
    this.#timers.push({ at: this.now + delayMs, order: this.#timerCount, run });
  }

  /** Runs until nothing is left to happen, or the clock has passed `untilMs`. */
  run(untilMs = 24 * 3_600_000): void {
    const end = this.now + untilMs;
    for (;;) {
      const deadline = this.#up ? this.core.deadline() : null;
      const next = this.#timers.toSorted((a, b) => a.at - b.at || a.order - b.order)[0];
      const at = Math.min(next?.at ?? Number.POSITIVE_INFINITY, deadline ?? Number.POSITIVE_INFINITY);
      if (!Number.isFinite(at) || at > end) return;
      this.now = Math.max(this.now, at);
      if (next !== undefined && next.at <= at) {
        this.#timers = this.#timers.filter((timer) => timer !== next);
        next.run();
      } else {
        this.feed({ kind: "tick" });
      }
      this.onStep(this);
    }
  }

  /** Runs for exactly this long. */
  pass(durationMs: number): void {
    const end = this.now + durationMs;
    this.run(durationMs);
    this.now = end;
  }

  narrate(): string {
    const start = this.history[0]?.at ?? 0;
    return this.history
      .map((event) => {
        const seconds = ((event.at - start) / 1000).toFixed(2).padStart(8);
        const about = [event.version, event.node, event.message].filter(Boolean).join(" · ");
        return `${seconds}s ${event.kind.padEnd(18)} ${about}`;
      })
      .join("\n");
  }

  #newCore(): CoordinatorCore {
    const records = [...this.saved.values()].map(
      (record) => JSON.parse(JSON.stringify(record)) as SavedRecord,
    );
    return new CoordinatorCore({
      records,
      origin: { host: "127.0.0.1", port: 6881, zone: this.#originZone },
      coordinatorVersion: "test",
    });
  }

  #started(): RolloutId {
    if (this.lastStarted === null) throw new Error("nothing was started");
    return this.lastStarted;
  }

  #run(effects: readonly CoordinatorEffect[]): void {
    for (const effect of effects) {
      if (effect.kind === "save") this.#save(effect.record);
      if (effect.kind === "history") this.history.push(effect.event);
      if (effect.kind === "started") this.lastStarted = effect.rolloutId;
      if (effect.kind === "send") this.#send(effect.nodeId, effect.message);
    }
  }

  #save(record: SavedRecord): void {
    const key = `${record.kind} ${record.key}`;
    if (record.body === null) this.saved.delete(key);
    else this.saved.set(key, record);
  }

  #send(nodeId: string, message: CoordinatorMessage): void {
    this.onSend(nodeId, message);
    const node = this.nodes.find((candidate) => candidate.id === nodeId);
    if (node === undefined) throw new Error(`message to unknown node ${nodeId}`);
    if (message.kind === "limits") {
      const { uploadBytesPerSecondMax, downloadBytesPerSecondMax } = message;
      node.ratesTold.push({ uploadBytesPerSecondMax, downloadBytesPerSecondMax });
    }
    const session = node.session;
    this.after(MESSAGE_DELAY_MS, () => {
      if (!node.online || node.session !== session) return;
      node.obey(message, (delayMs, reply) => {
        this.after(delayMs, () => {
          const answer = reply();
          if (answer !== null) this.#deliver(node, answer);
        });
      });
    });
  }

  #deliver(node: ModelNode, message: Exclude<NodeMessage, { kind: "hello" | "inspection" }>): void {
    const session = node.session;
    this.after(MESSAGE_DELAY_MS, () => {
      if (node.online && node.session === session)
        this.feed({ kind: "node-message", nodeId: node.id, message });
    });
  }
}

export function versionOf(version: string): Version {
  return versionSchema.decode(version, "version");
}

function manifestOf(version: string, change: Partial<Manifest>): Manifest {
  const sha256 = digestSchema.decode(Buffer.from(version).toString("hex").padStart(64, "0"), "sha256");
  return {
    format: 1,
    app: APP,
    version: versionOf(version),
    sequence: 1,
    artifact: {
      ...{
        length: 1_000_000,
        sha256,
        infoHash: infoHashSchema.decode("0".repeat(40), "hash"),
        pieceLength: 65_536,
      },
      ...{ compression: "none", unpackedLength: 1_000_000, entryCount: 3 },
    },
    hooks: { preActivate: null, postActivate: { argv: ["start"], timeoutMs: 10_000 } },
    health: { probes: [], intervalMs: 1_000, timeoutMs: 1_000, successes: 1, startPeriodMs: 0 },
    createdAt: 0,
    ...change,
  };
}
