// The one UDP socket of a node's DHTs, and the guard in front of them: size, release, rate, tag and shape of every
// datagram are checked, in this order, before the library sees it. No datagram may throw into the process.
import { createSocket, type RemoteInfo, type Socket } from "node:dgram";
import { EventEmitter } from "node:events";
import { isIPv6 } from "node:net";
import type { Logger } from "pino";
import type { InfoHash } from "../../protocol/ids.ts";
import { assert } from "../../protocol/machine.ts";
import { DatagramGate } from "../core/datagram-gate.ts";
import { DATAGRAM_BYTES_MAX, isLoopback, mayContact, sanitizeDhtMessage } from "../core/dht-message.ts";
import { channelOf, DhtSeal } from "./dht-seal.ts";

/** A fault that comes with every datagram is told as often as a person can read. */
const COMPLAINT_INTERVAL_MS = 60_000;

export interface DhtSocketOptions {
  readonly host: string;
  /** The swarm's TCP port: whoever knows a node's one port knows both. */
  readonly port: number;
  readonly logger: Logger;
}

type Sent = (error: Error | null) => void;

/** What the library takes for a UDP socket: only sealed messages go out, only checked ones come in. */
export class DhtChannel extends EventEmitter {
  readonly key: Buffer;
  #allowsLoopback = false;
  readonly #seal: DhtSeal;
  readonly #socket: Socket;
  readonly #leave: () => void;

  constructor(parts: { seal: DhtSeal; socket: Socket; leave: () => void }) {
    super();
    this.key = parts.seal.key;
    this.#seal = parts.seal;
    this.#socket = parts.socket;
    this.#leave = parts.leave;
  }

  /** Whether one may be sent to this machine itself: only where other nodes of the release live on it. */
  get allowsLoopback(): boolean {
    return this.#allowsLoopback;
  }

  /** The coordinator named this address, or a genuine datagram came from it, which no other machine can pretend. */
  vouchFor(address: string): void {
    if (isLoopback(address)) this.#allowsLoopback = true;
  }

  /** As `dgram.Socket.send`. What may not go there is lost, as any datagram may be. */
  send(
    bytes: Uint8Array,
    offset: number,
    length: number,
    ...to: [port: number, host: string, sent: Sent]
  ): void {
    const [port, host, sent] = to;
    const datagram = this.#seal.seal(bytes.subarray(offset, offset + length));
    const allowed = mayContact({ host, port }, { loopback: this.#allowsLoopback });
    if (!allowed || datagram.length > DATAGRAM_BYTES_MAX) return sent(null);
    try {
      this.#socket.send(datagram, port, host, sent);
    } catch (error) {
      sent(error instanceof Error ? error : new Error(String(error)));
    }
  }

  /** A genuine datagram from elsewhere; false when there is nothing of use in it. */
  take(datagram: Buffer, from: RemoteInfo): boolean {
    const checked = sanitizeDhtMessage(datagram, { key: this.key, port: from.port });
    if (checked === null) return false;
    this.vouchFor(from.address);
    this.emit("message", Buffer.from(checked), from);
    return true;
  }

  open(datagram: Buffer): Buffer | null {
    return this.#seal.open(datagram);
  }

  address(): ReturnType<Socket["address"]> {
    return this.#socket.address();
  }

  close(): void {
    this.#leave();
    this.emit("close");
  }
}

export class DhtSocket {
  readonly #socket: Socket;
  readonly #logger: Logger;
  readonly #channels = new Map<string, DhtChannel>();
  readonly #gate = new DatagramGate(performance.now());
  #complainedAt = Number.NEGATIVE_INFINITY;

  /** Use {@link openDhtSocket}. */
  constructor(socket: Socket, logger: Logger) {
    this.#socket = socket;
    this.#logger = logger;
    socket.on("message", (datagram, from) => this.#receive(datagram, from));
    socket.on("error", (error) => this.#complain(error, "the DHT's socket failed"));
  }

  channel(infoHash: InfoHash): DhtChannel {
    const seal = new DhtSeal(infoHash);
    assert(!this.#channels.has(seal.channel), `the DHT of torrent ${infoHash} is open already`);
    const leave = (): void => {
      this.#channels.delete(seal.channel);
    };
    const channel = new DhtChannel({ seal, socket: this.#socket, leave });
    this.#channels.set(seal.channel, channel);
    return channel;
  }

  close(): Promise<void> {
    this.#channels.clear();
    return new Promise((resolve) => this.#socket.close(() => resolve()));
  }

  #receive(datagram: Buffer, from: RemoteInfo): void {
    if (datagram.length > DATAGRAM_BYTES_MAX || from.port === 0) return;
    const name = channelOf(datagram);
    const channel = name === null ? undefined : this.#channels.get(name);
    if (channel === undefined || !this.#gate.admit(performance.now())) return;
    try {
      const message = channel.open(datagram);
      if (message === null || !this.#gate.admitFrom(from.address, performance.now())) return;
      if (!channel.take(message, from))
        this.#logger.debug({ remote: `${from.address}:${from.port}` }, "bad datagram dropped");
    } catch (error) {
      this.#complain(error, "a datagram was too much for the DHT");
    }
  }

  #complain(error: unknown, what: string): void {
    const now = performance.now();
    if (now - this.#complainedAt < COMPLAINT_INTERVAL_MS) return;
    this.#complainedAt = now;
    this.#logger.warn({ err: error }, what);
  }
}

/** Null, with a line in the log, when the port is taken or there is no IPv4: a node does its work without a DHT. */
export async function openDhtSocket(options: DhtSocketOptions): Promise<DhtSocket | null> {
  const { host, port, logger } = options;
  // The DHT's messages have room for IPv4 addresses only.
  const address = host === "::" || host === "" ? "0.0.0.0" : host;
  if (isIPv6(address)) {
    logger.info({ host }, "no DHT: it needs an IPv4 address to listen on");
    return null;
  }
  const socket = createSocket("udp4");
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once("error", reject);
      socket.bind({ address, port, exclusive: true }, resolve);
    });
  } catch (error) {
    socket.on("error", () => undefined);
    socket.close();
    logger.warn({ err: error, host, port }, "no DHT: its UDP port cannot be had");
    return null;
  }
  socket.removeAllListeners("error");
  return new DhtSocket(socket, logger);
}
