// Opens what a coordinator needs, in the order in which it depends on it, and lets go of all of it when a start fails.
import type { Logger } from "pino";
import type { Millis } from "../../protocol/ids.ts";
import { CoordinatorCore } from "../core/coordinator.ts";
import { isWildcard } from "./addresses.ts";
import { ArtifactStore } from "./artifact-store.ts";
import { steadyNow } from "./clock.ts";
import { lockDataDirectory, openDataDirectory } from "./data-directory.ts";
import { SHELL_LIMITS, type ShellLimits } from "./limits.ts";
import type { OriginSwarm } from "./origin.ts";
import type { CreateVerifier } from "./publishing.ts";
import { RunningCoordinator } from "./running-coordinator.ts";
import { SqliteStore } from "./sqlite-store.ts";

export interface CoordinatorOptions {
  readonly dataDirectory: string;
  readonly listen: { readonly host: string; readonly port: number };
  readonly swarmListen: { readonly host: string; readonly port: number };
  /** The zone its seeder is in, as nodes name theirs; without it, that of nodes that name none. */
  readonly zone?: string | null;
  /** Most that its seeder sends, payload only; without it or with null there is no limit. */
  readonly uploadBytesPerSecondMax?: number | null;
  readonly version: string;
  readonly logger: Logger;
}

export interface Coordinator {
  readonly url: string;
  readonly swarmPort: number;
  /** Resolves after close(). Rejects when it had to stop by itself: what it had decided could not be written. */
  readonly closed: Promise<void>;
  /** Stops gracefully: nodes and watchers are told, requests under way get their answers, everything is on disk. */
  close(): Promise<void>;
}

export interface OriginSwarmOptions {
  readonly host: string;
  readonly port: number;
  readonly uploadBytesPerSecondMax: number | null;
  readonly logger: Logger;
}

/** What comes from elsewhere, so that a test can put something small in its place. */
export interface CoordinatorParts {
  readonly openSwarm: (options: OriginSwarmOptions) => Promise<OriginSwarm>;
  readonly createVerifier: CreateVerifier;
  readonly limits?: ShellLimits;
  readonly now?: () => Millis;
}

/** FleetError data-locked, schema-newer, data-corrupt, storage-failed, disk-full, port-in-use or listen-failed. */
export async function runCoordinator(
  options: CoordinatorOptions,
  parts: CoordinatorParts,
): Promise<Coordinator> {
  const opened: Closer[] = [];
  try {
    return await start(options, parts, opened);
  } catch (error) {
    for (const close of opened.toReversed()) await close();
    throw error;
  }
}

type Closer = () => void | Promise<void>;

async function start(
  options: CoordinatorOptions,
  parts: CoordinatorParts,
  opened: Closer[],
): Promise<Coordinator> {
  const { logger, version, swarmListen } = options;
  const limits = parts.limits ?? SHELL_LIMITS;
  const paths = openDataDirectory(options.dataDirectory);
  const lock = lockDataDirectory(paths);
  opened.push(() => lock.release());
  const store = new SqliteStore(paths.database);
  opened.push(() => store.close());
  const records = store.loadRecords();
  const { uploadBytesPerSecondMax = null } = options;
  const swarm = await parts.openSwarm({ ...swarmListen, uploadBytesPerSecondMax, logger });
  opened.push(() => swarm.close());
  const originHost = isWildcard(swarmListen.host) ? null : swarmListen.host;
  const origin = { host: originHost, port: swarm.port, zone: options.zone ?? null };
  const core = new CoordinatorCore({ records, origin, coordinatorVersion: version });
  const artifacts = new ArtifactStore(paths.artifacts, limits, logger);
  await artifacts.removeLeftovers(core.artifactsInUse(), Date.now());
  const coordinator = new RunningCoordinator({
    ...{ core, store, lock, swarm, artifacts, limits, logger },
    createVerifier: parts.createVerifier,
    now: parts.now ?? steadyNow,
  });
  await coordinator.start(options.listen);
  logger.info(
    { url: coordinator.url, swarmPort: swarm.port, version, nodes: core.nodes().length },
    "the coordinator is up",
  );
  return coordinator;
}
