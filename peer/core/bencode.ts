// Bencoding (BEP 3) for datagrams of strangers: one canonical form, bounded depth and count, null for all else.
// Pure; builds nothing that a length in the bytes has only promised.

export type BencodeValue = number | Uint8Array | readonly BencodeValue[] | BencodeDictionary;
export type BencodeDictionary = ReadonlyMap<string, BencodeValue>;

/** A DHT message is a dictionary with dictionaries of lists in it. */
const DEPTH_MAX = 4;
/** A full answer to get_peers has under 200; this bounds what one datagram can make us build. */
const VALUES_MAX = 256;
/** The longest key of the DHT is `implied_port`. */
const KEY_BYTES_MAX = 16;
const INTEGER = /^(0|-?[1-9][0-9]{0,14})$/;
const LENGTH = /^(0|[1-9][0-9]{0,4})$/;

const [COLON, DIGIT_0, DIGIT_9, DICTIONARY, END, NUMBER, LIST] = [58, 48, 57, 100, 101, 105, 108];

/** The value these bytes are, all of them and written in the one allowed way; null otherwise. */
export function decodeBencode(bytes: Uint8Array): BencodeValue | null {
  const reader = new Reader(bytes);
  const value = reader.value(0);
  return value !== null && reader.isAtEnd ? value : null;
}

/** Keys are written in the order of the map, which has to be that of their bytes. */
export function encodeBencode(value: BencodeValue): Uint8Array {
  const parts: Uint8Array[] = [];
  write(value, parts);
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

export function latin1Bytes(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

export function latin1Text(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes);
}

class Reader {
  readonly #bytes: Uint8Array;
  #at = 0;
  #values = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  value(depth: number): BencodeValue | null {
    this.#values += 1;
    if (depth > DEPTH_MAX || this.#values > VALUES_MAX) return null;
    switch (this.#bytes[this.#at]) {
      case NUMBER:
        return this.#integer();
      case LIST:
        return this.#list(depth);
      case DICTIONARY:
        return this.#dictionary(depth);
      default:
        return this.#string(this.#bytes.length);
    }
  }

  #integer(): number | null {
    this.#at += 1;
    const digits = this.#until(END, 16);
    return digits !== null && INTEGER.test(digits) ? Number(digits) : null;
  }

  #string(lengthMax: number): Uint8Array | null {
    const first = this.#bytes[this.#at] ?? 0;
    if (first < DIGIT_0 || first > DIGIT_9) return null;
    const digits = this.#until(COLON, 5);
    if (digits === null || !LENGTH.test(digits)) return null;
    const end = this.#at + Number(digits);
    if (end > this.#bytes.length || Number(digits) > lengthMax) return null;
    const string = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return string;
  }

  #list(depth: number): BencodeValue | null {
    this.#at += 1;
    const items: BencodeValue[] = [];
    while (!this.#tookEnd()) {
      const item = this.value(depth + 1);
      if (item === null) return null;
      items.push(item);
    }
    return items;
  }

  #dictionary(depth: number): BencodeValue | null {
    this.#at += 1;
    const entries = new Map<string, BencodeValue>();
    let last: string | null = null;
    while (!this.#tookEnd()) {
      const key = this.#string(KEY_BYTES_MAX);
      const name = key === null ? null : latin1Text(key);
      if (name === null || (last !== null && name <= last)) return null;
      const item = this.value(depth + 1);
      if (item === null) return null;
      entries.set(name, item);
      last = name;
    }
    return entries;
  }

  #tookEnd(): boolean {
    if (this.#bytes[this.#at] !== END) return false;
    this.#at += 1;
    return true;
  }

  /** The text up to the mark, which is taken as well; null when it is not within `lengthMax` characters. */
  #until(mark: number, lengthMax: number): string | null {
    const head = this.#bytes.subarray(this.#at, this.#at + lengthMax + 1);
    const length = head.indexOf(mark);
    if (length === -1) return null;
    this.#at += length + 1;
    return latin1Text(head.subarray(0, length));
  }
}

function write(value: BencodeValue, parts: Uint8Array[]): void {
  if (typeof value === "number") parts.push(latin1Bytes(`i${value.toFixed(0)}e`));
  else if (value instanceof Uint8Array) parts.push(latin1Bytes(`${value.length}:`), value);
  else if (isList(value)) {
    parts.push(latin1Bytes("l"));
    for (const item of value) write(item, parts);
    parts.push(latin1Bytes("e"));
  } else {
    parts.push(latin1Bytes("d"));
    for (const [key, item] of value) {
      write(latin1Bytes(key), parts);
      write(item, parts);
    }
    parts.push(latin1Bytes("e"));
  }
}

function isList(value: BencodeValue): value is readonly BencodeValue[] {
  return Array.isArray(value);
}
