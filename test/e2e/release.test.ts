// The main job from end to end with real processes: publish, stage, release in waves, look, go back.
import { mkdir, readlink, writeFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Lab } from "./support/lab.ts";
import { hashTree, makeTree } from "./support/trees.ts";

const NODES = 4;

const config = `app: shop
artifact: builds/{version}
hooks:
  preActivate: { run: ["./bin/note", "stop"], timeout: 10s }
  postActivate: { run: ["./bin/note", "start"], timeout: 10s }
health:
  exec: [["./bin/note", "check"]]
  interval: 100ms
  successes: 2
strategy:
  rolling: 50%
  canary: 1
  healthTimeout: 10s
`;

/** Writes every call into the shared folder; `check` fails in a release that carries a file `sick`. */
const note = `#!/bin/sh
echo "$1 $FLEET_VERSION" >> "$FLEET_SHARED_DIR/calls"
[ "$1" != check ] || [ ! -e "$FLEET_RELEASE_DIR/sick" ]
`;

describe("fleet, from end to end", () => {
  let lab: Lab;

  beforeAll(async () => {
    lab = await Lab.open();
    await lab.startCoordinator();
    await lab.startPeers(NODES);
    await mkdir(lab.path("project"), { recursive: true });
    await writeFile(lab.path("project", "fleet.yaml"), config);
    for (const version of ["v1", "v2", "v3"]) await build(version);
    await writeFile(lab.path("project", "builds", "v3", "sick"), "");
  });

  afterAll(() => lab.close());

  it("stages a published release on every node and says how long each took", async () => {
    await fleet("publish", "v1", "builds/v1");
    const { stdout } = await fleet("stage", "v1", "--json");
    const result = lastObject(stdout);
    expect(result).toMatchObject({ nodes: expect.arrayContaining([]), minSeconds: expect.any(Number) });
    expect((result.nodes as unknown[]).length).toBe(NODES);
    for (const key of ["p50Seconds", "p95Seconds", "lastSeconds", "originBytesOverSize"])
      expect(result[key]).toEqual(expect.any(Number));
  });

  it("releases it, and every node then has the very same tree live", async () => {
    await fleet("release", "v1", "--all-at-once");
    const expected = await hashTree(lab.path("project", "builds", "v1"));
    for (const node of nodeNames())
      expect(await hashTree(lab.path(node, "root", "shop", "live"))).toBe(expected);
    expect(await liveVersions()).toEqual(Array(NODES).fill("v1"));
  });

  it("publishes by itself what fleet.yaml points at, and rolls it out in waves", async () => {
    const { stdout } = await fleet("release", "v2", "--rolling", "50%", "--json");
    expect(lastObject(stdout)).toMatchObject({ phase: "succeeded", version: "v2" });
    expect(await liveVersions()).toEqual(Array(NODES).fill("v2"));
    expect(await lab.read("node-1", "root", "shop", "shared", "calls")).toContain("stop v1\nstart v2\n");
  });

  it("stops at the canary when a release is sick, exits 3 and leaves the fleet where it was", async () => {
    const { code, stdout } = await lab.run(["release", "v3", "--health-timeout", "2s", "--json"], {
      cwd: lab.path("project"),
    });
    expect(code).toBe(3);
    expect(lastObject(stdout)).toMatchObject({ phase: "rolled-back" });
    expect(await liveVersions()).toEqual(Array(NODES).fill("v2"));
    const touched = await Promise.all(
      nodeNames().map(async (node) =>
        (await lab.read(node, "root", "shop", "shared", "calls")).includes("v3"),
      ),
    );
    expect(touched.filter(Boolean)).toHaveLength(1);
  });

  it("goes back to the previous stable release on request", async () => {
    await fleet("rollback");
    expect(await liveVersions()).toEqual(Array(NODES).fill("v1"));
    expect(await readlink(lab.path("node-1", "root", "shop", "live"))).toMatch(/^versions\/v1-[0-9a-f]{8}$/);
  });

  it("shows nodes, releases and status as tables and as JSON", async () => {
    const nodes = lastObject((await fleet("nodes", "--json")).stdout);
    expect((nodes.nodes as { apps: { live: string }[] }[]).map((node) => node.apps[0]?.live)).toEqual(
      Array(NODES).fill("v1"),
    );
    expect((await fleet("releases")).stdout).toMatch(/v3.*bad/);
    expect((await fleet("status")).stdout).toMatch(/shop/);
  });

  async function build(version: string): Promise<void> {
    const directory = lab.path("project", "builds", version);
    await mkdir(directory, { recursive: true });
    await makeTree(directory, version);
    await writeFile(`${directory}/bin/note`, note, { mode: 0o755 });
  }

  function fleet(...args: string[]): ReturnType<Lab["ok"]> {
    return lab.ok(args, { cwd: lab.path("project") });
  }

  async function liveVersions(): Promise<readonly string[]> {
    return Promise.all(nodeNames().map((node) => lab.read(node, "root", "shop", "live", "version.txt")));
  }
});

function nodeNames(): readonly string[] {
  return Array.from({ length: NODES }, (_, index) => `node-${index + 1}`);
}

function lastObject(stdout: string): Record<string, unknown> {
  return JSON.parse(stdout.trim().split("\n").at(-1) ?? "") as Record<string, unknown>;
}
