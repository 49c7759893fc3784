// kill -9 at the worst moments, with real processes: nothing is lost, fetched twice or activated twice.
import { mkdir, writeFile } from "node:fs/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { RolloutView } from "../../protocol/api.ts";
import { Lab, type Running } from "./support/lab.ts";
import { makeRandomFile, makeTree } from "./support/trees.ts";

/** Large enough that a stage takes several progress reports on any machine. */
const ARTIFACT_MEBIBYTES = 384;
/** Share of the artifact that may be fetched twice after a kill. */
const REFETCHED_SHARE_MAX = 0.02;

describe("after kill -9", () => {
  let lab: Lab;
  let coordinator: Running;

  beforeEach(async () => {
    lab = await Lab.open();
    coordinator = await lab.startCoordinator();
  });

  afterEach(() => lab.close());

  it("a peer goes on where its download was", async () => {
    const peer = await lab.startPeer("node-1");
    await publishLarge(lab);
    const stage = lab.run(["stage", "v1", "--app", "shop", "--json"]);
    const before = await untilHalf(lab);
    expect(before.nodes[0]?.phase).toBe("staging");
    await lab.kill(peer);
    await lab.startPeer("node-1");
    const { code, stdout } = await stage;
    expect(code).toBe(0);
    const result = JSON.parse(stdout.trim().split("\n").at(-1) ?? "") as { originBytesOverSize: number };
    expect(result.originBytesOverSize).toBeGreaterThanOrEqual(1);
    expect(result.originBytesOverSize).toBeLessThanOrEqual(1 + REFETCHED_SHARE_MAX);
  });

  it("the coordinator resumes a stage, and peers fetch nothing twice", async () => {
    await lab.startPeers(2);
    await publishLarge(lab);
    const stage = lab.run(["stage", "v1", "--app", "shop", "--json"]);
    await untilHalf(lab);
    await lab.kill(coordinator);
    await lab.startCoordinator();
    expect((await stage).code).toBe(0);
    const view = (await lab.get("/v1/rollouts/r1")) as RolloutView;
    for (const node of view.nodes) {
      expect(node.phase).toBe("staged");
      expect(node.receivedBytes / view.artifactBytes).toBeLessThanOrEqual(1 + REFETCHED_SHARE_MAX);
    }
  });

  it("the coordinator resumes in the middle of a wave: no node twice, no wave larger than asked", async () => {
    const names = ["node-1", "node-2", "node-3", "node-4", "node-5", "node-6"];
    await lab.startPeers(names.length);
    await publishService(lab, "v1");
    await lab.ok(["release", "v1", "--all-at-once"], { cwd: lab.path("project") });
    await publishService(lab, "v2");
    const release = lab.run(["release", "v2", "--rolling", "2", "--canary", "1", "--json"], {
      cwd: lab.path("project"),
    });
    await lab.until<RolloutView>(
      "/v1/rollouts/r2",
      (view) => view.wave === 1 && view.nodes.some((node) => node.phase === "activating"),
    );
    await lab.kill(coordinator);
    await lab.startCoordinator();
    expect((await release).code).toBe(0);
    const calls = await Promise.all(
      names.map(async (name) => parseCalls(await lab.read(name, "root", "shop", "shared", "calls"))),
    );
    for (const [index, name] of names.entries()) {
      expect(await lab.read(name, "root", "shop", "live", "version.txt")).toBe("v2");
      expect(calls[index]?.filter((call) => call.what === "start" && call.version === "v2")).toHaveLength(1);
    }
    expect(mostAtOnce(calls)).toBeLessThanOrEqual(2);
  });

  it("a peer killed in mid-activation finishes it when it is back", async () => {
    const peer = await lab.startPeer("node-1");
    await publishService(lab, "v1");
    const release = lab.run(["release", "v1", "--all-at-once", "--json"], { cwd: lab.path("project") });
    await lab.until<RolloutView>("/v1/rollouts/r1", (view) =>
      ["starting", "probing"].includes(view.nodes?.[0]?.step ?? ""),
    );
    await lab.kill(peer);
    await lab.startPeer("node-1");
    expect((await release).code).toBe(0);
    expect(await lab.read("node-1", "root", "shop", "live", "version.txt")).toBe("v1");
  });
});

async function publishLarge(lab: Lab): Promise<void> {
  await mkdir(lab.path("large"));
  await makeRandomFile(lab.path("large", "data.bin"), ARTIFACT_MEBIBYTES);
  await lab.ok(["publish", "v1", lab.path("large"), "--app", "shop"]);
}

function untilHalf(lab: Lab): Promise<RolloutView> {
  const isHalf = (view: RolloutView) =>
    view.nodes?.some((node) => node.verifiedBytes >= view.artifactBytes / 2) ?? false;
  return lab.until<RolloutView>("/v1/rollouts/r1", isHalf);
}

const config = `app: shop
hooks:
  preActivate: { run: ["./bin/note", "stop"] }
  postActivate: { run: ["./bin/note", "start"] }
health:
  exec: [["./bin/note", "check"]]
  interval: 100ms
  successes: 2
`;

/** Every call is written down with its time; starting takes a while, as services do. */
const note = `#!/bin/sh
echo "$(date +%s%3N) $1 $FLEET_VERSION" >> "$FLEET_SHARED_DIR/calls"
[ "$1" != start ] || sleep 0.7
`;

async function publishService(lab: Lab, version: string): Promise<void> {
  const directory = lab.path("project", version);
  await mkdir(directory, { recursive: true });
  await writeFile(lab.path("project", "fleet.yaml"), config);
  await makeTree(directory, version);
  await writeFile(`${directory}/bin/note`, note, { mode: 0o755 });
  await lab.ok(["publish", version, version], { cwd: lab.path("project") });
}

interface Call {
  readonly at: number;
  readonly what: string;
  readonly version: string;
}

function parseCalls(source: string): readonly Call[] {
  return source
    .trim()
    .split("\n")
    .map((line) => line.split(" "))
    .map(([at = "", what = "", version = ""]) => ({ at: Number(at), what, version }));
}

/** Most nodes that were between stopping v1 and the last health check of v2 at one instant. */
function mostAtOnce(callsPerNode: readonly (readonly Call[])[]): number {
  const spans = callsPerNode.map((calls) => {
    const from = calls.find((call) => call.what === "stop")?.at ?? Number.NaN;
    const to = calls.filter((call) => call.what === "check" && call.version === "v2").at(1)?.at ?? Number.NaN;
    return { from, to };
  });
  return Math.max(
    ...spans.map(({ from }) => spans.filter((span) => span.from <= from && from < span.to).length),
  );
}
