// Where things lie in the coordinator's data folder, and the lock that lets only one coordinator use it.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { FleetError } from "../../protocol/errors.ts";
import { guarded } from "./sqlite-database.ts";

export interface DataPaths {
  readonly root: string;
  readonly database: string;
  readonly lock: string;
  readonly artifacts: string;
}

/** Creates the folder, readable by its owner only, when it does not exist. FleetError storage-failed. */
export function openDataDirectory(root: string): DataPaths {
  const artifacts = join(root, "artifacts");
  try {
    mkdirSync(artifacts, { recursive: true, mode: 0o700 });
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new FleetError("storage-failed", `cannot create the data folder ${root}: ${why}`, { cause });
  }
  return { root, database: join(root, "fleet.db"), lock: join(root, "coordinator.lock"), artifacts };
}

export interface DataLock {
  release(): void;
}

/**
 * Takes the folder for this process. The lock is SQLite's lock on an empty file, so the kernel lets go of it however
 * the process ends. Throws FleetError data-locked when another process has it.
 */
export function lockDataDirectory(paths: DataPaths): DataLock {
  const database = guarded(paths.lock, () => new DatabaseSync(paths.lock));
  try {
    guarded(paths.lock, () => database.exec("BEGIN EXCLUSIVE"));
  } catch (cause) {
    database.close();
    if (cause instanceof FleetError && cause.code === "data-locked")
      throw new FleetError("data-locked", `another coordinator runs on ${paths.root}`, { cause });
    throw cause;
  }
  return { release: () => database.close() };
}
