// Tar archives written field by field, so that a test can say what no honest tar program would write.
// Shares no code with the reader and writer under test.

export interface RawEntry {
  readonly name?: string | Buffer;
  /** The type flag, one character. */
  readonly type?: string;
  readonly content?: string | Buffer;
  /** Overrides the size field, which otherwise is the content's length. */
  readonly size?: number | Buffer;
  readonly mode?: number;
  readonly mtime?: number | Buffer;
  readonly link?: string;
  readonly prefix?: string;
  readonly magic?: string;
  readonly checksum?: number;
}

export const TAR_END = Buffer.alloc(1024);

/** A whole archive with its end mark. */
export function rawTar(...entries: readonly (RawEntry | Buffer)[]): Buffer {
  return Buffer.concat([
    ...entries.map((entry) => (Buffer.isBuffer(entry) ? entry : rawEntry(entry))),
    TAR_END,
  ]);
}

/** Header, content and padding of one entry. */
export function rawEntry(entry: RawEntry): Buffer {
  const content = Buffer.from(entry.content ?? "");
  const padding = Buffer.alloc((512 - (content.length % 512)) % 512);
  return Buffer.concat([rawHeader(entry, content.length), content, padding]);
}

/** A pax header that speaks of the entry after it; `records` may also be given as raw bytes. */
export function pax(records: Readonly<Record<string, string>> | Buffer, type = "x"): Buffer {
  const content = Buffer.isBuffer(records) ? records : Buffer.concat(Object.entries(records).map(paxRecord));
  return rawEntry({ name: "pax", type, content });
}

/** A GNU long name (`L`) or long link (`K`) that speaks of the entry after it. */
export function gnuLong(type: "L" | "K", name: string): Buffer {
  return rawEntry({ name: "././@LongLink", type, content: `${name}\0`, magic: "ustar  \0" });
}

export function dir(name: string, mode = 0o755): RawEntry {
  return { name, type: "5", mode };
}

export function file(name: string, content = name): RawEntry {
  return { name, type: "0", content };
}

export function symlink(name: string, link: string): RawEntry {
  return { name, type: "2", link, mode: 0o777 };
}

export function hardlink(name: string, link: string): RawEntry {
  return { name, type: "1", link };
}

function rawHeader(entry: RawEntry, contentLength: number): Buffer {
  const header = Buffer.alloc(512);
  Buffer.from(entry.name ?? "file").copy(header, 0, 0, 100);
  octal(header, 100, 8, entry.mode ?? 0o644);
  octal(header, 108, 8, 1000);
  octal(header, 116, 8, 1000);
  numeric(header, 124, entry.size ?? contentLength);
  numeric(header, 136, entry.mtime ?? 1_000_000_000);
  header.write(entry.type ?? "0", 156, "latin1");
  Buffer.from(entry.link ?? "").copy(header, 157, 0, 100);
  header.write(entry.magic ?? "ustar\x0000", 257, "latin1");
  Buffer.from(entry.prefix ?? "").copy(header, 345, 0, 155);
  header.fill(" ", 148, 156);
  const sum = header.reduce((total, byte) => total + byte, 0);
  octal(header, 148, 7, entry.checksum ?? sum);
  return header;
}

function numeric(header: Buffer, offset: number, value: number | Buffer): void {
  if (Buffer.isBuffer(value)) value.copy(header, offset);
  else octal(header, offset, 12, value);
}

function octal(header: Buffer, offset: number, width: number, value: number): void {
  header.write(`${value.toString(8).padStart(width - 1, "0")}\0`, offset, "latin1");
}

function paxRecord([key, value]: readonly [string, string]): Buffer {
  const rest = ` ${key}=${value}\n`;
  let length = Buffer.byteLength(rest);
  while (String(length).length + Buffer.byteLength(rest) !== length) length += 1;
  return Buffer.from(`${length}${rest}`);
}
