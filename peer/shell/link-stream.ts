// One connection of the swarm: a socket on one side, WebTorrent on the other, and the wire guard between them.
// Owns the socket, its deadline and its bounds. WebTorrent's own pipeline carries the handshake; afterwards bytes go
// straight between socket and wire, which saves four stream hops per message.
import type { Socket } from "node:net";
import { Duplex } from "node:stream";
import { HANDSHAKE_TIMEOUT_MS } from "../../protocol/limits.ts";
import { HANDSHAKE_BYTES, type Handshake } from "../core/handshake.ts";
import { WireGuard } from "../core/wire-guard.ts";

/** Unsent bytes at which nothing more is read from a remote that does not read itself. Blocks alone stay well below. */
const UNSENT_BYTES_PAUSE = 2 * 1024 * 1024;
/** Messages up to this size travel joined: each alone would cost ten times its bytes while it waits in the socket. */
const SMALL_MESSAGE_BYTES_MAX = 64;
/** Messages that wait for the end of a turn: it may read megabytes of what wants an answer to every few bytes. */
const OUTBOX_MESSAGES_MAX = 256;
/** A dead remote is noticed within about a minute, also when nothing is owed either way. */
const TCP_KEEP_ALIVE_MS = 30_000;

export interface LinkStreamOptions {
  readonly link: number;
  readonly infoHash: string;
  readonly pieceCount: number;
  /** The remote has said who it is. Nothing more is passed on before {@link LinkStream.proceed}. */
  readonly onHandshake: (handshake: Handshake) => void;
}

/** Where bytes from the remote go once the wire is up. */
export type WireInput = (bytes: Uint8Array) => void;

export class LinkStream extends Duplex {
  /** Links with something to send: one wakening serves them all. */
  static readonly #toEmpty: LinkStream[] = [];
  /** WebTorrent takes a stream with these four for a peer that is connected already; see webtorrent-adapter.ts. */
  readonly id: string;
  readonly connected = true;
  readonly remoteAddress = "link";
  readonly remotePort: number;
  readonly #socket: Socket;
  readonly #guard: WireGuard;
  readonly #onHandshake: (handshake: Handshake) => void;
  #input: WireInput | null = null;
  /** Guarded bytes that nobody may see yet; the socket is paused while there are any. */
  readonly #heldParts: Uint8Array[] = [];
  #handshakeBytesSent = 0;
  /** Messages of this turn of the event loop. */
  #outbox: Uint8Array[] = [];
  #blockWaits = false;
  /** Bytes of messages handed in so far. */
  #queuedBytes = 0;
  #flushedBytes = 0;
  #onFlushed: () => void = () => undefined;
  #violation: string | null = null;
  #timedOut = false;

  constructor(socket: Socket, options: LinkStreamOptions) {
    super({ allowHalfOpen: false });
    this.id = `link:${options.link}`;
    this.remotePort = options.link;
    this.#socket = socket;
    this.#guard = new WireGuard(options);
    this.#onHandshake = options.onHandshake;
    // WebTorrent listens too, but only once the stream is handed over.
    this.on("error", () => undefined);
    this.#listen();
  }

  /** Why the remote was cut off, null when it was not. */
  get violation(): string | null {
    return this.#violation;
  }

  /** It was given up on because it never finished its handshake. */
  get timedOut(): boolean {
    return this.#timedOut;
  }

  /** Part of a message is here and the rest is not. */
  get isMidMessage(): boolean {
    return this.#guard.cutBytes > 0;
  }

  /** How many bytes of messages the operating system is known to have taken, up to the end of a block. */
  get flushedBytes(): number {
    return this.#flushedBytes;
  }

  /** Bytes a listener has already read from the socket. */
  receive(bytes: Uint8Array): void {
    const verdict = this.#guard.push(bytes);
    if (verdict.kind === "violation") {
      this.#violation = verdict.reason;
      this.destroy();
      return;
    }
    this.#deliver(verdict.parts);
    if (verdict.handshake !== null) this.#onHandshake(verdict.handshake);
  }

  /** The remote may talk to WebTorrent. */
  proceed(): void {
    this.#socket.setTimeout(0);
    const [handshake, ...rest] = this.#heldParts.splice(0);
    if (handshake !== undefined) this.push(handshake);
    this.#heldParts.push(...rest);
  }

  /** WebTorrent's wire is up: from here on it is fed directly and sends through {@link send}. */
  joinWire(input: WireInput, onFlushed: () => void): void {
    this.#onFlushed = onFlushed;
    // The wire is still in the middle of the handshake, and must not be given anything before it is done.
    queueMicrotask(() => {
      this.#input = input;
      for (const part of this.#heldParts.splice(0)) input(part);
      this.#socket.resume();
    });
  }

  /** Sends a message. Those of one turn of the event loop leave in one system call. */
  send(bytes: Uint8Array): void {
    this.#queuedBytes += bytes.length;
    this.#outbox.push(bytes);
    if (!this.#handshakeIsOut) return;
    if (this.#outbox.length === 1) LinkStream.#emptySoon(this);
    if (this.#outbox.length === OUTBOX_MESSAGES_MAX) this.#empty();
  }

  /** Sends a block behind its head. Returns where it ends in the stream; compare with {@link flushedBytes}. */
  sendBlock(head: Uint8Array, block: Uint8Array): number {
    this.send(head);
    this.#blockWaits = true;
    this.send(block);
    return this.#queuedBytes;
  }

  override _read(): void {
    // Only the handshake comes this way, and it is pushed by `proceed`.
  }

  /** WebTorrent's pipeline sends our handshake, and nothing else, before the wire is joined. */
  override _write(chunk: Uint8Array, _encoding: BufferEncoding, callback: () => void): void {
    this.#handshakeBytesSent += chunk.length;
    this.#socket.write(chunk);
    if (this.#handshakeIsOut) this.#empty();
    callback();
  }

  override _destroy(error: Error | null, callback: (error: Error | null) => void): void {
    this.#socket.destroy();
    callback(error);
  }

  #listen(): void {
    const socket = this.#socket;
    socket.setNoDelay(true);
    socket.setKeepAlive(true, TCP_KEEP_ALIVE_MS);
    socket.setTimeout(HANDSHAKE_TIMEOUT_MS, () => {
      this.#timedOut = true;
      this.destroy();
    });
    socket.on("data", (bytes) => this.receive(bytes));
    socket.on("drain", () => socket.resume());
    // Both are a remote's business: the link is gone, and the roster decides what follows.
    socket.on("error", () => this.destroy());
    socket.on("close", () => this.destroy());
  }

  #deliver(parts: readonly Uint8Array[]): void {
    if (this.#input !== null) {
      for (const part of parts) this.#input(part);
      return;
    }
    // The guard's memory is used again for what comes next.
    for (const part of parts) this.#heldParts.push(Uint8Array.from(part));
    if (this.#heldParts.length > 0) this.#socket.pause();
  }

  /** Messages must not overtake our handshake. */
  get #handshakeIsOut(): boolean {
    return this.#handshakeBytesSent >= HANDSHAKE_BYTES;
  }

  /** After all sockets that have something to read were read: what they make us say to one remote goes together. */
  static #emptySoon(link: LinkStream): void {
    if (LinkStream.#toEmpty.length === 0) setImmediate(LinkStream.#emptyAll);
    LinkStream.#toEmpty.push(link);
  }

  static #emptyAll(): void {
    for (const link of LinkStream.#toEmpty.splice(0)) link.#empty();
  }

  #empty(): void {
    const messages = joinSmall(this.#outbox);
    this.#outbox = [];
    const last = messages.pop();
    if (last === undefined || this.destroyed) return;
    const socket = this.#socket;
    if (messages.length > 0) socket.cork();
    for (const message of messages) socket.write(message);
    const endsAt = this.#queuedBytes;
    // Who sent no block does not ask what was taken.
    if (this.#blockWaits) socket.write(last, () => this.#noteFlushed(endsAt));
    else socket.write(last);
    this.#blockWaits = false;
    if (messages.length > 0) socket.uncork();
    if (socket.writableLength > UNSENT_BYTES_PAUSE) socket.pause();
  }

  /** Everything up to this place in the stream has been taken. */
  #noteFlushed(endsAt: number): void {
    this.#flushedBytes = endsAt;
    if (!this.destroyed) this.#onFlushed();
  }
}

/** The same bytes, runs of small messages in one piece each. */
function joinSmall(messages: readonly Uint8Array[]): Uint8Array[] {
  const joined: Uint8Array[] = [];
  let run: Uint8Array[] = [];
  const endRun = (): void => {
    if (run.length > 0) joined.push(run.length === 1 ? (run[0] ?? NOTHING) : Buffer.concat(run));
    run = [];
  };
  for (const message of messages) {
    if (message.length <= SMALL_MESSAGE_BYTES_MAX) {
      run.push(message);
      continue;
    }
    endRun();
    joined.push(message);
  }
  endRun();
  return joined;
}

const NOTHING = new Uint8Array(0);
