// Starting and stopping: one coordinator per folder, clear refusals that leave nothing open, a stop when a disk fails.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { fileURLToPath } from "node:url";
import { pino } from "pino";
import { describe, expect, it, onTestFinished } from "vitest";
import { type CoordinatorParts, runCoordinator } from "../../../coordinator/shell/run-coordinator.ts";
import { openTokenStore } from "../../../coordinator/shell/token-store.ts";
import { formatToken } from "../../../protocol/shell/token.ts";
import { TestCoordinator } from "./support/coordinator.ts";
import { TestNode } from "./support/node.ts";
import { scratchFolders } from "./support/scratch.ts";
import { FakeSwarm } from "./support/swarm.ts";

const newFolder = scratchFolders();
const LOOPBACK = { host: "127.0.0.1", port: 0 };

function start(dataDirectory: string, change: { port?: number; parts?: Partial<CoordinatorParts> } = {}) {
  const listen = { host: "127.0.0.1", port: change.port ?? 0 };
  const options = {
    dataDirectory,
    listen,
    swarmListen: LOOPBACK,
    version: "1",
    logger: pino({ level: "silent" }),
  };
  const parts = {
    openSwarm: async () => new FakeSwarm(),
    createVerifier: () => ({ update() {}, finish() {} }),
  };
  return runCoordinator(options, { ...parts, ...change.parts });
}

/** Proves that a failed start has let go of everything. */
async function expectStartable(folder: string): Promise<void> {
  const coordinator = await start(folder);
  await coordinator.close();
}

describe("a coordinator", () => {
  it("is the only one on its folder, and leaves it to the next when it stops", async () => {
    const folder = newFolder();
    const first = await start(folder);
    await expect(start(folder)).rejects.toMatchObject({ code: "data-locked" });
    await first.close();
    await expectStartable(folder);
  });

  it("that is killed leaves its folder to the next, with every node that it let in", async () => {
    const folder = newFolder();
    const script = fileURLToPath(new URL("support/run-until-killed.ts", import.meta.url));
    const child = spawn(process.execPath, [script, folder], { stdio: ["ignore", "pipe", "inherit"] });
    onTestFinished(() => void child.kill("SIGKILL"));
    const [url] = (await once(child.stdout, "data")) as [Buffer];
    await expect(start(folder)).rejects.toMatchObject({ code: "data-locked" });
    const tokens = openTokenStore(folder);
    const joinToken = formatToken(tokens.create("node", { trust: [], expiresAt: null, note: "" }));
    tokens.close();
    const node = await TestNode.admitted(url.toString(), { joinToken });
    child.kill("SIGKILL");
    await once(child, "close");
    const next = await TestCoordinator.start(folder);
    expect(await next.call("GET", "/v1/nodes")).toMatchObject({ body: { nodes: [{ id: node.id }] } });
    await next.close();
  });

  it("takes tokens that are made before it starts and while it runs", async () => {
    const folder = join(newFolder(), "new");
    const before = openTokenStore(folder);
    const token = before.create("operator", { trust: [], expiresAt: null, note: "first" });
    before.close();
    const fleet = await TestCoordinator.start(folder);
    expect(fleet.tokens.list().map(({ id, note }) => [id, note])).toContainEqual([token.id, "first"]);
    expect(JSON.stringify(fleet.tokens.list())).not.toContain(token.secret);
    expect(() => fleet.tokens.revoke("0".repeat(16))).toThrow(expect.objectContaining({ code: "not-found" }));
    await fleet.close();
  });

  it("refuses a folder of a newer schema", async () => {
    const folder = newFolder();
    const database = new DatabaseSync(join(folder, "fleet.db"));
    database.exec("PRAGMA user_version = 99");
    database.close();
    await expect(start(folder)).rejects.toMatchObject({ code: "schema-newer" });
    expect(() => openTokenStore(folder)).toThrow(expect.objectContaining({ code: "schema-newer" }));
  });

  it("refuses a folder whose records are damaged, and lets go of it", async () => {
    const folder = newFolder();
    await expectStartable(folder);
    const database = new DatabaseSync(join(folder, "fleet.db"));
    database.exec("INSERT INTO record VALUES ('node', 'x', '{}')");
    await expect(start(folder)).rejects.toMatchObject({ code: "data-corrupt" });
    database.exec("DELETE FROM record");
    database.close();
    await expectStartable(folder);
  });

  it("refuses a folder that cannot be one", async () => {
    const file = join(newFolder(), "file");
    writeFileSync(file, "");
    await expect(start(file)).rejects.toMatchObject({ code: "storage-failed" });
    const folder = newFolder();
    mkdirSync(join(folder, "fleet.db"));
    await expect(start(folder)).rejects.toMatchObject({ code: "storage-failed" });
  });

  it("refuses a port that is taken, and lets go of everything", async () => {
    const folder = newFolder();
    const other = createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => other.once("listening", resolve));
    const { port } = other.address() as AddressInfo;
    const swarm = new FakeSwarm();
    const parts = { openSwarm: async () => swarm };
    await expect(start(folder, { port, parts })).rejects.toMatchObject({ code: "port-in-use" });
    expect(swarm.closed).toBe(true);
    other.close();
    await expectStartable(folder);
  });

  it("refuses an address that is not this machine's", async () => {
    const swarmListen = LOOPBACK;
    const logger = pino({ level: "silent" });
    const options = {
      dataDirectory: newFolder(),
      listen: { host: "192.0.2.1", port: 0 },
      swarmListen,
      logger,
    };
    const parts = {
      openSwarm: async () => new FakeSwarm(),
      createVerifier: () => ({ update() {}, finish() {} }),
    };
    await expect(runCoordinator({ ...options, version: "1" }, parts)).rejects.toMatchObject({
      code: "listen-failed",
    });
  });

  it("stops by itself when it cannot write what it has decided, and nothing of that leaves", async () => {
    const folder = newFolder();
    const fleet = await TestCoordinator.start(folder);
    const joinToken = fleet.createToken("node");
    const saboteur = new DatabaseSync(join(folder, "fleet.db"));
    saboteur.exec("ALTER TABLE record RENAME TO gone");
    const node = new TestNode(fleet.url);
    await node.greet({ joinToken });
    await expect(fleet.coordinator.closed).rejects.toMatchObject({ code: "storage-failed" });
    await node.closed;
    expect(node.received.map(({ kind }) => kind)).toEqual([]);
    expect(fleet.logs.messages()).toContain("the coordinator must stop");
    expect(fleet.swarm.closed).toBe(true);
    saboteur.exec("ALTER TABLE gone RENAME TO record");
    saboteur.close();
    fleet.tokens.close();
    await expectStartable(folder);
  });

  it("may be closed twice", async () => {
    const coordinator = await start(newFolder());
    await Promise.all([coordinator.close(), coordinator.close()]);
    await coordinator.closed;
  });
});
