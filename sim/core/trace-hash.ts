// One short name for everything a simulated run did, in order: two runs with the same digest are the same run.
// Exact on every machine: it mixes the 64 bits of each number with 32-bit integers, never with floating point.

/** The primes of MurmurHash3's finaliser (Austin Appleby): odd, so that multiplying by them loses no bit. */
const LOW_PRIME = 0x85ebca6b;
const HIGH_PRIME = 0xc2b2ae35;
/** The two halves of FNV-1a's 64-bit offset basis: no digest begins at zero. */
const LOW_START = 0x84222325;
const HIGH_START = 0xcbf29ce4;

export class TraceHash {
  /** The same eight bytes, as a number and as its halves. */
  readonly #number = new Float64Array(1);
  readonly #halves = new Uint32Array(this.#number.buffer);
  #low = LOW_START | 0;
  #high = HIGH_START | 0;

  /** One event as up to four numbers; those not given count as 0. Any finite number, fractions included. */
  add(a: number, b = 0, c = 0, d = 0): void {
    this.#mix(a);
    this.#mix(b);
    this.#mix(c);
    this.#mix(d);
  }

  /** 16 hexadecimal digits over all that was added so far; adding may go on. */
  digest(): string {
    const high = scramble(this.#high ^ this.#low);
    return hex(high) + hex(scramble((this.#low + high) | 0));
  }

  /** A bijection of the 64 bits of state for each number, so that no history runs together with another by design. */
  #mix(value: number): void {
    // Adding 0 makes -0, which compares equal to 0, the same number.
    this.#number[0] = value + 0;
    const low = this.#low ^ (this.#halves[LOW_HALF] ?? 0);
    const high = this.#high ^ (this.#halves[HIGH_HALF] ?? 0);
    this.#low = (Math.imul((low << 13) | (low >>> 19), LOW_PRIME) + high) | 0;
    this.#high = Math.imul((high << 17) | (high >>> 15), HIGH_PRIME) ^ this.#low;
  }
}

/** Where the low half of a number is in memory: 1.0 has only zeros there. */
const LOW_HALF = new Uint32Array(new Float64Array([1]).buffer)[0] === 0 ? 0 : 1;
const HIGH_HALF = 1 - LOW_HALF;

/** The 32-bit finaliser of MurmurHash3: every input bit changes about half of the output bits. */
function scramble(value: number): number {
  let mixed = Math.imul(value ^ (value >>> 16), LOW_PRIME);
  mixed = Math.imul(mixed ^ (mixed >>> 13), HIGH_PRIME);
  return mixed ^ (mixed >>> 16);
}

function hex(value: number): string {
  return (value >>> 0).toString(16).padStart(8, "0");
}
