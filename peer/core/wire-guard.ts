// Checks the frames of a BitTorrent connection before anything that parses them: sizes by kind of message, nothing
// a fleet does not speak. Passes bytes on without copying; holds at most one handshake or message head.
import { BLOCK_BYTES } from "./geometry.ts";
import { HANDSHAKE_BYTES, type Handshake, parseHandshake, withoutExtensions } from "./handshake.ts";

export type GuardVerdict =
  | {
      readonly kind: "pass";
      readonly parts: readonly Uint8Array[];
      /** Set once, with the bytes that complete it. */
      readonly handshake: Handshake | null;
    }
  | { readonly kind: "violation"; readonly reason: string };

/** Message kinds of BEP 3 and BEP 6. */
const BITFIELD = 5;
const PIECE = 7;
/** Piece index and offset in front of a block, and the kind. */
const PIECE_HEAD_BYTES = 9;
/** The longest extended handshake of a stock client has a few hundred bytes. */
const IGNORED_BYTES_MAX = 64 * 1024;

/** Kinds with one possible length, kind byte included. */
const FIXED_LENGTHS: ReadonlyMap<number, number> = new Map([
  [0, 1], // choke
  [1, 1], // unchoke
  [2, 1], // interested
  [3, 1], // not interested
  [4, 5], // have
  [6, 13], // request
  [8, 13], // cancel
  [14, 1], // have all
  [15, 1], // have none
  [16, 13], // reject
]);

export class WireGuard {
  readonly #infoHash: string;
  readonly #bitfieldBytes: number;
  #opened = false;
  /** The head of a handshake or message that the next chunk completes. */
  #held: Uint8Array = new Uint8Array(0);
  /** Bytes of the current message still to come, and whether they are kept from the parser. */
  #bodyLeft = 0;
  #ignoring = false;

  constructor(options: { infoHash: string; pieceCount: number }) {
    this.#infoHash = options.infoHash;
    this.#bitfieldBytes = Math.ceil(options.pieceCount / 8);
  }

  push(chunk: Uint8Array): GuardVerdict {
    const data = this.#held.length === 0 ? chunk : joined(this.#held, chunk);
    this.#held = new Uint8Array(0);
    if (this.#opened) return this.#pass(data, [], null);
    if (data.length < HANDSHAKE_BYTES) {
      this.#held = data.slice();
      return { kind: "pass", parts: [], handshake: null };
    }
    const handshake = parseHandshake(data);
    if (handshake === null) return { kind: "violation", reason: "does not speak BitTorrent" };
    if (handshake.infoHash !== this.#infoHash)
      return { kind: "violation", reason: "answers for another torrent" };
    this.#opened = true;
    return this.#pass(data.subarray(HANDSHAKE_BYTES), [withoutExtensions(data)], handshake);
  }

  #pass(data: Uint8Array, parts: Uint8Array[], handshake: Handshake | null): GuardVerdict {
    // Everything from `runAt` to `at` is passed on as one part, so a chunk of good messages stays whole.
    let runAt = 0;
    let at = 0;
    while (at < data.length) {
      if (this.#bodyLeft === 0) {
        const head = readHead(data, at);
        if (head === null) break;
        const judged = this.#judge(head);
        if (judged !== "pass" && judged !== "ignore") return { kind: "violation", reason: judged.reason };
        this.#ignoring = judged === "ignore";
        if (this.#ignoring) pushPart(parts, data.subarray(runAt, at));
        this.#bodyLeft = 4 + head.length;
      }
      const taken = Math.min(this.#bodyLeft, data.length - at);
      this.#bodyLeft -= taken;
      at += taken;
      if (this.#ignoring) runAt = at;
    }
    pushPart(parts, data.subarray(runAt, at));
    this.#held = data.slice(at);
    return { kind: "pass", parts, handshake };
  }

  #judge(head: Head): "pass" | "ignore" | { readonly reason: string } {
    const { length, kind } = head;
    if (kind === null) return "pass";
    const fixed = FIXED_LENGTHS.get(kind);
    if (fixed !== undefined) return length === fixed ? "pass" : wrongSize(head);
    if (kind === BITFIELD) return length === 1 + this.#bitfieldBytes ? "pass" : wrongSize(head);
    if (kind === PIECE)
      return length > PIECE_HEAD_BYTES && length <= PIECE_HEAD_BYTES + BLOCK_BYTES ? "pass" : wrongSize(head);
    return length <= IGNORED_BYTES_MAX ? "ignore" : wrongSize(head);
  }
}

interface Head {
  /** Bytes after the length prefix. */
  readonly length: number;
  /** Null for a keep-alive, which has none. */
  readonly kind: number | null;
}

function readHead(data: Uint8Array, at: number): Head | null {
  if (data.length < at + 4) return null;
  const [a = 0, b = 0, c = 0, d = 0] = data.subarray(at, at + 4);
  const length = a * 0x100_0000 + ((b << 16) | (c << 8) | d);
  if (length === 0) return { length, kind: null };
  const kind = data[at + 4];
  return kind === undefined ? null : { length, kind };
}

function wrongSize(head: Head): { readonly reason: string } {
  return { reason: `sent a message of kind ${head.kind} with ${head.length} bytes` };
}

function pushPart(parts: Uint8Array[], part: Uint8Array): void {
  if (part.length > 0) parts.push(part);
}

function joined(head: Uint8Array, tail: Uint8Array): Uint8Array {
  const both = new Uint8Array(head.length + tail.length);
  both.set(head);
  both.set(tail, head.length);
  return both;
}
