// What the agent needs from the swarm engine and the archive code, so that tests can stand in for both.
import type { Logger } from "pino";
import type { Artifact } from "../../protocol/manifest.ts";
import type { Neighbour } from "../../protocol/messages.ts";
import type { Offence } from "../../protocol/offence.ts";
import type { NodeRates } from "../../protocol/rates.ts";
import type { TorrentSnapshot } from "./torrent-inspection.ts";
import type { UnpackOptions } from "./unpack.ts";

export interface SwarmTorrentPort {
  setNeighbours(neighbours: readonly Neighbour[]): void;
  setPaused(paused: boolean): void;
  stats(): {
    readonly verifiedBytes: number;
    readonly receivedBytes: number;
    readonly uploadedBytes: number;
    readonly receiveBytesPerSecond: number;
    readonly links: number;
  };
  inspect(): TorrentSnapshot;
  /** Every piece verified and synced; rejects with FleetError when it cannot go on. */
  readonly completed: Promise<void>;
  close(): Promise<void>;
}

export interface SwarmJoinOptions {
  readonly torrentInfo: Uint8Array;
  readonly artifact: Artifact;
  readonly filePath: string;
  readonly complete: boolean;
  readonly bitmapPath: string | null;
  readonly rank: number;
  readonly rankCount: number;
  readonly seed: number;
  readonly paused?: boolean;
  readonly onOffence?: (offence: Offence) => void;
}

export interface SwarmPort {
  readonly port: number;
  join(options: SwarmJoinOptions): Promise<SwarmTorrentPort>;
  /** Holds for all its torrents together. */
  setLimits(limits: NodeRates): void;
  /** While it is away, nodes look for each other themselves. */
  setCoordinatorAway(away: boolean): void;
  close(): Promise<void>;
}

export interface SwarmOpenOptions {
  readonly host: string;
  readonly port: number;
  readonly logger: Logger;
  /** The node's id, by which its neighbours know it. */
  readonly id: string;
  readonly dht: boolean;
}

export interface PeerPorts {
  readonly openSwarm: (options: SwarmOpenOptions) => Promise<SwarmPort>;
  readonly unpackArchive: (options: UnpackOptions) => Promise<void>;
}
