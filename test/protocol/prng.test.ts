// The seeded random numbers that cores draw from.
import { describe, expect, it } from "vitest";
import { createPrng } from "../../protocol/prng.ts";

function draw(seed: number, label: string | number, count: number): number[] {
  const stream = createPrng(seed).child(label);
  return Array.from({ length: count }, () => stream.uint32());
}

describe("createPrng", () => {
  it("gives the same numbers for the same seed on every machine", () => {
    const random = createPrng(42);
    expect([random.uint32(), random.uint32(), random.uint32()]).toMatchInlineSnapshot(`
      [
        1307006541,
        2561242092,
        370136031,
      ]
    `);
  });

  it("gives other numbers for another seed, also beyond 32 bits", () => {
    expect(createPrng(1).uint32()).not.toBe(createPrng(2).uint32());
    expect(createPrng(1).uint32()).not.toBe(createPrng(2 ** 32 + 1).uint32());
  });

  it("gives a child the same stream whatever was drawn from its parent or siblings", () => {
    const parent = createPrng(7);
    parent.uint32();
    parent.child("other").uint32();
    expect(Array.from({ length: 3 }, parent.child("node").uint32)).toEqual(
      Array.from({ length: 3 }, createPrng(7).child("node").uint32),
    );
  });

  it("tells children apart by label", () => {
    const streams = Array.from({ length: 200 }, (_, index) => draw(3, index, 2).join());
    expect(new Set(streams).size).toBe(200);
    expect(draw(3, "ab", 1)).not.toEqual(draw(3, "ba", 1));
  });

  it("spreads evenly below a bound", () => {
    const random = createPrng(5);
    const hits = new Array<number>(10).fill(0);
    for (let drawn = 0; drawn < 100_000; drawn++) {
      const value = random.below(10);
      hits[value] = (hits[value] ?? 0) + 1;
    }
    // Six standard deviations (95) around 10 000.
    for (const count of hits) expect(Math.abs(count - 10_000)).toBeLessThan(570);
  });

  it("stays in [0, 1) and inside the bound at its edges", () => {
    const random = createPrng(9);
    for (let drawn = 0; drawn < 10_000; drawn++) {
      const unit = random.unit();
      expect(unit).toBeGreaterThanOrEqual(0);
      expect(unit).toBeLessThan(1);
      expect(random.below(1)).toBe(0);
    }
  });
});
