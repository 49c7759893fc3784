// Opens the coordinator's database: pragmas, integrity check, migrations in order. Turns SQLite's errors into ours.
// Knows no rows.
import { DatabaseSync } from "node:sqlite";
import { FleetError } from "../../protocol/errors.ts";

/** Another process (`fleet token`) holds the write lock for a few milliseconds; longer than this is a fault. */
const BUSY_TIMEOUT_MS = 5_000;
/** A write-ahead log that a burst has blown up is cut back to this after a checkpoint. */
const WAL_BYTES_MAX = 64 * 1024 * 1024;

// Primary result codes, https://www.sqlite.org/rescode.html
const SQLITE_BUSY = 5;
const SQLITE_CORRUPT = 11;
const SQLITE_FULL = 13;
const SQLITE_NOTADB = 26;

/**
 * Step N turns schema N into schema N + 1 and is never edited once released. Steps only add: `fleet token` of a newer
 * version may run one while an older coordinator is still at work on the folder.
 */
const MIGRATIONS: readonly string[] = [
  `CREATE TABLE record (
     kind TEXT NOT NULL, key TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (kind, key)
   ) STRICT;
   CREATE TABLE event (id INTEGER PRIMARY KEY, rollout TEXT, body TEXT NOT NULL) STRICT;
   CREATE INDEX event_by_rollout ON event (rollout, id);
   CREATE TABLE token (
     id TEXT PRIMARY KEY, kind TEXT NOT NULL CHECK (kind IN ('node', 'operator')), secret_hash BLOB NOT NULL,
     trust TEXT NOT NULL, note TEXT NOT NULL, created_at INTEGER NOT NULL, expires_at INTEGER,
     revoked_at INTEGER, last_used_at INTEGER
   ) STRICT;`,
];

/** Throws FleetError schema-newer, data-corrupt, data-locked, disk-full or storage-failed. */
export function openDatabase(path: string, migrations: readonly string[] = MIGRATIONS): DatabaseSync {
  const database = guarded(path, () => new DatabaseSync(path));
  try {
    guarded(path, () => prepareDatabase(database, path, migrations));
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

/** Runs `work` and turns what SQLite throws into a FleetError that names the file. */
export function guarded<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw translate(error, path);
  }
}

/** All of `work`, or nothing of it. */
export function inTransaction(database: DatabaseSync, work: () => void): void {
  database.exec("BEGIN IMMEDIATE");
  try {
    work();
    database.exec("COMMIT");
  } catch (error) {
    // SQLite itself has rolled back after some errors, a full disk for one.
    if (database.isTransaction) database.exec("ROLLBACK");
    throw error;
  }
}

function prepareDatabase(database: DatabaseSync, path: string, migrations: readonly string[]): void {
  database.exec(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}`);
  refuseNewer(database, path, migrations.length);
  database.exec("PRAGMA journal_mode = WAL");
  database.exec("PRAGMA synchronous = FULL");
  database.exec(`PRAGMA journal_size_limit = ${WAL_BYTES_MAX}`);
  checkIntegrity(database, path);
  if (schemaVersion(database) < migrations.length) {
    inTransaction(database, () => {
      // Read again under the write lock: another process may have come first.
      for (const step of migrations.slice(schemaVersion(database))) database.exec(step);
      database.exec(`PRAGMA user_version = ${migrations.length}`);
    });
  }
}

function refuseNewer(database: DatabaseSync, path: string, known: number): void {
  const found = schemaVersion(database);
  if (found <= known) return;
  throw new FleetError(
    "schema-newer",
    `${path} has schema version ${found}; this fleet knows versions up to ${known}`,
  );
}

function checkIntegrity(database: DatabaseSync, path: string): void {
  const found = Object.values(database.prepare("PRAGMA quick_check(1)").get() ?? {})[0];
  if (found !== "ok") throw new FleetError("data-corrupt", `${path} is damaged: ${String(found)}`);
}

function schemaVersion(database: DatabaseSync): number {
  return Number(database.prepare("PRAGMA user_version").get()?.user_version ?? 0);
}

function translate(error: unknown, path: string): unknown {
  if (!isSqliteError(error)) return error;
  const options = { cause: error };
  // The low byte is the primary code, whatever extended code it comes with.
  switch (error.errcode & 0xff) {
    case SQLITE_FULL:
      return new FleetError("disk-full", `no room left to write ${path}`, options);
    case SQLITE_BUSY:
      return new FleetError("data-locked", `another process holds ${path} locked`, options);
    case SQLITE_NOTADB:
    case SQLITE_CORRUPT:
      return new FleetError("data-corrupt", `${path} is damaged: ${error.message}`, options);
    default:
      return new FleetError("storage-failed", `${path}: ${error.message}`, options);
  }
}

function isSqliteError(error: unknown): error is Error & { readonly errcode: number } {
  return error instanceof Error && "errcode" in error && typeof error.errcode === "number";
}
