// The links of a simulated fleet: how long a message takes, and when a piece is through. Each uplink, downlink and
// link of a zone carries one piece after the other at its full rate; a piece leaves for the next one as it comes in.
import { BLOCK_BYTES } from "../../peer/core/geometry.ts";
import type { EventQueue } from "./event-queue.ts";
import type { Scenario } from "./scenario.ts";
import { EVENT } from "./swarm-events.ts";
import type { Member } from "./swarm-member.ts";

export interface NetworkOptions {
  readonly scenario: Scenario;
  readonly queue: EventQueue;
  /** The origin comes last. */
  readonly members: readonly Member[];
  /** Simulated bytes of a block stand for so many real ones. */
  readonly realBytesPerByte: number;
}

/** How blocks get from one member to another. Whatever it pushes into the queue comes back to it. */
export interface Network {
  /** Between zones so far, in simulated bytes. */
  readonly crossZoneBytes: number;
  wayMs(a: Member, b: Member): number;
  /** A block is to go; `about` is it and the link, as the receiver counts them. */
  send(from: Member, to: Member, about: number, now: number): void;
  /** On EVENT.left. */
  cross(from: Member, to: Member, about: number, now: number): void;
  /** On EVENT.arrived. True when the block is through. */
  arrive(to: Member, about: number, now: number): boolean;
  /** On EVENT.drained. */
  drain(now: number): void;
}

export type MakeNetwork = (options: NetworkOptions) => Network;

interface ZoneLink {
  readonly bytesPerMs: number;
  outFreeAt: number;
  inFreeAt: number;
}

export class SerialNetwork implements Network {
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

  /** A piece goes onto the sender's uplink. */
  send(from: Member, to: Member, about: number, now: number): void {
    const leftAt = Math.max(now, from.upFreeAt) + BLOCK_BYTES / from.options.upBytesPerMs;
    from.upFreeAt = leftAt;
    if (from.options.zone === to.options.zone)
      this.#queue.push(leftAt + this.#wayMs, EVENT.arrived, to.options.index, about);
    else this.#queue.push(leftAt, EVENT.left, to.options.index, about);
  }

  /** A piece for another zone has left its sender: through the links of both zones. */
  cross(from: Member, to: Member, about: number, now: number): void {
    this.crossZoneBytes += BLOCK_BYTES;
    const out = this.#zones[from.options.zone];
    const into = this.#zones[to.options.zone];
    let throughAt = now;
    if (out !== undefined) {
      throughAt = Math.max(throughAt, out.outFreeAt + BLOCK_BYTES / out.bytesPerMs);
      out.outFreeAt = throughAt;
    }
    if (into !== undefined) {
      throughAt = Math.max(throughAt, into.inFreeAt + BLOCK_BYTES / into.bytesPerMs);
      into.inFreeAt = throughAt;
    }
    this.#queue.push(throughAt + this.#zoneWayMs, EVENT.arrived, to.options.index, about);
  }

  /** A piece has come to the receiver's downlink. True when it is through at once. */
  arrive(to: Member, about: number, now: number): boolean {
    const throughAt = Math.max(now, to.downFreeAt + BLOCK_BYTES / to.options.downBytesPerMs);
    to.downFreeAt = throughAt;
    if (throughAt <= now) return true;
    this.#queue.push(throughAt, EVENT.received, to.options.index, about);
    return false;
  }

  /** Nothing here happens to nobody. */
  drain(): void {}
}
