// Who is linked to whom in a swarm and who feeds whom: the graph of its zones, and, where many begin together in one
// zone, the trees along which stripes go. Knows ranks only.
import type { FarShare } from "../../protocol/messages.ts";
import { NO_STRIPES, type StripeSet } from "../../protocol/stripes.ts";
import { dialsByParity, originShare } from "./graph.ts";
import { ORIGIN_RANK, StripeTrees, TREE_MEMBERS_MIN } from "./stripe-trees.ts";
import { type OriginLink, ZoneGraph, type ZoneGraphOptions } from "./zone-graph.ts";

export interface SwarmGraphOptions extends ZoneGraphOptions {
  /** The members of the first so many ranks begin together. */
  readonly firstCount: number;
  /** False for a policy without trees; without it they are laid where they are of use. */
  readonly trees?: boolean | undefined;
}

export interface LinkedRank {
  readonly rank: number;
  /** Null unless it is in another zone. */
  readonly far: FarShare | null;
  /** Stripes that it feeds; null without any. */
  readonly feeds: StripeSet | null;
  /** Exactly one of the two dials: false means that the other one does. */
  readonly dial: boolean;
}

export interface FedOriginLink extends OriginLink {
  readonly feeds: StripeSet | null;
}

/** With the links of the trees, a member has as many as rings alone would give it. */
const RING_COUNT_BESIDE_TREES = 2;

export class SwarmGraph {
  readonly #zones: ZoneGraph;
  readonly #trees: StripeTrees | null;
  readonly #memberCount: number;

  constructor(options: SwarmGraphOptions) {
    const { members, seed, firstCount, trees = true } = options;
    this.#memberCount = members.length;
    const isOneZone = new Set(members.map(({ zone }) => zone)).size === 1;
    this.#trees =
      trees && isOneZone && firstCount >= TREE_MEMBERS_MIN ? new StripeTrees(firstCount, seed) : null;
    // Those who come later have no links of trees: the rings must do for them.
    const isMostlyFed = this.#trees !== null && 2 * firstCount > members.length;
    const ringCount = options.ringCount ?? (isMostlyFed ? RING_COUNT_BESIDE_TREES : undefined);
    this.#zones = new ZoneGraph({ ...options, ringCount });
  }

  linksOf(rank: number): readonly LinkedRank[] {
    const near = new Set([...this.#zones.near(rank), ...(this.#trees?.linksOf(rank) ?? [])]);
    return [
      ...Array.from(near, (other) => this.#nearLink(rank, other)),
      ...this.#zones
        .far(rank)
        .map((link) => ({ ...link, feeds: null, dial: dialsByParity(rank, link.rank) })),
    ];
  }

  /** Null when it is not linked to the origin. */
  originOf(rank: number): FedOriginLink | null {
    const feeds = this.#feeds(ORIGIN_RANK, rank);
    const link = this.#zones.origin(rank);
    if (link !== null) return { ...link, feeds };
    return feeds === null ? null : { ...originShare(rank, this.#memberCount), far: null, feeds };
  }

  /** Its place among those that ask the origin for parts of the pieces; of use once it is linked to it. */
  shareOf(rank: number): { readonly place: number; readonly count: number } {
    return this.#zones.origin(rank) ?? originShare(rank, this.#memberCount);
  }

  /**
   * All ranks, in the order in which they should begin. An uplink in a tree has no time to spare: what a member near
   * the root loses while it waits for those below, they are behind for to the end.
   */
  startOrder(): readonly number[] {
    const ranks = Array.from({ length: this.#memberCount }, (_, rank) => rank);
    return this.#trees === null ? ranks : [...this.#trees.order, ...ranks.slice(this.#trees.memberCount)];
  }

  /** Those with links into other zones. */
  gateways(): readonly number[] {
    return this.#zones.gateways();
  }

  /** A member came or went. Ranks that may have other links now; trees stay as they are. */
  setPresent(rank: number, present: boolean): readonly number[] {
    return this.#zones.setPresent(rank, present);
  }

  /** Whoever is fed dials: a socket that was dialled is read at less cost (peer/shell/swarm-links.ts). */
  #nearLink(rank: number, other: number): LinkedRank {
    const [feeds, fed] = [this.#feeds(other, rank), this.#feeds(rank, other)];
    const isOneWay = (feeds === null) !== (fed === null);
    return { rank: other, far: null, feeds, dial: isOneWay ? feeds !== null : dialsByParity(rank, other) };
  }

  #feeds(from: number, to: number): StripeSet | null {
    const stripes = this.#trees?.feeds(from, to) ?? NO_STRIPES;
    return stripes === NO_STRIPES ? null : stripes;
  }
}
