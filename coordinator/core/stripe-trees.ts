// On which way each stripe of a release goes through a fleet: one tree per stripe over all who begin together, with
// the origin above its root. A member has children in one tree only and is a leaf in the others, so that its uplink
// carries about what its downlink does (SplitStream, Castro et al. 2003). Knows ranks only.
import { NO_STRIPES, STRIPE_COUNT, type StripeSet, withStripe } from "../../protocol/stripes.ts";
import { mix } from "./graph.ts";

/**
 * With fewer members, asking takes no longer: 16 real nodes end at 1.13 times the bound with trees and 1.15 without,
 * which is within what runs differ by, while 40 take a twentieth less (decision 0019).
 */
export const TREE_MEMBERS_MIN = 32;

/** In place of a rank. */
export const ORIGIN_RANK = -1;

export class StripeTrees {
  readonly memberCount: number;
  /** All ranks: whoever passes something on comes before those below it that do so too. */
  readonly order: readonly number[];
  /** By stripe and rank: who feeds it. */
  readonly #feeders: readonly Int32Array[];
  readonly #links: readonly number[][];

  /** Over the members with the first `memberCount` ranks. */
  constructor(memberCount: number, seed: number) {
    this.memberCount = memberCount;
    const seats = seatsOf(memberCount, seed);
    this.order = seats;
    this.#feeders = Array.from({ length: STRIPE_COUNT }, (_, stripe) => layTree(seats, stripe));
    this.#links = Array.from({ length: memberCount }, () => []);
    for (const feeders of this.#feeders)
      for (const [rank, feeder] of feeders.entries()) {
        if (feeder === ORIGIN_RANK) continue;
        this.#links[rank]?.push(feeder);
        this.#links[feeder]?.push(rank);
      }
  }

  /** Everybody a member feeds or is fed by, the origin aside. */
  linksOf(rank: number): readonly number[] {
    return this.#links[rank] ?? [];
  }

  /** The stripes that a member gets from another, or from the origin (ORIGIN_RANK). */
  feeds(from: number, to: number): StripeSet {
    let stripes = NO_STRIPES;
    for (const [stripe, feeders] of this.#feeders.entries())
      if (feeders[to] === from) stripes = withStripe(stripes, stripe);
    return stripes;
  }
}

/** The ranks in the order of chance. */
function seatsOf(memberCount: number, seed: number): readonly number[] {
  const order = Array.from({ length: memberCount }, (_, rank) => ({ rank, key: mix(seed, rank) }));
  return order.sort((a, b) => a.key - b.key || a.rank - b.rank).map(({ rank }) => rank);
}

/** Those who pass it on come first, level by level; each has as many children as there are stripes. */
function layTree(seats: readonly number[], stripe: number): Int32Array {
  const passesOn = (_: number, seat: number): boolean => seat % STRIPE_COUNT === stripe;
  const order = [...seats.filter(passesOn), ...seats.filter((rank, seat) => !passesOn(rank, seat))];
  const feeders = new Int32Array(seats.length);
  for (const [place, rank] of order.entries())
    feeders[rank] =
      place === 0 ? ORIGIN_RANK : (order[Math.floor((place - 1) / STRIPE_COUNT)] ?? ORIGIN_RANK);
  return feeders;
}
