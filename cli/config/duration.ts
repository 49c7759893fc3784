// Durations as people write them: `500ms`, `30s`, `2m`, `24h`, `90d`. Pure.
import { DecodeError, type Schema } from "../../protocol/schema.ts";

const MILLIS_PER_UNIT: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};
const PATTERN = /^([0-9]{1,9}(?:\.[0-9]{1,3})?)(ms|s|m|h|d)$/;

export const DURATION_EXAMPLES = "a duration such as 500ms, 30s, 2m or 1h";

/** Whole milliseconds, or null when the text is no duration. */
export function parseDuration(source: string): number | null {
  const [, value, unit = ""] = PATTERN.exec(source.trim()) ?? [];
  const millis = MILLIS_PER_UNIT[unit];
  return value === undefined || millis === undefined ? null : Math.round(Number(value) * millis);
}

/** The shortest exact way to write it. */
export function formatDuration(milliseconds: number): string {
  for (const unit of ["h", "m", "s"]) {
    const millis = MILLIS_PER_UNIT[unit] ?? 1;
    if (milliseconds >= millis && milliseconds % millis === 0) return `${milliseconds / millis}${unit}`;
  }
  return `${milliseconds}ms`;
}

/** A duration in a file, decoded to milliseconds. */
export function durationSchema(minMs: number, maxMs: number): Schema<number> {
  const expected = `${DURATION_EXAMPLES}, from ${formatDuration(minMs)} to ${formatDuration(maxMs)}`;
  return {
    decode(value, path) {
      const millis = typeof value === "string" ? parseDuration(value) : null;
      if (millis === null || millis < minMs || millis > maxMs) throw new DecodeError(path, expected);
      return millis;
    },
    json: { type: "string", pattern: PATTERN.source },
  };
}
