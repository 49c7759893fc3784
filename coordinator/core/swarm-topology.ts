// Who is linked to whom in one swarm: its graph over the members as they are now.
// Knows ranks only; addresses and messages are swarms.ts.
import type { SwarmMemberRecord } from "./records.ts";
import { type FedOriginLink, type LinkedRank, SwarmGraph } from "./swarm-graph.ts";

export interface TopologyOptions {
  readonly generation: number;
  /** Ranks that were given; members of some may have been forgotten. */
  readonly memberCount: number;
  /** Of these the first so many began together. */
  readonly firstCount: number;
  readonly members: Iterable<SwarmMemberRecord>;
  readonly isPresent: (member: SwarmMemberRecord) => boolean;
  readonly originZone: string | null;
}

export class SwarmTopology {
  readonly generation: number;
  readonly memberCount: number;
  readonly #memberAt = new Map<number, SwarmMemberRecord>();
  readonly #graph: SwarmGraph;

  constructor(options: TopologyOptions) {
    const { generation, memberCount, firstCount, originZone, isPresent } = options;
    this.generation = generation;
    this.memberCount = memberCount;
    for (const member of options.members) this.#memberAt.set(member.rank, member);
    const [anyMember] = this.#memberAt.values();
    const members = Array.from({ length: memberCount }, (_, rank) => {
      const member = this.#memberAt.get(rank);
      // A forgotten one must not count as a zone of its own.
      return member === undefined
        ? { zone: anyMember?.zone ?? null, present: false }
        : { zone: member.zone, present: isPresent(member) };
    });
    // The generation seeds the graph, so that it is the same after a restart.
    this.#graph = new SwarmGraph({ members, originZone, seed: generation, firstCount });
  }

  /** As it was when the swarm was last joined; only what never changes about it is true. */
  memberAt(rank: number): Pick<SwarmMemberRecord, "nodeId" | "rank"> | undefined {
    return this.#memberAt.get(rank);
  }

  linksOf(rank: number): readonly LinkedRank[] {
    return this.#graph.linksOf(rank);
  }

  /** Null when it is not linked to the origin. */
  originOf(rank: number): FedOriginLink | null {
    return this.#graph.originOf(rank);
  }

  /** Its place among those that ask the origin for parts of the pieces; of use once it is linked to it. */
  shareOf(rank: number): { readonly place: number; readonly count: number } {
    return this.#graph.shareOf(rank);
  }

  /** All ranks, in the order in which they should begin. */
  startOrder(): readonly number[] {
    return this.#graph.startOrder();
  }

  /** Those with links into other zones. */
  gateways(): readonly number[] {
    return this.#graph.gateways();
  }

  /** A member came or went. Ranks that may have other links now. */
  setPresent(rank: number, present: boolean): readonly number[] {
    return this.#graph.setPresent(rank, present);
  }
}
