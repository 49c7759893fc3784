// The only file that touches WebTorrent. It keeps the torrent, speaks the handshake and codes messages that are few.
// Who is connected, what is asked for and what is served is ours, and so are the messages that are many.

// Everything here that is not WebTorrent's public interface, for version 3.0.21 exactly, and each guarded by a
// contract test:
//   1. client._connPool.tcpServer   closed at once: our listener decides who comes in.
//   2. torrent._onWireWithMetadata  made idle: it wires up WebTorrent's picker, uploader, interest and bitfield.
//   3. torrent._rechoke, _update    made idle: they choke wires and ask for blocks behind our back.
//   4. torrent.addPeer(stream)      takes any duplex with `id` and `connected` for a peer that is connected already,
//                                   and names it in the `wire` event by its `remoteAddress:remotePort`.
//   5. wire.push, wire._write       replaced on each wire and called with whole messages, so that neither way leads
//                                   through WebTorrent's stream pipeline.
//   6. wire._debug                  made idle: it builds a string for every message, logged or not.
//   7. wire "unknownmessage"        emitted with the bytes of a message that no extension claims, from its kind on.
import { randomBytes } from "node:crypto";
import WebTorrent, { type ChunkStore, type Torrent, type Wire } from "webtorrent";
import { type DataListener, readDataMessages } from "../core/data-messages.ts";
import { peerIdOf } from "../core/handshake.ts";
import type { LinkStream } from "./link-stream.ts";

/** The version the list above was read from. */
export const WEBTORRENT_VERSION = "3.0.21";

/** What a remote says. Numbers come as it sent them; nothing is checked but the size of the message. */
export interface WireListener extends DataListener {
  onBitfield(bytes: Uint8Array): void;
  onHaveAll(): void;
  onHaveNone(): void;
  onChoke(): void;
  onUnchoke(): void;
  onInterested(): void;
  onCancel(piece: number, offset: number, length: number): void;
  onReject(piece: number, offset: number, length: number): void;
  /** A message of a kind that BitTorrent does not know, from its kind on. */
  onOther(message: Uint8Array): void;
  /** The operating system took more of what was sent. */
  onFlushed(): void;
}

/** What this node sends besides what `data-messages.ts` codes; all is plain BEP 3 and BEP 6. */
export type LinkWire = Pick<
  Wire,
  | "hasFast"
  | "cancel"
  | "reject"
  | "bitfield"
  | "haveAll"
  | "haveNone"
  | "interested"
  | "uninterested"
  | "unchoke"
>;

export interface EngineTorrent {
  /** Sends our handshake and, once the remote's is in, calls `onWire` for the listener of this link. */
  attach(stream: LinkStream, onWire: (wire: LinkWire) => WireListener): void;
  close(): Promise<void>;
}

export interface Engine {
  /** `torrentInfo` is a checked info dictionary; `complete` only tells WebTorrent, it never reads the store. */
  add(torrentInfo: Uint8Array, options: { pieceCount: number; complete: boolean }): Promise<EngineTorrent>;
  close(): Promise<void>;
}

export interface EngineOptions {
  /** How this node names itself on the wire; null for a name nobody knows. */
  readonly id: string | null;
  /** Where our listener is: stock clients are told this port. */
  readonly port: number;
  /** WebTorrent failed as a whole. It should never; nothing more will work then. */
  readonly onError: (error: Error) => void;
}

export function createEngine(options: EngineOptions): Engine {
  const client = new WebTorrent({
    peerId: options.id === null ? randomPeerId() : peerIdOf(options.id),
    tracker: false,
    dht: false,
    lsd: false,
    utPex: false,
    natUpnp: false,
    natPmp: false,
    utp: false,
    webSeeds: false,
    secure: 0,
    maxConns: Number.MAX_SAFE_INTEGER,
  });
  client.on("error", options.onError);
  client._connPool.tcpServer.close();
  client.listening = true;
  client.torrentPort = options.port;
  return {
    add: (torrentInfo, { pieceCount, complete }) => addTorrent(client, torrentInfo, { pieceCount, complete }),
    // The error is that the server is closed already, which is point 1.
    close: () => new Promise((resolve) => client.destroy(() => resolve())),
  };
}

async function addTorrent(
  client: WebTorrent,
  torrentInfo: Uint8Array,
  options: { pieceCount: number; complete: boolean },
): Promise<EngineTorrent> {
  const torrent = client.add(torrentFileOf(torrentInfo), {
    store: UnusedStore,
    storeCacheSlots: 0,
    deselect: true,
    private: true,
    uploads: 1,
    // An incomplete torrent starts without a piece, so that even WebTorrent's own uploader could serve none.
    skipVerify: options.complete,
    ...(options.complete ? {} : { bitfield: new Uint8Array(Math.ceil(options.pieceCount / 8)) }),
  });
  torrent._onWireWithMetadata = () => undefined;
  torrent._rechoke = () => undefined;
  torrent._update = () => undefined;
  await becomesReady(torrent);
  return linkTorrent(torrent);
}

function linkTorrent(torrent: Torrent): EngineTorrent {
  const waiting = new Map<string, { stream: LinkStream; onWire: (wire: LinkWire) => WireListener }>();
  torrent.on("wire", (wire: Wire, address: string) => {
    const entry = waiting.get(address);
    if (entry === undefined) throw new Error(`WebTorrent made a wire for an unknown peer ${address}`);
    joinWire(wire, entry.stream, entry.onWire);
  });
  return {
    attach(stream, onWire) {
      const address = `${stream.remoteAddress}:${stream.remotePort}`;
      waiting.set(address, { stream, onWire });
      stream.once("close", () => waiting.delete(address));
      torrent.addPeer(stream);
    },
    close: () => new Promise((resolve) => torrent.destroy(() => resolve())),
  };
}

function joinWire(wire: Wire, stream: LinkStream, onWire: (wire: LinkWire) => WireListener): void {
  // Waiting for answers is ours to judge, by measured rates.
  wire.setTimeout(0);
  wire._debug = () => undefined;
  const end = wire.push.bind(wire);
  wire.push = (bytes) => {
    if (bytes === null) return end(null);
    stream.send(bytes);
    return true;
  };
  const listener = onWire(wire);
  listen(wire, listener);
  const pass = (messages: Uint8Array): void => wire._write(messages, doNothing);
  const data: DataListener = {
    onHave: listener.onHave,
    onPiece: listener.onPiece,
    onRequest: (piece, offset, length) => {
      if (!wire.amChoking) listener.onRequest(piece, offset, length);
      else if (wire.hasFast) wire.reject(piece, offset, length);
    },
  };
  stream.joinWire(
    (bytes) => readDataMessages(bytes, data, pass),
    () => listener.onFlushed(),
  );
}

function doNothing(): void {
  // The wire has taken what it was given.
}

function listen(wire: Wire, listener: WireListener): void {
  wire.on("bitfield", (field: { readonly buffer: Uint8Array }) => listener.onBitfield(field.buffer));
  wire.on("have-all", () => listener.onHaveAll());
  wire.on("have-none", () => listener.onHaveNone());
  wire.on("choke", () => listener.onChoke());
  wire.on("unchoke", () => listener.onUnchoke());
  wire.on("interested", () => listener.onInterested());
  wire.on("cancel", (piece: number, offset: number, length: number) =>
    listener.onCancel(piece, offset, length),
  );
  wire.on("unknownmessage", (message: Uint8Array) => listener.onOther(message));
  wire.on("reject", (piece: number, offset: number, length: number) =>
    listener.onReject(piece, offset, length),
  );
}

function becomesReady(torrent: Torrent): Promise<void> {
  return new Promise((resolve, reject) => {
    torrent.once("ready", resolve);
    torrent.on("error", reject);
  });
}

/** A .torrent file with nothing in it but the info dictionary. */
function torrentFileOf(torrentInfo: Uint8Array): Uint8Array {
  return Buffer.concat([Buffer.from("d4:info"), torrentInfo, Buffer.from("e")]);
}

function randomPeerId(): Uint8Array {
  return Buffer.concat([Buffer.from("FLX1"), randomBytes(16)]);
}

/** WebTorrent wants a store; pieces are read and written by ours alone, so this one refuses. */
class UnusedStore implements ChunkStore {
  readonly chunkLength: number;

  constructor(chunkLength: number) {
    this.chunkLength = chunkLength;
  }

  get(_index: number, _options: unknown, callback: (error: Error | null) => void): void {
    callback(new Error("pieces are not read through WebTorrent"));
  }

  put(_index: number, _bytes: Uint8Array, callback: (error: Error | null) => void): void {
    callback(new Error("pieces are not written through WebTorrent"));
  }

  close(callback: (error: Error | null) => void): void {
    callback(null);
  }

  destroy(callback: (error: Error | null) => void): void {
    callback(null);
  }
}
