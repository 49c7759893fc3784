// Runs the discovery of one torrent: hands what its machine wants to the DHT, and what the DHT finds to the links.
// Decides nothing.
import type { Logger } from "pino";
import type { InfoHash } from "../../protocol/ids.ts";
import { assertNever } from "../../protocol/machine.ts";
import { type Neighbour, ORIGIN_ID } from "../../protocol/messages.ts";
import { createPrng } from "../../protocol/prng.ts";
import type { Contact } from "../core/dht-message.ts";
import { createDiscovery, type DiscoveryEffect, type DiscoveryEvent } from "../core/discovery.ts";
import type { DhtSocket } from "./dht-socket.ts";
import { type MachineRunner, runMachine } from "./machine-runner.ts";
import { PrivateDht } from "./private-dht.ts";

export interface TorrentDiscoveryOptions {
  readonly socket: DhtSocket;
  readonly infoHash: InfoHash;
  /** Where this node's swarm listens. */
  readonly port: number;
  readonly seed: number;
  readonly logger: Logger;
  readonly sample: () => { readonly links: number; readonly complete: boolean };
  /** Nodes worth a dial; they may be anybody. */
  readonly onOffer: (contacts: readonly Contact[]) => void;
  /** Those that were offered are not to be dialled any more. */
  readonly onForget: () => void;
}

export class TorrentDiscovery {
  readonly #options: TorrentDiscoveryOptions;
  readonly #dht: PrivateDht;
  readonly #runner: MachineRunner<DiscoveryEvent>;
  #neighbours: readonly Neighbour[] = [];

  constructor(options: TorrentDiscoveryOptions) {
    this.#options = options;
    const { socket, infoHash, port, logger, seed } = options;
    this.#dht = new PrivateDht({
      channel: socket.channel(infoHash),
      port,
      logger,
      onFound: (contacts) => this.#runner.send({ kind: "found", contacts }),
    });
    this.#runner = runMachine(createDiscovery(createPrng(seed).child("discovery")), {
      now: () => performance.now(),
      apply: (effect) => this.#apply(effect),
    });
    this.#runner.send({ kind: "joined" });
  }

  /** Whom the DHT is entered through; the origin runs none. */
  setNeighbours(neighbours: readonly Neighbour[]): void {
    this.#neighbours = neighbours.filter(({ id }) => id !== ORIGIN_ID);
  }

  setCoordinatorAway(away: boolean): void {
    this.#runner.send({ kind: "coordinator", away });
  }

  close(): void {
    this.#runner.stop();
    this.#dht.close();
  }

  #apply(effect: DiscoveryEffect): void {
    const { sample, onOffer, onForget, logger } = this.#options;
    switch (effect.kind) {
      case "meet":
        return this.#dht.meet(this.#neighbours);
      case "announce":
        return this.#dht.announce();
      case "sample":
        return this.#runner.send({ kind: "sampled", ...sample() });
      case "look-up":
        return this.#dht.search();
      case "offer":
        logger.info({ found: effect.contacts.length }, "the coordinator is away: found nodes in the DHT");
        return onOffer(effect.contacts);
      case "forget-found":
        return onForget();
      default:
        assertNever(effect);
    }
  }
}
