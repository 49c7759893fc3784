// What a whole swarm keeps to, whatever its members are like: see swarm-node.ts and swarm-world.ts for the promises
// that are checked at every event.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { buildGraph, linksToOrigin } from "../../../coordinator/core/graph.ts";
import { type MemberSpec, type SwarmSpec, SwarmWorld } from "./swarm-world.ts";

const STAYS: MemberSpec = { bytesPerSecond: 2_500_000, joinsAtMs: 0, leavesAtMs: null, vanishes: false };

const CONSTANT = {
  bytesPerSecond: fc.constant(STAYS.bytesPerSecond),
  joinsAtMs: fc.constant(0),
  leavesAtMs: fc.constant(null),
  vanishes: fc.constant(false),
};
const rate = fc.integer({ min: 300_000, max: 6_000_000 });
const member = fc.record({
  bytesPerSecond: rate,
  joinsAtMs: fc.oneof(fc.constant(0), fc.nat(3_000)),
  leavesAtMs: fc.constant(null),
  vanishes: fc.constant(false),
});
const leaver = fc.record({
  bytesPerSecond: rate,
  joinsAtMs: fc.oneof(fc.constant(0), fc.nat(3_000)),
  leavesAtMs: fc.option(fc.integer({ min: 3_000, max: 12_000 })),
  vanishes: fc.boolean(),
});

function swarmOf(
  members: fc.Arbitrary<MemberSpec>,
  origin: fc.Arbitrary<MemberSpec>,
): fc.Arbitrary<SwarmSpec> {
  return fc.record({
    seed: fc.nat(),
    pieceCount: fc.integer({ min: 1, max: 60 }),
    blocksPerPiece: fc.integer({ min: 1, max: 5 }),
    shortBy: fc.nat(16_000),
    latencyMs: fc.nat(60),
    origin,
    nodes: fc.array(members, { minLength: 1, maxLength: 6 }),
  });
}

describe("a swarm", () => {
  it("keeps every promise and finishes, whatever its members' links are like", () => {
    const spec = swarmOf(member, fc.record({ ...CONSTANT, bytesPerSecond: rate }));
    fc.assert(
      fc.property(spec, (swarm) => {
        const world = new SwarmWorld(swarm);
        world.run();
        expect(world.firstCopyShare, "one whole copy left the origin").not.toBeNull();
      }),
      { numRuns: 40 },
    );
  });

  it("finishes when nodes leave and vanish, as long as the others hold every piece", () => {
    fc.assert(
      fc.property(swarmOf(leaver, fc.constant(STAYS)), (swarm) => {
        const world = new SwarmWorld(swarm);
        world.run();
        for (const node of world.nodes) expect(node.gone || node.verified.isFull).toBe(true);
      }),
      { numRuns: 40 },
    );
  });

  it("finishes without its origin once one whole copy has left it", () => {
    const origin = fc.record({ ...CONSTANT, leavesAtMs: fc.nat(5_000), vanishes: fc.boolean() });
    fc.assert(
      fc.property(swarmOf(leaver, origin), (swarm) => {
        const world = new SwarmWorld(swarm);
        world.run();
        for (const node of world.nodes) expect(node.gone || node.verified.isFull).toBe(true);
        world.runFor(6_000);
        expect(world.origin.gone).toBe(true);
      }),
      { numRuns: 40 },
    );
  });

  it("gets every piece out of the origin once before any twice", () => {
    const swarm = fc.record({
      seed: fc.nat(),
      pieceCount: fc.integer({ min: 100, max: 200 }),
      blocksPerPiece: fc.integer({ min: 1, max: 3 }),
      shortBy: fc.constant(0),
      latencyMs: fc.nat(30),
      origin: fc.constant(STAYS),
      nodes: fc.array(fc.constant(STAYS), { minLength: 2, maxLength: 8 }),
    });
    fc.assert(
      fc.property(swarm, (spec) => {
        const world = new SwarmWorld(spec);
        world.run();
        expect(world.earlyRepeats, "sends no second copy while a first one is left").toBe(0);
        expect(world.firstCopyShare).toBe(1);
      }),
      { numRuns: 15 },
    );
  });

  it("wastes little, and takes hardly longer than the origin needs for one copy and the last hop", () => {
    const nodes = Array.from({ length: 8 }, () => STAYS);
    const spec = {
      seed: 1,
      pieceCount: 320,
      blocksPerPiece: 2,
      shortBy: 0,
      latencyMs: 5,
      origin: STAYS,
      nodes,
    };
    const world = new SwarmWorld(spec);
    world.run();
    const copyMs = (world.geometry.length * 1000) / STAYS.bytesPerSecond;
    expect(world.now).toBeLessThan(1.25 * copyMs);
    for (const { receivedBytes } of world.nodes)
      expect(receivedBytes / world.geometry.length).toBeLessThan(1.05);
  });

  it("is not slowed down for long by a long way", () => {
    const world = new SwarmWorld({
      seed: 1,
      pieceCount: 200,
      blocksPerPiece: 8,
      shortBy: 0,
      latencyMs: 100,
      origin: STAYS,
      nodes: [STAYS],
    });
    world.run();
    expect(world.now).toBeLessThan((1.7 * world.geometry.length * 1000) / STAYS.bytesPerSecond);
  });

  it("finishes on the graph of a fleet too large for everybody to know everybody", () => {
    const memberCount = 24;
    const graph = buildGraph(memberCount, 7);
    const world = new SwarmWorld({
      seed: 7,
      pieceCount: 160,
      blocksPerPiece: 2,
      shortBy: 0,
      latencyMs: 5,
      origin: STAYS,
      nodes: Array.from({ length: memberCount }, () => STAYS),
      linked: (rank, other) => graph.get(rank)?.has(other) === true,
      linkedToOrigin: (rank) => linksToOrigin(rank, memberCount),
    });
    world.run();
    expect(world.earlyRepeats).toBe(0);
    expect(world.now).toBeLessThan((1.5 * world.geometry.length * 1000) / STAYS.bytesPerSecond);
  });
});
