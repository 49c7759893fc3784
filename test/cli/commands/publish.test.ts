// publish, and release with a path: what is hashed, signed and sent, and what is refused.
import { mkdir, mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { decodeManifest } from "../../../protocol/manifest.ts";
import { openTrustedManifest } from "../../../protocol/shell/signature.ts";
import { FakeCoordinator } from "../support/fake-coordinator.ts";
import { rollout, rolloutNodes } from "../support/fixtures.ts";
import { fleet } from "../support/test-host.ts";

const CONFIG = `app: shop
artifact: builds/{version}
hooks: { postActivate: { run: [./bin/start], timeout: 10s } }
health: { http: ["http://127.0.0.1:8080/"] }
`;

describe("publishing", () => {
  let fake: FakeCoordinator;
  let directory: string;

  beforeEach(async () => {
    fake = await FakeCoordinator.open();
    directory = await mkdtemp(join(tmpdir(), "fleet-publish-"));
    await writeFile(join(directory, "fleet.yaml"), CONFIG);
    await build("v1", "one");
    await run("key", "create");
  });

  afterEach(async () => {
    await fake.close();
    await rm(directory, { recursive: true });
  });

  const run = (...args: string[]) =>
    fleet(args, { cwd: directory, env: { ...fake.env, XDG_CONFIG_HOME: join(directory, "config") } });

  async function build(version: string, content: string): Promise<void> {
    await mkdir(join(directory, "builds", version, "bin"), { recursive: true });
    await writeFile(join(directory, "builds", version, "bin/start"), content, { mode: 0o755 });
  }

  it("signs the manifest of fleet.yaml and uploads the artifact before it registers the release", async () => {
    const publicKey = (await run("key", "show")).stdout.trim();
    const { code, host } = await run("publish", "v1", "--json");
    expect(code).toBe(0);
    expect(host.lastJson).toMatchObject({
      kind: "publish-result",
      version: "v1",
      sequence: 1,
      wasPublished: false,
      signedBy: [publicKey],
    });
    const [request] = fake.published;
    if (request === undefined) throw new Error("nothing was published");
    const manifest = openTrustedManifest(request.signed, [publicKey as never]);
    expect(manifest).toMatchObject({
      ...{ app: "shop", version: "v1", sequence: 1 },
      hooks: { preActivate: null, postActivate: { argv: ["./bin/start"], timeoutMs: 10_000 } },
      health: { probes: [{ kind: "http", url: "http://127.0.0.1:8080/", expectStatus: 200 }] },
    });
    expect(fake.artifacts.get(manifest.artifact.sha256)).toBe(manifest.artifact.length);
    expect(fake.asked.map(({ method, path }) => `${method} ${path}`)).toEqual([
      expect.stringMatching(/^GET \/v1\/(status|releases)/),
      expect.stringMatching(/^GET \/v1\/(status|releases)/),
      `HEAD /v1/artifacts/${manifest.artifact.sha256}`,
      `PUT /v1/artifacts/${manifest.artifact.sha256}`,
      "POST /v1/releases",
    ]);
  });

  it("numbers releases upwards, and the same content again changes nothing", async () => {
    await build("v2", "two");
    await run("publish", "v1");
    expect((await run("publish", "v2", "--json")).host.lastJson).toMatchObject({ sequence: 2 });
    const again = await run("publish", "v1");
    expect(again.code).toBe(0);
    expect(again.stdout).toContain("shop v1 is already published");
    expect(fake.published.map(({ signed }) => decodeManifest(signed.manifest).version)).toEqual(["v1", "v2"]);
  });

  it("sends an artifact again that a known release has lost", async () => {
    await run("publish", "v1");
    fake.artifacts.clear();
    expect((await run("publish", "v1", "--json")).host.lastJson).toMatchObject({ wasPublished: true });
    expect(fake.artifacts.size).toBe(1);
  });

  it("takes the same bytes in other pieces for the same release", async () => {
    await run("publish", "v1");
    const [known] = fake.releases;
    if (known === undefined) throw new Error("nothing was published");
    const artifact = {
      ...known.manifest.artifact,
      pieceLength: 1_048_576,
      infoHash: "ef".repeat(20) as never,
    };
    fake.releases = [{ ...known, manifest: { ...known.manifest, artifact } }];
    expect((await run("publish", "v1")).code).toBe(0);
  });

  it("refuses other bytes, other hooks and other health checks under a version that exists", async () => {
    await run("publish", "v1");
    await build("v1", "changed");
    const bytes = await run("publish", "v1");
    expect(bytes.code).toBe(5);
    expect(bytes.stderr).toContain("shop v1 is already published with other bytes");
    await build("v1", "one");
    await writeFile(join(directory, "fleet.yaml"), CONFIG.replace("10s", "11s"));
    const hooks = await run("publish", "v1");
    expect(hooks.code).toBe(5);
    expect(hooks.stderr).toContain("with other hooks or health checks");
    expect(fake.published).toHaveLength(1);
  });

  it("cuts the artifact into pieces of the length it is given", async () => {
    const { host } = await run("publish", "v1", "--piece-kib", "64", "--json");
    expect(host.lastJson).toMatchObject({ kind: "publish-result", pieceLength: 65_536 });
  });

  it.each(["many", "0.5", "63", "65536"])("refuses pieces of %s KiB, and uploads nothing", async (size) => {
    expect((await run("publish", "v1", "--piece-kib", size)).code).toBe(2);
    expect(fake.artifacts.size).toBe(0);
  });

  it("checks path and key before it asks the coordinator", async () => {
    const missing = await run("publish", "v1", "nowhere");
    expect(missing.code).toBe(2);
    expect(missing.stderr).toContain("there is no such file");
    await rm(join(directory, "config"), { recursive: true });
    const keyless = await run("publish", "v1");
    expect(keyless.code).toBe(2);
    expect(keyless.stderr).toContain("fleet key create");
    expect(fake.asked).toEqual([]);
  });

  it("refuses what is no archive, and uploads nothing", async () => {
    await writeFile(join(directory, "notes.txt"), "not a tarball at all".repeat(100));
    const { code, stderr } = await run("publish", "v1", "notes.txt");
    expect(code).toBe(2);
    expect(stderr).toContain("notes.txt");
    expect(fake.paths("PUT")).toEqual([]);
  });

  it("tells what the coordinator refuses, and leaves no temporary file", async () => {
    const before = await temporaryFiles();
    fake.refusals.set("POST /v1/releases", { code: "manifest-altered", message: "the pieces differ" });
    const { code, stderr } = await run("publish", "v1");
    expect(code).toBe(5);
    expect(stderr).toContain("error: the pieces differ");
    expect(await temporaryFiles()).toEqual(before);
  });

  it("release publishes what it is given, or what fleet.yaml builds, and nothing that is known", async () => {
    fake.rollout = rollout({ nodes: rolloutNodes(1) });
    const nodes = rolloutNodes(1, () => ({ phase: "healthy" }));
    fake.watches = [(stream) => stream.view(rollout({ phase: "succeeded", nodes }))];
    const first = await run("release", "v1", "--json");
    expect(first.code).toBe(0);
    expect(first.host.jsonLines.map(({ kind }) => kind)).toEqual(["publish-result", "rollout-result"]);
    expect((await run("release", "v1", "--json")).host.jsonLines.map(({ kind }) => kind)).toEqual([
      "rollout-result",
    ]);
    await build("v3", "three");
    const third = await run("release", "v3", "builds/v3");
    expect(third.stdout).toContain("published shop v3 at");
    const unbuilt = await run("release", "v4");
    expect(unbuilt.code).toBe(2);
    expect(unbuilt.stderr).toContain(
      `${join(directory, "builds/v4")} (artifact in fleet.yaml) does not exist`,
    );
  });

  it("warns when others can read the publisher's key", async () => {
    const key = join(directory, "config/fleet/publisher.key");
    expect((await stat(key)).mode & 0o777).toBe(0o600);
    expect((await run("publish", "v1")).stderr).toBe("");
    await writeFile(join(directory, "open.key"), (await import("node:fs")).readFileSync(key), {
      mode: 0o644,
    });
    expect((await run("publish", "v1", "--key", "open.key")).stderr).toContain("chmod 600");
  });
});

async function temporaryFiles(): Promise<readonly string[]> {
  return (await readdir(tmpdir())).filter((name) => /fleet.*(tar|pack)/.test(name)).toSorted();
}
