// The swarm of one process: one listening port, one WebTorrent client, any number of torrents.
// Owns who gets which connection by infohash, and joining and leaving; the rest is swarm-torrent.ts.
import type { Logger } from "pino";
import { Bitfield } from "../../protocol/bitfield.ts";
import { assert } from "../../protocol/machine.ts";
import { type Artifact, pieceCountOf } from "../../protocol/manifest.ts";
import type { Neighbour } from "../../protocol/messages.ts";
import type { Offence } from "../../protocol/offence.ts";
import { RateBudget, type SwarmBudgets } from "../core/rate-budget.ts";
import { type DhtSocket, openDhtSocket } from "./dht-socket.ts";
import { addWrittenPieces, readBitmap } from "./piece-bitmap.ts";
import { PieceStore } from "./piece-store.ts";
import { listenForPeers, type SwarmListener } from "./swarm-listener.ts";
import { type SwarmStats, TorrentSession } from "./swarm-torrent.ts";
import { TorrentDiscovery } from "./torrent-discovery.ts";
import { checkTorrentInfo } from "./torrent-info.ts";
import type { TorrentSnapshot } from "./torrent-inspection.ts";
import { createEngine, type Engine } from "./webtorrent-adapter.ts";

export interface SwarmOptions {
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  readonly logger: Logger;
  /**
   * How this node is listed as a neighbour: its node id, or `origin`. Travels in the BitTorrent peer id, unproven.
   * Without one the node counts as a stock client wherever it comes in.
   */
  readonly id?: string;
  /** Find nodes over UDP, on the port of the same number, while the coordinator is away. Needs an id. */
  readonly dht?: boolean;
}

export interface SwarmTorrentOptions {
  /** Bencoded info dictionary. */
  readonly torrentInfo: Uint8Array;
  readonly artifact: Artifact;
  /** The tarball; created sparse when it is not there. */
  readonly filePath: string;
  /** The file is known to be complete and verified; nothing is fetched or written. */
  readonly complete: boolean;
  /** Where verified pieces are remembered across restarts. */
  readonly bitmapPath: string | null;
  /** This node asks the origin first for pieces i with i mod rankCount = rank. */
  readonly rank: number;
  readonly rankCount: number;
  /** For the picker's random ties and the dialler's jitter. */
  readonly seed: number;
  /** Opens links and tells what it has, but asks for nothing until {@link SwarmTorrent.setPaused}. */
  readonly paused?: boolean;
  /** Called once for each time a remote did what people should know of. */
  readonly onOffence?: (offence: Offence) => void;
}

export interface SwarmTorrent {
  /**
   * Dials those with `dial`, lets the others in, drops links to nodes that are not listed any more. Until the
   * first call everybody is let in.
   */
  setNeighbours(neighbours: readonly Neighbour[]): void;
  /** Paused: what was asked for is taken back and nothing is asked for; links stay, and others are still served. */
  setPaused(paused: boolean): void;
  stats(): SwarmStats;
  /** A snapshot for people; looks at every piece. */
  inspect(): TorrentSnapshot;
  /**
   * Every piece verified and synced. Rejects with FleetError disk-full or install-failed; stays pending after
   * close.
   */
  readonly completed: Promise<void>;
  /** Stops exchanging; file and bitmap stay, and hold everything verified so far. */
  close(): Promise<void>;
}

/** What one process may move for all its torrents together, payload only; null is without limit. */
export interface SwarmLimits {
  readonly uploadBytesPerSecondMax: number | null;
  readonly downloadBytesPerSecondMax: number | null;
}

export interface Swarm {
  readonly port: number;
  /** FleetError manifest-invalid, disk-full, file-missing or install-failed. */
  join(options: SwarmTorrentOptions): Promise<SwarmTorrent>;
  /** Without limits until the first call. Holds at once, for torrents joined later too. */
  setLimits(limits: SwarmLimits): void;
  /** Whether nobody tells us who our neighbours are. Without a DHT it changes nothing. */
  setCoordinatorAway(away: boolean): void;
  /** Closes every torrent as well. */
  close(): Promise<void>;
}

/** FleetError port-in-use or listen-failed. */
export async function openSwarm(options: SwarmOptions): Promise<Swarm> {
  const sessions = new Map<string, TorrentSession>();
  const { host, port, logger } = options;
  const listener = await listenForPeers({
    host,
    port,
    onArrival: (infoHash, socket, head) => {
      const session = sessions.get(infoHash);
      if (session === undefined) socket.destroy();
      else session.links.arrive(socket, head);
    },
    onError: (error) => logger.error({ err: error }, "swarm listener failed"),
  });
  const engine = createEngine({
    id: options.id ?? null,
    port: listener.port,
    onError: (error) => logger.error({ err: error }, "swarm engine failed"),
  });
  const dht = options.dht === true ? await openDhtSocket({ host, port: listener.port, logger }) : null;
  const budgets = { upload: new RateBudget(), download: new RateBudget() };
  return new OpenSwarm({ listener, engine, sessions, dht, budgets, ownId: options.id ?? null, logger });
}

interface SwarmParts {
  readonly listener: SwarmListener;
  readonly engine: Engine;
  readonly sessions: Map<string, TorrentSession>;
  readonly dht: DhtSocket | null;
  readonly budgets: SwarmBudgets;
  readonly ownId: string | null;
  readonly logger: Logger;
}

class OpenSwarm implements Swarm {
  readonly port: number;
  readonly #parts: SwarmParts;
  readonly #discoveries = new Map<TorrentSession, TorrentDiscovery>();
  #coordinatorAway = false;
  #closing: Promise<void> | null = null;

  constructor(parts: SwarmParts) {
    this.port = parts.listener.port;
    this.#parts = parts;
  }

  async join(options: SwarmTorrentOptions): Promise<SwarmTorrent> {
    const { sessions } = this.#parts;
    const { artifact } = options;
    const { pieces } = checkTorrentInfo(options.torrentInfo, artifact);
    assert(!sessions.has(artifact.infoHash), `torrent ${artifact.infoHash} is joined already`);
    const store = await PieceStore.open({ ...options, pieceHashes: pieces });
    const session = await this.#start(options, store);
    sessions.set(artifact.infoHash, session);
    this.#discover(options, session);
    return {
      setNeighbours: (neighbours) => {
        session.setNeighbours(neighbours);
        this.#discoveries.get(session)?.setNeighbours(neighbours);
      },
      setPaused: (paused) => session.setPaused(paused),
      stats: () => session.stats(),
      inspect: () => session.inspect(),
      completed: session.completed,
      close: () => this.#leave(artifact, session),
    };
  }

  setLimits(limits: SwarmLimits): void {
    const { sessions, budgets } = this.#parts;
    const now = performance.now();
    budgets.upload.setRate(limits.uploadBytesPerSecondMax, now);
    budgets.download.setRate(limits.downloadBytesPerSecondMax, now);
    for (const session of sessions.values()) session.limitsChanged();
  }

  setCoordinatorAway(away: boolean): void {
    this.#coordinatorAway = away;
    for (const discovery of this.#discoveries.values()) discovery.setCoordinatorAway(away);
  }

  #discover({ artifact, seed }: SwarmTorrentOptions, session: TorrentSession): void {
    const { dht, logger } = this.#parts;
    if (dht === null) return;
    const discovery = new TorrentDiscovery({
      socket: dht,
      infoHash: artifact.infoHash,
      port: this.port,
      seed,
      logger,
      sample: () => {
        const { links, verifiedBytes } = session.stats();
        return { links, complete: verifiedBytes === artifact.length };
      },
      onOffer: (contacts) => session.links.offer(contacts),
      onForget: () => session.links.forgetOffered(),
    });
    this.#discoveries.set(session, discovery);
    discovery.setCoordinatorAway(this.#coordinatorAway);
  }

  async #start(options: SwarmTorrentOptions, store: PieceStore): Promise<TorrentSession> {
    const { torrentInfo, artifact, complete } = options;
    try {
      const verified = await findVerified(options, store);
      const pieceCount = pieceCountOf(artifact);
      const engine = await this.#parts.engine.add(torrentInfo, { pieceCount, complete });
      return new TorrentSession({ ...options, ...this.#parts, engine, store, verified });
    } catch (error) {
      await store.close();
      throw error;
    }
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const { listener, engine, sessions, dht } = this.#parts;
    for (const discovery of this.#discoveries.values()) discovery.close();
    this.#discoveries.clear();
    const closing = [...sessions.values()].map((session) => session.close());
    sessions.clear();
    await Promise.all(closing);
    await engine.close();
    await listener.close();
    await dht?.close();
  }

  async #leave(artifact: Artifact, session: TorrentSession): Promise<void> {
    if (this.#parts.sessions.get(artifact.infoHash) === session)
      this.#parts.sessions.delete(artifact.infoHash);
    this.#discoveries.get(session)?.close();
    this.#discoveries.delete(session);
    await session.close();
  }
}

async function findVerified(options: SwarmTorrentOptions, store: PieceStore): Promise<Bitfield> {
  const { artifact, complete, bitmapPath } = options;
  if (complete) return Bitfield.full(pieceCountOf(artifact));
  if (!store.existed) return new Bitfield(pieceCountOf(artifact));
  const verified =
    bitmapPath === null ? new Bitfield(pieceCountOf(artifact)) : await readBitmap(bitmapPath, artifact);
  await addWrittenPieces(store, verified);
  return verified;
}
