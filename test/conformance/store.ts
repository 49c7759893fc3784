// What every store must do, whatever it is made of. Each implementation's test runs this suite against itself.
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { SavedRecord } from "../../coordinator/core/records.ts";
import { SHELL_LIMITS } from "../../coordinator/shell/limits.ts";
import type { Store, StoredToken } from "../../coordinator/shell/store.ts";
import type { FleetEvent } from "../../protocol/api.ts";
import { appNameSchema, publicKeySchema, type RolloutId, rolloutIdSchema } from "../../protocol/ids.ts";

export interface StoreUnderTest {
  readonly store: Store;
  /** Closes it and frees what it used. */
  dispose(): void;
}

export function describeStore(name: string, open: () => StoreUnderTest): void {
  describe(`${name} as a store`, () => {
    let subject: StoreUnderTest;
    let store: Store;
    beforeEach(() => {
      subject = open();
      store = subject.store;
    });
    afterEach(() => subject.dispose());

    describeRecords(() => store);
    describeHistory(() => store);
    describeTokens(() => store);
  });
}

function describeRecords(store: () => Store): void {
  it("starts empty", () => {
    expect(store().loadRecords()).toEqual([]);
    expect(store().readEvents({ after: 0, limit: 10 })).toEqual([]);
    expect(store().tokens.list()).toEqual([]);
  });

  it("gives back what was committed", () => {
    const records = [counters(1), appRecord("shop"), appRecord("blog")];
    store().commit({ records, events: [] });
    expect(byKey(store().loadRecords())).toEqual(byKey(records));
  });

  it("keeps the latest body of a key and forgets a deleted one", () => {
    store().commit({ records: [counters(1), appRecord("shop")], events: [] });
    store().commit({ records: [counters(2), { ...appRecord("shop"), body: null }], events: [] });
    expect(store().loadRecords()).toEqual([counters(2)]);
  });

  it("keeps records of different kinds under the same key apart", () => {
    const records = [appRecord("same"), { ...counters(3), key: "same" }];
    store().commit({ records, events: [] });
    expect(byKey(store().loadRecords())).toEqual(byKey(records));
  });

  it("is not changed by what a caller does to a body afterwards", () => {
    const body = { generation: 1, rollout: 1, event: 1 };
    store().commit({ records: [{ kind: "counters", key: "counters", body }], events: [] });
    body.generation = 99;
    expect(store().loadRecords()).toEqual([counters(1)]);
  });

  it("refuses to load a body that does not have its kind's shape", () => {
    const broken = { kind: "app", key: "shop", body: { app: "Not A Name", stable: [] } } as unknown;
    store().commit({ records: [broken as SavedRecord], events: [] });
    expect(() => store().loadRecords()).toThrow(
      expect.objectContaining({ code: "data-corrupt", message: expect.stringContaining("app/shop") }),
    );
  });
}

function describeHistory(store: () => Store): void {
  it("returns events after an id, oldest first, as many as asked for", () => {
    store().commit({ records: [], events: [event(1), event(2)] });
    store().commit({ records: [], events: [event(3), event(4)] });
    expect(ids(store().readEvents({ after: 1, limit: 2 }))).toEqual([2, 3]);
    expect(ids(store().readEvents({ after: 4, limit: 10 }))).toEqual([]);
  });

  it("returns one rollout's events when asked for them", () => {
    const events = [
      event(1, rolloutId("r1")),
      event(2, rolloutId("r2")),
      event(3),
      event(4, rolloutId("r1")),
    ];
    store().commit({ records: [], events });
    expect(ids(store().readEvents({ after: 0, limit: 10, rolloutId: rolloutId("r1") }))).toEqual([1, 4]);
  });

  it("gives an event back as it was", () => {
    const written = event(7, rolloutId("r1"));
    store().commit({ records: [], events: [written] });
    expect(store().readEvents({ after: 0, limit: 1 })).toEqual([written]);
  });

  it("keeps only the newest events", () => {
    const count = SHELL_LIMITS.historyEventsMax + 5;
    const events = Array.from({ length: count }, (_, index) => event(index + 1));
    store().commit({ records: [], events });
    const kept = store().readEvents({ after: 0, limit: count });
    expect(kept.length).toBe(SHELL_LIMITS.historyEventsMax);
    expect(kept[0]?.id).toBe(6);
  });
}

function describeTokens(store: () => Store): void {
  it("finds a token by its id, with everything that was stored", () => {
    store().tokens.insert(token("a"));
    expect(store().tokens.find("a")).toEqual(token("a"));
    expect(store().tokens.find("b")).toBeNull();
  });

  it("lists tokens oldest first", () => {
    store().tokens.insert({ ...token("young"), createdAt: 2 });
    store().tokens.insert({ ...token("old"), createdAt: 1 });
    expect(
      store()
        .tokens.list()
        .map(({ id }) => id),
    ).toEqual(["old", "young"]);
  });

  it("remembers the first revocation", () => {
    store().tokens.insert(token("a"));
    expect(store().tokens.revoke("a", 100)).toBe(true);
    expect(store().tokens.revoke("a", 200)).toBe(true);
    expect(store().tokens.find("a")?.revokedAt).toBe(100);
    expect(store().tokens.revoke("unknown", 100)).toBe(false);
  });

  it("notes when a token was last used", () => {
    store().tokens.insert(token("a"));
    store().tokens.noteUse("a", 123);
    expect(store().tokens.find("a")?.lastUsedAt).toBe(123);
  });
}

export function counters(value: number): SavedRecord {
  return { kind: "counters", key: "counters", body: { generation: value, rollout: value, event: value } };
}

export function event(id: number, rolloutId: RolloutId | null = null): FleetEvent {
  const where = { app: appNameSchema.decode("shop", "app"), version: null, node: "node-1" };
  return { id, at: 1_000 + id, kind: "node-joined", rolloutId, ...where, message: `event ${id}` };
}

function appRecord(name: string): SavedRecord {
  return { kind: "app", key: name, body: { app: appNameSchema.decode(name, "app"), stable: [] } };
}

function rolloutId(text: string): RolloutId {
  return rolloutIdSchema.decode(text, "rollout id");
}

function token(id: string): StoredToken {
  const trust = [publicKeySchema.decode("k".repeat(43), "key")];
  const times = { createdAt: 1, expiresAt: 2, revokedAt: null, lastUsedAt: null };
  return { id, kind: "node", secretHash: Uint8Array.of(1, 2, 3), trust, note: "a note", ...times };
}

function ids(events: readonly FleetEvent[]): readonly number[] {
  return events.map(({ id }) => id);
}

function byKey(records: readonly SavedRecord[]): ReadonlyMap<string, SavedRecord> {
  return new Map(records.map((record) => [`${record.kind}/${record.key}`, record]));
}
