// Rates as people write them: `500kbit`, `50Mbit`, `10Gbit`, per second, decimal as link rates are. Pure.
import { RATE_BYTES_PER_SECOND_MAX, RATE_BYTES_PER_SECOND_MIN } from "../../protocol/rates.ts";
import { DecodeError, type Schema } from "../../protocol/schema.ts";

const BITS_PER_UNIT: Readonly<Record<string, number>> = { k: 1e3, m: 1e6, g: 1e9 };
const PATTERN = /^([0-9]{1,9}(?:\.[0-9]{1,3})?) ?([kKmMgG])bit(?:\/s|ps)?$/;

export const BIT_RATE_EXAMPLES = "a rate such as 500kbit, 50Mbit or 10Gbit";

/** Whole bytes per second, or null when the text is no rate that can be kept. */
export function parseBitRate(source: string): number | null {
  const [, value, unit = ""] = PATTERN.exec(source.trim()) ?? [];
  const bits = BITS_PER_UNIT[unit.toLowerCase()];
  if (value === undefined || bits === undefined) return null;
  const bytesPerSecond = Math.floor((Number(value) * bits) / 8);
  const isKept = bytesPerSecond >= RATE_BYTES_PER_SECOND_MIN && bytesPerSecond <= RATE_BYTES_PER_SECOND_MAX;
  return isKept ? bytesPerSecond : null;
}

/** `50 Mbit/s`, `2.5 Gbit/s`: at most three digits behind the point, so that what was written comes back. */
export function formatBitRate(bytesPerSecond: number): string {
  const bits = bytesPerSecond * 8;
  const [unit, size] = bits >= 1e9 ? ["Gbit", 1e9] : bits >= 1e6 ? ["Mbit", 1e6] : ["kbit", 1e3];
  return `${Number((bits / size).toFixed(3))} ${unit}/s`;
}

/** A rate in a file, decoded to bytes per second. */
export const bitRateSchema: Schema<number> = {
  decode(value, path) {
    const rate = typeof value === "string" ? parseBitRate(value) : null;
    if (rate === null) throw new DecodeError(path, BIT_RATE_EXAMPLES);
    return rate;
  },
  json: { type: "string", pattern: PATTERN.source },
};
