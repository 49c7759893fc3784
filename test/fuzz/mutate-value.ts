// Damages what a frame means rather than its bytes: one field gone, doubled, or of another type. Such frames are whole,
// so they reach the schemas, which bytes damaged at random seldom do.
import { Packr } from "msgpackr/pack";
import type { Prng } from "../../protocol/prng.ts";

const packr = new Packr({ useRecords: false });

/** Values at the ends of ranges, of every type that a frame can hold. */
const TELLING_VALUES: readonly unknown[] = [
  ...[
    null,
    true,
    false,
    0,
    -0,
    -1,
    1,
    0.5,
    65_535,
    65_536,
    2 ** 31,
    2 ** 32,
    2 ** 53 - 1,
    2 ** 53,
    -(2 ** 63),
  ],
  ...[
    Number.NaN,
    Number.POSITIVE_INFINITY,
    1e308,
    "",
    "x",
    "x".repeat(65),
    "x".repeat(1_001),
    "é€😀",
    "\u0000",
  ],
  ...["../x", "origin", "healthy", "failed", "__proto__", "0".repeat(32), "0".repeat(64), "A".repeat(43)],
  ...[[], [[]], {}, { kind: "healthy" }, { kind: "__proto__" }, new Uint8Array(0), new Uint8Array(32)],
];

/** The frame with one to three of its values changed, or null when it holds no value that can be read. */
export function mutateValue(frame: Uint8Array, prng: Prng): Buffer | null {
  let value: unknown;
  try {
    value = packr.unpack(frame);
  } catch {
    return null;
  }
  for (let round = prng.below(3); round >= 0; round -= 1) value = changed(value, prng);
  return packr.pack(value);
}

/** Goes down a random way, and changes what is at its end. */
function changed(value: unknown, prng: Prng): unknown {
  const isBranch = typeof value === "object" && value !== null && !(value instanceof Uint8Array);
  if (!isBranch || prng.below(6) === 0) return TELLING_VALUES[prng.below(TELLING_VALUES.length)];
  if (Array.isArray(value)) return changedList(value, prng);
  return Object.fromEntries(changedEntries(Object.entries(value), prng));
}

function changedList(list: readonly unknown[], prng: Prng): readonly unknown[] {
  const at = prng.below(list.length + 1);
  if (prng.below(4) === 0) return Array.from({ length: prng.below(80) }, () => list[at] ?? null);
  return [...list.slice(0, at), changed(list[at] ?? null, prng), ...list.slice(at + 1)];
}

function changedEntries(entries: readonly [string, unknown][], prng: Prng): readonly [string, unknown][] {
  const at = prng.below(entries.length + 1);
  const [key = "extra", value = null] = entries[at] ?? [];
  const rest = entries.filter((_, index) => index !== at);
  switch (prng.below(6)) {
    case 0:
      return rest;
    case 1:
      return [...rest, [`${key}2`, value]];
    default:
      return [...rest, [key, changed(value, prng)]];
  }
}
