// The port behind which the coordinator's memory lives. Every implementation passes test/conformance/store.ts.

import type { FleetEvent } from "../../protocol/api.ts";
import { FleetError } from "../../protocol/errors.ts";
import type { Millis, PublicKey, RolloutId } from "../../protocol/ids.ts";
import { DecodeError, type Schema } from "../../protocol/schema.ts";
import type { TokenKind } from "../../protocol/shell/token.ts";
import { RECORD_SCHEMAS, type RecordKind, type RecordTypes, type SavedRecord } from "../core/records.ts";

export interface CommitBatch {
  /** At most one per kind and key. A null body deletes. */
  readonly records: readonly SavedRecord[];
  /** Ids grow from batch to batch. */
  readonly events: readonly FleetEvent[];
}

export interface EventQuery {
  /** Only events with a larger id. */
  readonly after: number;
  readonly limit: number;
  readonly rolloutId?: RolloutId;
}

/** A token as it is kept: never the secret, only its SHA-256. */
export interface StoredToken {
  readonly id: string;
  readonly kind: TokenKind;
  readonly secretHash: Uint8Array;
  readonly trust: readonly PublicKey[];
  readonly note: string;
  readonly createdAt: Millis;
  readonly expiresAt: Millis | null;
  readonly revokedAt: Millis | null;
  readonly lastUsedAt: Millis | null;
}

/** Tokens are managed by other processes too: every call reads or writes what is stored now. */
export interface TokenTable {
  insert(token: StoredToken): void;
  find(id: string): StoredToken | null;
  /** Oldest first. */
  list(): readonly StoredToken[];
  /** False when there is no such token. A second revocation changes nothing. */
  revoke(id: string, at: Millis): boolean;
  noteUse(id: string, at: Millis): void;
}

export interface Store {
  /** Everything that was committed. FleetError data-corrupt when a body does not have its kind's shape. */
  loadRecords(): readonly SavedRecord[];
  /** All of the batch, durably, or nothing. FleetError disk-full, storage-failed. */
  commit(batch: CommitBatch): void;
  /** Oldest first; only the newest ones are kept. */
  readEvents(query: EventQuery): readonly FleetEvent[];
  readonly tokens: TokenTable;
  close(): void;
}

/** Reads one stored body back. Shared, so that every store refuses the same. */
export function decodeRecord(kind: string, key: string, body: string): SavedRecord {
  if (!isRecordKind(kind))
    throw new FleetError("data-corrupt", `the stored record ${kind}/${key} has an unknown kind`);
  const schema: Schema<RecordTypes[RecordKind]> = RECORD_SCHEMAS[kind];
  return { kind, key, body: decodeStored(schema, body, `record ${kind}/${key}`) };
}

/** Throws FleetError data-corrupt when `body` is not JSON of this shape. */
export function decodeStored<T>(schema: Schema<T>, body: string, what: string): T {
  try {
    return schema.decode(JSON.parse(body) as unknown, "body");
  } catch (cause) {
    if (!(cause instanceof DecodeError || cause instanceof SyntaxError)) throw cause;
    throw new FleetError("data-corrupt", `the stored ${what} is damaged: ${cause.message}`, { cause });
  }
}

function isRecordKind(kind: string): kind is RecordKind {
  return Object.hasOwn(RECORD_SCHEMAS, kind);
}
