// Rarest first: checked against a plain scan over all pieces.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Rarity } from "../../../peer/core/rarity.ts";
import { Bitfield } from "../../../protocol/bitfield.ts";
import { BugError } from "../../../protocol/machine.ts";
import { createPrng } from "../../../protocol/prng.ts";

const PIECES = 70;

function fieldOf(pieces: Iterable<number>): Bitfield {
  const field = new Bitfield(PIECES);
  for (const piece of pieces) field.add(piece);
  return field;
}

function rarityOf(seed: number): Rarity {
  return new Rarity(PIECES, createPrng(seed));
}

const piece = fc.nat(PIECES - 1);
const step = fc.oneof(
  fc.record({ kind: fc.constant("offer" as const), piece }),
  fc.record({ kind: fc.constant("withdraw" as const), piece }),
  fc.record({ kind: fc.constant("gain" as const), piece }),
  fc.record({ kind: fc.constant("lose" as const), piece }),
);

/** What Rarity should know, the slow way. */
class Model {
  readonly rarity: Rarity;
  readonly candidates = new Set<number>();
  readonly copies = new Array<number>(PIECES).fill(0);

  constructor(seed: number) {
    this.rarity = rarityOf(seed);
  }

  apply({ kind, piece: at }: { kind: "offer" | "withdraw" | "gain" | "lose"; piece: number }): void {
    const known = this.copies[at] ?? 0;
    if (kind === "offer") this.candidates.add(at);
    if (kind === "withdraw") this.candidates.delete(at);
    if (kind === "offer") this.rarity.offer(at);
    if (kind === "withdraw") this.rarity.withdraw(at);
    if (kind === "gain") this.#setCopies(at, known + 1);
    if (kind === "lose" && known > 0) this.#setCopies(at, known - 1);
  }

  rarestOf(has: readonly number[]): readonly number[] {
    const possible = has.filter((at) => this.candidates.has(at));
    const fewest = Math.min(...possible.map((at) => this.copies[at] ?? 0));
    return possible.filter((at) => this.copies[at] === fewest);
  }

  #setCopies(at: number, copies: number): void {
    if (copies > (this.copies[at] ?? 0)) this.rarity.gainCopy(at);
    else this.rarity.loseCopy(at);
    this.copies[at] = copies;
  }
}

describe("Rarity", () => {
  it("picks a candidate of the remote with the fewest copies, whatever happened before", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300 }), fc.uniqueArray(piece), fc.nat(), (steps, has, seed) => {
        const model = new Model(seed);
        for (const change of steps) model.apply(change);
        const rarest = model.rarestOf(has);
        const picked = model.rarity.pick(fieldOf(has));
        expect(model.rarity.size).toBe(model.candidates.size);
        if (rarest.length === 0) expect(picked).toBeNull();
        else expect(rarest).toContain(picked);
      }),
    );
  });

  it("picks only inside the mask", () => {
    const rarity = rarityOf(1);
    for (let at = 0; at < PIECES; at++) rarity.offer(at);
    const mask = fieldOf([3, 40]);
    const picks = Array.from({ length: 50 }, () => rarity.pick(Bitfield.full(PIECES), { within: mask }));
    expect(new Set(picks)).toEqual(new Set([3, 40]));
    expect(rarity.pick(Bitfield.full(PIECES), { within: fieldOf([]) })).toBeNull();
    expect(rarity.pick(Bitfield.full(PIECES), { within: mask, except: fieldOf([3]) })).toBe(40);
    expect(rarity.pick(fieldOf([3]), { except: fieldOf([3]) })).toBeNull();
  });

  it("picks only among pieces with few copies when told so", () => {
    const rarity = rarityOf(1);
    for (const at of [5, 9]) rarity.offer(at);
    rarity.gainCopy(9);
    for (const _ of [1, 2]) rarity.gainCopy(5);
    expect(rarity.pick(Bitfield.full(PIECES), { copiesMax: 0 })).toBeNull();
    expect(rarity.pick(Bitfield.full(PIECES), { copiesMax: 1 })).toBe(9);
    expect(rarity.pick(fieldOf([5]), { copiesMax: 1 })).toBeNull();
  });

  it("breaks ties differently with different seeds and in the same way with the same", () => {
    const order = (seed: number): (number | null)[] => {
      const rarity = rarityOf(seed);
      for (let at = 0; at < PIECES; at++) rarity.offer(at);
      return Array.from({ length: PIECES }, () => {
        const picked = rarity.pick(Bitfield.full(PIECES));
        rarity.withdraw(picked ?? 0);
        return picked;
      });
    };
    expect(order(1)).toEqual(order(1));
    expect(order(1)).not.toEqual(order(2));
    expect(new Set(order(3)).size).toBe(PIECES);
  });

  it("treats losing a copy that was never gained as a bug", () => {
    expect(() => rarityOf(1).loseCopy(5)).toThrow(BugError);
  });
});
