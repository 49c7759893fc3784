// The accepted links of one torrent, and whose each is as far as that can be told. Keeps count; decides nothing.

import type { Millis } from "../../protocol/ids.ts";
import type { FarShare } from "../../protocol/messages.ts";
import type { StripeSet } from "../../protocol/stripes.ts";
import type { LinkId } from "./geometry.ts";

/** A link that lived this long was a good one: the next failure starts from the shortest wait. */
const SETTLED_AFTER_MS = 10_000;

export interface OpenLink {
  /** Null when it named none, or one that it has no right to. */
  id: string | null;
  /** Where it came from, or was found; null when it is that of a neighbour who was dialled. */
  readonly address: string | null;
  readonly openedAt: Millis;
  /** How the list of those found calls it, when it was dialled because it is on that. */
  readonly foundAs: string | null;
  /** What is asked of it first when it leads into another zone; null when it does not. */
  far: FarShare | null;
  /** Stripes it is to bring without being asked. */
  feeds: StripeSet;
}

export function isSettled(link: Pick<OpenLink, "openedAt">, now: Millis): boolean {
  return now - link.openedAt >= SETTLED_AFTER_MS;
}

export function sameShare(a: FarShare | null, b: FarShare | null): boolean {
  if (a === null || b === null) return a === b;
  return a.of === b.of && a.parts.join() === b.parts.join();
}

export class OpenLinks {
  readonly #links = new Map<LinkId, OpenLink>();

  get(link: LinkId): OpenLink | undefined {
    return this.#links.get(link);
  }

  set(link: LinkId, open: OpenLink): void {
    this.#links.set(link, open);
  }

  delete(link: LinkId): void {
    this.#links.delete(link);
  }

  all(): Iterable<readonly [LinkId, OpenLink]> {
    return this.#links;
  }

  of(id: string): readonly [LinkId, OpenLink] | null {
    for (const [link, open] of this.#links) if (open.id === id) return [link, open];
    return null;
  }

  /** A link to the neighbour of this id that this side has dialled. */
  isDialled(id: string): boolean {
    for (const open of this.#links.values()) if (open.id === id && open.address === null) return true;
    return false;
  }

  /** One of this id that came from this address, or from any when that is null. */
  from(id: string, address: string | null): readonly [LinkId, OpenLink] | null {
    for (const [link, open] of this.#links) {
      const isThere = open.address !== null && (address === null || open.address === address);
      if (open.id === id && isThere) return [link, open];
    }
    return null;
  }

  /** Those that came by themselves and are not of anybody listed: in total, and from one address. */
  countUnlisted(
    address: string,
    isListed: (id: string | null) => boolean,
  ): { all: number; ofAddress: number } {
    let [all, ofAddress] = [0, 0];
    for (const open of this.#links.values()) {
      if (isListed(open.id) || open.foundAs !== null) continue;
      all += 1;
      if (open.address === address) ofAddress += 1;
    }
    return { all, ofAddress };
  }
}
