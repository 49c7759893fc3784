// A store that forgets everything when the process ends: for tests, and as the plain statement of the port's meaning.
import type { FleetEvent } from "../../protocol/api.ts";
import type { SavedRecord } from "../core/records.ts";
import { SHELL_LIMITS } from "./limits.ts";
import {
  type CommitBatch,
  decodeRecord,
  type EventQuery,
  type Store,
  type StoredToken,
  type TokenTable,
} from "./store.ts";

interface Row {
  readonly kind: string;
  readonly key: string;
  readonly body: string;
}

export class MemoryStore implements Store {
  readonly tokens: TokenTable = new MemoryTokenTable();
  readonly #rows = new Map<string, Row>();
  #events: FleetEvent[] = [];

  loadRecords(): readonly SavedRecord[] {
    return [...this.#rows.values()].map(({ kind, key, body }) => decodeRecord(kind, key, body));
  }

  commit(batch: CommitBatch): void {
    for (const { kind, key, body } of batch.records) {
      const rowKey = `${kind}/${key}`;
      if (body === null) this.#rows.delete(rowKey);
      else this.#rows.set(rowKey, { kind, key, body: JSON.stringify(body) });
    }
    this.#events = [...this.#events, ...batch.events].slice(-SHELL_LIMITS.historyEventsMax);
  }

  readEvents({ after, limit, rolloutId }: EventQuery): readonly FleetEvent[] {
    const matching = this.#events.filter(
      (event) => event.id > after && (rolloutId === undefined || event.rolloutId === rolloutId),
    );
    return matching.slice(0, limit);
  }

  close(): void {
    this.#rows.clear();
    this.#events = [];
  }
}

class MemoryTokenTable implements TokenTable {
  readonly #tokens = new Map<string, StoredToken>();

  insert(token: StoredToken): void {
    this.#tokens.set(token.id, token);
  }

  find(id: string): StoredToken | null {
    return this.#tokens.get(id) ?? null;
  }

  list(): readonly StoredToken[] {
    return [...this.#tokens.values()].toSorted((a, b) => a.createdAt - b.createdAt);
  }

  revoke(id: string, at: number): boolean {
    const token = this.#tokens.get(id);
    if (token === undefined) return false;
    this.#tokens.set(id, { ...token, revokedAt: token.revokedAt ?? at });
    return true;
  }

  noteUse(id: string, at: number): void {
    const token = this.#tokens.get(id);
    if (token !== undefined) this.#tokens.set(id, { ...token, lastUsedAt: at });
  }
}
