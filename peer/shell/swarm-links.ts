// The connections of one torrent, from a socket to its end: runs the roster, dials for it, and hands what it accepts
// to WebTorrent. Owns the streams; knows nothing about pieces.

import { connect, type Socket } from "node:net";
import type { Logger } from "pino";
import { assertNever } from "../../protocol/machine.ts";
import type { FarShare, Neighbour } from "../../protocol/messages.ts";
import type { Fault } from "../../protocol/offence.ts";
import type { Prng } from "../../protocol/prng.ts";
import { NO_STRIPES, type StripeSet } from "../../protocol/stripes.ts";
import type { Contact } from "../core/dht-message.ts";
import type { LinkId } from "../core/geometry.ts";
import { createRoster, nameOfSource } from "../core/link-roster.ts";
import type { RosterEffect, RosterEvent } from "../core/roster-events.ts";
import { LinkStream } from "./link-stream.ts";
import { type MachineRunner, runMachine } from "./machine-runner.ts";
import type { EngineTorrent, LinkWire, WireListener } from "./webtorrent-adapter.ts";

/** Inside one data centre or across a continent a connection opens in well under a second, or not at all. */
const CONNECT_TIMEOUT_MS = 5_000;
/**
 * What the sockets that were dialled are read into: one at a time, and nobody keeps what was read. Through Node's
 * streams, with memory of its own for each read, reading costs twice as much; sockets that come in know no other way.
 */
const READ_BUFFER = Buffer.alloc(64 * 1024);

/** A link whose wire is up. */
export interface OpenedLink {
  readonly link: LinkId;
  readonly source: string;
  readonly isOrigin: boolean;
  /** Null unless it leads into another zone. */
  readonly far: FarShare | null;
  /** Stripes it is to bring without being asked. */
  readonly feeds: StripeSet;
  /** It names itself as nodes of a fleet do: it acknowledges pieces. */
  readonly isFleetNode: boolean;
  readonly wire: LinkWire;
  readonly stream: LinkStream;
}

export interface SwarmLinksOptions {
  readonly engine: EngineTorrent;
  readonly infoHash: string;
  readonly pieceCount: number;
  readonly ownId: string | null;
  readonly random: Prng;
  readonly logger: Logger;
  readonly onOpen: (opened: OpenedLink) => WireListener;
  readonly onClose: (link: LinkId) => void;
  /** A link whose wire is up leads into another zone now, or not any more, or has another share. */
  readonly onFar: (link: LinkId, far: FarShare | null) => void;
  /** A link whose wire is up is to bring these stripes. */
  readonly onFeeds: (link: LinkId, feeds: StripeSet) => void;
  /** What a remote, called by its node id or address, did instead of talking about pieces. */
  readonly onFault: (source: string, fault: Fault) => void;
}

interface Connection {
  readonly stream: LinkStream;
  /** Whom we dialled; null when the remote came to us. */
  readonly neighbourId: string | null;
  readonly address: string;
  /** The roster has been told who this is. */
  answered: boolean;
  isFleetNode: boolean;
  accepted: Accepted | null;
  open: boolean;
}

type Accepted = Pick<OpenedLink, "source" | "isOrigin" | "far" | "feeds">;

export class SwarmLinks {
  readonly #options: SwarmLinksOptions;
  readonly #roster: MachineRunner<RosterEvent>;
  readonly #connections = new Map<LinkId, Connection>();
  /** Sockets that have not connected yet. */
  readonly #dialling = new Set<Socket>();
  #lastLink: LinkId = 0;
  #closed = false;

  constructor(options: SwarmLinksOptions) {
    this.#options = options;
    const { ownId, random } = options;
    this.#roster = runMachine(createRoster({ ownId, random }), {
      now: () => performance.now(),
      apply: (effect) => this.#apply(effect),
    });
  }

  /** Links whose wire is up. */
  get count(): number {
    let count = 0;
    for (const connection of this.#connections.values()) if (connection.open) count += 1;
    return count;
  }

  setNeighbours(neighbours: readonly Neighbour[]): void {
    this.#roster.send({ kind: "neighbours", neighbours });
  }

  ban(source: string): void {
    this.#roster.send({ kind: "banned", source });
  }

  /** Perhaps nodes of this swarm; dialled until the next list of neighbours. */
  offer(contacts: readonly Contact[]): void {
    this.#roster.send({ kind: "found", contacts });
  }

  forgetOffered(): void {
    this.#roster.send({ kind: "forget-found" });
  }

  /** A connection whose first bytes, at least a whole handshake, named this torrent. */
  arrive(socket: Socket, head: Uint8Array): void {
    // Node reports IPv4 remotes of a dual-stack socket as `::ffff:1.2.3.4`.
    const address = (socket.remoteAddress ?? "").replace(/^::ffff:/, "");
    const link = this.#addConnection(socket, { neighbourId: null, address });
    this.#connections.get(link)?.stream.receive(head);
  }

  closeLink(link: LinkId, reason: string): void {
    const connection = this.#connections.get(link);
    if (connection === undefined || connection.stream.destroyed) return;
    this.#options.logger.info({ link, remote: nameOf(connection), reason }, "link closed");
    connection.stream.destroy();
  }

  close(): void {
    this.#closed = true;
    this.#roster.stop();
    for (const socket of this.#dialling) socket.destroy();
    for (const { stream } of this.#connections.values()) stream.destroy();
  }

  #apply(effect: RosterEffect): void {
    switch (effect.kind) {
      case "dial":
        return this.#dial(effect.neighbour);
      case "accept":
        return this.#accept(effect.link, effect);
      case "far":
        return this.#setFar(effect.link, effect.far);
      case "feeds":
        return this.#setFeeds(effect.link, effect.feeds);
      case "refuse":
      case "close":
        return this.closeLink(effect.link, effect.reason);
      default:
        assertNever(effect);
    }
  }

  #dial(neighbour: Neighbour): void {
    let stream: LinkStream | undefined;
    const receive = (length: number): boolean => {
      stream?.receive(READ_BUFFER.subarray(0, length));
      return true;
    };
    const { host, port } = neighbour;
    const socket = connect({ host, port, noDelay: true, onread: { buffer: READ_BUFFER, callback: receive } });
    this.#dialling.add(socket);
    const fail = (): void => {
      if (!this.#dialling.delete(socket)) return;
      socket.destroy();
      this.#roster.send({ kind: "dial-failed", neighbourId: neighbour.id });
    };
    socket.setTimeout(CONNECT_TIMEOUT_MS, fail);
    socket.on("error", fail);
    socket.once("connect", () => {
      this.#dialling.delete(socket);
      const link = this.#addConnection(socket, { neighbourId: neighbour.id, address: `${host}:${port}` });
      stream = this.#connections.get(link)?.stream;
      // Whoever dials speaks first; the answer tells whom we have reached.
      this.#attach(link);
    });
  }

  #addConnection(socket: Socket, from: { neighbourId: string | null; address: string }): LinkId {
    this.#lastLink += 1;
    const link = this.#lastLink;
    const { infoHash, pieceCount } = this.#options;
    const stream = new LinkStream(socket, {
      link,
      infoHash,
      pieceCount,
      onHandshake: ({ id }) => this.#onHandshake(link, id),
    });
    this.#connections.set(link, {
      stream,
      ...from,
      answered: false,
      isFleetNode: false,
      accepted: null,
      open: false,
    });
    stream.once("close", () => this.#onClose(link));
    return link;
  }

  #onHandshake(link: LinkId, id: string | null): void {
    const connection = this.#connections.get(link);
    if (connection === undefined) return;
    const { neighbourId, address } = connection;
    connection.answered = true;
    connection.isFleetNode = id !== null;
    this.#roster.send(
      neighbourId === null
        ? { kind: "arrived", link, id, address }
        : { kind: "dialled", link, neighbourId, id },
    );
  }

  #accept(link: LinkId, { source, isOrigin, far, feeds }: Accepted): void {
    const connection = this.#connections.get(link);
    // Refused by WebTorrent or gone in the same turn: its close tells the roster.
    if (connection === undefined) return;
    connection.accepted = { source, isOrigin, far, feeds };
    if (connection.neighbourId === null) this.#attach(link);
    connection.stream.proceed();
  }

  #setFar(link: LinkId, far: FarShare | null): void {
    const connection = this.#connections.get(link);
    if (connection === undefined || connection.accepted === null) return;
    connection.accepted = { ...connection.accepted, far };
    if (connection.open) this.#options.onFar(link, far);
  }

  #setFeeds(link: LinkId, feeds: StripeSet): void {
    const connection = this.#connections.get(link);
    if (connection === undefined || connection.accepted === null) return;
    connection.accepted = { ...connection.accepted, feeds };
    if (connection.open) this.#options.onFeeds(link, feeds);
  }

  #attach(link: LinkId): void {
    const connection = this.#connections.get(link);
    if (connection === undefined || connection.stream.destroyed) return;
    this.#options.engine.attach(connection.stream, (wire) => this.#onWire(link, connection, wire));
  }

  #onWire(link: LinkId, connection: Connection, wire: LinkWire): WireListener {
    const { stream, accepted } = connection;
    const unknown = { source: connection.address, isOrigin: false, far: null, feeds: NO_STRIPES };
    const { source, isOrigin, far, feeds } = accepted ?? unknown;
    connection.open = true;
    this.#options.logger.debug({ link, remote: nameOf(connection) }, "link open");
    return this.#options.onOpen({
      link,
      source,
      isOrigin,
      far,
      feeds,
      isFleetNode: connection.isFleetNode,
      wire,
      stream,
    });
  }

  #onClose(link: LinkId): void {
    const connection = this.#connections.get(link);
    if (connection === undefined) return;
    this.#connections.delete(link);
    const { neighbourId, answered, accepted } = connection;
    this.#judgeEnd(connection);
    if (connection.open) this.#options.onClose(link);
    if (this.#closed) return;
    if (accepted !== null) this.#roster.send({ kind: "closed", link });
    else if (neighbourId !== null && !answered) this.#roster.send({ kind: "dial-failed", neighbourId });
  }

  #judgeEnd(connection: Connection): void {
    const { stream, neighbourId, accepted, address } = connection;
    const { logger, onFault } = this.#options;
    const source = accepted === null ? (neighbourId ?? address) : nameOfSource(accepted.source);
    if (stream.violation !== null) {
      logger.warn({ remote: nameOf(connection), reason: stream.violation }, "link cut");
      onFault(source, "breaks-rules");
    } else if (stream.timedOut && neighbourId !== null) {
      // Its port is open and nobody behind it speaks.
      logger.warn({ remote: nameOf(connection) }, "no handshake in time");
      onFault(source, "no-answer");
    }
  }
}

function nameOf(connection: Connection): string {
  return connection.accepted?.source ?? connection.address;
}
