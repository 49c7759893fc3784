// The coordinator's memory in one SQLite file. A commit is one transaction and is on disk when it returns.
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { type FleetEvent, fleetEventSchema } from "../../protocol/api.ts";
import type { SavedRecord } from "../core/records.ts";
import { SHELL_LIMITS } from "./limits.ts";
import { guarded, inTransaction, openDatabase } from "./sqlite-database.ts";
import { SqliteTokenTable } from "./sqlite-tokens.ts";
import {
  type CommitBatch,
  decodeRecord,
  decodeStored,
  type EventQuery,
  type Store,
  type TokenTable,
} from "./store.ts";

export class SqliteStore implements Store {
  readonly tokens: TokenTable;
  readonly #path: string;
  readonly #database: DatabaseSync;
  readonly #statements: Statements;

  /** Throws FleetError schema-newer, data-corrupt, data-locked, disk-full or storage-failed. */
  constructor(path: string) {
    this.#path = path;
    this.#database = openDatabase(path);
    this.#statements = prepare(this.#database);
    this.tokens = new SqliteTokenTable(path, this.#database);
  }

  loadRecords(): readonly SavedRecord[] {
    const rows = guarded(this.#path, () => this.#statements.loadRecords.all());
    return rows.map((row) => decodeRecord(String(row.kind), String(row.key), String(row.body)));
  }

  commit(batch: CommitBatch): void {
    guarded(this.#path, () => inTransaction(this.#database, () => this.#write(batch)));
  }

  readEvents({ after, limit, rolloutId }: EventQuery): readonly FleetEvent[] {
    const { eventsAfter, rolloutEventsAfter } = this.#statements;
    const rows = guarded(this.#path, () =>
      rolloutId === undefined
        ? eventsAfter.all(after, limit)
        : rolloutEventsAfter.all(rolloutId, after, limit),
    );
    return rows.map((row) => decodeStored(fleetEventSchema, String(row.body), "event"));
  }

  close(): void {
    try {
      // Leaves one plain file behind; a reader elsewhere may hold it up, and then the next start does it.
      guarded(this.#path, () => this.#database.exec("PRAGMA wal_checkpoint(TRUNCATE)"));
    } finally {
      this.#database.close();
    }
  }

  #write({ records, events }: CommitBatch): void {
    const { putRecord, deleteRecord, putEvent, forgetEvents } = this.#statements;
    for (const { kind, key, body } of records) {
      if (body === null) deleteRecord.run(kind, key);
      else putRecord.run(kind, key, JSON.stringify(body));
    }
    for (const event of events) putEvent.run(event.id, event.rolloutId, JSON.stringify(event));
    const newest = events.at(-1)?.id;
    if (newest !== undefined) forgetEvents.run(newest - SHELL_LIMITS.historyEventsMax);
  }
}

type Statements = Readonly<
  Record<
    | "loadRecords"
    | "putRecord"
    | "deleteRecord"
    | "putEvent"
    | "forgetEvents"
    | "eventsAfter"
    | "rolloutEventsAfter",
    StatementSync
  >
>;

function prepare(database: DatabaseSync): Statements {
  return {
    loadRecords: database.prepare("SELECT kind, key, body FROM record ORDER BY rowid"),
    putRecord: database.prepare(
      "INSERT INTO record (kind, key, body) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET body = excluded.body",
    ),
    deleteRecord: database.prepare("DELETE FROM record WHERE kind = ? AND key = ?"),
    putEvent: database.prepare("INSERT INTO event (id, rollout, body) VALUES (?, ?, ?)"),
    forgetEvents: database.prepare("DELETE FROM event WHERE id <= ?"),
    eventsAfter: database.prepare("SELECT body FROM event WHERE id > ? ORDER BY id LIMIT ?"),
    rolloutEventsAfter: database.prepare(
      "SELECT body FROM event WHERE rollout = ? AND id > ? ORDER BY id LIMIT ?",
    ),
  };
}
