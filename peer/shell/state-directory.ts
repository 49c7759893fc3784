// Where things lie in a peer's state directory and root, and the locks that let only one agent use them.
import { chmod } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { FleetError } from "../../protocol/errors.ts";
import type { AppName, Digest } from "../../protocol/ids.ts";
import { diskError } from "./disk-errors.ts";
import { makeDirectory } from "./files.ts";

/** Private: holds the node's key. */
export class StatePaths {
  readonly directory: string;

  constructor(directory: string) {
    this.directory = directory;
  }

  get key(): string {
    return join(this.directory, "node-key.pem");
  }
  get node(): string {
    return join(this.directory, "node.json");
  }
  get journals(): string {
    return join(this.directory, "apps");
  }
  get releases(): string {
    return join(this.directory, "releases");
  }
  get artifacts(): string {
    return join(this.directory, "artifacts");
  }
  /** Orders that hold until the coordinator says otherwise. */
  get orders(): string {
    return join(this.directory, "orders");
  }
  get logs(): string {
    return join(this.directory, "logs");
  }

  journal(app: AppName): string {
    return join(this.journals, `${app}.json`);
  }
  /** Which hook of the app runs, so that a new agent can end one that an earlier agent left behind. */
  runningHook(app: AppName): string {
    return join(this.journals, `${app}.hook`);
  }
  tarball(sha256: Digest): string {
    return join(this.artifacts, `${sha256}.tar`);
  }
  bitmap(sha256: Digest): string {
    return join(this.artifacts, `${sha256}.bitmap`);
  }
}

/** The public half of a node: what is installed and what is live. */
export class RootPaths {
  readonly directory: string;

  constructor(directory: string) {
    this.directory = directory;
  }

  app(app: AppName): string {
    return join(this.directory, app);
  }
  versions(app: AppName): string {
    return join(this.directory, app, "versions");
  }
  version(app: AppName, directory: string): string {
    return join(this.directory, app, "versions", directory);
  }
  shared(app: AppName): string {
    return join(this.directory, app, "shared");
  }
  live(app: AppName): string {
    return join(this.directory, app, "live");
  }
}

export interface PeerDirectories {
  readonly state: StatePaths;
  readonly root: RootPaths;
  /** Lets another agent have them. */
  release(): void;
}

/**
 * Creates both directories, the state one for its owner only, and takes them for this process.
 * Throws FleetError data-locked when another agent has one of them, storage-failed when they cannot be made.
 */
export async function openDirectories(
  stateDirectory: string,
  rootDirectory: string,
): Promise<PeerDirectories> {
  const state = new StatePaths(stateDirectory);
  try {
    await makeDirectory(stateDirectory, 0o700);
    await chmod(stateDirectory, 0o700);
    for (const path of [state.journals, state.releases, state.artifacts, state.orders, state.logs])
      await makeDirectory(path, 0o700);
    await makeDirectory(rootDirectory);
  } catch (error) {
    throw diskError(error, "storage-failed", "cannot prepare the peer's directories");
  }
  const releaseState = lockDirectory(stateDirectory);
  try {
    const releaseRoot = lockDirectory(rootDirectory);
    return {
      state,
      root: new RootPaths(rootDirectory),
      release: () => {
        releaseRoot();
        releaseState();
      },
    };
  } catch (error) {
    releaseState();
    throw error;
  }
}

/**
 * An open exclusive transaction on an empty SQLite file. The kernel drops the lock with the process, kill -9 included,
 * and it holds across containers that share the directory, where a process id or an abstract socket says nothing.
 */
function lockDirectory(directory: string): () => void {
  const path = join(directory, ".fleet-lock");
  let database: DatabaseSync | null = null;
  try {
    database = new DatabaseSync(path);
    // Nothing is ever written, so there need not be a journal file beside it.
    database.exec("PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE");
  } catch (cause) {
    database?.close();
    if (cause instanceof Error && "errcode" in cause && cause.errcode === SQLITE_BUSY)
      throw new FleetError("data-locked", `another fleet peer uses ${directory}`, { cause });
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new FleetError("storage-failed", `cannot lock ${directory}: ${why}`, { cause });
  }
  const held = database;
  return () => held.close();
}

const SQLITE_BUSY = 5;

/** Where hooks and the services they start write; `name` is a directory name under versions/, or a probe. */
export function outputPath(state: StatePaths, app: AppName, name: string): string {
  return join(state.logs, app, `${name}.log`);
}
