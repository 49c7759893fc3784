// One WebSocket of one node: challenge, hello, then messages until it ends. Owns the socket's limits and deadlines;
// who is let in and what becomes of a message is decided by the ControlChannel behind it.
import { randomBytes } from "node:crypto";
import type { Duplex } from "node:stream";
import type { RawData, WebSocket } from "ws";
import { FleetError } from "../../protocol/errors.ts";
import type { Millis, NodeId } from "../../protocol/ids.ts";
import { MESSAGE_CHARS_MAX, PROTOCOL_VERSION } from "../../protocol/limits.ts";
import type { CoordinatorMessage, Hello, NodeMessage } from "../../protocol/messages.ts";
import { DecodeError } from "../../protocol/schema.ts";
import { decodeNodeFrame, encodeFrame } from "../../protocol/shell/frame.ts";
import { nodeIdOf, verifyHello } from "../../protocol/shell/signature.ts";
import type { ShellLimits } from "./limits.ts";
import { Outbox } from "./outbox.ts";
import type { SendBudget } from "./send-budget.ts";
import { TokenBucket } from "./token-bucket.ts";

// Close codes, RFC 6455 §7.4.
const CLOSE_GOING_AWAY = 1001;
const CLOSE_PROTOCOL_ERROR = 1002;
const CLOSE_POLICY = 1008;
/** From the private range: a newer connection of the same node has taken this one's place. */
const CLOSE_REPLACED = 4001;

export interface NodeConnectionOptions {
  readonly socket: WebSocket;
  /** What the WebSocket runs over. */
  readonly stream: Duplex;
  readonly remoteHost: string;
  readonly localHost: string;
  readonly limits: ShellLimits;
  readonly budget: SendBudget;
  readonly now: () => Millis;
  readonly handlers: ConnectionHandlers;
}

export interface ConnectionHandlers {
  /** The key is proved. Throws FleetError to refuse the node. */
  readonly admit: (connection: NodeConnection, nodeId: NodeId, hello: Hello) => void;
  readonly take: (connection: NodeConnection, message: Exclude<NodeMessage, { kind: "hello" }>) => void;
  readonly refused: (connection: NodeConnection, error: FleetError) => void;
  readonly closed: (connection: NodeConnection, reason: string) => void;
}

export class NodeConnection {
  readonly stream: Duplex;
  readonly remoteHost: string;
  readonly localHost: string;
  /** Null until the hello was accepted. */
  nodeId: NodeId | null = null;
  readonly #options: NodeConnectionOptions;
  readonly #socket: WebSocket;
  readonly #nonce = randomBytes(32);
  readonly #outbox: Outbox;
  readonly #bucket: TokenBucket;
  #deadline: NodeJS.Timeout;
  #heardAt: Millis;
  /** Set by us before we end it; what arrives after that is not looked at. */
  #endReason: string | null = null;

  constructor(options: NodeConnectionOptions) {
    const { socket, limits, now } = options;
    this.#options = options;
    this.#socket = socket;
    this.stream = options.stream;
    this.remoteHost = options.remoteHost;
    this.localHost = options.localHost;
    this.#outbox = new Outbox(options);
    this.#bucket = new TokenBucket(limits.messagesBurst, limits.messagesPerSecond, now());
    this.#heardAt = now();
    this.#deadline = setTimeout(() => this.#handshakeOverdue(), limits.handshakeTimeoutMs);
    socket.on("message", (data, isBinary) => this.#receive(data, isBinary));
    socket.on("ping", () => this.#heard());
    socket.on("pong", () => this.#heard());
    // ws closes the connection by itself after an error; the reason is all that is left to keep.
    socket.on("error", (error) => {
      this.#endReason ??= error.message;
    });
    socket.on("close", (code) => this.#closed(code));
    this.send({ kind: "challenge", protocol: PROTOCOL_VERSION, nonce: this.#nonce });
  }

  send(message: CoordinatorMessage): void {
    if (this.#endReason !== null) return;
    if (!this.#outbox.push(message)) this.drop("reads too slowly: too many orders wait for it");
  }

  /** Tells the node why, then ends the connection. */
  refuse(error: FleetError): void {
    if (this.#endReason !== null) return;
    const message = error.message.slice(0, MESSAGE_CHARS_MAX);
    this.#socket.send(encodeFrame({ kind: "refuse", code: error.code, message }), ignoreSendError);
    this.#options.handlers.refused(this, error);
    this.#end(error.code, error.code === "protocol-error" ? CLOSE_PROTOCOL_ERROR : CLOSE_POLICY);
  }

  goAway(): void {
    this.#end("the coordinator is shutting down", CLOSE_GOING_AWAY);
  }

  replace(): void {
    this.#end("a newer connection of the same node took its place", CLOSE_REPLACED);
  }

  /** Ends it without a word: the other side does not read, or is gone. */
  drop(reason: string): void {
    this.#endReason ??= reason;
    this.#socket.terminate();
  }

  /** `reason` is ours and short: a closing frame holds 123 bytes, and what a remote has sent must not get in there. */
  #end(reason: string, code: number): void {
    this.#endReason ??= reason;
    this.#socket.close(code, reason);
  }

  #receive(data: RawData, isBinary: boolean): void {
    if (this.#endReason !== null) return;
    this.#heard();
    try {
      const frame = frameOf(data, isBinary);
      this.#charge(frame.length);
      this.#dispatch(decodeNodeFrame(frame));
    } catch (error) {
      if (error instanceof FleetError) this.refuse(error);
      else if (error instanceof DecodeError) this.refuse(new FleetError("protocol-error", error.message));
      else throw error;
    }
  }

  #dispatch(message: NodeMessage): void {
    if (message.kind === "hello") return this.#greet(message);
    if (this.nodeId === null)
      throw new FleetError("protocol-error", `a ${message.kind} message before the hello`);
    if (this.#outbox.stalled) return this.drop("does not read what it is sent");
    this.#options.handlers.take(this, message);
  }

  #greet(hello: Hello): void {
    if (this.nodeId !== null) throw new FleetError("protocol-error", "a second hello");
    if (hello.protocol !== PROTOCOL_VERSION)
      throw new FleetError(
        "protocol-version",
        `the node speaks protocol ${hello.protocol}, the coordinator ${PROTOCOL_VERSION}`,
      );
    if (!verifyHello(hello.publicKey, this.#nonce, hello.signature))
      throw new FleetError("permission-denied", "the hello is not signed by the key it names", {
        next: "Start the node again; if it stays so, its identity key is damaged.",
      });
    const nodeId = nodeIdOf(hello.publicKey);
    this.#options.handlers.admit(this, nodeId, hello);
    this.nodeId = nodeId;
    this.#watchSilence();
  }

  #charge(bytes: number): void {
    const cost = 1 + Math.floor(bytes / this.#options.limits.messageBytesPerToken);
    if (!this.#bucket.take(cost, this.#options.now()))
      throw new FleetError("overloaded", "the node sends more messages than it may");
  }

  #heard(): void {
    this.#heardAt = this.#options.now();
  }

  #handshakeOverdue(): void {
    this.refuse(new FleetError("protocol-error", "no hello came in time"));
  }

  #watchSilence(): void {
    clearTimeout(this.#deadline);
    const silentMs = this.#options.now() - this.#heardAt;
    const leftMs = Math.max(1, this.#options.limits.offlineAfterMs - silentMs);
    // After a pause of our own, what has arrived meanwhile is read before anyone is judged.
    this.#deadline = setTimeout(() => setImmediate(() => this.#judgeSilence()), leftMs);
  }

  #judgeSilence(): void {
    if (this.#socket.readyState === this.#socket.CLOSED) return;
    if (this.#options.now() - this.#heardAt >= this.#options.limits.offlineAfterMs)
      return this.drop("nothing was heard of it for too long");
    this.#watchSilence();
  }

  #closed(code: number): void {
    clearTimeout(this.#deadline);
    this.#outbox.close();
    this.#options.handlers.closed(this, this.#endReason ?? `closed by the node with code ${code}`);
  }
}

function frameOf(data: RawData, isBinary: boolean): Uint8Array {
  // ws hands over one Buffer as long as binaryType is its default.
  if (!isBinary || !(data instanceof Uint8Array))
    throw new FleetError("protocol-error", "a text frame; only binary frames are spoken here");
  return data;
}

function ignoreSendError(): void {
  // The connection ends in any case; its close event tells.
}
