// Sizes as people write them: `512MiB`, `1.5GB`, `64kB`. Binary units have an `i`, as in IEC 80000-13. Pure.
import { ARTIFACT_BYTES_MAX } from "../../protocol/limits.ts";

const BYTES_PER_UNIT: Readonly<Record<string, number>> = {
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
  kib: 1024,
  mib: 1024 ** 2,
  gib: 1024 ** 3,
  tib: 1024 ** 4,
};
const PATTERN = /^([0-9]{1,12}(?:\.[0-9]{1,3})?) ?((?:[kKmMgGtT]i?)?[bB])$/;
const UNITS_SHOWN = ["TiB", "GiB", "MiB", "KiB", "TB", "GB", "MB", "kB"];

export const BYTE_SIZE_EXAMPLES = "a size such as 64MiB, 1GiB or 1.5GB, at most 512GiB";

/** Whole bytes, 1 to the largest artifact there may be, or null. */
export function parseByteSize(source: string): number | null {
  const [, value, unit = ""] = PATTERN.exec(source.trim()) ?? [];
  const bytesPerUnit = BYTES_PER_UNIT[unit.toLowerCase()];
  if (value === undefined || bytesPerUnit === undefined) return null;
  const bytes = Math.round(Number(value) * bytesPerUnit);
  return bytes >= 1 && bytes <= ARTIFACT_BYTES_MAX ? bytes : null;
}

/** The shortest exact way to write it, binary units where others are no shorter: `1.5GiB`, `64MB`, `1234567B`. */
export function formatByteSize(bytes: number): string {
  const exact = UNITS_SHOWN.map((unit) => ({
    unit,
    value: bytes / (BYTES_PER_UNIT[unit.toLowerCase()] ?? 1),
  }))
    .filter(({ value }) => value >= 1 && Number(value.toFixed(1)) === value)
    .map(({ unit, value }) => `${value}${unit}`);
  return [...exact, `${bytes}B`].reduce((best, next) => (next.length < best.length ? next : best));
}
