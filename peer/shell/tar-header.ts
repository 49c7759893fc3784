// One 512-byte tar header block ⇄ its fields, in the POSIX ustar and GNU forms. Checks the block's own integrity;
// whether the entry may be installed is for the archive rules to say.
import type { EntryType } from "../core/archive-rules.ts";
import { type ExtensionType, terminatedText } from "./tar-extensions.ts";

export const TAR_BLOCK_BYTES = 512;

/** Latest time that the classic eleven octal digits can hold, in the year 2242. */
const MTIME_SECONDS_MAX = 0o77777777777;

export interface TarHeader {
  readonly type: EntryType | ExtensionType;
  readonly size: number;
  readonly mode: number;
  readonly mtimeSeconds: number;
  /** Decoded on demand: an extension may replace a name that was cut in the middle of a character. */
  readonly name: () => string;
  readonly linkName: () => string;
}

const TYPES: Readonly<Record<string, EntryType | ExtensionType>> = {
  "\0": "file",
  "0": "file",
  "1": "hardlink",
  "2": "symlink",
  "3": "character device",
  "4": "block device",
  "5": "directory",
  "6": "fifo",
  "7": "file",
  S: "sparse file",
  x: "pax",
  g: "pax-global",
  L: "gnu-long-path",
  K: "gnu-long-link",
};

/** Null when the block is no intact tar header: wrong magic, wrong checksum, or numbers that do not parse. */
export function readTarHeader(block: Uint8Array): TarHeader | null {
  const magic = Buffer.from(block.subarray(257, 263)).toString("latin1");
  if (magic !== "ustar\0" && magic !== "ustar ") return null;
  if (numberAt(block, 148, 8) !== checksumOf(block)) return null;
  const size = numberAt(block, 124, 12);
  const mode = numberAt(block, 100, 8);
  const mtimeSeconds = numberAt(block, 136, 12);
  if (!Number.isSafeInteger(size) || size < 0 || Number.isNaN(mode) || Number.isNaN(mtimeSeconds))
    return null;
  return {
    type: TYPES[String.fromCharCode(block[156] ?? 0)] ?? "entry of an unknown type",
    size,
    mode,
    mtimeSeconds: clampMtime(mtimeSeconds),
    name: () => nameOf(block, magic),
    linkName: () => terminatedText(block.subarray(157, 257)),
  };
}

export function clampMtime(seconds: number): number {
  return Math.min(Math.max(seconds, 0), MTIME_SECONDS_MAX);
}

/** The sum of all bytes, with the checksum field itself counted as spaces. */
export function checksumOf(block: Uint8Array): number {
  let sum = 8 * 0x20;
  for (const byte of block) sum += byte;
  for (const byte of block.subarray(148, 156)) sum -= byte;
  return sum;
}

/** GNU headers keep other fields where ustar has the prefix. */
function nameOf(block: Uint8Array, magic: string): string {
  const name = terminatedText(block.subarray(0, 100));
  const prefix = magic === "ustar\0" ? terminatedText(block.subarray(345, 500)) : "";
  return prefix === "" ? name : `${prefix}/${name}`;
}

/** An octal field, or a big-endian binary one when its top bit is set; NaN when it is neither. */
function numberAt(block: Uint8Array, offset: number, length: number): number {
  const field = block.subarray(offset, offset + length);
  const first = field[0] ?? 0;
  if (first === 0xff) return -1;
  if (first >= 0x80) return field.subarray(1).reduce((value, byte) => value * 256 + byte, first & 0x7f);
  const digits = /^[ \0]*([0-7]*)(?:[ \0]|$)/.exec(Buffer.from(field).toString("latin1"))?.[1];
  if (digits === undefined) return Number.NaN;
  return digits === "" ? 0 : Number.parseInt(digits, 8);
}
