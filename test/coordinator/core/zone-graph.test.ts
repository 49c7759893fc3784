// The graph of a fleet of several zones: what holds for every fleet, whoever of it is there, and for every seed.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  buildGraph,
  FULL_MESH_MEMBERS_MAX,
  linksToOrigin,
  originShare,
} from "../../../coordinator/core/graph.ts";
import {
  FEEDING_MEMBERS_MIN,
  type GraphMember,
  ZoneGraph,
  type ZoneGraphOptions,
} from "../../../coordinator/core/zone-graph.ts";
import { GATEWAYS_MAX } from "../../../coordinator/core/zone-routes.ts";
import { FAR_PARTS_MAX, NEIGHBOURS_MAX } from "../../../protocol/limits.ts";
import type { FarShare } from "../../../protocol/messages.ts";
import { createPrng } from "../../../protocol/prng.ts";

interface Fleet extends ZoneGraphOptions {
  readonly members: readonly GraphMember[];
}

/** Zone sizes, who of them is there, and where the origin is. Ranks come to zones in a random order. */
function fleets(zoneCounts: { min: number; max: number }, isThere = fc.boolean()): fc.Arbitrary<Fleet> {
  const sizes = fc.oneof(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 40 }));
  return fc
    .record({
      sizes: fc.array(sizes, { minLength: zoneCounts.min, maxLength: zoneCounts.max }),
      seed: fc.integer({ min: 1, max: 1_000_000 }),
      home: fc.nat(zoneCounts.max),
    })
    .chain(({ sizes, seed, home }) => {
      const random = createPrng(seed);
      const drawn = sizes.flatMap((size, zone) =>
        Array.from({ length: size }, () => [random.unit(), zone] as const),
      );
      const zones = drawn.toSorted(([a], [b]) => a - b).map(([, zone]) => zone);
      const present = fc.array(isThere, { minLength: zones.length, maxLength: zones.length });
      return present.map((there) => ({
        seed,
        originZone: nameOf(home),
        members: zones.map((zone, rank) => ({ zone: nameOf(zone), present: there[rank] === true })),
      }));
    });
}

/** One of the zones is that of nodes without a label. */
function nameOf(zone: number): string | null {
  return zone === 0 ? null : `zone ${zone}`;
}

const anyFleet = fc.oneof(fleets({ min: 2, max: 5 }), fleets({ min: 2, max: 20 }));
const allThere = fc.oneof(
  fleets({ min: 2, max: 5 }, fc.constant(true)),
  fleets({ min: 2, max: 20 }, fc.constant(true)),
);
const RUNS = { numRuns: 60, seed: 1 };

function ranksOf({ members }: Fleet): readonly number[] {
  return [...members.keys()];
}

function zoneSizes({ members }: Fleet): ReadonlyMap<string | null, number> {
  const sizes = new Map<string | null, number>();
  for (const { zone, present } of members) sizes.set(zone, (sizes.get(zone) ?? 0) + (present ? 1 : 0));
  return sizes;
}

function describeLinks(graph: ZoneGraph, fleet: Fleet): readonly unknown[] {
  return ranksOf(fleet).map((rank) => [[...graph.near(rank)], graph.far(rank), graph.origin(rank)]);
}

describe("the graph of one zone", () => {
  it("is that of a fleet without zones", () => {
    fc.assert(
      fc.property(fleets({ min: 1, max: 1 }), (fleet) => {
        const graph = new ZoneGraph(fleet);
        const plain = buildGraph(fleet.members.length, fleet.seed);
        for (const rank of ranksOf(fleet)) {
          expect(graph.near(rank)).toEqual(plain.get(rank));
          expect(graph.far(rank)).toEqual([]);
          const share = originShare(rank, fleet.members.length);
          expect(graph.origin(rank)).toEqual(
            linksToOrigin(rank, fleet.members.length) ? { ...share, far: null } : null,
          );
          expect(graph.setPresent(rank, false)).toEqual([]);
        }
      }),
      { numRuns: 30, seed: 1 },
    );
  });
});

describe("the graph of several zones", () => {
  it("has links within zones and between them, each on both sides, and never too many for one member", () => {
    fc.assert(
      fc.property(anyFleet, (fleet) => {
        const graph = new ZoneGraph(fleet);
        const zoneOf = (rank: number): string | null | undefined => fleet.members[rank]?.zone;
        for (const rank of ranksOf(fleet)) {
          for (const other of graph.near(rank)) {
            expect(zoneOf(other)).toBe(zoneOf(rank));
            expect(graph.near(other).has(rank)).toBe(true);
          }
          const others = graph.far(rank).map((link) => link.rank);
          expect(new Set(others).size).toBe(others.length);
          for (const other of others) {
            expect(zoneOf(other)).not.toBe(zoneOf(rank));
            expect(graph.far(other).map((link) => link.rank)).toContain(rank);
          }
          // One more for the origin.
          expect(graph.near(rank).size + others.length + 1).toBeLessThanOrEqual(NEIGHBOURS_MAX);
        }
      }),
      RUNS,
    );
  });

  it("lets everybody who is there reach the origin when all are there", () => {
    fc.assert(
      fc.property(allThere, (fleet) => {
        expect(reachable(new ZoneGraph(fleet), fleet).size).toBe(fleet.members.length);
      }),
      RUNS,
    );
  });

  it("gives nobody who is away links that a zone depends on", () => {
    fc.assert(
      fc.property(anyFleet, (fleet) => {
        const graph = new ZoneGraph(fleet);
        for (const [rank, { present }] of fleet.members.entries())
          if (!present) expect([graph.far(rank), graph.origin(rank)]).toEqual([[], null]);
      }),
      RUNS,
    );
  });

  it("links every two zones of a small fleet that have anybody there, and somebody to the origin", () => {
    fc.assert(
      fc.property(fleets({ min: 2, max: FULL_MESH_MEMBERS_MAX }), (fleet) => {
        const graph = new ZoneGraph(fleet);
        const linked = new Set<string>();
        for (const [rank, { zone }] of fleet.members.entries())
          for (const link of graph.far(rank)) linked.add(`${zone} to ${fleet.members[link.rank]?.zone}`);
        const there = [...zoneSizes(fleet)].filter(([, size]) => size > 0);
        expect(linked.size).toBe(there.length * (there.length - 1));
        const toOrigin = ranksOf(fleet).filter((rank) => graph.origin(rank) !== null);
        expect(toOrigin.length > 0).toBe(there.length > 0);
      }),
      RUNS,
    );
  });

  it("spreads the links of two zones over as many members as there are parts, if there are so many", () => {
    const graph = new ZoneGraph(fleetOf([20, 30]));
    const links = Array.from({ length: 50 }, (_, rank) => graph.far(rank).length);
    expect(links.filter((count) => count > 0)).toEqual(Array<number>(2 * GATEWAYS_MAX).fill(1));
  });

  it("depends on who is there, and not on how that came about", () => {
    const changes = fc.array(fc.tuple(fc.nat(), fc.boolean()), { maxLength: 40 });
    fc.assert(
      fc.property(anyFleet, changes, (fleet, steps) => {
        const graph = new ZoneGraph(fleet);
        const members = [...fleet.members];
        for (const [pick, present] of steps) {
          const rank = pick % members.length;
          const before = describeLinks(graph, fleet);
          const changed = graph.setPresent(rank, present);
          members[rank] = { zone: members[rank]?.zone ?? null, present };
          const after = describeLinks(graph, fleet);
          expect(after).toEqual(describeLinks(new ZoneGraph({ ...fleet, members }), fleet));
          for (const other of ranksOf(fleet))
            if (!changed.includes(other)) expect(after[other]).toEqual(before[other]);
        }
      }),
      { numRuns: 30, seed: 1 },
    );
  });

  it("replaces gateways that go, however many, by others of the same zone", () => {
    fc.assert(
      fc.property(allThere, fc.nat(), (fleet, pick) => {
        const graph = new ZoneGraph(fleet);
        const zones = [...zoneSizes(fleet)].filter(([, size]) => size > GATEWAYS_MAX).map(([zone]) => zone);
        fc.pre(zones.length > 0);
        const zone = zones[pick % zones.length] ?? null;
        const ranks = ranksOf(fleet).filter((rank) => fleet.members[rank]?.zone === zone);
        const gateways = ranks.filter((rank) => graph.far(rank).length > 0);
        const told = new Set(gateways.flatMap((rank) => graph.setPresent(rank, false)));
        for (const rank of gateways) expect(graph.far(rank)).toEqual([]);
        const replaced = ranks.filter((rank) => graph.far(rank).length > 0);
        expect(replaced.length).toBe(Math.min(gateways.length, ranks.length - gateways.length));
        for (const rank of replaced) {
          expect(told).toContain(rank);
          for (const link of graph.far(rank)) expect(told).toContain(link.rank);
        }
      }),
      RUNS,
    );
  });

  it("moves few links between zones when a member comes, on the average", () => {
    let moved = 0;
    const joins = 60;
    for (let size = 20; size < 20 + joins; size += 1) {
      const [before, after] = [
        new ZoneGraph(fleetOf([30, 30, size])),
        new ZoneGraph(fleetOf([30, 30, size + 1])),
      ];
      moved += cutLinks(before, after, 60 + size);
    }
    // Who comes has a chance of one in about fifty to take the place of a gateway, for each of the 8, with two links.
    expect(moved / joins).toBeLessThan((4 * GATEWAYS_MAX) / 50);
    expect(moved).toBeGreaterThan(0);
  });

  it("leaves links within a zone as they are when another zone grows", () => {
    const before = new ZoneGraph(fleetOf([40, 30]));
    const after = new ZoneGraph({
      ...fleetOf([40, 30]),
      members: [...fleetOf([40, 30]).members, memberOf(1)],
    });
    for (let rank = 0; rank < 40; rank += 1) expect(after.near(rank)).toEqual(before.near(rank));
  });
});

describe("shares of links between zones", () => {
  it("ask each piece of exactly one far neighbour of the zone first, when all zones know each other", () => {
    fc.assert(
      fc.property(fleets({ min: 2, max: FULL_MESH_MEMBERS_MAX }), (fleet) => {
        const graph = new ZoneGraph(fleet);
        const home = homeOf(fleet);
        for (const [zone, size] of zoneSizes(fleet)) {
          if (size < 2 || zone === home) continue;
          const shares = sharesInto(graph, fleet, zone);
          expect(new Set(shares.map(({ of }) => of)).size).toBe(1);
          const parts = shares.flatMap((share) => share.parts).toSorted((a, b) => a - b);
          expect(parts).toEqual(Array.from({ length: shares[0]?.of ?? 0 }, (_, part) => part));
        }
      }),
      RUNS,
    );
  });

  it("ask each piece of some far neighbour of the zone first, in every fleet that is there", () => {
    fc.assert(
      fc.property(allThere, (fleet) => {
        const graph = new ZoneGraph(fleet);
        for (const [zone, size] of zoneSizes(fleet)) {
          if (size < 2 || zone === homeOf(fleet)) continue;
          const shares = sharesInto(graph, fleet, zone);
          expect(new Set(shares.flatMap(({ parts }) => parts)).size).toBe(shares[0]?.of);
        }
      }),
      RUNS,
    );
  });

  it("let no more leave the origin's zone than a copy", () => {
    const fleet = { ...fleetOf([30, 30, 30, 30]), originZone: nameOf(0) };
    const graph = new ZoneGraph(fleet);
    const asked = ranksOf(fleet)
      .flatMap((rank) => graph.far(rank))
      .filter(({ rank }) => fleet.members[rank]?.zone === nameOf(0))
      .flatMap(({ far }) => far?.parts ?? []);
    expect(asked.toSorted((a, b) => a - b)).toEqual(
      Array.from({ length: 3 * GATEWAYS_MAX }, (_, part) => part),
    );
  });

  it("ask for nothing first from within the origin's zone: all comes into it from the origin", () => {
    const fleet = { ...fleetOf([30, 30]), originZone: nameOf(0) };
    const graph = new ZoneGraph(fleet);
    for (const rank of ranksOf(fleet)) {
      const origin = graph.origin(rank);
      if (fleet.members[rank]?.zone !== nameOf(0)) expect(origin).toBeNull();
      else for (const { far } of graph.far(rank)) expect(far?.parts).toEqual([]);
      if (origin !== null) expect(origin).toMatchObject({ count: GATEWAYS_MAX, far: null });
    }
  });

  it("let the origin feed all zones when its own is not known, or has few members", () => {
    for (const fleet of [
      fleetOf([30, 30]),
      { ...fleetOf([FEEDING_MEMBERS_MIN - 1, 30, 30]), originZone: nameOf(0) },
    ]) {
      const graph = new ZoneGraph(fleet);
      const linked = ranksOf(fleet).flatMap((rank) => graph.origin(rank) ?? []);
      expect(linked).toHaveLength(2 * GATEWAYS_MAX);
      const parts = linked.flatMap(({ far }) => far?.parts ?? []);
      expect(new Set(parts).size).toBe(2 * GATEWAYS_MAX);
    }
  });

  it("are none for whoever is alone in its zone, who may ask anybody for anything", () => {
    const graph = new ZoneGraph(fleetOf([1, 20]));
    expect(graph.far(0).map(({ far }) => far)).toEqual([null, null]);
    const [there] = graph.far(0);
    expect(graph.far(there?.rank ?? 0).find(({ rank }) => rank === 0)?.far).not.toBeNull();
  });

  it("fit into a message", () => {
    fc.assert(
      fc.property(allThere, (fleet) => {
        const graph = new ZoneGraph(fleet);
        for (const rank of ranksOf(fleet))
          for (const link of [graph.origin(rank), ...graph.far(rank)]) {
            const { parts, of } = link?.far ?? { parts: [], of: 1 };
            expect(parts.length).toBeLessThanOrEqual(FAR_PARTS_MAX);
            for (const part of parts) expect(part).toBeLessThan(of);
          }
      }),
      RUNS,
    );
  });
});

/** Zone after zone, all there, the origin elsewhere. */
function fleetOf(sizes: readonly number[]): Fleet {
  const members = sizes.flatMap((size, zone) => Array.from({ length: size }, () => memberOf(zone)));
  return { seed: 7, originZone: "elsewhere", members };
}

function memberOf(zone: number): GraphMember {
  return { zone: nameOf(zone), present: true };
}

function homeOf(fleet: Fleet): string | null | undefined {
  const size = zoneSizes(fleet).get(fleet.originZone) ?? 0;
  return size < FEEDING_MEMBERS_MIN ? undefined : fleet.originZone;
}

/** What members of a zone ask of others and of the origin first. */
function sharesInto(graph: ZoneGraph, fleet: Fleet, zone: string | null): readonly FarShare[] {
  const ranks = ranksOf(fleet).filter((rank) => fleet.members[rank]?.zone === zone);
  return ranks.flatMap((rank) => [graph.origin(rank), ...graph.far(rank)].flatMap((link) => link?.far ?? []));
}

function cutLinks(before: ZoneGraph, after: ZoneGraph, count: number): number {
  let cut = 0;
  for (let rank = 0; rank < count; rank += 1) {
    const kept = after.far(rank).map((link) => link.rank);
    cut += before.far(rank).filter((link) => !kept.includes(link.rank)).length;
  }
  return cut / 2;
}

/** From the origin, over members that are there. */
function reachable(graph: ZoneGraph, fleet: Fleet): ReadonlySet<number> {
  const isThere = (rank: number): boolean => fleet.members[rank]?.present === true;
  const seen = new Set(ranksOf(fleet).filter((rank) => isThere(rank) && graph.origin(rank) !== null));
  const queue = [...seen];
  for (let rank = queue.pop(); rank !== undefined; rank = queue.pop())
    for (const other of [...graph.near(rank), ...graph.far(rank).map((link) => link.rank)]) {
      if (seen.has(other) || !isThere(other)) continue;
      seen.add(other);
      queue.push(other);
    }
  return seen;
}
