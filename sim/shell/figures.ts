// Numbers as people write them in a report: times, bytes, counts, ratios, and the round values of an axis.
// Owns wording only; must never round a number that is calculated with further.

/** Three digits below a minute: `350 ms`, `9.21 s`, `45.3 s`; above it `2 min 5 s`, `1 h 20 min`, `3 d 4 h`. */
export function formatSeconds(seconds: number): string {
  if (seconds < 0.9995) return `${(seconds * 1000).toPrecision(3)} ms`;
  if (seconds < 59.95) return `${seconds.toPrecision(3)} s`;
  return inTwoUnits(seconds);
}

/** For round values, with no more digits than they need: `2 s`, `0.5 s`, `1 min 30 s`. */
export function formatRoundSeconds(seconds: number): string {
  if (seconds === 0) return "0";
  if (seconds < 0.0995) return `${shortest(seconds * 1000)} ms`;
  if (seconds < 59.95) return `${shortest(seconds)} s`;
  return inTwoUnits(seconds);
}

/** `10,000`. */
export function formatCount(count: number): string {
  return Math.round(count)
    .toString()
    .replace(/\B(?=(?:\d{3})+$)/g, ",");
}

/** `1 node`, `10,000 nodes`. */
export function formatNodes(count: number): string {
  return `${formatCount(count)} node${count === 1 ? "" : "s"}`;
}

/** `1.04`, `12.3`, `8,550`: how often something fits into something else. */
export function formatRatio(ratio: number): string {
  if (ratio < 9.995) return ratio.toFixed(2);
  return ratio < 99.95 ? ratio.toFixed(1) : formatCount(ratio);
}

const BINARY_UNITS = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"] as const;
const DECIMAL_UNITS = ["B", "kB", "MB", "GB", "TB", "PB"] as const;

/** Binary where that comes out even, as sizes often do: `1 GiB`, `512 MiB`; else decimal: `1.5 GB`, `123 kB`. */
export function formatBytes(bytes: number): string {
  const binary = inUnits(bytes, 1024, BINARY_UNITS);
  if (binary.unit !== "B" && Number.isInteger(binary.value)) return `${binary.value} ${binary.unit}`;
  const decimal = inUnits(bytes, 1000, DECIMAL_UNITS);
  return `${shortest(decimal.value)} ${decimal.unit}`;
}

/** Seconds from 0 to at least `max`, at most `count` of them above 0, at steps that a clock has. */
export function timeTicks(max: number, count: number): readonly number[] {
  const step = timeSteps().find((candidate) => Math.ceil(max / candidate) <= count) ?? max / count;
  return Array.from({ length: Math.max(1, Math.ceil(max / step)) + 1 }, (_, index) => roundOff(index * step));
}

/** For a logarithmic axis, seconds between `min` and `max`: decades of seconds, minutes, hours and days. */
export function logTimeTicks(min: number, max: number): readonly number[] {
  const within = (values: readonly number[]): readonly number[] =>
    values.filter((value) => value >= min && value <= max);
  const coarse = within([...decades(-3, 1), 60, 600, 3600, 36_000, 86_400, ...decades(0, 4).map(days)]);
  const ticks = coarse.length > 2 ? coarse : within(timeSteps());
  return [...new Set(ticks)].toSorted((a, b) => a - b);
}

/** From at most `min` to at least `max`, about `count` values at steps of 1, 2 or 5 times a power of ten. */
export function roundTicks(min: number, max: number, count: number): readonly number[] {
  const rough = Math.max(max - min, Math.abs(max) / 100, 1e-9) / count;
  const decade = 10 ** Math.floor(Math.log10(rough));
  const step = decade * ([1, 2, 5].find((digit) => digit * decade >= rough) ?? 10);
  const first = Math.floor(min / step + TOLERANCE);
  const last = Math.max(first + 1, Math.ceil(max / step - TOLERANCE));
  return Array.from({ length: last - first + 1 }, (_, index) => roundOff((first + index) * step));
}

/** 1.1 / 0.1 is more than 11. */
const TOLERANCE = 1e-9;

const DAY_SECONDS = 86_400;

/** Steps of 1, 2 and 5 below 10 s and above a day; between them, what divides a minute and an hour. */
function timeSteps(): readonly number[] {
  const small = decades(-3, 0).flatMap((decade) => [1, 2, 5].map((digit) => roundOff(digit * decade)));
  const clock = [10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200];
  const large = decades(0, 4).flatMap((decade) => [1, 2, 5].map((digit) => days(digit * decade)));
  return [...small, ...clock, ...large];
}

function days(count: number): number {
  return count * DAY_SECONDS;
}

function decades(from: number, to: number): readonly number[] {
  return Array.from({ length: to - from + 1 }, (_, index) => roundOff(10 ** (from + index)));
}

/** 0.30000000000000004 → 0.3. */
function roundOff(value: number): number {
  return Number(value.toPrecision(12));
}

/** Ascending; each is told with the part that it divides into, up to the next. */
const CLOCK_UNITS = [
  { unit: "min", seconds: 60, part: "s", partSeconds: 1, untilSeconds: 3600 },
  { unit: "h", seconds: 3600, part: "min", partSeconds: 60, untilSeconds: DAY_SECONDS },
  { unit: "d", seconds: DAY_SECONDS, part: "h", partSeconds: 3600, untilSeconds: Number.POSITIVE_INFINITY },
] as const;

function inTwoUnits(total: number): string {
  const fits = CLOCK_UNITS.find(
    ({ partSeconds, untilSeconds }) => Math.round(total / partSeconds) * partSeconds < untilSeconds,
  );
  const { unit, seconds, part, partSeconds } = fits ?? CLOCK_UNITS[2];
  const parts = Math.round(total / partSeconds);
  const perUnit = seconds / partSeconds;
  const whole = `${formatCount(Math.floor(parts / perUnit))} ${unit}`;
  return parts % perUnit === 0 ? whole : `${whole} ${parts % perUnit} ${part}`;
}

function inUnits<Unit extends string>(
  bytes: number,
  factor: number,
  units: readonly [Unit, ...Unit[]],
): { readonly value: number; readonly unit: Unit } {
  let value = bytes;
  let index = 0;
  // 999.5 would be written as 1000 of the smaller unit.
  while (value >= factor - 0.5 && index < units.length - 1) {
    value /= factor;
    index += 1;
  }
  return { value, unit: units[index] ?? units[0] };
}

/** Three significant digits without zeros at the end: 1.5, 9.21, 45.3, 1000. */
function shortest(value: number): string {
  return String(Number(value.toPrecision(3)));
}
