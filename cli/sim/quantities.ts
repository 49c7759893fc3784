// What a simulated fleet is described with, read the same way from flags and from files: counts, shares, times.
// Pure. A quantity knows how it is written and what to say when it is not.
import { FleetError } from "../../protocol/errors.ts";
import { NODES_MAX, PIECES_MAX } from "../../protocol/limits.ts";
import { DecodeError, type Schema } from "../../protocol/schema.ts";
import { BLOCKS_PER_PIECE_MAX } from "../../sim/core/swarm-events.ts";
import { BIT_RATE_EXAMPLES, parseBitRate } from "../config/bit-rate.ts";
import { BYTE_SIZE_EXAMPLES, parseByteSize } from "../config/byte-size.ts";

export interface Quantity<T> {
  /** Null when the text is none. */
  readonly parse: (source: string) => T | null;
  /** What would be right, to follow "expected". */
  readonly expected: string;
}

/** Ten minutes: a longer way is no way. */
const LATENCY_MS_MAX = 600_000;
const DAY_MS = 86_400_000;
export const SEEDS_MAX = 10;
/** Seeds are shown and typed again: nine digits are enough. */
const SEED_MAX = 999_999_999;

const MILLIS_PER_UNIT: Readonly<Record<string, number>> = {
  us: 0.001,
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
};
const DURATION = /^([0-9]{1,9}(?:\.[0-9]{1,6})?)(us|ms|s|m|h)$/;
const PERCENT = /^([0-9]{1,3}(?:\.[0-9]{1,3})?)%$/;
const DECIMAL = /^[0-9](?:\.[0-9]{1,6})?$/;

/** Milliseconds, fractions kept: a way within a rack takes 100us. */
export function millisQuantity(maxMs: number, examples: string): Quantity<number> {
  return {
    parse(source) {
      const [, value, unit = ""] = DURATION.exec(source.trim()) ?? [];
      const millis = Number(value) * (MILLIS_PER_UNIT[unit] ?? Number.NaN);
      return millis >= 0 && millis <= maxMs ? millis : null;
    },
    expected: examples,
  };
}

export const LATENCY = millisQuantity(LATENCY_MS_MAX, "a time such as 100us, 1ms or 0.2s, at most 10m");
export const DURATION_MS = millisQuantity(DAY_MS, "a time such as 500ms, 30s or 2m, at most 24h");
export const BIT_RATE: Quantity<number> = { parse: parseBitRate, expected: BIT_RATE_EXAMPLES };
export const BYTE_SIZE: Quantity<number> = { parse: parseByteSize, expected: BYTE_SIZE_EXAMPLES };

/** 0 to 1. */
export const SHARE: Quantity<number> = {
  parse(source) {
    const [, percent] = PERCENT.exec(source.trim()) ?? [];
    // Through a whole number, so that 33.3% is 0.333 and nothing beside it.
    const thousandths = Math.round(Number(percent) * 1000);
    return thousandths <= 100_000 ? thousandths / 100_000 : null;
  },
  expected: "a share from 0% to 100%",
};

/** Above 0, at most 1. */
export const FACTOR: Quantity<number> = {
  parse(source) {
    const factor = DECIMAL.test(source.trim()) ? Number(source) : Number.NaN;
    return factor > 0 && factor <= 1 ? factor : null;
  },
  expected: "a factor above 0 and at most 1, such as 0.1",
};

/** Nodes at a part of their rates: `5%@0.1`. */
export const SLOW: Quantity<{ readonly share: number; readonly factor: number }> = {
  parse(source) {
    const [share, factor] = parsePair(source, SHARE, FACTOR);
    return share === null || factor === null ? null : { share, factor };
  },
  expected: "a share and a part of the rates, such as 5%@0.1",
};

/** Nodes that come late: `10%@30s`. */
export const LATE: Quantity<{ readonly share: number; readonly byMs: number }> = {
  parse(source) {
    const [share, byMs] = parsePair(source, SHARE, DURATION_MS);
    return share === null || byMs === null ? null : { share, byMs };
  },
  expected: "a share and the longest delay, such as 10%@30s",
};

/** Nodes that lose their links again and again: `2%@30s/5s`. */
export const FLAP: Quantity<{ readonly share: number; readonly everyMs: number; readonly forMs: number }> = {
  parse(source) {
    const [before, forSource = ""] = source.split("/", 2);
    const [share, everyMs] = parsePair(before ?? "", SHARE, DURATION_MS);
    const forMs = DURATION_MS.parse(forSource);
    if (share === null || everyMs === null || forMs === null || forMs >= everyMs) return null;
    return { share, everyMs, forMs };
  },
  expected: "a share, how often and for how long, the second longer than the third, such as 2%@30s/5s",
};

function parsePair<A, B>(source: string, a: Quantity<A>, b: Quantity<B>): readonly [A | null, B | null] {
  const [first = "", second = "", ...more] = source.split("@");
  return more.length > 0 ? [null, null] : [a.parse(first), b.parse(second)];
}

export function countQuantity(min: number, max: number): Quantity<number> {
  return {
    parse(source) {
      const value = /^[0-9]{1,9}$/.test(source.trim()) ? Number(source) : Number.NaN;
      return value >= min && value <= max ? value : null;
    },
    expected: `a whole number from ${min} to ${max}`,
  };
}

export const NODE_COUNT = countQuantity(1, NODES_MAX);
export const PIECE_COUNT = countQuantity(1, PIECES_MAX);
export const BLOCK_COUNT = countQuantity(1, BLOCKS_PER_PIECE_MAX);
export const SEED = countQuantity(0, SEED_MAX);
export const SEED_COUNT = countQuantity(1, SEEDS_MAX);
/** More sites than a fleet has, and few enough that each has its line in a report. */
export const ZONE_COUNT = countQuantity(1, 100);

/** A list without doubles, ascending: `1000,10,100` is `10,100,1000`. */
export function listQuantity(item: Quantity<number>, example: string): Quantity<readonly number[]> {
  return {
    parse(source) {
      const values = source.split(",").map((part) => item.parse(part));
      const known = values.filter((value) => value !== null);
      return known.length < values.length ? null : [...new Set(known)].sort((a, b) => a - b);
    },
    expected: `${item.expected}, or several with commas, such as ${example}`,
  };
}

/** Throws FleetError usage that names the flag and says what would be right. */
export function parseFlag<T>(name: string, source: string, quantity: Quantity<T>): T {
  const value = quantity.parse(source);
  if (value === null) throw new FleetError("usage", `${name} ${source}: expected ${quantity.expected}`);
  return value;
}

/** The same quantity in a file, where it may be written as a number when it is one. */
export function fileQuantity<T>(quantity: Quantity<T>): Schema<T> {
  return {
    decode(value, path) {
      const isWritten = typeof value === "string" || typeof value === "number";
      const parsed = isWritten ? quantity.parse(String(value)) : null;
      if (parsed === null) throw new DecodeError(path, quantity.expected);
      return parsed;
    },
    json: { type: ["string", "number"] },
  };
}
