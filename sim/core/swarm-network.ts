// The links of a simulated fleet: how long a message takes, and when a block is through. Each uplink, downlink and
// link of a zone carries one block after the other at its full rate; a block leaves for the next one as it comes in.
import type { LinkId } from "../../peer/core/geometry.ts";
import type { EventQueue } from "./event-queue.ts";
import type { Scenario } from "./scenario.ts";
import { EVENT } from "./swarm-events.ts";
import type { Member } from "./swarm-member.ts";

export interface NetworkOptions {
  readonly scenario: Scenario;
  readonly queue: EventQueue;
  /** Simulated bytes of a block stand for so many real ones. */
  readonly realBytesPerByte: number;
}

interface ZoneLink {
  readonly bytesPerMs: number;
  outFreeAt: number;
  inFreeAt: number;
}

export class Network {
  /** Between zones so far, in simulated bytes. */
  crossZoneBytes = 0;
  readonly #queue: EventQueue;
  readonly #wayMs: number;
  readonly #zoneWayMs: number;
  readonly #zones: readonly ZoneLink[];

  constructor({ scenario, queue, realBytesPerByte }: NetworkOptions) {
    this.#queue = queue;
    this.#wayMs = scenario.rttMs / 2;
    this.#zoneWayMs = scenario.zoneRttMs / 2;
    this.#zones = scenario.zones.map(({ bytesPerSecond }) => ({
      bytesPerMs:
        bytesPerSecond === null ? Number.POSITIVE_INFINITY : bytesPerSecond / 1000 / realBytesPerByte,
      outFreeAt: 0,
      inFreeAt: 0,
    }));
  }

  wayMs(a: Member, b: Member): number {
    return a.options.zone === b.options.zone ? this.#wayMs : this.#zoneWayMs;
  }

  /** A block goes onto the sender's uplink. Costs its length, the last and shorter one included. */
  send(from: Member, to: Member, block: SentBlock, now: number): void {
    const leftAt = Math.max(now, from.upFreeAt) + block.length / from.options.upBytesPerMs;
    from.upFreeAt = leftAt;
    const { link, piece, index } = block;
    if (from.options.zone === to.options.zone)
      this.#queue.push(leftAt + this.#wayMs, EVENT.arrived, to.options.index, link, piece, index);
    else this.#queue.push(leftAt, EVENT.left, to.options.index, link, piece, index);
  }

  /** A block for another zone has left its sender: through the links of both zones. */
  cross(from: Member, to: Member, block: SentBlock, now: number): void {
    this.crossZoneBytes += block.length;
    const out = this.#zones[from.options.zone];
    const into = this.#zones[to.options.zone];
    let throughAt = now;
    if (out !== undefined) {
      throughAt = Math.max(throughAt, out.outFreeAt + block.length / out.bytesPerMs);
      out.outFreeAt = throughAt;
    }
    if (into !== undefined) {
      throughAt = Math.max(throughAt, into.inFreeAt + block.length / into.bytesPerMs);
      into.inFreeAt = throughAt;
    }
    const { link, piece, index } = block;
    this.#queue.push(throughAt + this.#zoneWayMs, EVENT.arrived, to.options.index, link, piece, index);
  }

  /** A block has come to the receiver's downlink. True when it is through at once. */
  arrive(to: Member, block: SentBlock, now: number): boolean {
    const throughAt = Math.max(now, to.downFreeAt + block.length / to.options.downBytesPerMs);
    to.downFreeAt = throughAt;
    if (throughAt <= now) return true;
    this.#queue.push(throughAt, EVENT.received, to.options.index, block.link, block.piece, block.index);
    return false;
  }
}

export interface SentBlock {
  readonly link: LinkId;
  readonly piece: number;
  /** Of the block in its piece. */
  readonly index: number;
  readonly length: number;
}
