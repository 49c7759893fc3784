// The control WebSocket to the coordinator: carries out what the session machine decides, turns frames into typed
// messages and back. Takes in one message at a time, so a coordinator that floods is slowed down, not queued.
import type { Logger } from "pino";
import { WebSocket } from "ws";
import { FleetError } from "../../protocol/errors.ts";
import { COORDINATOR_FRAME_BYTES_MAX, HANDSHAKE_TIMEOUT_MS } from "../../protocol/limits.ts";
import { assertNever } from "../../protocol/machine.ts";
import type { CoordinatorMessage, Hello, NodeMessage } from "../../protocol/messages.ts";
import { DecodeError } from "../../protocol/schema.ts";
import { decodeCoordinatorFrame, encodeFrame } from "../../protocol/shell/frame.ts";
import { type SessionEffect, type SessionEvent, SessionMachine } from "../core/session.ts";
import { type Clock, MachineDriver } from "./machine-driver.ts";

/** A coordinator sends each message as one frame; a little more is allowed for proxies that split them. */
const FRAGMENTS_MAX = 64;
/** Pieces of one frame that may wait for the rest: 1 MiB in segments of a slow link, with room to spare. */
const BUFFERED_CHUNKS_MAX = 4_096;
/** More than this unsent: progress is skipped, the next one says more. */
const UNSENT_BYTES_FULL = 256 * 1024;
/** More than this unsent although the rest is only results: the link is dead for all practical purposes. */
const UNSENT_BYTES_MAX = 4 * 1024 * 1024;
/** How long a coordinator may take to answer a close. */
const CLOSE_GRACE_MS = 1_000;

/** What the agent acts on; the rest is between client and coordinator. */
export type Order = Exclude<CoordinatorMessage, { kind: "challenge" | "welcome" | "refuse" }>;

export interface ControlClientOptions {
  /** The coordinator's http(s) or ws(s) address. */
  readonly url: string;
  readonly everAdmitted: boolean;
  readonly hello: (nonce: Uint8Array) => Hello;
  /** After each welcome. */
  readonly onOnline: () => void;
  /** There is no session, and none is expected at once; may be said more than once. */
  readonly onOffline: () => void;
  /** The next order waits until this resolves. Must not reject for anything but a bug. */
  readonly onOrder: (order: Order) => Promise<void>;
  /** A coordinator that never admitted this node refused it for good; nothing more will be tried. */
  readonly onGivenUp: (error: FleetError) => void;
  readonly onBug: (error: unknown) => void;
  readonly clock: Clock;
  readonly logger: Logger;
}

export class ControlClient {
  readonly #options: ControlClientOptions;
  readonly #address: string;
  readonly #machine: SessionMachine;
  readonly #driver: MachineDriver<SessionEvent, SessionEffect>;
  #socket: WebSocket | null = null;
  /** The order being taken in, and those of the same network packet behind it. */
  #intake: Promise<void> = Promise.resolve();

  /** Throws FleetError usage when the address is none. */
  constructor(options: ControlClientOptions) {
    this.#options = options;
    this.#address = controlAddress(options.url);
    this.#machine = new SessionMachine({ everAdmitted: options.everAdmitted, random: Math.random });
    this.#driver = new MachineDriver<SessionEvent, SessionEffect>({
      machine: this.#machine,
      clock: options.clock,
      perform: (effect) => this.#perform(effect),
      onBug: options.onBug,
    });
  }

  start(): void {
    this.#driver.dispatch({ kind: "start" });
  }

  /** Drops the message while there is no session: results are repeated after each welcome. */
  send(message: NodeMessage): void {
    if (this.#machine.online) this.#transmit(message);
  }

  async close(): Promise<void> {
    const socket = this.#socket;
    this.#socket = null;
    await this.#driver.stop();
    await this.#intake;
    if (socket === null || socket.readyState === WebSocket.CLOSED) return;
    const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
    const forced = setTimeout(() => socket.terminate(), CLOSE_GRACE_MS);
    socket.close(1_000);
    await closed;
    clearTimeout(forced);
  }

  #perform(effect: SessionEffect): undefined {
    const { logger } = this.#options;
    switch (effect.kind) {
      case "connect":
        return this.#connect();
      case "greet":
        return this.#transmit(this.#options.hello(effect.nonce));
      case "online":
        logger.info({ url: this.#address }, "welcomed by the coordinator");
        this.#options.onOnline();
        return;
      case "beat":
        this.#socket?.ping();
        return this.#transmit({ kind: "heartbeat" });
      case "disconnect":
        logger.warn({ reason: effect.reason }, "control session ended");
        return this.#disconnect();
      case "waiting":
        logger.info({ delayMs: effect.delayMs, attempt: effect.attempt }, "will try the coordinator again");
        this.#options.onOffline();
        return;
      case "give-up":
        this.#options.onGivenUp(new FleetError(effect.code, effect.message));
        return;
      default:
        return assertNever(effect);
    }
  }

  #connect(): undefined {
    this.#disconnect();
    const socket = new WebSocket(this.#address, {
      maxPayload: COORDINATOR_FRAME_BYTES_MAX,
      maxFragments: FRAGMENTS_MAX,
      maxBufferedChunks: BUFFERED_CHUNKS_MAX,
      perMessageDeflate: false,
      handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
      followRedirects: false,
    });
    this.#socket = socket;
    const tell = (event: SessionEvent) => {
      if (this.#socket === socket) this.#driver.dispatch(event);
    };
    socket.on("open", () => tell({ kind: "opened" }));
    socket.on("pong", () => tell({ kind: "heard" }));
    socket.on("ping", () => tell({ kind: "heard" }));
    socket.on("message", (data, isBinary) => {
      if (this.#socket === socket) this.#receive(socket, data, isBinary);
    });
    // Always followed by "close", which is what the machine hears of.
    socket.on("error", (error) =>
      this.#options.logger.warn({ reason: error.message }, "control socket failed"),
    );
    socket.on("close", () => tell({ kind: "closed" }));
  }

  #disconnect(): undefined {
    const socket = this.#socket;
    this.#socket = null;
    socket?.terminate();
  }

  #receive(socket: WebSocket, data: WebSocket.RawData, isBinary: boolean): void {
    this.#driver.dispatch({ kind: "heard" });
    const message = isBinary && Buffer.isBuffer(data) ? this.#decode(data) : null;
    if (message === null) {
      this.#disconnect();
      return this.#driver.dispatch({ kind: "closed" });
    }
    switch (message.kind) {
      case "challenge":
      case "welcome":
      case "refuse":
        return this.#driver.dispatch(message);
      default:
        return this.#takeIn(socket, message);
    }
  }

  #decode(frame: Buffer): CoordinatorMessage | null {
    try {
      return decodeCoordinatorFrame(frame);
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      this.#options.logger.warn({ reason: error.message }, "the coordinator sent what cannot be read");
      return null;
    }
  }

  #takeIn(socket: WebSocket, order: Order): void {
    if (!this.#machine.online) return;
    socket.pause();
    const mine = this.#intake.then(() => this.#options.onOrder(order));
    this.#intake = mine.catch(this.#options.onBug).then(() => {
      if (socket.readyState === WebSocket.OPEN) socket.resume();
    });
  }

  #transmit(message: NodeMessage): undefined {
    const socket = this.#socket;
    if (socket?.readyState !== WebSocket.OPEN) return;
    if (message.kind === "progress" && socket.bufferedAmount > UNSENT_BYTES_FULL) return;
    if (socket.bufferedAmount > UNSENT_BYTES_MAX) {
      this.#options.logger.warn("the coordinator takes nothing in");
      socket.terminate();
      return;
    }
    socket.send(encodeFrame(message));
  }
}

/** `http(s)://…` or `ws(s)://…` with or without a path → the control channel below it. Throws FleetError usage. */
export function controlAddress(url: string): string {
  const address = URL.canParse(url) ? new URL(url) : null;
  const protocol = address === null ? undefined : PROTOCOLS[address.protocol];
  if (address === null || protocol === undefined)
    throw new FleetError("usage", `${url} is not the address of a coordinator, such as http://HOST:7700`);
  const path = address.pathname.replace(/\/+$/, "");
  return `${protocol}//${address.host}${path}/v1/control`;
}

const PROTOCOLS: Readonly<Record<string, string>> = {
  "http:": "ws:",
  "https:": "wss:",
  "ws:": "ws:",
  "wss:": "wss:",
};
