// Everything that must be refused is, with a message that says what and why, exit code 2 or 5, and nothing written.
import { execFileSync } from "node:child_process";
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { DatabaseSync } from "node:sqlite";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { makeTar, type TarEntry, writeTar } from "./support/archives.ts";
import { Lab, type Running } from "./support/lab.ts";
import { makeRandomFile, makeTree } from "./support/trees.ts";

const UNSAFE_ARCHIVES: Readonly<Record<string, readonly TarEntry[]>> = {
  "a path that climbs out": [{ name: "../x" }],
  "an absolute path": [{ name: "/etc/x" }],
  "a device": [{ name: "null", type: "character-device", devmajor: 1, devminor: 3 }],
  "a hard link that leads out": [{ name: "x", type: "link", linkname: "../../etc/passwd" }],
  "a symlink that leads out": [{ name: "x", type: "symlink", linkname: "../../etc/passwd" }],
};

describe("refused with a clear message, and nothing is written:", () => {
  let lab: Lab;
  let coordinator: Running;

  beforeAll(async () => {
    lab = await Lab.open();
    coordinator = await lab.startCoordinator();
    await makeTree(lab.path("good"), "v1");
  });

  afterAll(() => lab.close());

  it.each(Object.entries(UNSAFE_ARCHIVES))("an archive with %s", async (_, entries) => {
    await writeTar(lab.path("bad.tar"), [{ name: "fine.txt" }, ...entries]);
    await refusal(2, /error: .*(outside|absolute|device|link|leave|\.\.)/i, [
      "publish",
      "v1",
      "bad.tar",
      "--app",
      "shop",
    ]);
    await expectNothingPublished();
  });

  it("a file that is not there", () =>
    refusal(2, /nope\.tar.*(not|no such)/i, ["publish", "v1", "nope.tar", "--app", "shop"]));

  it("a truncated gzip", async () => {
    await makeRandomFile(lab.path("noise"), 1);
    const tar = gzipSync(await makeTar([{ name: "a" }, { name: "b" }]));
    await writeFile(lab.path("cut.tar.gz"), tar.subarray(0, tar.length - 12));
    await refusal(2, /cut\.tar\.gz|gzip|truncated|damaged/i, [
      "publish",
      "v1",
      "cut.tar.gz",
      "--app",
      "shop",
    ]);
    await expectNothingPublished();
  });

  it("a gzip with a flipped bit", async () => {
    const gzip = gzipSync(await makeTar([{ name: "a" }, { name: "b" }]));
    gzip[gzip.length - 6] = (gzip[gzip.length - 6] ?? 0) ^ 1;
    await writeFile(lab.path("flipped.tar.gz"), gzip);
    await refusal(2, /gzip|corrupt|damaged/i, ["publish", "v1", "flipped.tar.gz", "--app", "shop"]);
    await expectNothingPublished();
  });

  it("a file that is no archive", async () => {
    await writeFile(lab.path("text.tar"), "just some text\n".repeat(100));
    await refusal(2, /tar/i, ["publish", "v1", "text.tar", "--app", "shop"]);
    await expectNothingPublished();
  });

  it("a version that nobody published", () =>
    refusal(2, /shop v99 is not published/, ["release", "v99", "--app", "shop"]));

  it.each(["0", "150%", "abc"])("--rolling %s", (share) =>
    refusal(2, new RegExp(`--rolling ${share.replace("%", "%")}`), [
      "release",
      "v1",
      "--app",
      "shop",
      "--rolling",
      share,
    ]),
  );

  it("a release while no node has joined", async () => {
    await lab.ok(["publish", "v1", "good", "--app", "shop"]);
    await refusal(2, /no node/, ["release", "v1", "--app", "shop"]);
  });

  it("other bytes under a published version", async () => {
    await makeTree(lab.path("other"), "not v1");
    await lab.ok(["publish", "v1", "good", "--app", "shop"]);
    await refusal(5, /shop v1 is already published/, ["publish", "v1", "other", "--app", "shop"]);
  });

  it("a wrong token", async () => {
    const token = `fleet_operator_${"0".repeat(16)}_${"0".repeat(64)}`;
    const { code, stderr } = await lab.run(["status"], { env: { FLEET_TOKEN: token } });
    expect(stderr).toMatch(/error: .*token/);
    expect(code).toBe(5);
  });

  it("an expired token", async () => {
    const data = ["--data", lab.path("coordinator")];
    const token = (await lab.ok(["token", "create", "operator", "--expires", "1ms", ...data])).stdout.trim();
    const { code, stderr } = await lab.run(["status"], { env: { FLEET_TOKEN: token } });
    expect(stderr).toMatch(/expired/);
    expect(code).toBe(5);
  });

  it("a revoked token", async () => {
    const data = ["--data", lab.path("coordinator")];
    const token = (await lab.ok(["token", "create", "operator", ...data])).stdout.trim();
    await lab.ok(["token", "revoke", token.split("_")[2] ?? "", ...data]);
    const { code, stderr } = await lab.run(["status"], { env: { FLEET_TOKEN: token } });
    expect(stderr).toMatch(/revoked/);
    expect(code).toBe(5);
  });

  it("a peer with an operator's token", async () => {
    const token = (await lab.ok(["token", "create", "operator", "--data", lab.path("coordinator")])).stdout;
    await writeFile(lab.path("operator.token"), token);
    const folders = ["--root", lab.path("p", "root"), "--state", lab.path("p", "state")];
    await refusal(5, /operator/, [
      "peer",
      "--url",
      lab.url,
      "--token-file",
      "operator.token",
      ...folders,
      "--listen",
      "127.0.0.1:0",
    ]);
  });

  it("a manifest altered after signing, by the coordinator itself", async () => {
    const { signed, torrentInfo } = storedRelease(lab);
    const altered = {
      ...signed,
      manifest: signed.manifest.replace(
        '"postActivate":null',
        '"postActivate":{"argv":["evil"],"timeoutMs":1}',
      ),
    };
    expect(altered.manifest).not.toBe(signed.manifest);
    const answer = await lab.post("/v1/releases", { signed: altered, torrentInfo });
    expect(answer).toMatchObject({ error: { code: "manifest-altered" } });
  });

  it("a port in use", async () => {
    const server = createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => server.once("listening", resolve));
    const address = server.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    await refusal(5, new RegExp(`port ${port} on 127.0.0.1 is taken`), [
      "coordinator",
      "--data",
      lab.path("c2"),
      "--listen",
      `127.0.0.1:${port}`,
    ]);
    server.close();
  });

  it("a data folder that another coordinator uses", () =>
    refusal(5, /(in use|locked|another)/, [
      "coordinator",
      "--data",
      lab.path("coordinator"),
      "--listen",
      "127.0.0.1:0",
    ]));

  it("a data folder of a newer schema", async () => {
    const data = lab.path("newer");
    await lab.ok(["token", "create", "operator", "--data", data]);
    const file = (await readdir(data)).find((name) => /\.(db|sqlite)$/.test(name)) ?? "";
    const database = new DatabaseSync(`${data}/${file}`);
    database.exec("PRAGMA user_version = 999");
    database.close();
    await refusal(5, /999/, ["coordinator", "--data", data, "--listen", "127.0.0.1:0"]);
  });

  it("a coordinator that cannot be reached", async () => {
    const { code, stderr } = await lab.run(["status"], { env: { FLEET_URL: "http://127.0.0.1:9" } });
    expect(stderr).toMatch(/127\.0\.0\.1:9/);
    expect(code).toBe(5);
  });

  describe("by nodes:", () => {
    it("a release signed by a key they do not trust", async () => {
      const folders = ["--root", lab.path("stranger", "root"), "--state", lab.path("stranger", "state")];
      const token = (await lab.ok(["token", "create", "node", "--data", lab.path("coordinator")])).stdout;
      await writeFile(lab.path("trustless.token"), token);
      const peer = await lab.start([
        "peer",
        "--url",
        lab.url,
        "--token-file",
        "trustless.token",
        ...folders,
        "--listen",
        "127.0.0.1:0",
      ]);
      await refusal(5, /trusts no publisher key/, ["stage", "v1", "--app", "shop"]);
      expect(await installedApps("stranger")).toEqual([]);
      await lab.kill(peer, "SIGTERM");
    });

    it("a manifest that a coordinator altered after signing", async () => {
      await lab.kill(coordinator, "SIGTERM");
      alterStoredRelease(lab);
      coordinator = await lab.startCoordinator();
      const peer = await lab.startPeer("node-1");
      await refusal(5, /signature/, ["stage", "v1", "--app", "shop"]);
      expect(await installedApps("node-1")).toEqual([]);
      await lab.kill(peer, "SIGTERM");
    });
  });

  async function refusal(code: 2 | 5, message: RegExp, args: readonly string[]): Promise<void> {
    const finished = await lab.run(args);
    expect(finished.stderr).toMatch(message);
    expect(finished.stderr).toMatch(/^error: /m);
    expect(finished.code).toBe(code);
  }

  function installedApps(node: string): Promise<readonly string[]> {
    return appsIn(lab.path(node, "root"));
  }

  async function expectNothingPublished(): Promise<void> {
    expect(await lab.get("/v1/releases")).toEqual({ releases: [] });
    expect(await readdir(lab.path("coordinator", "artifacts"))).toEqual([]);
  }
});

describe.skipIf(!canMount())("where the disk is too small (needs to mount a tmpfs)", () => {
  let lab: Lab;

  beforeAll(async () => {
    lab = await Lab.open();
    await mkdir(lab.path("small"));
    await mkdir(lab.path("small-node"));
    await makeTree(lab.path("big"), "big");
    await makeRandomFile(lab.path("big", "noise"), 24);
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=8m", "tmpfs", lab.path("small-node")]);
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=8m", "tmpfs", lab.path("small")]);
  });

  afterAll(async () => {
    await lab.stopAll();
    for (const name of ["small", "small-node"]) execFileSync("umount", [lab.path(name)]);
    await lab.close();
  });

  it("the coordinator refuses the artifact", async () => {
    const data = lab.path("small", "data");
    const token = (await lab.ok(["token", "create", "operator", "--data", data])).stdout.trim();
    const running = await lab.start([
      "coordinator",
      "--data",
      data,
      "--listen",
      "127.0.0.1:0",
      "--swarm-listen",
      "127.0.0.1:0",
    ]);
    const env = { FLEET_URL: String(running.ready.url), FLEET_TOKEN: token };
    const { code, stderr } = await lab.run(["publish", "v1", "big", "--app", "shop"], { env });
    expect(stderr).toMatch(/space|room/);
    expect(code).toBe(5);
    expect(await readdir(`${data}/artifacts`)).toEqual([]);
    await lab.kill(running, "SIGTERM");
  });

  it("a node refuses the release", async () => {
    await lab.startCoordinator();
    const folders = ["--root", lab.path("small-node", "root"), "--state", lab.path("small-node", "state")];
    await lab.start([
      "peer",
      "--url",
      lab.url,
      "--token-file",
      "node.token",
      ...folders,
      "--name",
      "tiny",
      "--listen",
      "127.0.0.1:0",
    ]);
    await lab.ok(["publish", "v1", "big", "--app", "shop"]);
    const { code, stderr } = await lab.run(["stage", "v1", "--app", "shop"]);
    expect(stderr).toMatch(/tiny.*(space|room)/s);
    expect(code).toBe(5);
    expect(await appsIn(lab.path("small-node", "root"))).toEqual([]);
  });
});

/** What a peer has below its root, besides the lock that keeps a second peer out. */
async function appsIn(root: string): Promise<readonly string[]> {
  return (await readdir(root)).filter((name) => name !== ".fleet-lock");
}

interface StoredRelease {
  readonly signed: { readonly manifest: string };
  readonly torrentInfo: string;
}

function storedRelease(lab: Lab): StoredRelease {
  const database = new DatabaseSync(databasePath(lab), { readOnly: true });
  const row = database.prepare("SELECT body FROM record WHERE kind = 'release'").get();
  database.close();
  return JSON.parse(String(row?.body)) as StoredRelease;
}

function alterStoredRelease(lab: Lab): void {
  const database = new DatabaseSync(databasePath(lab));
  const change = String.raw`'\"postActivate\":null', '\"postActivate\":{\"argv\":[\"evil\"],\"timeoutMs\":1}'`;
  const { changes } = database
    .prepare(`UPDATE record SET body = replace(body, ${change}) WHERE kind = 'release'`)
    .run();
  database.close();
  expect(changes).toBe(1);
}

function databasePath(lab: Lab): string {
  return lab.path("coordinator", "fleet.db");
}

function canMount(): boolean {
  return process.platform === "linux" && process.getuid?.() === 0;
}
