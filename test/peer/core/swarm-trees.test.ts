// What a swarm keeps to whose members bring each other stripes along trees, and how it gets on when a way through one
// is slow or gone: see swarm-node.ts and swarm-world.ts for the promises that are checked at every event.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { buildGraph, linksToOrigin } from "../../../coordinator/core/graph.ts";
import { ORIGIN_RANK, StripeTrees } from "../../../coordinator/core/stripe-trees.ts";
import { type MemberSpec, type SwarmSpec, SwarmWorld } from "./swarm-world.ts";

const STAYS: MemberSpec = { bytesPerSecond: 2_500_000, joinsAtMs: 0, leavesAtMs: null, vanishes: false };

/** Pieces enough for trees to be used. */
const pieceCount = fc.integer({ min: 128, max: 180 });

function swarmOf(
  nodes: fc.Arbitrary<readonly MemberSpec[]>,
  origin = fc.constant(STAYS),
): fc.Arbitrary<SwarmSpec> {
  const spec = fc.record({
    seed: fc.nat(),
    pieceCount,
    blocksPerPiece: fc.integer({ min: 1, max: 3 }),
    shortBy: fc.nat(16_000),
    latencyMs: fc.nat(30),
    origin,
    nodes,
  });
  return spec.map((swarm) => ({ ...swarm, feeds: feedsOf(swarm.nodes.length, swarm.seed) }));
}

function feedsOf(memberCount: number, seed: number): NonNullable<SwarmSpec["feeds"]> {
  const trees = new StripeTrees(memberCount, seed);
  return (from, to) => trees.feeds(from, to);
}

describe("a swarm with trees", () => {
  it("gets every piece out of the origin once and to everybody once, when all links are alike", () => {
    const swarm = swarmOf(fc.array(fc.constant(STAYS), { minLength: 2, maxLength: 8 }));
    fc.assert(
      fc.property(swarm, (spec) => {
        const world = new SwarmWorld(spec);
        world.run();
        expect(world.originBytes).toBe(world.geometry.length);
        for (const { receivedBytes } of world.nodes) expect(receivedBytes).toBe(world.geometry.length);
      }),
      { numRuns: 15 },
    );
  });

  it("keeps every promise and finishes, whatever its members' links are like and whenever they come", () => {
    const member = fc.record({
      bytesPerSecond: fc.integer({ min: 300_000, max: 6_000_000 }),
      joinsAtMs: fc.oneof(fc.constant(0), fc.nat(1_000)),
      leavesAtMs: fc.constant(null),
      vanishes: fc.constant(false),
    });
    fc.assert(
      fc.property(swarmOf(fc.array(member, { minLength: 1, maxLength: 7 }), member), (spec) => {
        const world = new SwarmWorld(spec);
        world.run();
        for (const { receivedBytes } of world.nodes)
          expect(receivedBytes / world.geometry.length).toBeLessThan(1.5);
      }),
      { numRuns: 25 },
    );
  });

  it("finishes when members leave and vanish, the origin among them, as long as the others hold every piece", () => {
    const leaver = fc.record({
      bytesPerSecond: fc.integer({ min: 600_000, max: 4_000_000 }),
      joinsAtMs: fc.constant(0),
      leavesAtMs: fc.option(fc.integer({ min: 100, max: 6_000 })),
      vanishes: fc.boolean(),
    });
    fc.assert(
      fc.property(swarmOf(fc.array(leaver, { minLength: 2, maxLength: 7 }), leaver), (spec) => {
        const world = new SwarmWorld(spec);
        world.run();
        for (const node of world.nodes) expect(node.gone || node.verified.isFull).toBe(true);
      }),
      { numRuns: 25 },
    );
  });

  it("of many ends soon after the last piece has left the origin", () => {
    const memberCount = 40;
    const graph = buildGraph(memberCount, 7, 2);
    const feeds = feedsOf(memberCount, 7);
    const world = new SwarmWorld({
      seed: 7,
      pieceCount: 320,
      blocksPerPiece: 1,
      shortBy: 0,
      latencyMs: 1,
      origin: STAYS,
      nodes: Array.from({ length: memberCount }, () => STAYS),
      linked: (rank, other) =>
        graph.get(rank)?.has(other) === true || feeds(rank, other) + feeds(other, rank) > 0,
      linkedToOrigin: (rank) => linksToOrigin(rank, memberCount) || feeds(ORIGIN_RANK, rank) > 0,
      feeds,
    });
    world.run();
    const copyMs = (world.geometry.length * 1000) / STAYS.bytesPerSecond;
    expect(world.originBytes).toBe(world.geometry.length);
    expect(world.now).toBeLessThan(1.15 * copyMs);
  });
});
