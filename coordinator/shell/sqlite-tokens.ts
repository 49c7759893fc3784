// The token table in SQLite. Reads and writes what is stored now, because other processes manage tokens too.
import type { DatabaseSync, SQLOutputValue, StatementSync } from "node:sqlite";
import type { Millis } from "../../protocol/ids.ts";
import { publicKeySchema } from "../../protocol/ids.ts";
import { TRUSTED_KEYS_MAX } from "../../protocol/limits.ts";
import { list } from "../../protocol/schema.ts";
import { guarded } from "./sqlite-database.ts";
import { decodeStored, type StoredToken, type TokenTable } from "./store.ts";

const trustSchema = list(publicKeySchema, TRUSTED_KEYS_MAX);

export class SqliteTokenTable implements TokenTable {
  readonly #path: string;
  readonly #insert: StatementSync;
  readonly #find: StatementSync;
  readonly #list: StatementSync;
  readonly #revoke: StatementSync;
  readonly #noteUse: StatementSync;

  constructor(path: string, database: DatabaseSync) {
    this.#path = path;
    this.#insert = database.prepare(
      `INSERT INTO token (id, kind, secret_hash, trust, note, created_at, expires_at, revoked_at, last_used_at)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    );
    this.#find = database.prepare("SELECT * FROM token WHERE id = ?");
    this.#list = database.prepare("SELECT * FROM token ORDER BY created_at, rowid");
    this.#revoke = database.prepare("UPDATE token SET revoked_at = coalesce(revoked_at, ?) WHERE id = ?");
    this.#noteUse = database.prepare("UPDATE token SET last_used_at = ? WHERE id = ?");
  }

  insert(token: StoredToken): void {
    const { id, kind, secretHash, note, createdAt, expiresAt, revokedAt, lastUsedAt } = token;
    const trust = JSON.stringify(token.trust);
    guarded(this.#path, () =>
      this.#insert.run(id, kind, secretHash, trust, note, createdAt, expiresAt, revokedAt, lastUsedAt),
    );
  }

  find(id: string): StoredToken | null {
    const row = guarded(this.#path, () => this.#find.get(id));
    return row === undefined ? null : tokenOf(row);
  }

  list(): readonly StoredToken[] {
    return guarded(this.#path, () => this.#list.all()).map(tokenOf);
  }

  revoke(id: string, at: Millis): boolean {
    return guarded(this.#path, () => this.#revoke.run(at, id)).changes > 0;
  }

  noteUse(id: string, at: Millis): void {
    guarded(this.#path, () => this.#noteUse.run(at, id));
  }
}

function tokenOf(row: Record<string, SQLOutputValue>): StoredToken {
  return {
    id: String(row.id),
    kind: row.kind === "node" ? "node" : "operator",
    secretHash: row.secret_hash instanceof Uint8Array ? row.secret_hash : new Uint8Array(),
    trust: decodeStored(trustSchema, String(row.trust), "token"),
    note: String(row.note),
    createdAt: Number(row.created_at),
    expiresAt: millisOf(row.expires_at),
    revokedAt: millisOf(row.revoked_at),
    lastUsedAt: millisOf(row.last_used_at),
  };
}

function millisOf(value: SQLOutputValue | undefined): Millis | null {
  return value === null || value === undefined ? null : Number(value);
}
