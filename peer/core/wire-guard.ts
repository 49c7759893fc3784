// Checks the frames of a BitTorrent connection before anything that parses them: sizes by kind of message, nothing
// a fleet does not speak. Passes whole messages on, copying only those that a chunk cut; holds at most one.
import { PIECE_HEAD_BYTES, readUint32 } from "./data-messages.ts";
import { FEED_BYTES, FEED_KIND } from "./feed-message.ts";
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
/** A whole block with its head and length prefix: nearly all that is ever cut. */
const BLOCK_MESSAGE_BYTES = 4 + PIECE_HEAD_BYTES + BLOCK_BYTES;
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
  [FEED_KIND, FEED_BYTES],
]);

export class WireGuard {
  readonly #infoHash: string;
  readonly #bitfieldBytes: number;
  #opened = false;
  /** The start of a handshake, or of a message whose length or kind is not here yet. */
  #held: Uint8Array = NOTHING;
  /** A good message that the chunk cut off, and how much of it is here. */
  #partial: Uint8Array | null = null;
  /** Memory for cut messages, in turns: a fresh buffer for each would be most of a swarm's garbage. */
  #inUse = new Uint8Array(0);
  #resting = new Uint8Array(0);
  #partialFilled = 0;
  /** Bytes still to come of a message that nobody needs. */
  #ignoredLeft = 0;

  constructor(options: { infoHash: string; pieceCount: number }) {
    this.#infoHash = options.infoHash;
    this.#bitfieldBytes = Math.ceil(options.pieceCount / 8);
  }

  /** Bytes of a message that has not arrived whole. */
  get cutBytes(): number {
    return this.#partial === null ? 0 : this.#partialFilled;
  }

  /** The parts hold good until the next call. */
  push(chunk: Uint8Array): GuardVerdict {
    const data = this.#held.length === 0 ? chunk : joined(this.#held, chunk);
    this.#held = NOTHING;
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
    let at = this.#finishCutMessage(data, parts);
    // Whole messages from `runAt` to `at` are passed on as one part.
    let runAt = at;
    while (at < data.length) {
      const head = readHead(data, at);
      if (head === null) break;
      const judged = this.#judge(head);
      if (judged !== "pass" && judged !== "ignore") return { kind: "violation", reason: judged.reason };
      const end = at + 4 + head.length;
      if (judged === "pass" && end > data.length) {
        this.#startCutMessage(data.subarray(at), 4 + head.length);
        pushPart(parts, data.subarray(runAt, at));
        return { kind: "pass", parts, handshake };
      }
      if (judged === "ignore") {
        pushPart(parts, data.subarray(runAt, at));
        this.#ignoredLeft = Math.max(0, end - data.length);
        runAt = Math.min(end, data.length);
      }
      at = Math.min(end, data.length);
    }
    pushPart(parts, data.subarray(runAt, at));
    if (at < data.length) this.#held = data.slice(at);
    return { kind: "pass", parts, handshake };
  }

  #startCutMessage(bytes: Uint8Array, length: number): void {
    [this.#inUse, this.#resting] = [this.#resting, this.#inUse];
    if (this.#inUse.length < length) this.#inUse = new Uint8Array(Math.max(length, BLOCK_MESSAGE_BYTES));
    this.#partial = this.#inUse.subarray(0, length);
    this.#partial.set(bytes);
    this.#partialFilled = bytes.length;
  }

  /** Takes from the start of `data` what belongs to an earlier message. Returns where the next one begins. */
  #finishCutMessage(data: Uint8Array, parts: Uint8Array[]): number {
    if (this.#ignoredLeft > 0) {
      const skipped = Math.min(this.#ignoredLeft, data.length);
      this.#ignoredLeft -= skipped;
      return skipped;
    }
    if (this.#partial === null) return 0;
    const taken = Math.min(this.#partial.length - this.#partialFilled, data.length);
    this.#partial.set(data.subarray(0, taken), this.#partialFilled);
    this.#partialFilled += taken;
    if (this.#partialFilled < this.#partial.length) return taken;
    parts.push(this.#partial);
    this.#partial = null;
    return taken;
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

const NOTHING = new Uint8Array(0);

interface Head {
  /** Bytes after the length prefix. */
  readonly length: number;
  /** Null for a keep-alive, which has none. */
  readonly kind: number | null;
}

function readHead(data: Uint8Array, at: number): Head | null {
  if (data.length < at + 4) return null;
  const length = readUint32(data, at);
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
