// How a rate is divided: never more than there is, nothing left that somebody wants, nobody favoured.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  demandOf,
  divideRate,
  RAMP_START_SHARE,
  rampedRate,
} from "../../../coordinator/core/rate-division.ts";

const total = fc.integer({ min: -1_000, max: 1e12 });
const demands = fc.array(fc.oneof(fc.integer({ min: 0, max: 1e12 }), fc.constant(Number.MAX_SAFE_INTEGER)), {
  maxLength: 50,
});

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);

describe("a divided rate", () => {
  it("is never exceeded, and hardly anything of it is lost", () => {
    fc.assert(
      fc.property(total, demands, (rate, wanted) => {
        const shares = divideRate(rate, wanted);
        expect(shares).toHaveLength(wanted.length);
        expect(sum(shares)).toBeLessThanOrEqual(Math.max(0, rate));
        if (wanted.length > 0) expect(sum(shares)).toBeGreaterThan(rate - 2 * wanted.length);
      }),
    );
  });

  it("gives nobody less than an equal part who wants one, and less only to those who want less", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1e12 }), demands, (rate, wanted) => {
        const equalPart = Math.floor(rate / wanted.length);
        divideRate(rate, wanted).forEach((share, index) => {
          expect(share).toBeGreaterThanOrEqual(Math.min(wanted[index] ?? 0, equalPart));
        });
      }),
    );
  });

  it.each([
    [100, [Infinity, Infinity, 10], [45, 45, 10]],
    [100, [10, 20, 10], [30, 40, 30]],
    [7, [Infinity, Infinity], [3, 4]],
    [0, [5, 5], [0, 0]],
    [100, [], []],
  ])("of %i among %j is %j", (rate, wanted, expected) => {
    expect(divideRate(rate, wanted)).toEqual(expected);
  });
});

describe("a ramp", () => {
  it("begins small, only grows, and ends at the full rate", () => {
    const at = (elapsedMs: number): number => rampedRate(1_000_000, elapsedMs, 30_000);
    expect(at(0)).toBe(1_000_000 * RAMP_START_SHARE);
    expect(at(15_000)).toBe(525_000);
    expect(at(30_000)).toBe(1_000_000);
    expect(at(-5)).toBe(at(0));
    for (let elapsedMs = 0; elapsedMs < 30_000; elapsedMs += 100)
      expect(at(elapsedMs + 100)).toBeGreaterThanOrEqual(at(elapsedMs));
  });

  it("of no time is none", () => {
    expect(rampedRate(1_000, 0, 0)).toBe(1_000);
  });
});

describe("what a node could use", () => {
  it("leaves room to double, does not waver with the rate, and is never nothing", () => {
    expect(demandOf(0, 65_536)).toBe(65_536);
    expect(demandOf(1_000_000, 65_536)).toBe(2 ** 21);
    expect(demandOf(900_000, 65_536)).toBe(2 ** 21);
  });
});
