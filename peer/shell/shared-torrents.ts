// One torrent for each artifact, however many releases want it: two apps that release the same bytes fetch them once.
// Joins when the first comes, leaves when the last has gone; decides nothing about what is staged.
import type { Neighbour } from "../../protocol/messages.ts";
import type { Offence } from "../../protocol/offence.ts";
import type { SwarmJoinOptions, SwarmPort, SwarmTorrentPort } from "./ports.ts";

/** One release's wishes for the torrent it shares. */
interface User {
  neighbours: readonly Neighbour[] | null;
  paused: boolean;
  readonly onOffence: ((offence: Offence) => void) | undefined;
}

interface Shared {
  readonly users: Set<User>;
  readonly joined: Promise<SwarmTorrentPort>;
}

export class SharedTorrents {
  readonly #swarm: Pick<SwarmPort, "join">;
  readonly #shared = new Map<string, Shared>();
  /** Torrents that are being left: they must be closed before the next of the same artifact is opened. */
  readonly #closing = new Map<string, Promise<void>>();

  constructor(swarm: Pick<SwarmPort, "join">) {
    this.#swarm = swarm;
  }

  /** As {@link SwarmPort.join}. Rank and seed are those of whoever came first. */
  async join(options: SwarmJoinOptions): Promise<SwarmTorrentPort> {
    const { infoHash } = options.artifact;
    const { paused = false, onOffence } = options;
    const user: User = { neighbours: null, paused, onOffence };
    const shared = this.#shared.get(infoHash) ?? this.#open(infoHash, options);
    shared.users.add(user);
    try {
      const torrent = await shared.joined;
      settlePause(shared, torrent);
      return this.#portFor(user, { infoHash, shared, torrent });
    } catch (error) {
      shared.users.delete(user);
      if (this.#shared.get(infoHash) === shared) this.#shared.delete(infoHash);
      throw error;
    }
  }

  #open(infoHash: string, options: SwarmJoinOptions): Shared {
    const users = new Set<User>();
    const onOffence = (offence: Offence): void => {
      for (const user of users) user.onOffence?.(offence);
    };
    const join = async (): Promise<SwarmTorrentPort> => {
      await this.#closing.get(infoHash);
      return this.#swarm.join({ ...options, onOffence });
    };
    const shared: Shared = { users, joined: join() };
    this.#shared.set(infoHash, shared);
    return shared;
  }

  #portFor(
    user: User,
    { infoHash, shared, torrent }: { infoHash: string; shared: Shared; torrent: SwarmTorrentPort },
  ): SwarmTorrentPort {
    return {
      setNeighbours: (neighbours) => {
        user.neighbours = neighbours;
        settleNeighbours(shared, torrent);
      },
      setPaused: (paused) => {
        user.paused = paused;
        settlePause(shared, torrent);
      },
      stats: () => torrent.stats(),
      inspect: () => torrent.inspect(),
      completed: torrent.completed,
      close: async () => {
        if (!shared.users.delete(user)) return;
        if (shared.users.size === 0) return this.#close(infoHash, shared, torrent);
        settleNeighbours(shared, torrent);
        settlePause(shared, torrent);
      },
    };
  }

  async #close(infoHash: string, shared: Shared, torrent: SwarmTorrentPort): Promise<void> {
    if (this.#shared.get(infoHash) === shared) this.#shared.delete(infoHash);
    const closed = torrent.close();
    this.#closing.set(infoHash, closed);
    try {
      await closed;
    } finally {
      if (this.#closing.get(infoHash) === closed) this.#closing.delete(infoHash);
    }
  }
}

/** Everybody's; whoever has not said anything yet has none. */
function settleNeighbours({ users }: Shared, torrent: SwarmTorrentPort): void {
  const lists = [...users].flatMap(({ neighbours }) => (neighbours === null ? [] : [neighbours]));
  if (lists.length > 0) torrent.setNeighbours(merged(lists));
}

/** At a standstill only when all want that. */
function settlePause({ users }: Shared, torrent: SwarmTorrentPort): void {
  torrent.setPaused([...users].every(({ paused }) => paused));
}

/** A link that both ends dial costs a moment, one that neither does is missing: whoever is to be dialled once is. */
function merged(lists: readonly (readonly Neighbour[])[]): readonly Neighbour[] {
  const byId = new Map<string, Neighbour>();
  for (const neighbour of lists.flat()) {
    const dial = neighbour.dial || byId.get(neighbour.id)?.dial === true;
    byId.set(neighbour.id, { ...neighbour, dial });
  }
  return [...byId.values()];
}
