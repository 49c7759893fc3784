// The part of bittorrent-dht 11.0.12 that private-dht.ts uses; the package ships no types of its own.

declare module "bittorrent-dht" {
  import type { EventEmitter } from "node:events";

  interface DhtOptions {
    bootstrap: false;
    /** Takes the place of a UDP socket. */
    socket: EventEmitter;
    maxTables: number;
    maxValues: number;
    maxPeers: number;
    maxAge: number;
  }

  export class Client extends EventEmitter {
    constructor(options: DhtOptions);
    /** Greets it, and keeps it once it has answered. */
    addNode(node: { host: string; port: number }): void;
    /** Emits `peer` for each that is found; returns what ends the search early. */
    lookup(key: Uint8Array, done: (error: Error | null) => void): () => void;
    /** Uses the nodes that a lookup of the same key has just found. */
    announce(key: Uint8Array, port: number, done: (error: Error | null) => void): void;
    destroy(done?: () => void): void;
  }
}
