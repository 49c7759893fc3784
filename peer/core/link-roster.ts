// Who this node is connected to in one torrent: whom to dial and when, whom to let in, which of two links stays.
// Decides only; sockets, names and clocks belong to the shell. An id on the wire is a claim: it counts as long as it
// comes from where that node is listed, so that nobody can take a neighbour's place or have it banned.
import type { Millis } from "../../protocol/ids.ts";
import { NEIGHBOURS_MAX } from "../../protocol/limits.ts";
import { assert, assertNever, type Machine } from "../../protocol/machine.ts";
import { type FarShare, type Neighbour, ORIGIN_ID } from "../../protocol/messages.ts";
import type { Prng } from "../../protocol/prng.ts";
import { NO_STRIPES, type StripeSet } from "../../protocol/stripes.ts";
import type { Contact } from "./dht-message.ts";
import { FoundPeers } from "./found-peers.ts";
import type { LinkId } from "./geometry.ts";
import { isSettled, type OpenLink, OpenLinks, sameShare } from "./open-links.ts";
import type { RosterEffect, RosterEvent } from "./roster-events.ts";

/** Links without a list of neighbours: an origin that feeds a whole fleet by itself. */
const OPEN_LINKS_MAX = 1_024;
/** Of those from one address: more than a large graph links to the origin, also when a site shares its address. */
const OPEN_LINKS_PER_ADDRESS_MAX = 256;
/** Links to clients that are on no list: stock clients of an operator who looks around. */
const UNLISTED_LINKS_MAX = 16;
/** Of those from one address: somebody who starts a few clients, and not all there is. */
const UNLISTED_LINKS_PER_ADDRESS_MAX = 4;
/** Whoever is banned longest is forgotten first: each ban costs a whole bad piece, so that many are an attack. */
const BANNED_MAX = 1_024;
/** Dials under way at once: more would only wait in the same accept queue. */
const DIALS_MAX = 16;
const REDIAL_FIRST_MS = 250;
/** A node that reboots is found again within this. */
const REDIAL_CAP_MS = 10_000;

/** The origin's name where sources are told apart. */
export const ORIGIN_SOURCE = sourceOf(ORIGIN_ID);

interface Place {
  neighbour: Neighbour;
  failures: number;
  dialling: boolean;
  nextDialAt: Millis;
}

type Dialled = Extract<RosterEvent, { kind: "dialled" }>;

interface Arrival {
  readonly id: string | null;
  readonly address: string;
  /** It is the neighbour of this id, as far as its address tells. */
  readonly listed: boolean;
  readonly source: string;
}

export interface RosterOptions {
  /** How this node names itself; a link to oneself is refused. */
  readonly ownId: string | null;
  readonly random: Prng;
}

export function createRoster(options: RosterOptions): Machine<RosterEvent, RosterEffect> {
  const roster = new Roster(options);
  return { handle: (event, now) => roster.handle(event, now), deadline: () => roster.deadline() };
}

class Roster {
  readonly #ownId: string | null;
  readonly #random: Prng;
  readonly #places = new Map<string, Place>();
  readonly #links = new OpenLinks();
  readonly #banned = new Set<string>();
  readonly #found = new FoundPeers();
  #openHouse = true;
  #out: RosterEffect[] = [];

  constructor(options: RosterOptions) {
    this.#ownId = options.ownId;
    this.#random = options.random;
  }

  handle(event: RosterEvent, now: Millis): readonly RosterEffect[] {
    this.#out = [];
    this.#apply(event, now);
    this.#dialDue(now);
    return this.#out;
  }

  deadline(): Millis | null {
    if (this.#dialsUnderWay() >= DIALS_MAX) return null;
    let soonest = this.#found.nextDialAt();
    for (const place of this.#places.values())
      if (this.#wantsDial(place)) soonest = Math.min(soonest ?? place.nextDialAt, place.nextDialAt);
    return soonest;
  }

  #apply(event: RosterEvent, now: Millis): void {
    switch (event.kind) {
      case "neighbours":
        return this.#setNeighbours(event.neighbours, now);
      case "arrived":
        return this.#onArrived(event, now);
      case "dialled":
        return this.#onDialled(event, now);
      case "dial-failed":
        return this.#onDialFailed(event.neighbourId, now);
      case "closed":
        return this.#onClosed(event.link, now);
      case "banned":
        return this.#ban(event.source);
      case "found":
        return this.#found.add(event.contacts, (contact) => this.#isKnown(contact), now);
      case "forget-found":
        return this.#found.forgetAll();
      case "tick":
        return;
      default:
        assertNever(event);
    }
  }

  #setNeighbours(neighbours: readonly Neighbour[], now: Millis): void {
    this.#openHouse = false;
    this.#found.forgetAll();
    const listed = new Map(neighbours.slice(0, NEIGHBOURS_MAX).map((neighbour) => [neighbour.id, neighbour]));
    for (const [id] of this.#places) if (!listed.has(id)) this.#unlist(id);
    for (const [id, neighbour] of listed) {
      const place = this.#places.get(id);
      if (place !== undefined && sameAddress(place.neighbour, neighbour)) place.neighbour = neighbour;
      else {
        const dialling = place?.dialling ?? false;
        this.#places.set(id, { neighbour, failures: 0, dialling, nextDialAt: now });
      }
    }
    // Before there was a list every claim was taken as it came, and a neighbour may have moved.
    for (const [, open] of this.#links.all())
      if (open.address !== null && !this.#isPlaceOf(open.id, open.address) && this.#isListed(open.id))
        open.id = null;
    for (const [link, open] of this.#links.all()) {
      const far = this.#farOf(open.id);
      // Those that are not listed any more are being closed.
      if (!this.#isListed(open.id)) continue;
      this.#refeed(link, open);
      if (sameShare(far, open.far)) continue;
      open.far = far;
      this.#out.push({ kind: "far", link, far });
    }
  }

  #refeed(link: LinkId, open: OpenLink): void {
    const feeds = this.#feedsOf(open.id);
    if (feeds === open.feeds) return;
    open.feeds = feeds;
    this.#out.push({ kind: "feeds", link, feeds });
  }

  #feedsOf(id: string | null): StripeSet {
    return (id === null ? undefined : this.#places.get(id))?.neighbour.feeds ?? NO_STRIPES;
  }

  /** Of strangers nothing is known: they count as near. */
  #farOf(id: string | null): FarShare | null {
    return (id === null ? undefined : this.#places.get(id))?.neighbour.far ?? null;
  }

  #unlist(id: string): void {
    this.#places.delete(id);
    for (const [link, { id: linkedId }] of this.#links.all())
      if (linkedId === id) this.#out.push({ kind: "close", link, reason: "not a neighbour any more" });
  }

  #onArrived(event: Extract<RosterEvent, { kind: "arrived" }>, now: Millis): void {
    const { link, address } = event;
    const listed = this.#isPlaceOf(event.id, address);
    // A claim to somebody else's place is worth nothing; what it does then is on its own address.
    const isClaimFree = listed || !this.#isListed(event.id) || event.id === this.#ownId;
    const id = isClaimFree ? event.id : null;
    const isNamed = id !== null && (listed || this.#openHouse);
    const arrival = { id, address, listed, source: isNamed ? sourceOf(id) : `address ${address}` };
    const refusal = this.#refusalOf(arrival, now);
    if (refusal !== null) {
      this.#out.push({ kind: "refuse", link, reason: refusal });
      return;
    }
    // The remote dials anew only when its end of the old link is gone.
    const old = this.#earlierOf(arrival);
    if (old !== null) this.#out.push({ kind: "close", link: old[0], reason: "replaced by a newer link" });
    const far = this.#farOf(id);
    const feeds = this.#feedsOf(id);
    this.#links.set(link, { id, address, openedAt: now, foundAs: null, far, feeds });
    this.#out.push({ kind: "accept", link, source: arrival.source, isOrigin: false, far, feeds });
  }

  #refusalOf(arrival: Arrival, now: Millis): string | null {
    const { id, address, listed, source } = arrival;
    if (id !== null && id === this.#ownId) return "is this node itself";
    if (this.#banned.has(source)) return "is banned";
    if (listed && id !== null && this.#links.isDialled(id)) return "is linked already";
    const old = this.#earlierOf(arrival)?.[1];
    if (old !== undefined && old.foundAs !== null && (isSettled(old, now) || this.#prefersOwnDial(id)))
      return "is linked already";
    if (listed || old !== undefined) return null;
    const [max, perAddressMax] = this.#openHouse
      ? [OPEN_LINKS_MAX, OPEN_LINKS_PER_ADDRESS_MAX]
      : [UNLISTED_LINKS_MAX, UNLISTED_LINKS_PER_ADDRESS_MAX];
    const { all, ofAddress } = this.#links.countUnlisted(address, (other) => this.#isListed(other));
    if (ofAddress >= perAddressMax) return "is one too many from its address";
    return all < max ? null : "is one too many";
  }

  #onDialled(event: Dialled, now: Millis): void {
    const { link, neighbourId, id } = event;
    const contact = this.#found.contactOf(neighbourId);
    if (contact !== null) return this.#onFoundDialled(event, contact, now);
    const place = this.#places.get(neighbourId);
    if (place !== undefined) place.dialling = false;
    const refusal = this.#dialRefusalOf(neighbourId, id);
    if (refusal !== null) {
      if (place !== undefined) this.#postpone(place, now);
      this.#out.push({ kind: "refuse", link, reason: refusal });
      return;
    }
    const far = this.#farOf(neighbourId);
    const feeds = this.#feedsOf(neighbourId);
    this.#links.set(link, { id: neighbourId, address: null, openedAt: now, foundAs: null, far, feeds });
    const isOrigin = neighbourId === ORIGIN_ID;
    this.#out.push({ kind: "accept", link, source: sourceOf(neighbourId), isOrigin, far, feeds });
  }

  #dialRefusalOf(neighbourId: string, id: string | null): string | null {
    if (!this.#places.has(neighbourId)) return "not a neighbour any more";
    if (this.#banned.has(sourceOf(neighbourId))) return "is banned";
    // A client without a fleet's id may sit at a neighbour's address; another node must not pass for it.
    if (id !== null && id !== neighbourId) return `is ${id}, not ${neighbourId}`;
    return this.#links.of(neighbourId) === null ? null : "is linked already";
  }

  /** Whoever it is, it was named by others: what it does is on its address, and it takes nobody's place. */
  #onFoundDialled(event: Dialled, { host }: Contact, now: Millis): void {
    const { link, neighbourId: foundAs } = event;
    const claimed = this.#isListed(event.id) && !this.#isPlaceOf(event.id, host) ? null : event.id;
    const refusal = this.#foundRefusalOf(event.id, host, now);
    if (refusal !== null) {
      this.#found.forget(foundAs);
      this.#out.push({ kind: "refuse", link, reason: refusal });
      return;
    }
    const twin = claimed === null ? null : this.#links.of(claimed);
    if (twin !== null) this.#out.push({ kind: "close", link: twin[0], reason: "both sides dialled" });
    this.#found.linked(foundAs);
    const far = this.#farOf(claimed);
    const feeds = NO_STRIPES;
    this.#links.set(link, { id: claimed, address: host, openedAt: now, foundAs, far, feeds });
    this.#out.push({ kind: "accept", link, source: `address ${host}`, isOrigin: false, far, feeds });
  }

  #foundRefusalOf(id: string | null, host: string, now: Millis): string | null {
    if (id === null) return "is no node of a fleet";
    if (id === this.#ownId) return "is this node itself";
    // The origin is where the coordinator is, and runs no DHT.
    if (id === ORIGIN_ID) return "passes for the origin";
    if (this.#banned.has(`address ${host}`)) return "is banned";
    const existing = this.#links.of(id)?.[1];
    if (existing === undefined) return null;
    const isTwin = existing.address === host && existing.foundAs === null && !isSettled(existing, now);
    return isTwin && this.#prefersOwnDial(id) ? null : "is linked already";
  }

  /** Two that found each other dial each other: both keep what the one with the smaller id has dialled. */
  #prefersOwnDial(id: string | null): boolean {
    return id !== null && this.#ownId !== null && this.#ownId < id;
  }

  #isKnown({ host, port }: Contact): boolean {
    if (this.#banned.has(`address ${host}`)) return true;
    for (const { neighbour } of this.#places.values())
      if (neighbour.host === host && neighbour.port === port) return true;
    return false;
  }

  #onDialFailed(neighbourId: string, now: Millis): void {
    this.#found.failed(neighbourId, now);
    const place = this.#places.get(neighbourId);
    if (place === undefined) return;
    place.dialling = false;
    this.#postpone(place, now);
  }

  #onClosed(link: LinkId, now: Millis): void {
    const open = this.#links.get(link);
    assert(open !== undefined, `link ${link} was never accepted`);
    this.#links.delete(link);
    if (open.foundAs !== null) this.#found.closed(open.foundAs, open, now);
    const place = open.id === null ? undefined : this.#places.get(open.id);
    if (place === undefined) return;
    if (isSettled(open, now)) place.failures = 0;
    this.#postpone(place, now);
  }

  /** Waits double with each failure and lie in the upper half of that, so that nodes do not come back together. */
  #postpone(place: Place, now: Millis): void {
    const ceiling = Math.min(REDIAL_CAP_MS, REDIAL_FIRST_MS * 2 ** Math.min(place.failures, 16));
    place.failures += 1;
    place.nextDialAt = now + (ceiling / 2) * (1 + this.#random.unit());
  }

  #dialDue(now: Millis): void {
    let underWay = this.#dialsUnderWay();
    for (const place of this.#places.values()) {
      if (underWay >= DIALS_MAX) return;
      if (!this.#wantsDial(place) || place.nextDialAt > now) continue;
      place.dialling = true;
      underWay += 1;
      this.#out.push({ kind: "dial", neighbour: place.neighbour });
    }
    for (; underWay < DIALS_MAX; underWay++) {
      const neighbour = this.#found.takeDue(now);
      if (neighbour === null) return;
      this.#out.push({ kind: "dial", neighbour });
    }
  }

  #wantsDial(place: Place): boolean {
    const { id, dial } = place.neighbour;
    if (!dial || place.dialling || id === this.#ownId) return false;
    return this.#links.of(id) === null && !this.#banned.has(sourceOf(id));
  }

  #dialsUnderWay(): number {
    let count = this.#found.dials;
    for (const place of this.#places.values()) if (place.dialling) count += 1;
    return count;
  }

  /** An earlier link of the same remote. Without a list an id may be anybody's, and only its address tells. */
  #earlierOf({ id, address, listed }: Arrival): readonly [LinkId, OpenLink] | null {
    return id === null ? null : this.#links.from(id, listed ? null : address);
  }

  #isListed(id: string | null): boolean {
    return id !== null && this.#places.has(id);
  }

  /** Whether who names this id comes from where that neighbour lives. An origin that is dialled dials nobody. */
  #isPlaceOf(id: string | null, address: string): boolean {
    const place = id === null ? undefined : this.#places.get(id);
    if (place === undefined) return false;
    const { host, dial } = place.neighbour;
    if (id === ORIGIN_ID && dial) return false;
    return host === address || !isAddress(host);
  }

  #ban(source: string): void {
    const [oldest] = this.#banned;
    if (this.#banned.size >= BANNED_MAX && oldest !== undefined) this.#banned.delete(oldest);
    this.#banned.add(source);
  }
}

function sourceOf(id: string): string {
  return `node ${id}`;
}

/** A host name has to be taken at its word: looking names up is not for a decision. */
function isAddress(host: string): boolean {
  return host.includes(":") || /^[0-9.]+$/.test(host);
}

/** A source as others know it: a node id, `origin`, or a network address. */
export function nameOfSource(source: string): string {
  return source.slice(source.indexOf(" ") + 1);
}

function sameAddress(a: Neighbour, b: Neighbour): boolean {
  return a.host === b.host && a.port === b.port;
}
