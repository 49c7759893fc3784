// Which piece to start next: the rarest among the neighbours, ties broken at random. Owns the pieces that nobody
// has been asked for yet, in one bit set per number of known copies; never knows links, requests or time.
import { Bitfield, bitCount, nthSetBit } from "../../protocol/bitfield.ts";
import { assert } from "../../protocol/machine.ts";
import type { Prng } from "../../protocol/prng.ts";

export interface PickLimits {
  /** Only pieces of this set. */
  readonly within?: Bitfield;
  /** No piece of this set. */
  readonly except?: Bitfield | null;
  /** Only pieces with at most so many copies. */
  readonly copiesMax?: number;
}

/** Rarest first, ties broken at random; or the first in the artifact. */
export type PickOrder = "rarest" | "in-order";

/**
 * Gaining or losing a copy is O(1). A pick intersects 32 pieces at a time, so it costs pieces / 32 per level of
 * rarity in use, and happens once per piece, not once per block.
 */
export class Rarity {
  readonly #copies: Uint16Array;
  readonly #candidates: Bitfield;
  /** Candidates by number of copies. */
  readonly #levels: Bitfield[] = [];
  readonly #random: Prng;
  readonly #order: PickOrder;

  constructor(pieceCount: number, random: Prng, order: PickOrder = "rarest") {
    this.#order = order;
    this.#copies = new Uint16Array(pieceCount);
    this.#candidates = new Bitfield(pieceCount);
    this.#random = random;
  }

  /** How many pieces are waiting to be started. */
  get size(): number {
    return this.#candidates.count;
  }

  isCandidate(piece: number): boolean {
    return this.#candidates.has(piece);
  }

  copiesOf(piece: number): number {
    return this.#copies[piece] ?? 0;
  }

  /** The piece may be started, for the first time or again. */
  offer(piece: number): void {
    if (this.#candidates.add(piece)) this.#level(this.copiesOf(piece)).add(piece);
  }

  /** The piece has been started, or is here. */
  withdraw(piece: number): void {
    if (this.#candidates.delete(piece)) this.#level(this.copiesOf(piece)).delete(piece);
  }

  gainCopy(piece: number): void {
    this.#setCopies(piece, this.copiesOf(piece) + 1);
  }

  loseCopy(piece: number): void {
    assert(this.copiesOf(piece) > 0, "a piece loses no copy that it never had");
    this.#setCopies(piece, this.copiesOf(piece) - 1);
  }

  /** A rarest candidate that the remote has and that is within the limits; null when there is none. */
  pick(remote: Bitfield, limits: PickLimits = {}): number | null {
    const { copiesMax = Number.POSITIVE_INFINITY } = limits;
    if (this.#order === "in-order") return this.#pickFirst(remote, limits, copiesMax);
    for (let copies = 0; copies < this.#levels.length && copies <= copiesMax; copies++) {
      const level = this.#levels[copies];
      if (level === undefined || level.count === 0) continue;
      const piece = this.#pickFrom(level, remote, limits);
      if (piece !== null) return piece;
    }
    return null;
  }

  #pickFrom(level: Bitfield, remote: Bitfield, { within, except }: PickLimits): number | null {
    const wordCount = level.words.length;
    const start = this.#random.below(wordCount);
    for (let step = 0; step < wordCount; step++) {
      const at = start + step < wordCount ? start + step : start + step - wordCount;
      let word = (level.words[at] ?? 0) & (remote.words[at] ?? 0);
      if (within !== undefined) word &= within.words[at] ?? 0;
      if (except !== undefined && except !== null) word &= ~(except.words[at] ?? 0);
      if (word !== 0) return at * 32 + nthSetBit(word, this.#random.below(bitCount(word)));
    }
    return null;
  }

  #pickFirst(remote: Bitfield, { within, except }: PickLimits, copiesMax: number): number | null {
    for (let piece = 0; piece < remote.length; piece++) {
      if (!this.#candidates.has(piece) || !remote.has(piece) || this.copiesOf(piece) > copiesMax) continue;
      if (within?.has(piece) !== false && except?.has(piece) !== true) return piece;
    }
    return null;
  }

  #setCopies(piece: number, copies: number): void {
    if (this.#candidates.has(piece)) {
      this.#level(this.copiesOf(piece)).delete(piece);
      this.#level(copies).add(piece);
    }
    this.#copies[piece] = copies;
  }

  #level(copies: number): Bitfield {
    for (let next = this.#levels.length; next <= copies; next++)
      this.#levels.push(new Bitfield(this.#copies.length));
    const level = this.#levels[copies];
    assert(level !== undefined, "every number of copies has a level");
    return level;
  }
}
