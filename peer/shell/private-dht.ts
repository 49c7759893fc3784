// The DHT of one release: nodes of its swarm and nobody else, reached through the guarded socket. Greets, announces and
// searches when it is told to; knows no public node and decides nothing.
import { lookup as lookUpName } from "node:dns/promises";
import { isIP, isIPv4 } from "node:net";
import { Client } from "bittorrent-dht";
import type { Logger } from "pino";
import type { Neighbour } from "../../protocol/messages.ts";
import { type Contact, DHT_PEERS_MAX, mayContact } from "../core/dht-message.ts";
import { PEER_MAX_AGE_MS } from "../core/discovery.ts";
import type { DhtChannel } from "./dht-socket.ts";

/** A node that never answers costs the library 2 s; whoever sends us on and on must come to an end. */
const SEARCH_TIMEOUT_MS = 15_000;
/** Peers taken from one search: more than anybody will dial. */
const FOUND_MAX = 256;
/** Results of searches the library keeps: for the key, and for nothing else. */
const TABLES_MAX = 4;

export interface PrivateDhtOptions {
  readonly channel: DhtChannel;
  /** Where this node's swarm listens, which others are told. */
  readonly port: number;
  readonly logger: Logger;
  /** After each search. */
  readonly onFound: (contacts: readonly Contact[]) => void;
}

export class PrivateDht {
  readonly #options: PrivateDhtOptions;
  readonly #client: Client;
  readonly #found = new Map<string, Contact>();
  #endSearch: (() => void) | null = null;
  #announceNext = false;
  #closed = false;

  constructor(options: PrivateDhtOptions) {
    this.#options = options;
    const { channel, logger } = options;
    this.#client = new Client({
      bootstrap: false,
      socket: channel,
      maxTables: TABLES_MAX,
      maxValues: 1,
      maxPeers: DHT_PEERS_MAX,
      maxAge: PEER_MAX_AGE_MS,
    });
    this.#client.on("error", (error) => logger.warn({ err: error }, "the DHT failed"));
    this.#client.on("peer", (contact: Contact) => this.#note(contact));
  }

  /** Greets these nodes; who answers is asked from then on. A host that is a name is looked up. */
  meet(neighbours: readonly Neighbour[]): void {
    for (const { host, port } of neighbours) void this.#greet(host, port);
  }

  /** Searches as well: an announcement goes to those nodes that a search would come to. */
  announce(): void {
    this.#announceNext = true;
    this.search();
  }

  /** Does nothing while a search is under way. */
  search(): void {
    if (this.#closed || this.#endSearch !== null) return;
    const announces = this.#announceNext;
    this.#announceNext = false;
    const timer = setTimeout(() => abort(), SEARCH_TIMEOUT_MS);
    const abort = this.#client.lookup(this.#options.channel.key, () => {
      clearTimeout(timer);
      this.#endSearch = null;
      this.#finishSearch(announces);
    });
    this.#endSearch = () => clearTimeout(timer);
  }

  close(): void {
    this.#closed = true;
    this.#endSearch?.();
    this.#client.destroy();
  }

  #finishSearch(announces: boolean): void {
    if (this.#closed) return;
    const { channel, port, logger, onFound } = this.#options;
    const contacts = [...this.#found.values()];
    this.#found.clear();
    if (announces)
      this.#client.announce(channel.key, port, (error) => {
        logger.debug({ reason: error?.message ?? null }, "announced in the DHT");
      });
    onFound(contacts);
    if (this.#announceNext) this.search();
  }

  #note(contact: Contact): void {
    if (this.#found.size >= FOUND_MAX) return;
    const { host, port } = contact;
    if (mayContact(contact, { loopback: this.#options.channel.allowsLoopback }))
      this.#found.set(`${host}:${port}`, { host, port });
  }

  async #greet(host: string, port: number): Promise<void> {
    const address = await addressOf(host);
    if (address === null || this.#closed) return;
    this.#options.channel.vouchFor(address);
    this.#client.addNode({ host: address, port });
  }
}

/** Null when the host has no IPv4 address, or none can be found out now. */
async function addressOf(host: string): Promise<string | null> {
  if (isIP(host) !== 0) return isIPv4(host) ? host : null;
  try {
    return (await lookUpName(host, { family: 4 })).address;
  } catch {
    // A name that cannot be looked up now may be the next time.
    return null;
  }
}
