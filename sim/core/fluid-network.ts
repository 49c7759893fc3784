// The links of a simulated fleet as a fluid: every connection that has something to send is a flow, and all flows
// together have exactly max-min fair rates, solved again whenever one of them begins or ends. The yardstick for the
// network that carries one block after the other; up to some 500 nodes, because each solution costs all flows.
import { BLOCK_BYTES } from "../../peer/core/geometry.ts";
import type { EventQueue } from "./event-queue.ts";
import { FleetLinks, ORIGIN_RANK, type Transfer } from "./fleet-links.ts";
import { LINKS_PER_FLOW, MaxMinSolver } from "./max-min.ts";
import { EVENT } from "./swarm-events.ts";
import type { MemberOptions } from "./swarm-member.ts";
import type { Network, NetworkOptions } from "./swarm-network.ts";

/** What counts of a member here. */
export interface FlowEnd {
  readonly options: Pick<MemberOptions, "index" | "zone" | "upBytesPerMs" | "downBytesPerMs">;
}

export interface FluidOptions extends Omit<NetworkOptions, "members"> {
  /** The origin comes last. */
  readonly members: readonly FlowEnd[];
}

/** One direction of a link: its blocks travel in order, as on a TCP connection. */
interface Flow {
  readonly transfer: Transfer;
  readonly to: FlowEnd;
  readonly wayMs: number;
  /** The first of them is under way. */
  readonly blocks: number[];
  /** Of the first block. */
  bytesLeft: number;
}

/** Of a block, what rounding may leave of it when it is through. */
const ROUNDING_SHARE = 1e-9;

export class FluidNetwork implements Network {
  crossZoneBytes = 0;
  readonly #queue: EventQueue;
  readonly #origin: FlowEnd | undefined;
  readonly #wayMs: number;
  readonly #zoneWayMs: number;
  /** In real bytes, as all rates here are. */
  readonly #blockBytes: number;
  readonly #links: FleetLinks;
  readonly #solver: MaxMinSolver;
  /** By sender and receiver. */
  readonly #flows = new Map<number, Flow>();
  readonly #memberCount: number;
  /** With something to send, and how fast each of them is. */
  #active: Flow[] = [];
  /** Since the rates were solved. */
  #begun: Flow[] = [];
  #rates: Float64Array = new Float64Array(0);
  /** What the solver reads: the links of each flow. */
  #table = new Int32Array(0);
  #drainedAt = 0;
  /** When the rates have to be looked at next. */
  #drainAt = Number.POSITIVE_INFINITY;

  constructor({ scenario, queue, members, realBytesPerByte }: FluidOptions) {
    this.#queue = queue;
    this.#origin = members.at(-1);
    this.#memberCount = members.length;
    this.#wayMs = scenario.rttMs / 2;
    this.#zoneWayMs = scenario.zoneRttMs / 2;
    this.#blockBytes = BLOCK_BYTES * realBytesPerByte;
    const nodes = members.slice(0, -1);
    const real = (bytesPerMs: number): number => bytesPerMs * 1000 * realBytesPerByte;
    this.#links = new FleetLinks({
      artifactBytes: scenario.artifactBytes,
      pieceCount: scenario.pieces,
      origin: scenario.origin,
      nodes: {
        up: Float64Array.from(nodes, ({ options }) => real(options.upBytesPerMs)),
        down: Float64Array.from(nodes, ({ options }) => real(options.downBytesPerMs)),
        zone: Uint16Array.from(nodes, ({ options }) => options.zone),
      },
      zones: scenario.zones,
    });
    this.#solver = new MaxMinSolver(this.#links.capacities);
  }

  wayMs(a: FlowEnd, b: FlowEnd): number {
    return a.options.zone === b.options.zone ? this.#wayMs : this.#zoneWayMs;
  }

  send(from: FlowEnd, to: FlowEnd, about: number, now: number): void {
    if (from.options.zone !== to.options.zone) this.crossZoneBytes += BLOCK_BYTES;
    const flow = this.#flowOf(from, to);
    flow.blocks.push(about);
    if (flow.blocks.length > 1) return;
    flow.bytesLeft = this.#blockBytes;
    this.#begun.push(flow);
    // Whatever else begins at this moment is solved with it.
    this.#wakeAt(now);
  }

  drain(now: number): void {
    if (now < this.#drainAt) return;
    this.#drainAt = Number.POSITIVE_INFINITY;
    const elapsedSeconds = (now - this.#drainedAt) / 1000;
    this.#drainedAt = now;
    for (const [index, flow] of this.#active.entries()) {
      flow.bytesLeft -= (this.#rates[index] ?? 0) * elapsedSeconds;
      if (flow.bytesLeft <= this.#blockBytes * ROUNDING_SHARE) this.#finishBlock(flow, now);
    }
    this.#share(now);
  }

  /** Nothing waits between zones: a flow crosses all of its links at once. */
  cross(): void {}

  arrive(): boolean {
    return true;
  }

  #flowOf(from: FlowEnd, to: FlowEnd): Flow {
    const key = from.options.index * this.#memberCount + to.options.index;
    const known = this.#flows.get(key);
    if (known !== undefined) return known;
    const source = from === this.#origin ? ORIGIN_RANK : from.options.index;
    const transfer = { source, destination: to.options.index };
    const flow = { transfer, to, wayMs: this.wayMs(from, to), blocks: [], bytesLeft: 0 };
    this.#flows.set(key, flow);
    return flow;
  }

  #finishBlock(flow: Flow, now: number): void {
    const about = flow.blocks.shift() ?? 0;
    flow.bytesLeft = this.#blockBytes;
    this.#queue.push(now + flow.wayMs, EVENT.arrived, flow.to.options.index, about);
  }

  #share(now: number): void {
    this.#active = this.#active.filter(({ blocks }) => blocks.length > 0).concat(this.#begun);
    this.#begun = [];
    const count = this.#active.length;
    if (this.#table.length < count * LINKS_PER_FLOW) this.#table = new Int32Array(2 * count * LINKS_PER_FLOW);
    const links = this.#table;
    for (const [index, { transfer }] of this.#active.entries()) this.#links.route(links, index, transfer);
    this.#rates = this.#solver.solve({ count, links });
    let soonestMs = Number.POSITIVE_INFINITY;
    for (const [index, { bytesLeft }] of this.#active.entries())
      soonestMs = Math.min(soonestMs, (bytesLeft * 1000) / (this.#rates[index] ?? 0));
    this.#wakeAt(now + soonestMs);
  }

  #wakeAt(at: number): void {
    if (at >= this.#drainAt) return;
    this.#drainAt = at;
    this.#queue.push(at, EVENT.drained, 0);
  }
}
