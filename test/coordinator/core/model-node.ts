// What a node does with orders, reduced to delays and outcomes; it fences by generation exactly as a real one must.
import type { NodeId } from "../../../protocol/ids.ts";
import { publicKeySchema } from "../../../protocol/ids.ts";
import { type ReleaseRef, sameRelease } from "../../../protocol/manifest.ts";
import type {
  CoordinatorMessage,
  Hello,
  Neighbour,
  NodeMessage,
  Outcome,
  StageOrder,
} from "../../../protocol/messages.ts";
import type { NodeRates } from "../../../protocol/rates.ts";

/** A node begins by itself when GO has not come after this. */
const GO_MISSED_MS = 10_000;

type Answer = Exclude<NodeMessage, { kind: "hello" | "inspection" }>;
type Later = (delayMs: number, reply: () => Answer | null) => void;

export interface NodeTraits {
  /** Until its links are open; 50 when not said. */
  readonly linksMs?: number;
  readonly stageMs: number;
  readonly activateMs: number;
  /** Versions that never become healthy here. */
  readonly sick?: readonly string[];
  /** Versions this node cannot stage. */
  readonly unstageable?: readonly string[];
  /** Putting the previous release back fails too. */
  readonly cannotRestore?: boolean;
  /** Its label `zone`. */
  readonly zone?: string;
}

export class ModelNode {
  readonly id: NodeId;
  readonly name: string;
  readonly traits: NodeTraits;
  online = false;
  session = 0;
  live: ReleaseRef | null = null;
  installed: ReleaseRef[] = [];
  /** Every order it really carried out, for the invariants. */
  readonly carriedOut: { readonly generation: number; readonly release: ReleaseRef | null }[] = [];
  /** The release whose switch runs or did not end healthy: what counts as down on account of a rollout. */
  switching = false;
  /** Generations of the stage orders for which GO has not come yet. */
  readonly awaitsGo = new Set<number>();
  /** Every `limits` the coordinator has sent it, also those that it never got. */
  readonly ratesTold: NodeRates[] = [];
  /** As it was told last. */
  neighbours: readonly Neighbour[] = [];
  lostAt = 0;
  /** The coordinator has heard its hello, and not yet that it is gone. */
  isKnown = false;
  readonly begunStages: { readonly generation: number; readonly release: ReleaseRef }[] = [];
  /** Versions it may not fetch. */
  readonly paused = new Set<string>();
  /** What it would have finished during a pause, by version: the generation of its order. */
  readonly #heldUp = new Map<string, number>();
  /** Every time it began to ask for pieces. */
  readonly begun: number[] = [];
  lastOrder: { generation: number; outcome: Outcome | null } | null = null;

  constructor(id: NodeId, name: string, traits: NodeTraits) {
    this.id = id;
    this.name = name;
    this.traits = traits;
  }

  /** It has begun to fetch something that it does not have yet. */
  get isFetching(): boolean {
    return this.begunStages.some(({ release }) => !this.installed.some((own) => sameRelease(own, release)));
  }

  hello(): Hello {
    const app = {
      app: "shop" as never,
      live: this.live,
      installed: this.installed,
      lastOrder: this.lastOrder,
    };
    const known = this.live !== null || this.installed.length > 0 || this.lastOrder !== null;
    return {
      kind: "hello",
      protocol: 1,
      publicKey: publicKeySchema.decode("A".repeat(43), "key"),
      signature: new Uint8Array(64),
      joinToken: null,
      name: this.name,
      labels: this.traits.zone === undefined ? {} : { zone: this.traits.zone },
      agentVersion: "test",
      swarm: { host: null, port: 7_000 },
      apps: known ? [app] : [],
    };
  }

  /** What it says again after a reconnect. */
  unreported(): readonly Answer[] {
    if (this.lastOrder === null || this.lastOrder.outcome === null) return [];
    return [this.#activated(this.lastOrder.generation, this.lastOrder.outcome)];
  }

  obey(message: CoordinatorMessage, later: Later): void {
    if (message.kind === "stage" || message.kind === "neighbours") this.neighbours = message.neighbours;
    if (message.kind === "stage" || message.kind === "pause")
      this.#pause(message.release, message.paused ?? false, later);
    if (message.kind === "stage") this.#prepare(message, later);
    if (message.kind === "go" && this.awaitsGo.has(message.generation))
      this.#stage(message.release, message.generation, later);
    if (message.kind === "activate") this.#switch(message.release, message.generation, later);
    if (message.kind === "deactivate") this.#switch(null, message.generation, later);
  }

  #pause(release: ReleaseRef, paused: boolean, later: Later): void {
    if (paused) this.paused.add(release.version);
    else this.paused.delete(release.version);
    const generation = this.#heldUp.get(release.version);
    if (paused || generation === undefined) return;
    this.#heldUp.delete(release.version);
    this.#stage(release, generation, later);
  }

  #prepare(order: StageOrder, later: Later): void {
    const { release, generation, awaitsGo } = order;
    const has = this.installed.some((other) => sameRelease(other, release));
    if (has || awaitsGo !== true) return this.#stage(release, generation, later);
    const fails = this.traits.unstageable?.includes(release.version) === true;
    const begun = this.begun.includes(generation);
    if (begun && fails) return this.#stage(release, generation, later);
    if (!begun) this.awaitsGo.add(generation);
    later(this.traits.linksMs ?? 50, () => ({ kind: "stage-ready", generation, release, links: 1 }));
    later(GO_MISSED_MS, () => {
      if (this.awaitsGo.has(generation)) this.#stage(release, generation, later);
      return null;
    });
  }

  #stage(release: ReleaseRef, generation: number, later: Later): void {
    this.awaitsGo.delete(generation);
    const transfer = {
      generation,
      release,
      verifiedBytes: 1_000_000,
      receivedBytes: 1_000_000,
      uploadedBytes: 0,
    };
    const has = this.installed.some((other) => sameRelease(other, release));
    const delayMs = has ? 1 : this.traits.stageMs;
    if (!has && !this.begun.includes(generation)) {
      this.begun.push(generation);
      this.begunStages.push({ generation, release });
    }
    if (this.traits.unstageable?.includes(release.version)) {
      later(delayMs, () => ({
        kind: "stage-failed",
        generation,
        release,
        code: "disk-full",
        message: "no room",
      }));
      return;
    }
    later(delayMs, () => {
      if (!this.paused.has(release.version)) return { kind: "verified", ...transfer };
      this.#heldUp.set(release.version, generation);
      return null;
    });
    later(delayMs + 1, () => {
      if (this.#heldUp.has(release.version)) return null;
      if (!this.installed.some((other) => sameRelease(other, release))) this.installed.push(release);
      return { kind: "staged", ...transfer };
    });
  }

  #switch(release: ReleaseRef | null, generation: number, later: Later): void {
    if (this.lastOrder !== null && generation < this.lastOrder.generation) return;
    if (this.lastOrder?.generation === generation) {
      const { outcome } = this.lastOrder;
      if (outcome !== null) later(1, () => this.#activated(generation, outcome));
      return;
    }
    this.lastOrder = { generation, outcome: null };
    this.carriedOut.push({ generation, release });
    this.switching = true;
    const previous = this.live;
    this.live = release;
    later(this.traits.activateMs, () => this.#conclude({ release, previous, generation }));
  }

  #conclude(order: {
    release: ReleaseRef | null;
    previous: ReleaseRef | null;
    generation: number;
  }): Answer | null {
    if (this.lastOrder?.generation !== order.generation) return null;
    const sick = order.release !== null && (this.traits.sick ?? []).includes(order.release.version);
    const restored =
      this.traits.cannotRestore === true ? "failed" : order.previous === null ? "none" : "done";
    const outcome: Outcome = sick
      ? {
          kind: "failed",
          code: "health-timeout",
          message: "GET /health answered 500",
          logTail: ["boom"],
          restored,
        }
      : { kind: "healthy" };
    if (sick) this.live = order.previous;
    this.switching = sick && restored === "failed";
    this.lastOrder = { generation: order.generation, outcome };
    return this.#activated(order.generation, outcome);
  }

  #activated(generation: number, outcome: Outcome): Answer {
    return { kind: "activated", generation, app: "shop" as never, live: this.live, outcome };
  }
}
