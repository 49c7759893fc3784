// The swarm graph's properties, for every size of fleet and many seeds.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  buildGraph,
  dialsByParity,
  FULL_MESH_MEMBERS_MAX,
  linksToOrigin,
  ORIGIN_LINKS_MAX,
  originShare,
  RING_COUNT,
} from "../../../coordinator/core/graph.ts";

const sizes = fc.integer({ min: 1, max: 300 });
const seeds = fc.integer({ min: 1, max: 1_000_000 });

describe("the swarm graph", () => {
  it("links everyone with everyone in a small fleet", () => {
    const graph = buildGraph(FULL_MESH_MEMBERS_MAX, 7);
    for (const links of graph.values()) expect(links.size).toBe(FULL_MESH_MEMBERS_MAX - 1);
  });

  it("is symmetric, without loops, connected and of bounded degree for every size and seed", () => {
    fc.assert(
      fc.property(sizes, seeds, (memberCount, seed) => {
        const graph = buildGraph(memberCount, seed);
        const degreeMax = memberCount <= FULL_MESH_MEMBERS_MAX ? memberCount - 1 : 2 * RING_COUNT;
        for (const [rank, links] of graph) {
          expect(links.has(rank)).toBe(false);
          expect(links.size).toBeLessThanOrEqual(degreeMax);
          for (const other of links) expect(graph.get(other)?.has(rank)).toBe(true);
        }
        expect(reachable(graph).size).toBe(memberCount);
      }),
      { numRuns: 100, seed: 1 },
    );
  });

  it("gives everybody the same degree once the fleet is large enough for it", () => {
    fc.assert(
      fc.property(fc.integer({ min: 4 * RING_COUNT + 4, max: 300 }), seeds, (memberCount, seed) => {
        for (const links of buildGraph(memberCount, seed).values()) expect(links.size).toBe(2 * RING_COUNT);
      }),
      { numRuns: 100, seed: 1 },
    );
  });

  it("moves few links of those who were there when a member joins", () => {
    fc.assert(
      fc.property(fc.integer({ min: FULL_MESH_MEMBERS_MAX + 1, max: 300 }), seeds, (memberCount, seed) => {
        const before = buildGraph(memberCount, seed);
        const after = buildGraph(memberCount + 1, seed);
        let cut = 0;
        for (const [rank, links] of before)
          for (const other of links) if (!after.get(rank)?.has(other)) cut += 1;
        expect(cut / 2).toBeLessThanOrEqual(RING_COUNT);
      }),
      { numRuns: 50, seed: 1 },
    );
  });

  it("lets exactly one side of each pair dial", () => {
    fc.assert(
      fc.property(fc.nat(1_000), fc.nat(1_000), (a, b) => {
        fc.pre(a !== b);
        expect(dialsByParity(a, b)).toBe(!dialsByParity(b, a));
      }),
    );
  });

  it("gives each member that is linked to the origin a part of its own, and all parts together are everything", () => {
    fc.assert(
      fc.property(sizes, (memberCount) => {
        const linked = Array.from({ length: memberCount }, (_, rank) => rank).filter((rank) =>
          linksToOrigin(rank, memberCount),
        );
        const shares = linked.map((rank) => originShare(rank, memberCount));
        expect(shares.map(({ place }) => place)).toEqual(linked.map((_, index) => index));
        for (const { count } of shares) expect(count).toBe(linked.length);
      }),
    );
  });

  it("links at least one and not too many members to the origin", () => {
    fc.assert(
      fc.property(sizes, (memberCount) => {
        const linked = Array.from({ length: memberCount }, (_, rank) => rank).filter((rank) =>
          linksToOrigin(rank, memberCount),
        );
        expect(linked.length).toBeGreaterThan(0);
        expect(linked.length).toBeLessThanOrEqual(ORIGIN_LINKS_MAX);
      }),
    );
  });
});

function reachable(graph: ReadonlyMap<number, ReadonlySet<number>>): ReadonlySet<number> {
  const seen = new Set([0]);
  const queue = [0];
  for (let rank = queue.pop(); rank !== undefined; rank = queue.pop()) {
    for (const other of graph.get(rank) ?? []) {
      if (seen.has(other)) continue;
      seen.add(other);
      queue.push(other);
    }
  }
  return seen;
}
