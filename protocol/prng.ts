// Seeded random numbers as a tree of independent streams: the only randomness a core ever sees.
// Never reads a clock or the system's entropy; the same seed and labels give the same numbers everywhere.

export interface Prng {
  /** Uniform in [0, 2^32). */
  uint32(): number;
  /** Uniform whole number in [0, bound); `bound` from 1 to 2^32. */
  below(bound: number): number;
  /** Uniform in [0, 1). */
  unit(): number;
  /** A stream of its own, fixed by this stream's seed and the label alone: drawing from one never moves another. */
  child(label: string | number): Prng;
}

const TWO_POW_32 = 4_294_967_296;
/** sfc32's author asks for 12 rounds before the first number is used after seeding. */
const WARM_UP_ROUNDS = 12;

/**
 * sfc32 (Chris Doty-Humphrey, PractRand): 128 bits of state, passes PractRand and BigCrush, four additions per
 * number.
 */
export function createPrng(seed: number): Prng {
  return streamOf({ low: seed >>> 0, high: Math.floor(seed / TWO_POW_32) >>> 0 });
}

interface Key {
  readonly low: number;
  readonly high: number;
}

function streamOf(key: Key): Prng {
  let a = scramble(key.low ^ 0x9e3779b9);
  let b = scramble(key.high ^ 0x7f4a7c15);
  let c = scramble(a ^ b ^ 0x2545f491);
  let counter = 1;

  const uint32 = (): number => {
    const sum = (a + b + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + sum) | 0;
    return sum >>> 0;
  };
  for (let round = 0; round < WARM_UP_ROUNDS; round++) uint32();

  return {
    uint32,
    below: (bound) => Math.floor((uint32() / TWO_POW_32) * bound),
    unit: () => uint32() / TWO_POW_32,
    child: (label) => streamOf(childKey(key, String(label))),
  };
}

function childKey(key: Key, label: string): Key {
  let low = scramble(key.low + 0x85ebca6b);
  let high = scramble(key.high ^ 0xc2b2ae35);
  for (let index = 0; index < label.length; index++) {
    low = scramble(low ^ label.charCodeAt(index));
    high = scramble((high + low) | 0);
  }
  return { low: low >>> 0, high: high >>> 0 };
}

/** The 32-bit finaliser of MurmurHash3: every input bit changes about half of the output bits. */
function scramble(value: number): number {
  let mixed = value | 0;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}
