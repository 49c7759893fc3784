// A set of piece indices as the BitTorrent wire and the disk write it: one bit each, piece 0 in the top bit of byte 0.
// Owns the word layout that lets cores intersect sets 32 pieces at a time; never grows.
import { assert } from "./machine.ts";

const TOP_BIT = 0x8000_0000;

export class Bitfield {
  /** How many indices there are, set or not. */
  readonly length: number;
  /**
   * 32 indices each, the lowest in the top bit. Read them freely; write through the methods, they keep `count`
   * right.
   */
  readonly words: Uint32Array;
  #count = 0;

  constructor(length: number) {
    this.length = length;
    this.words = new Uint32Array(Math.ceil(length / 32));
  }

  /** The set a remote sent, or null when it has the wrong size or claims indices that do not exist. */
  static fromBytes(bytes: Uint8Array, length: number): Bitfield | null {
    if (bytes.length !== Math.ceil(length / 8)) return null;
    const field = new Bitfield(length);
    for (let index = 0; index < bytes.length; index++) {
      const shift = 24 - 8 * (index % 4);
      field.words[index >>> 2] = ((field.words[index >>> 2] ?? 0) | ((bytes[index] ?? 0) << shift)) >>> 0;
    }
    if (field.#hasSpareBits()) return null;
    field.#count = field.words.reduce((sum, word) => sum + bitCount(word), 0);
    return field;
  }

  static full(length: number): Bitfield {
    const field = new Bitfield(length);
    field.fill();
    return field;
  }

  copy(): Bitfield {
    const copy = new Bitfield(this.length);
    copy.words.set(this.words);
    copy.#count = this.#count;
    return copy;
  }

  /** Adds all of another set of the same length. */
  merge(other: Bitfield): void {
    let count = 0;
    for (let at = 0; at < this.words.length; at++) {
      const word = ((this.words[at] ?? 0) | (other.words[at] ?? 0)) >>> 0;
      this.words[at] = word;
      count += bitCount(word);
    }
    this.#count = count;
  }

  get count(): number {
    return this.#count;
  }

  get isFull(): boolean {
    return this.#count === this.length;
  }

  has(index: number): boolean {
    return ((this.words[index >>> 5] ?? 0) & (TOP_BIT >>> (index & 31))) !== 0;
  }

  /** False when it was set already. */
  add(index: number): boolean {
    assert(index >= 0 && index < this.length, "an index of a bit set is below its length");
    if (this.has(index)) return false;
    this.words[index >>> 5] = ((this.words[index >>> 5] ?? 0) | (TOP_BIT >>> (index & 31))) >>> 0;
    this.#count += 1;
    return true;
  }

  /** False when it was not set. */
  delete(index: number): boolean {
    if (!this.has(index)) return false;
    this.words[index >>> 5] = ((this.words[index >>> 5] ?? 0) & ~(TOP_BIT >>> (index & 31))) >>> 0;
    this.#count -= 1;
    return true;
  }

  fill(): void {
    this.words.fill(0xffff_ffff);
    const spare = this.words.length * 32 - this.length;
    if (spare > 0) this.words[this.words.length - 1] = (0xffff_ffff << spare) >>> 0;
    this.#count = this.length;
  }

  toBytes(): Uint8Array {
    const bytes = new Uint8Array(Math.ceil(this.length / 8));
    for (let index = 0; index < bytes.length; index++)
      bytes[index] = (this.words[index >>> 2] ?? 0) >>> (24 - 8 * (index % 4));
    return bytes;
  }

  #hasSpareBits(): boolean {
    const spare = this.words.length * 32 - this.length;
    const last = this.words[this.words.length - 1] ?? 0;
    return spare > 0 && last << (32 - spare) !== 0;
  }
}

/** How many bits of a 32-bit word are set. */
export function bitCount(word: number): number {
  let count = word - ((word >>> 1) & 0x5555_5555);
  count = (count & 0x3333_3333) + ((count >>> 2) & 0x3333_3333);
  return Math.imul((count + (count >>> 4)) & 0x0f0f_0f0f, 0x0101_0101) >>> 24;
}

/** Place (0 to 31, 0 being the top bit) of the set bit number `rank` of a word, counting from the top. */
export function nthSetBit(word: number, rank: number): number {
  let rest = word;
  for (let skipped = 0; skipped < rank; skipped++) rest &= ~(TOP_BIT >>> Math.clz32(rest));
  return Math.clz32(rest);
}
