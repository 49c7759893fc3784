// The budget in made-up time: never more than the rate, the same for all who want some, nothing for who does not.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { BLOCK_BYTES } from "../../../peer/core/geometry.ts";
import { type BudgetShare, RateBudget } from "../../../peer/core/rate-budget.ts";

const MB = 1_000_000;

/** Takes blocks as long as it may. Returns the bytes. */
function takeAll(share: BudgetShare, now: number): number {
  let bytes = 0;
  for (; share.mayTake(now); bytes += BLOCK_BYTES) share.take(BLOCK_BYTES);
  return bytes;
}

/** Takes whatever there is, whenever it is told to look. Returns the bytes of each moment. */
function takeUntil(end: number, shares: readonly BudgetShare[], start = 0): Map<BudgetShare, number> {
  const taken = new Map(shares.map((share) => [share, 0]));
  const wakeAt = new Map(shares.map((share) => [share, start]));
  for (;;) {
    const [share, now] = [...wakeAt].toSorted(([, a], [, b]) => a - b)[0] ?? [];
    if (share === undefined || now === undefined || now > end) return taken;
    taken.set(share, (taken.get(share) ?? 0) + takeAll(share, now));
    wakeAt.set(share, share.readyAt(now) ?? now + 1);
  }
}

function burstOf(rate: number, claimants: number): number {
  return Math.max(claimants * BLOCK_BYTES, rate / 20);
}

const rates = fc.integer({ min: 125, max: 50 * MB });

const steps = fc.record({
  afterMs: fc.constantFrom(0, 0.3, 1, 7, 40, 400, 3_000),
  who: fc.nat(2),
  blocks: fc.integer({ min: 0, max: 40 }),
  givesBack: fc.boolean(),
});
type Step = typeof steps extends fc.Arbitrary<infer T> ? T : never;

interface Move {
  readonly now: number;
  /** Below zero when given back. */
  readonly bytes: number;
}

function movesOf(rate: number, list: readonly Step[]): readonly Move[] {
  const budget = new RateBudget();
  budget.setRate(rate, 0);
  const shares = [budget.claim(), budget.claim(), budget.claim()];
  const moves: Move[] = [];
  let now = 0;
  for (const { afterMs, who, blocks, givesBack } of list) {
    now += afterMs;
    const share = shares[who];
    for (let block = 0; block < blocks && share?.mayTake(now) === true; block++) {
      share.take(BLOCK_BYTES);
      moves.push({ now, bytes: BLOCK_BYTES });
    }
    if (!givesBack || moves.length === 0) continue;
    share?.giveBack(BLOCK_BYTES);
    moves.push({ now, bytes: -BLOCK_BYTES });
  }
  return moves;
}

describe("a budget", () => {
  it("without a limit allows everything, and again after a limit was lifted", () => {
    const budget = new RateBudget();
    const share = budget.claim();
    share.take(1e12);
    expect([share.isLimited, share.mayTake(0), share.readyAt(0)]).toEqual([false, true, null]);
    budget.setRate(1_000, 0);
    expect([share.isLimited, share.mayTake(0)]).toEqual([true, false]);
    budget.setRate(null, 1);
    expect([share.isLimited, share.mayTake(1), share.readyAt(1)]).toEqual([false, true, null]);
  });

  it("never gives more than rate and time allow, and a burst, in any span, whoever asks and when", () => {
    fc.assert(
      fc.property(rates, fc.array(steps, { maxLength: 120 }), (rate, list) => {
        const log = movesOf(rate, list);
        for (const [first, { now: since }] of log.entries()) {
          let sum = 0;
          for (const { now: at, bytes } of log.slice(first)) {
            sum += bytes;
            expect(sum).toBeLessThanOrEqual((rate * (at - since)) / 1000 + burstOf(rate, 3) + 1);
          }
        }
      }),
    );
  });

  it("gives all of the rate to one that wants it, however slow the rate", () => {
    fc.assert(
      fc.property(rates, (rate) => {
        const budget = new RateBudget();
        budget.setRate(rate, 0);
        const share = budget.claim();
        const spanMs = 10_000 + (4 * BLOCK_BYTES * 1000) / rate;
        const taken = takeUntil(spanMs, [share]).get(share) ?? 0;
        expect(taken).toBeGreaterThan(0.95 * ((rate * spanMs) / 1000) - 2 * BLOCK_BYTES);
      }),
      { numRuns: 30 },
    );
  });

  it("gives claimants that want all they can get the same within a block, over any second", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1_000, max: 20 * MB }), fc.integer({ min: 2, max: 4 }), (rate, count) => {
        const budget = new RateBudget();
        budget.setRate(rate, 0);
        const shares = Array.from({ length: count }, () => budget.claim());
        for (let second = 0; second < 4; second++) {
          const taken = [...takeUntil(second * 1000 + 999, shares, second * 1000).values()];
          expect(Math.max(...taken) - Math.min(...taken)).toBeLessThanOrEqual(BLOCK_BYTES);
        }
      }),
      { numRuns: 30 },
    );
  });

  it("gives what an idle claimant leaves to the other, and shares again when it is back", () => {
    const budget = new RateBudget();
    budget.setRate(MB, 0);
    const [busy, idle] = [budget.claim(), budget.claim()];
    takeUntil(1_000, [busy, idle]);
    takeUntil(2_100, [busy], 1_001);
    const alone = takeUntil(3_099, [busy], 2_100).get(busy) ?? 0;
    expect(Math.abs(alone - MB)).toBeLessThan(2 * BLOCK_BYTES);
    const both = [...takeUntil(4_099, [busy, idle], 3_100).values()];
    for (const bytes of both) expect(Math.abs(bytes - MB / 2)).toBeLessThan(2 * BLOCK_BYTES);
  });

  it("gives what one cannot use for lack of requests to the other, though both want some", () => {
    const budget = new RateBudget();
    budget.setRate(MB, 0);
    const [busy, slow] = [budget.claim(), budget.claim()];
    let bytes = 0;
    for (let now = 0; now <= 2_000; now++) {
      bytes += takeAll(busy, now);
      if (now % 500 === 0 && slow.mayTake(now)) slow.take(BLOCK_BYTES);
    }
    expect(bytes).toBeGreaterThan(1.9 * MB);
  });

  it("gives the part of one that left to the others at once", () => {
    const budget = new RateBudget();
    budget.setRate(MB, 0);
    const [stays, leaves] = [budget.claim(), budget.claim()];
    takeUntil(500, [stays, leaves]);
    leaves.leave();
    const bytes = takeUntil(1_500, [stays], 501).get(stays) ?? 0;
    expect(Math.abs(bytes - MB)).toBeLessThan(2 * BLOCK_BYTES);
  });

  it("saves up no more than a burst in silence", () => {
    const budget = new RateBudget();
    budget.setRate(10 * MB, 0);
    const share = budget.claim();
    expect(share.mayTake(0)).toBe(false);
    const bytes = takeAll(share, 900);
    expect(bytes).toBeGreaterThan(burstOf(10 * MB, 1) - BLOCK_BYTES);
    expect(bytes).toBeLessThanOrEqual(burstOf(10 * MB, 1));
  });

  it("lets what was given back be taken again, and collects a debt first", () => {
    const budget = new RateBudget();
    budget.setRate(BLOCK_BYTES, 0);
    const share = budget.claim();
    expect(share.mayTake(0)).toBe(false);
    expect(share.mayTake(999)).toBe(false);
    expect(takeUntil(1_900, [share], 1_000).get(share)).toBe(BLOCK_BYTES);
    share.giveBack(BLOCK_BYTES);
    expect(takeAll(share, 1_901)).toBe(BLOCK_BYTES);
    // A stock client asks for eight blocks at once.
    share.take(7 * BLOCK_BYTES);
    expect(takeUntil(8_000, [share], 1_902).get(share)).toBe(0);
    expect(takeUntil(10_500, [share], 8_001).get(share)).toBe(BLOCK_BYTES);
  });

  it("follows a new rate within a quarter of a second, without being told", () => {
    const budget = new RateBudget();
    budget.setRate(125, 0);
    const share = budget.claim();
    expect(share.mayTake(0)).toBe(false);
    expect(share.readyAt(0)).toBe(250);
    budget.setRate(MB, 10);
    expect(takeAll(share, 250)).toBeGreaterThan(0);
  });
});
