// The part of webtorrent 3.0.21 that webtorrent-adapter.ts uses; the package ships no types of its own.
// Members that begin with an underscore are private there: test/peer/shell/webtorrent-adapter.test.ts guards each.

declare module "webtorrent" {
  import type { EventEmitter } from "node:events";
  import type { Server } from "node:net";
  import type { Duplex } from "node:stream";

  export interface Wire extends EventEmitter {
    /** Set once both ends have offered the fast extension (BEP 6). */
    readonly hasFast: boolean;
    /** True until `unchoke`; a request is refused then. */
    readonly amChoking: boolean;
    setTimeout(ms: number): void;
    setKeepAlive(enable: boolean): void;
    cancel(piece: number, offset: number, length: number): void;
    reject(piece: number, offset: number, length: number): void;
    bitfield(bytes: Uint8Array): void;
    haveAll(): void;
    haveNone(): void;
    interested(): void;
    uninterested(): void;
    unchoke(): void;
    /** Reads whole messages at once. `done` is called before it returns. */
    _write: (bytes: Uint8Array, done: () => void) => void;
    /** Readable side: bytes for the remote, null at the end. */
    push(bytes: Uint8Array | null): boolean;
    _debug: (...what: unknown[]) => void;
  }

  export interface Torrent extends EventEmitter {
    readonly infoHash: string;
    readonly ready: boolean;
    addPeer(stream: Duplex): boolean;
    destroy(callback: (error?: Error | null) => void): void;
    /** Wires WebTorrent's own picker, uploader and interest to a new wire. */
    _onWireWithMetadata: (wire: Wire) => void;
    /** Chokes and unchokes every 10 s. */
    _rechoke: () => void;
    /** Lets the picker ask for blocks. */
    _update: () => void;
  }

  export interface ChunkStore {
    readonly chunkLength: number;
    get(
      index: number,
      options: { offset?: number; length?: number } | null,
      callback: (error: Error | null, bytes?: Uint8Array) => void,
    ): void;
    put(index: number, bytes: Uint8Array, callback: (error: Error | null) => void): void;
    close(callback: (error: Error | null) => void): void;
    destroy(callback: (error: Error | null) => void): void;
  }

  export interface ClientOptions {
    peerId: Uint8Array;
    tracker: false;
    dht: false;
    lsd: false;
    utPex: false;
    natUpnp: false;
    natPmp: false;
    utp: false;
    webSeeds: false;
    secure: 0;
    maxConns: number;
  }

  export interface AddOptions {
    store: new (chunkLength: number) => ChunkStore;
    storeCacheSlots: 0;
    deselect: true;
    private: true;
    uploads: number;
    skipVerify: boolean;
    bitfield?: Uint8Array;
  }

  // biome-ignore lint/style/noDefaultExport: that is how the package exports it
  export default class WebTorrent extends EventEmitter {
    static readonly VERSION: string;
    constructor(options: ClientOptions);
    listening: boolean;
    torrentPort: number;
    add(torrentFile: Uint8Array, options: AddOptions): Torrent;
    destroy(callback: (error?: Error | null) => void): void;
    readonly _connPool: { readonly tcpServer: Server };
  }
}
