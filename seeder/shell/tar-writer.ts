// Tar headers as the seeder writes them: ustar, with a pax header in front only where ustar has no room.
// The same entry always gives the same bytes: no owners, no names, no clock.
import { checksumOf, TAR_BLOCK_BYTES } from "../../peer/index.ts";

/**
 * 1980-01-01 in UTC for everything: the same tree must give the same archive wherever and whenever it is packed,
 * and older times break tools that put files of a release into a zip.
 */
const MTIME_SECONDS = 315_532_800;
const NAME_BYTES_MAX = 100;
/** Eleven octal digits. */
const SIZE_MAX = 0o77777777777;

export interface TarEntry {
  readonly kind: "file" | "directory" | "symlink";
  /** Relative, without a trailing slash. */
  readonly path: string;
  readonly mode: number;
  /** Bytes of a file's content, else 0. */
  readonly size: number;
  /** A symlink's target, else empty. */
  readonly target: string;
}

/** The bytes in front of the entry's content: a whole number of blocks. */
export function encodeTarHeader(entry: TarEntry): Buffer {
  const name = entry.kind === "directory" ? `${entry.path}/` : entry.path;
  const records = [
    Buffer.byteLength(name) > NAME_BYTES_MAX ? paxRecord("path", name) : "",
    Buffer.byteLength(entry.target) > NAME_BYTES_MAX ? paxRecord("linkpath", entry.target) : "",
    entry.size > SIZE_MAX ? paxRecord("size", String(entry.size)) : "",
  ].join("");
  const { mode, target } = entry;
  const size = Math.min(entry.size, SIZE_MAX);
  const header = headerBlock({ name, mode, size, target, typeFlag: TYPE_FLAGS[entry.kind] });
  return records === "" ? header : Buffer.concat([paxHeader(records), header]);
}

/** Zeros that fill the last block of a file's content. */
export function paddingAfter(size: number): number {
  return (TAR_BLOCK_BYTES - (size % TAR_BLOCK_BYTES)) % TAR_BLOCK_BYTES;
}

/** The end mark: two blocks of zeros. */
export const TAR_END_BYTES = 2 * TAR_BLOCK_BYTES;

const TYPE_FLAGS = { file: "0", directory: "5", symlink: "2" } as const;

interface BlockFields {
  readonly name: string;
  readonly mode: number;
  readonly size: number;
  readonly target: string;
  readonly typeFlag: string;
}

function headerBlock(fields: BlockFields): Buffer {
  const block = Buffer.alloc(TAR_BLOCK_BYTES);
  // Longer names are in the pax header; readers that do not know pax see as much as fits.
  Buffer.from(fields.name).copy(block, 0, 0, NAME_BYTES_MAX);
  block.write(octal(fields.mode, 7), 100, "latin1");
  block.write(octal(0, 7), 108, "latin1");
  block.write(octal(0, 7), 116, "latin1");
  block.write(octal(fields.size, 11), 124, "latin1");
  block.write(octal(MTIME_SECONDS, 11), 136, "latin1");
  block.write(fields.typeFlag, 156, "latin1");
  Buffer.from(fields.target).copy(block, 157, 0, NAME_BYTES_MAX);
  block.write("ustar\x0000", 257, "latin1");
  block.write(`${octal(checksumOf(block), 6)}\0 `, 148, "latin1");
  return block;
}

function paxHeader(records: string): Buffer {
  const body = Buffer.from(records);
  const header = headerBlock({ name: "pax", mode: 0o644, size: body.length, target: "", typeFlag: "x" });
  return Buffer.concat([header, body, Buffer.alloc(paddingAfter(body.length))]);
}

/** `LENGTH KEY=VALUE\n`, where the length counts its own digits. */
function paxRecord(key: string, value: string): string {
  const rest = ` ${key}=${value}\n`;
  const restBytes = Buffer.byteLength(rest);
  let length = restBytes + 1;
  while (String(length).length + restBytes !== length) length += 1;
  return `${length}${rest}`;
}

function octal(value: number, digits: number): string {
  return value.toString(8).padStart(digits, "0");
}
