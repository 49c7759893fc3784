// What goes to those who want whole stripes as they come: which stripes each wants, and which pieces of them it has
// not been sent. Owns these lists; whose turn it is and what is on its way stands in upload.ts.
//
// Bounded: a remote's list has each piece once; how often a remote may change its mind.
import { Bitfield } from "../../protocol/bitfield.ts";
import { hasStripe, NO_STRIPES, type StripeSet, stripeOf } from "../../protocol/stripes.ts";
import type { LinkId } from "./geometry.ts";

/**
 * Whoever lacks so many pieces more than another that is fed has fallen behind: one more is just whose turn it is.
 * Links that take longer get less of an uplink that is full; all below them would lag, and an origin's stripes come
 * apart.
 */
const BEHIND_MIN = 2;
/** Each change costs a look at all pieces. An operator who pauses and goes on makes two. */
const CHANGES_MAX = 256;

interface Remote {
  readonly link: LinkId;
  /** As far as it said. */
  readonly has: Bitfield;
  wants: StripeSet;
  changes: number;
  /** Pieces of these stripes, in the order in which they came; those before `next` have been taken. */
  coming: number[];
  next: number;
}

export class Feeding {
  readonly #verified: Bitfield;
  readonly #remotes = new Map<LinkId, Remote>();
  /** Those who want something: few, and looked at for every piece. */
  #fed: Remote[] = [];

  /** `verified`: what is here, read when somebody begins to be fed. */
  constructor(verified: Bitfield) {
    this.#verified = verified;
  }

  open(link: LinkId): void {
    const has = new Bitfield(this.#verified.length);
    this.#remotes.set(link, { link, has, wants: NO_STRIPES, changes: 0, coming: [], next: 0 });
  }

  close(link: LinkId): void {
    this.#remotes.delete(link);
    this.#recallFed();
  }

  isFed(link: LinkId): boolean {
    return (this.#remotes.get(link)?.wants ?? NO_STRIPES) !== NO_STRIPES;
  }

  isAnyFed(): boolean {
    return this.#fed.length > 0;
  }

  remoteHas(link: LinkId, piece: number): void {
    const has = this.#remotes.get(link)?.has;
    if (has !== undefined && piece >= 0 && piece < has.length) has.add(piece);
  }

  remoteHasThese(link: LinkId, pieces: Bitfield): void {
    this.#remotes.get(link)?.has.merge(pieces);
  }

  /** It wants these stripes, and no others: first what is here already, in order. False when it says so too often. */
  want(link: LinkId, stripes: StripeSet): boolean {
    const remote = this.#remotes.get(link);
    if (remote === undefined || remote.wants === stripes) return true;
    remote.changes += 1;
    remote.wants = stripes;
    remote.coming = [];
    remote.next = 0;
    this.#recallFed();
    if (stripes !== NO_STRIPES)
      for (let piece = 0; piece < this.#verified.length; piece += 1)
        if (isWanted(remote, piece) && this.#verified.has(piece)) remote.coming.push(piece);
    return remote.changes <= CHANGES_MAX;
  }

  /** One more piece is here. Those who want it. */
  gained(piece: number): readonly LinkId[] {
    const links: LinkId[] = [];
    for (const remote of this.#fed) {
      if (!isWanted(remote, piece)) continue;
      remote.coming.push(piece);
      links.push(remote.link);
    }
    return links;
  }

  #recallFed(): void {
    this.#fed = [...this.#remotes.values()].filter(({ wants }) => wants !== NO_STRIPES);
  }

  /** Whether it has been sent less of what it wants than another. */
  isBehind(link: LinkId): boolean {
    if (this.#fed.length < 2) return false;
    const lacking = this.#fed.map(backlogOf);
    const own = lacking[this.#fed.findIndex((remote) => remote.link === link)];
    return own !== undefined && own - Math.min(...lacking) >= BEHIND_MIN;
  }

  /** Takes the next piece for it; null when it has been sent everything so far. */
  take(link: LinkId): number | null {
    const remote = this.#remotes.get(link);
    if (remote === undefined) return null;
    while (remote.next < remote.coming.length) {
      const piece = remote.coming[remote.next];
      remote.next += 1;
      if (piece !== undefined && !remote.has.has(piece)) return piece;
    }
    return null;
  }
}

function isWanted({ wants, has }: Remote, piece: number): boolean {
  return hasStripe(wants, stripeOf(piece)) && !has.has(piece);
}

/** Pieces that it has not been sent. */
function backlogOf({ coming, next }: Remote): number {
  return coming.length - next;
}
