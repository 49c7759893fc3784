// Tells every node what it may move: the operator's caps, and its share of what the fleet may fetch together. What is
// in the nodes' hands never adds up to more than the fleet's rate; a share is taken back before it is given on.
import type { Millis, NodeId } from "../../protocol/ids.ts";
import { NODE_LOST_AFTER_MS } from "../../protocol/limits.ts";
import { type FleetLimits, type NodeRates, stricter } from "../../protocol/rates.ts";
import { demandOf, divideRate, rampedRate } from "./rate-division.ts";
import type { SwarmRecord } from "./records.ts";
import { type FleetState, memberKey } from "./state.ts";

/** A node that has nothing to fetch holds this much of a fleet's rate: next to nothing, until it is told more. */
export const IDLE_BYTES_PER_SECOND = 1;
/** How often shares are set anew: a ramp of seconds is smooth, and 1 000 nodes get 1 000 small messages a second. */
export const DIVIDE_INTERVAL_MS = 1_000;
/** A node that comes in between waits this long at the most, however many come. */
export const DIVIDE_SOON_MS = 200;
/** What a node received is only looked at after this: before that it says more about its start than about its link. */
const MEASURED_AFTER_MS = 3_000;
/** A node that receives nothing right now still gets this much, to begin again: four blocks of 16 KiB a second. */
const DEMAND_LEAST = 64 * 1024;
/** A share that grows by less is left as it is, until it is old. */
const GROWTH_WORTH_TELLING = 1.05;
const TELL_AGAIN_AFTER_MS = 5_000;

interface Told extends NodeRates {
  readonly at: Millis;
}

/** What a fetching node is to be told. */
interface Share {
  readonly bytesPerSecond: number;
  /** Since when it has been among those that fetch. */
  readonly since: Millis;
}

export class NodeLimits {
  readonly #state: FleetState;
  /** What each node holds, as far as we have told it. */
  readonly #told = new Map<NodeId, Told>();
  #shares: ReadonlyMap<NodeId, Share> = new Map();
  #dividedAt: Millis | null = null;
  #nextAt: Millis | null = null;
  /** How much of the fleet's rate might flow when it was last divided. */
  #allowed: number | null = null;
  #limits: FleetLimits | null = null;

  constructor(state: FleetState) {
    this.#state = state;
  }

  /** A node has come (back), and may hold what somebody told it long ago. */
  welcome(nodeId: NodeId, now: Millis): void {
    this.#told.delete(nodeId);
    this.#tell(nodeId, now);
  }

  /** Divides anew when it is time, and tells those for whom something has changed. */
  advance(now: Millis): void {
    const { limits } = this.#state.limits;
    const changed = this.#limits !== limits;
    this.#limits = limits;
    if (limits.fleetBytesPerSecondMax === null) return this.#divideNothing(changed, now);
    const fetching = this.#fetching(now);
    if (changed || now >= this.#dueAt(fetching)) {
      this.#divide(limits.fleetBytesPerSecondMax, fetching, now);
      this.#tellAll(now);
    }
    const isIdle = fetching.length === 0 && this.#shares.size === 0;
    this.#nextAt = isIdle ? null : this.#dueAt(fetching);
  }

  deadline(): Millis | null {
    return this.#nextAt;
  }

  /** Nodes among which the fleet's rate is divided now, and how much of it may flow. */
  summary(): { readonly nodesFetching: number; readonly allowedBytesPerSecond: number | null } {
    return { nodesFetching: this.#shares.size, allowedBytesPerSecond: this.#allowed };
  }

  #divideNothing(changed: boolean, now: Millis): void {
    this.#shares = new Map();
    this.#dividedAt = null;
    this.#allowed = null;
    this.#nextAt = null;
    if (changed) this.#tellAll(now);
  }

  #dueAt(fetching: readonly NodeId[]): Millis {
    if (this.#dividedAt === null) return 0;
    const someoneNew = fetching.some((nodeId) => !this.#shares.has(nodeId));
    return this.#dividedAt + (someoneNew ? DIVIDE_SOON_MS : DIVIDE_INTERVAL_MS);
  }

  #divide(fleetRate: number, fetching: readonly NodeId[], now: Millis): void {
    this.#allowed = this.#allowedOf(fleetRate, now);
    const kept = new Map(fetching.flatMap((nodeId) => this.#keptBy(nodeId) ?? []));
    const keptTotal = [...kept.values()].reduce((sum, bytesPerSecond) => sum + bytesPerSecond, 0);
    // What idle nodes hold adds up too.
    const total = this.#allowed - keptTotal - this.#state.nodes.size * IDLE_BYTES_PER_SECOND;
    const dividing = fetching.filter((nodeId) => !kept.has(nodeId));
    const shares = divideRate(
      total,
      dividing.map((nodeId) => this.#demandOf(nodeId, now)),
    );
    const given = new Map(dividing.map((nodeId, index) => [nodeId, shares[index] ?? 0]));
    this.#shares = new Map(
      fetching.map((nodeId) => {
        const since = this.#shares.get(nodeId)?.since ?? now;
        return [nodeId, { bytesPerSecond: kept.get(nodeId) ?? given.get(nodeId) ?? 0, since }];
      }),
    );
    this.#dividedAt = now;
  }

  /** A node that cannot be told keeps what it was told last. */
  #keptBy(nodeId: NodeId): readonly (readonly [NodeId, number])[] | null {
    const held = this.#told.get(nodeId)?.downloadBytesPerSecondMax ?? null;
    return held === null || this.#state.isOnline(nodeId) ? null : [[nodeId, held]];
  }

  #demandOf(nodeId: NodeId, now: Millis): number {
    const since = this.#shares.get(nodeId)?.since ?? now;
    if (now - since < MEASURED_AFTER_MS || !this.#state.isOnline(nodeId)) return Number.MAX_SAFE_INTEGER;
    let received = 0;
    for (const { release } of this.#state.swarms.values())
      received += this.#state.transfers.get(memberKey(release, nodeId))?.receiveBytesPerSecond ?? 0;
    return demandOf(received, DEMAND_LEAST);
  }

  /** The ramp begins with the first of the swarms that are under way: what flows already needs none. */
  #allowedOf(fleetRate: number, now: Millis): number {
    const flowing = [...this.#state.swarms.values()].flatMap(({ flowsSince }) => flowsSince ?? []);
    const since = flowing.length === 0 ? now : Math.min(...flowing);
    return rampedRate(fleetRate, now - since, this.#state.limits.limits.rampMs);
  }

  /**
   * Nodes that fetch, or will as soon as they are told. One that has just gone may well go on without us, and has not
   * heard of a pause either, so its share is kept for a while.
   */
  #fetching(now: Millis): readonly NodeId[] {
    const fetching = new Set<NodeId>();
    for (const swarm of this.#state.swarms.values()) {
      for (const { nodeId, state } of this.#state.membersOf(swarm.release).values())
        if (state === "staging" && this.#mayFetch(nodeId, swarm, now)) fetching.add(nodeId);
    }
    return [...fetching];
  }

  #mayFetch(nodeId: NodeId, swarm: SwarmRecord, now: Millis): boolean {
    const presence = this.#state.presence.get(nodeId);
    if (presence?.online === true) return swarm.paused !== true;
    return presence !== undefined && now < presence.since + NODE_LOST_AFTER_MS;
  }

  /** Those who get less first. */
  #tellAll(now: Millis): void {
    const online = [...this.#state.nodes.keys()].filter((nodeId) => this.#state.isOnline(nodeId));
    const growing = online.filter((nodeId) => !this.#tellLess(nodeId, now));
    for (const nodeId of growing) this.#tell(nodeId, now);
  }

  /** False when it holds no more than it should. */
  #tellLess(nodeId: NodeId, now: Millis): boolean {
    const holds = this.#told.get(nodeId)?.downloadBytesPerSecondMax ?? Number.POSITIVE_INFINITY;
    const should = this.#ratesOf(nodeId).downloadBytesPerSecondMax ?? Number.POSITIVE_INFINITY;
    if (holds <= should) return false;
    this.#tell(nodeId, now);
    return true;
  }

  #tell(nodeId: NodeId, now: Millis): void {
    if (!this.#state.isOnline(nodeId)) return;
    const rates = this.#ratesOf(nodeId);
    const told = this.#told.get(nodeId);
    if (told !== undefined && !isWorthTelling(told, rates, now)) return;
    this.#told.set(nodeId, { ...rates, at: now });
    this.#state.emit({ kind: "send", nodeId, message: { kind: "limits", ...rates } });
  }

  #ratesOf(nodeId: NodeId): NodeRates {
    const { limits } = this.#state.limits;
    return {
      uploadBytesPerSecondMax: limits.nodeUploadBytesPerSecondMax,
      downloadBytesPerSecondMax: stricter(limits.nodeDownloadBytesPerSecondMax, this.#shareOf(nodeId)),
    };
  }

  #shareOf(nodeId: NodeId): number | null {
    if (this.#state.limits.limits.fleetBytesPerSecondMax === null) return null;
    return Math.max(IDLE_BYTES_PER_SECOND, this.#shares.get(nodeId)?.bytesPerSecond ?? 0);
  }
}

function isWorthTelling(told: Told, rates: NodeRates, now: Millis): boolean {
  if (told.uploadBytesPerSecondMax !== rates.uploadBytesPerSecondMax) return true;
  const before = told.downloadBytesPerSecondMax ?? Number.POSITIVE_INFINITY;
  const after = rates.downloadBytesPerSecondMax ?? Number.POSITIVE_INFINITY;
  if (before === after) return false;
  if (after < before || after > before * GROWTH_WORTH_TELLING) return true;
  return now - told.at >= TELL_AGAIN_AFTER_MS;
}
