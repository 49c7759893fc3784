// When one torrent is announced in the DHT and when others are looked for there: announced as long as it is joined,
// looked for only while the coordinator is away and somebody is missing. Decides only; sends nothing.
import type { Millis } from "../../protocol/ids.ts";
import { assertNever, type Machine } from "../../protocol/machine.ts";
import type { Prng } from "../../protocol/prng.ts";
import type { Contact } from "./dht-message.ts";

export type DiscoveryEvent =
  | { readonly kind: "joined" }
  /** Whether this node has a session with the coordinator. */
  | { readonly kind: "coordinator"; readonly away: boolean }
  /** Answers `sample`. */
  | { readonly kind: "sampled"; readonly links: number; readonly complete: boolean }
  /** A search, or the one that goes before an announcement, came across these. */
  | { readonly kind: "found"; readonly contacts: readonly Contact[] }
  | { readonly kind: "tick" };

export type DiscoveryEffect =
  /** Say hello to the neighbours, so that there is somebody to ask. */
  | { readonly kind: "meet" }
  | { readonly kind: "announce" }
  /** Answer at once with `sampled`. */
  | { readonly kind: "sample" }
  | { readonly kind: "look-up" }
  /** Worth a dial. */
  | { readonly kind: "offer"; readonly contacts: readonly Contact[] }
  /** The coordinator tells again who belongs together: nobody else is dialled any more. */
  | { readonly kind: "forget-found" };

/**
 * The first announcement lies in the upper half of this. What is staged before needs none: whoever loses the
 * coordinator earlier announces itself then. A search among 40 nodes costs a node as much processor time as to fetch
 * some MiB, which is not to be spent while it fetches.
 */
const ANNOUNCE_FIRST_MS = 120_000;
/** How long a node is remembered by those it was announced to. */
export const PEER_MAX_AGE_MS = 20 * 60_000;
/** Twice within the life of an announcement, as one of them may get lost. */
const ANNOUNCE_EVERY_MS = 8 * 60_000;
/** A neighbour answers within a few round trips, or not before the next time. */
const MEETING_MS = 1_000;
/** A coordinator that is only restarted is back before. */
export const AWAY_AFTER_MS = 5_000;
const LOOK_UP_FIRST_MS = 2_000;
/** Over the half minute below this, 1 000 nodes ask 30 times a second. */
const LOOK_UP_CAP_MS = 60_000;
/** With fewer links than this a node that has everything offers itself to others. */
const LINKS_FEW = 3;

interface Round {
  readonly at: Millis;
  /** The neighbours have been greeted: now it is about the rest. */
  readonly met: boolean;
}

export function createDiscovery(random: Prng): Machine<DiscoveryEvent, DiscoveryEffect> {
  const discovery = new Discovery(random);
  return { handle: (event, now) => discovery.handle(event, now), deadline: () => discovery.deadline() };
}

class Discovery {
  readonly #random: Prng;
  #announce: Round | null = null;
  #lookUp: Round | null = null;
  #isAway = false;
  #lookUps = 0;
  #out: DiscoveryEffect[] = [];

  constructor(random: Prng) {
    this.#random = random;
  }

  handle(event: DiscoveryEvent, now: Millis): readonly DiscoveryEffect[] {
    this.#out = [];
    switch (event.kind) {
      case "joined":
        this.#announce = this.#round(now, ANNOUNCE_FIRST_MS);
        break;
      case "coordinator":
        this.#setAway(event.away, now);
        break;
      case "sampled":
        if (this.#lookUp !== null && (!event.complete || event.links < LINKS_FEW))
          this.#out.push({ kind: "look-up" });
        break;
      case "found":
        if (this.#isAway && event.contacts.length > 0)
          this.#out.push({ kind: "offer", contacts: event.contacts });
        break;
      case "tick":
        this.#advanceAnnounce(now);
        this.#advanceLookUp(now);
        break;
      default:
        assertNever(event);
    }
    return this.#out;
  }

  deadline(): Millis | null {
    const rounds = [this.#announce, this.#lookUp].flatMap((round) => round?.at ?? []);
    return rounds.length === 0 ? null : Math.min(...rounds);
  }

  #setAway(away: boolean, now: Millis): void {
    if (away === this.#isAway) return;
    this.#isAway = away;
    this.#lookUps = 0;
    this.#lookUp = away ? { at: now + AWAY_AFTER_MS + this.#spread(LOOK_UP_FIRST_MS), met: false } : null;
    if (!away) this.#out.push({ kind: "forget-found" });
  }

  #advanceAnnounce(now: Millis): void {
    const round = this.#announce;
    if (round === null || now < round.at) return;
    if (!round.met) {
      this.#announce = this.#meet(now);
      return;
    }
    this.#out.push({ kind: "announce" });
    this.#announce = this.#round(now, ANNOUNCE_EVERY_MS);
  }

  #advanceLookUp(now: Millis): void {
    const round = this.#lookUp;
    if (round === null || now < round.at) return;
    if (!round.met) {
      this.#lookUp = this.#meet(now);
      return;
    }
    // Whoever lost the coordinator has to be findable before it can be found.
    this.#out.push(this.#lookUps === 0 ? { kind: "announce" } : { kind: "sample" });
    const waitMs = Math.min(LOOK_UP_CAP_MS, LOOK_UP_FIRST_MS * 2 ** Math.min(this.#lookUps, 16));
    this.#lookUp = this.#round(now, waitMs);
    this.#lookUps += 1;
  }

  #meet(now: Millis): Round {
    this.#out.push({ kind: "meet" });
    return { at: now + MEETING_MS, met: true };
  }

  #round(now: Millis, withinMs: number): Round {
    return { at: now + this.#spread(withinMs), met: false };
  }

  /** In the upper half, so that nodes which start together do not ask together. */
  #spread(withinMs: number): number {
    return (withinMs / 2) * (1 + this.#random.unit());
  }
}
