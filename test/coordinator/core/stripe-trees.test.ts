// The shape of the trees that stripes go along.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ORIGIN_RANK, StripeTrees } from "../../../coordinator/core/stripe-trees.ts";
import { hasStripe, NO_STRIPES, STRIPE_COUNT } from "../../../protocol/stripes.ts";

const sizes = fc.record({ memberCount: fc.integer({ min: 1, max: 300 }), seed: fc.nat() });

function feederOf(trees: StripeTrees, stripe: number, rank: number): number {
  const all = [ORIGIN_RANK, ...Array.from({ length: trees.memberCount }, (_, other) => other)];
  const feeders = all.filter((other) => hasStripe(trees.feeds(other, rank), stripe));
  expect(feeders, `feeders of stripe ${stripe} for rank ${rank}`).toHaveLength(1);
  return feeders[0] ?? ORIGIN_RANK;
}

/** By rank, for one stripe. */
function feedersOf(trees: StripeTrees, stripe: number): readonly number[] {
  return Array.from({ length: trees.memberCount }, (_, rank) => feederOf(trees, stripe, rank));
}

describe("StripeTrees", () => {
  it("bring each stripe to everybody from one other, and to one of them from the origin", () => {
    fc.assert(
      fc.property(sizes, ({ memberCount, seed }) => {
        const trees = new StripeTrees(memberCount, seed);
        for (let stripe = 0; stripe < STRIPE_COUNT; stripe += 1)
          expect(feedersOf(trees, stripe).filter((feeder) => feeder === ORIGIN_RANK)).toHaveLength(1);
      }),
      { numRuns: 20 },
    );
  });

  it("are as deep as a tree of two children each must be, and have no rings", () => {
    fc.assert(
      fc.property(sizes, ({ memberCount, seed }) => {
        const trees = new StripeTrees(memberCount, seed);
        for (let stripe = 0; stripe < STRIPE_COUNT; stripe += 1) {
          const feeders = feedersOf(trees, stripe);
          const depthOf = (rank: number): number =>
            feeders[rank] === ORIGIN_RANK ? 1 : 1 + depthOf(feeders[rank] ?? ORIGIN_RANK);
          for (const rank of feeders.keys())
            expect(depthOf(rank)).toBeLessThanOrEqual(Math.floor(Math.log2(memberCount)) + 1);
        }
      }),
      { numRuns: 20 },
    );
  });

  it("give nobody more children than there are stripes, and those in one stripe", () => {
    fc.assert(
      fc.property(sizes, ({ memberCount, seed }) => {
        const trees = new StripeTrees(memberCount, seed);
        const fed = Array.from({ length: memberCount }, () => new Array<number>(STRIPE_COUNT).fill(0));
        for (let stripe = 0; stripe < STRIPE_COUNT; stripe += 1)
          for (const feeder of feedersOf(trees, stripe)) {
            const counts = fed[feeder];
            if (counts !== undefined) counts[stripe] = (counts[stripe] ?? 0) + 1;
          }
        for (const counts of fed) {
          expect(Math.max(...counts)).toBeLessThanOrEqual(STRIPE_COUNT);
          const stripes = counts.filter((count) => count > 0).length;
          expect(stripes).toBeLessThanOrEqual(1);
        }
      }),
      { numRuns: 20 },
    );
  });

  it("put whoever passes something on before those below it that do so too", () => {
    const trees = new StripeTrees(100, 7);
    expect([...trees.order].sort((a, b) => a - b)).toEqual(Array.from({ length: 100 }, (_, rank) => rank));
    const places = new Map(trees.order.map((rank, place) => [rank, place]));
    const placeOf = (rank: number): number => places.get(rank) ?? -1;
    for (let stripe = 0; stripe < STRIPE_COUNT; stripe += 1) {
      const feeders = feedersOf(trees, stripe);
      const passesOn = new Set(feeders);
      for (const [rank, feeder] of feeders.entries())
        if (passesOn.has(rank)) expect(placeOf(feeder)).toBeLessThan(placeOf(rank));
    }
  });

  it("name as links whoever feeds or is fed", () => {
    const trees = new StripeTrees(40, 3);
    for (let rank = 0; rank < 40; rank += 1) {
      const linked = new Set(trees.linksOf(rank));
      for (let other = 0; other < 40; other += 1) {
        const isFeeding = (trees.feeds(rank, other) | trees.feeds(other, rank)) !== NO_STRIPES;
        expect(linked.has(other)).toBe(isFeeding);
      }
    }
  });

  it("know nothing of members that came later", () => {
    const trees = new StripeTrees(40, 3);
    expect(trees.linksOf(40)).toEqual([]);
    expect(trees.feeds(ORIGIN_RANK, 40)).toBe(NO_STRIPES);
    expect(trees.feeds(0, 40)).toBe(NO_STRIPES);
    expect(trees.feeds(40, 0)).toBe(NO_STRIPES);
  });

  it("are the same for the same seed, and others for another", () => {
    const feeders = (seed: number) => feedersOf(new StripeTrees(64, seed), 0);
    expect(feeders(5)).toEqual(feeders(5));
    expect(feeders(5)).not.toEqual(feeders(6));
  });
});
