// The SQLite store keeps the port's promises, across restarts, other processes, damage and a kill at any moment.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync, readFileSync, statSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { guarded, openDatabase } from "../../../coordinator/shell/sqlite-database.ts";
import { SqliteStore } from "../../../coordinator/shell/sqlite-store.ts";
import { FleetError } from "../../../protocol/errors.ts";
import { counters, describeStore, event } from "../../conformance/store.ts";
import { scratchFolders } from "./support/scratch.ts";

const newFolder = scratchFolders();
const newPath = () => join(newFolder(), "fleet.db");

describeStore("SqliteStore", () => {
  const store = new SqliteStore(newPath());
  return { store, dispose: () => store.close() };
});

/** The code of the FleetError that `work` throws. */
function codeOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    return error instanceof FleetError ? error.code : String(error);
  }
  return "no error";
}

describe("the database file", () => {
  it("holds what was committed when it is opened again", () => {
    const path = newPath();
    const first = new SqliteStore(path);
    first.commit({ records: [counters(5)], events: [event(1)] });
    first.close();
    const second = new SqliteStore(path);
    expect(second.loadRecords()).toEqual([counters(5)]);
    expect(second.readEvents({ after: 0, limit: 10 })).toEqual([event(1)]);
    second.close();
  });

  it("commits all of a batch or nothing", () => {
    const store = new SqliteStore(newPath());
    store.commit({ records: [counters(1)], events: [event(1)] });
    expect(codeOf(() => store.commit({ records: [counters(2)], events: [event(2), event(1)] }))).toBe(
      "storage-failed",
    );
    expect(store.loadRecords()).toEqual([counters(1)]);
    expect(store.readEvents({ after: 0, limit: 10 })).toEqual([event(1)]);
    store.commit({ records: [counters(3)], events: [] });
    expect(store.loadRecords()).toEqual([counters(3)]);
    store.close();
  });

  it("shows another process's token at once", () => {
    const path = newPath();
    const coordinator = new SqliteStore(path);
    const commandLine = new SqliteStore(path);
    const times = { createdAt: 1, expiresAt: null, revokedAt: null, lastUsedAt: null };
    commandLine.tokens.insert({
      id: "a",
      kind: "node",
      secretHash: Uint8Array.of(1),
      trust: [],
      note: "",
      ...times,
    });
    expect(coordinator.tokens.find("a")?.revokedAt).toBeNull();
    commandLine.tokens.revoke("a", 7);
    expect(coordinator.tokens.find("a")?.revokedAt).toBe(7);
    coordinator.close();
    commandLine.close();
  });

  it("survives power loss: every commit is flushed", () => {
    const path = newPath();
    const database = openDatabase(path);
    expect(database.prepare("PRAGMA journal_mode").get()).toEqual({ journal_mode: "wal" });
    expect(database.prepare("PRAGMA synchronous").get()).toEqual({ synchronous: 2 });
    database.close();
  });

  it("reports a full disk as such", () => {
    const database = new DatabaseSync(":memory:");
    database.exec("PRAGMA max_page_count = 3; CREATE TABLE t (a)");
    const fill = () => {
      for (;;) database.prepare("INSERT INTO t VALUES (?)").run("x".repeat(4_000));
    };
    expect(codeOf(() => guarded("fleet.db", fill))).toBe("disk-full");
    database.close();
  });
});

describe("migrations", () => {
  const STEPS = ["CREATE TABLE a (x)", "ALTER TABLE a ADD COLUMN y", "CREATE TABLE b (z)"];

  it("run once each, in order, whatever schema was there before", () => {
    for (let known = 0; known <= STEPS.length; known += 1) {
      const path = newPath();
      openDatabase(path, STEPS.slice(0, known)).close();
      const database = openDatabase(path, STEPS);
      expect(database.prepare("PRAGMA user_version").get()).toEqual({ user_version: STEPS.length });
      expect(database.prepare("SELECT x, y, z FROM a, b").all()).toEqual([]);
      database.close();
    }
  });

  it("leave the old schema when one of them fails", () => {
    const path = newPath();
    openDatabase(path, STEPS.slice(0, 1)).close();
    expect(codeOf(() => openDatabase(path, [...STEPS.slice(0, 2), "NO SQL"]))).toBe("storage-failed");
    const database = openDatabase(path, STEPS.slice(0, 1));
    expect(database.prepare("SELECT * FROM pragma_table_info('a')").all()).toHaveLength(1);
    database.close();
  });

  it("refuse a newer schema, name both versions, and change nothing", () => {
    const path = newPath();
    openDatabase(path, STEPS).close();
    const before = readFileSync(path);
    expect(() => openDatabase(path, STEPS.slice(0, 2))).toThrow(/version 3; .* up to 2/);
    expect(codeOf(() => openDatabase(path, STEPS.slice(0, 2)))).toBe("schema-newer");
    expect(readFileSync(path).equals(before)).toBe(true);
  });
});

describe("damage", () => {
  it("to a file that is no database is refused", () => {
    const path = newPath();
    writeFileSync(path, "this is a letter and not a database\n".repeat(100));
    expect(codeOf(() => new SqliteStore(path))).toBe("data-corrupt");
  });

  it("to a page in the middle is refused", () => {
    const path = newPath();
    const store = new SqliteStore(path);
    const records = Array.from({ length: 200 }, (_, index) => ({ ...counters(index), key: `k${index}` }));
    store.commit({ records, events: [] });
    store.close();
    const file = openSync(path, "r+");
    for (let at = 4_096; at < statSync(path).size; at += 4_096)
      writeSync(file, Buffer.alloc(64, 0xaa), 0, 64, at);
    closeSync(file);
    expect(codeOf(() => new SqliteStore(path))).toBe("data-corrupt");
  });

  it("to the folder's permissions or place is told apart from damage", () => {
    expect(codeOf(() => new SqliteStore(join(newFolder(), "missing", "fleet.db")))).toBe("storage-failed");
  });
});

describe("a process that is killed while it commits", () => {
  const KILLS = 8;

  it("leaves whole batches, and all that it had reported as done", async () => {
    const path = newPath();
    for (let round = 0; round < KILLS; round += 1) {
      const reported = await commitUntilKilled(path, 3 + 5 * round);
      const store = new SqliteStore(path);
      const values = new Set(
        store.loadRecords().map(({ body }) => body !== null && "event" in body && body.event),
      );
      expect(values.size).toBe(1);
      const [found] = values;
      expect(found).toBeGreaterThanOrEqual(reported);
      expect(store.readEvents({ after: Number(found) - 1, limit: 10 }).map(({ id }) => id)).toEqual([found]);
      store.close();
    }
  });

  /** Kills the writer once it has reported `batches` batches; returns the last one it reported. */
  async function commitUntilKilled(path: string, batches: number): Promise<number> {
    const script = fileURLToPath(new URL("support/commit-forever.ts", import.meta.url));
    const child: ChildProcess = spawn(process.execPath, [script, path], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    let text = "";
    child.stdout?.on("data", (chunk: Buffer) => {
      text += chunk.toString();
      if (text.split("\n").length > batches) child.kill("SIGKILL");
    });
    await once(child, "close");
    return Number(text.slice(0, text.lastIndexOf("\n")).split("\n").at(-1));
  }
});
