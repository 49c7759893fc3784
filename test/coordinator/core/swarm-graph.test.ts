// When a swarm has trees beside its rings, and what its members are told of them.
import { describe, expect, it } from "vitest";
import { TREE_MEMBERS_MIN } from "../../../coordinator/core/stripe-trees.ts";
import { SwarmGraph, type SwarmGraphOptions } from "../../../coordinator/core/swarm-graph.ts";
import { ALL_STRIPES } from "../../../protocol/stripes.ts";

function graphOf(memberCount: number, changes: Partial<SwarmGraphOptions> = {}): SwarmGraph {
  const members = Array.from({ length: memberCount }, () => ({ zone: null, present: true }));
  return new SwarmGraph({ members, originZone: null, seed: 1, firstCount: memberCount, ...changes });
}

/** Stripes that a member is told it is fed. */
function fedTo(graph: SwarmGraph, rank: number): number {
  const fromOthers = graph.linksOf(rank).reduce((stripes, { feeds }) => stripes | (feeds ?? 0), 0);
  return fromOthers | (graph.originOf(rank)?.feeds ?? 0);
}

const ranks = (memberCount: number) => Array.from({ length: memberCount }, (_, rank) => rank);

describe("SwarmGraph", () => {
  it("feeds everybody everything where enough begin together", () => {
    const graph = graphOf(TREE_MEMBERS_MIN);
    for (const rank of ranks(TREE_MEMBERS_MIN)) expect(fedTo(graph, rank)).toBe(ALL_STRIPES);
  });

  it.each([
    ["fewer begin", { firstCount: TREE_MEMBERS_MIN - 1 }],
    ["the policy is another", { trees: false }],
  ])("feeds nobody where %s", (_, changes) => {
    const graph = graphOf(64, changes);
    for (const rank of ranks(64)) expect(fedTo(graph, rank)).toBe(0);
  });

  it("feeds nobody across zones", () => {
    const members = ranks(64).map((rank) => ({ zone: rank < 32 ? "a" : "b", present: true }));
    const graph = graphOf(64, { members });
    for (const rank of ranks(64)) expect(fedTo(graph, rank)).toBe(0);
  });

  it("leaves those who come later to ask, with the links of a graph without trees", () => {
    const graph = graphOf(100, { firstCount: 40 });
    for (const rank of ranks(40)) expect(fedTo(graph, rank)).toBe(ALL_STRIPES);
    for (const rank of ranks(100).slice(40)) {
      expect(fedTo(graph, rank)).toBe(0);
      expect(graph.linksOf(rank).length).toBeGreaterThanOrEqual(4);
    }
  });

  it("has those begin first whom the origin feeds, and those who come later last", () => {
    const graph = graphOf(100, { firstCount: 60 });
    const order = graph.startOrder();
    expect([...order].sort((a, b) => a - b)).toEqual(ranks(100));
    const fedByOrigin = ranks(100).filter((rank) => (graph.originOf(rank)?.feeds ?? null) !== null);
    expect(new Set(order.slice(0, 2))).toEqual(new Set(fedByOrigin));
    expect(order.slice(60)).toEqual(ranks(100).slice(60));
  });

  it("has all begin by rank where nobody is fed", () => {
    expect(graphOf(8).startOrder()).toEqual(ranks(8));
  });

  it("links those who are fed by the origin to it, and lists every link on both sides", () => {
    const graph = graphOf(500);
    const roots = ranks(500).filter((rank) => (graph.originOf(rank)?.feeds ?? null) !== null);
    expect(roots).toHaveLength(2);
    for (const rank of ranks(500))
      for (const link of graph.linksOf(rank))
        expect(graph.linksOf(link.rank).map((back) => back.rank)).toContain(rank);
  });

  it("gives nobody many more links than rings alone would", () => {
    const graph = graphOf(500);
    const degrees = ranks(500).map((rank) => graph.linksOf(rank).length);
    expect(Math.max(...degrees)).toBeLessThanOrEqual(8);
  });

  it("lets exactly one side of each pair dial, and of two of which one feeds the other that which is fed", () => {
    const graph = graphOf(200);
    const linkBetween = (from: number, to: number) => graph.linksOf(from).find(({ rank }) => rank === to);
    let fedCount = 0;
    for (const rank of ranks(200))
      for (const { rank: other, dial, feeds } of graph.linksOf(rank)) {
        const back = linkBetween(other, rank);
        expect(back?.dial).toBe(!dial);
        if (feeds === null || back?.feeds !== null) continue;
        expect(dial).toBe(true);
        fedCount += 1;
      }
    expect(fedCount).toBeGreaterThan(300);
  });
});
