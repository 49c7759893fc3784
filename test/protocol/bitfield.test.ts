// Sets of pieces as the wire and the disk write them.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Bitfield, bitCount, nthSetBit } from "../../protocol/bitfield.ts";
import { BugError } from "../../protocol/machine.ts";

const sets = fc
  .integer({ min: 1, max: 300 })
  .chain((length) => fc.record({ length: fc.constant(length), indices: fc.uniqueArray(fc.nat(length - 1)) }));

function fieldOf({ length, indices }: { length: number; indices: readonly number[] }): Bitfield {
  const field = new Bitfield(length);
  for (const index of indices) field.add(index);
  return field;
}

describe("Bitfield", () => {
  it("writes piece 0 into the top bit of byte 0", () => {
    expect([...fieldOf({ length: 10, indices: [0, 9] }).toBytes()]).toEqual([0x80, 0x40]);
  });

  it("comes back from its bytes with the same pieces", () => {
    fc.assert(
      fc.property(sets, (set) => {
        const field = fieldOf(set);
        const back = Bitfield.fromBytes(field.toBytes(), set.length);
        expect(back?.words).toEqual(field.words);
        expect(back?.count).toBe(set.indices.length);
      }),
    );
  });

  it("behaves like a set under adding and deleting", () => {
    const steps = fc.array(fc.record({ add: fc.boolean(), index: fc.nat(99) }));
    fc.assert(
      fc.property(steps, (changes) => {
        const field = new Bitfield(100);
        const model = new Set<number>();
        for (const { add, index } of changes) {
          expect(add ? field.add(index) : field.delete(index)).toBe(add !== model.has(index));
          if (add) model.add(index);
          else model.delete(index);
        }
        expect(field.count).toBe(model.size);
        for (let index = 0; index < 100; index++) expect(field.has(index)).toBe(model.has(index));
      }),
    );
  });

  it.each([1, 31, 32, 33, 64, 100])("is full with %i pieces after fill, and only then", (length) => {
    const field = Bitfield.full(length);
    expect(field.isFull).toBe(true);
    expect(Bitfield.fromBytes(field.toBytes(), length)?.isFull).toBe(true);
    field.delete(length - 1);
    expect(field.isFull).toBe(false);
  });

  it("has copies that go their own way", () => {
    const field = fieldOf({ length: 40, indices: [3, 39] });
    const copy = field.copy();
    field.add(5);
    expect([copy.count, copy.has(3), copy.has(39), copy.has(5)]).toEqual([2, true, true, false]);
    copy.delete(3);
    expect(field.has(3)).toBe(true);
  });

  it("refuses bytes of the wrong length", () => {
    expect(Bitfield.fromBytes(new Uint8Array(2), 17)).toBeNull();
    expect(Bitfield.fromBytes(new Uint8Array(4), 17)).toBeNull();
  });

  it("refuses bytes that claim pieces that do not exist", () => {
    expect(Bitfield.fromBytes(Uint8Array.of(0b0000_0001), 7)).toBeNull();
    expect(Bitfield.fromBytes(Uint8Array.of(0b0000_0010), 7)?.has(6)).toBe(true);
  });

  it("does not know an index outside, and will not add one", () => {
    const field = Bitfield.full(10);
    expect(field.has(10)).toBe(false);
    expect(field.has(-1)).toBe(false);
    expect(() => field.add(10)).toThrow(BugError);
    expect(() => field.add(-1)).toThrow(BugError);
  });
});

describe("bitCount and nthSetBit", () => {
  it("agree with the binary digits of a word", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2 ** 32 - 1 }), (word) => {
        const digits = word.toString(2).padStart(32, "0");
        const places = [...digits].flatMap((digit, place) => (digit === "1" ? [place] : []));
        expect(bitCount(word)).toBe(places.length);
        expect(places.map((_, rank) => nthSetBit(word, rank))).toEqual(places);
      }),
    );
  });
});
