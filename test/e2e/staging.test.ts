// Real processes stage: they begin together, stand still when an operator says so, and carry several releases at once.
import { mkdir } from "node:fs/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { FleetEvent, RolloutView } from "../../protocol/api.ts";
import { Lab, type Running } from "./support/lab.ts";
import { makeRandomFile } from "./support/trees.ts";

/** Large enough that a stage takes several progress reports on any machine. */
const LARGE_MEBIBYTES = 256;

describe("a stage on real processes", () => {
  let lab: Lab;
  let coordinator: Running;

  beforeEach(async () => {
    lab = await Lab.open();
    coordinator = await lab.startCoordinator();
  });

  afterEach(() => lab.close());

  async function publish(app: string, folder: string): Promise<void> {
    await lab.ok(["publish", "v1", lab.path(folder), "--app", app]);
  }

  async function makeFolder(name: string, mebibytes: number): Promise<void> {
    await mkdir(lab.path(name));
    await makeRandomFile(lab.path(name, "data.bin"), mebibytes);
  }

  function receivedBytes({ nodes }: RolloutView): number {
    return nodes.reduce((sum, node) => sum + node.receivedBytes, 0);
  }

  it("begins on all nodes at once, and the history says when", async () => {
    await lab.startPeers(3);
    await makeFolder("small", 1);
    await publish("shop", "small");
    await lab.ok(["stage", "v1", "--app", "shop"]);
    const { events } = (await lab.get("/v1/events?after=0")) as { events: readonly FleetEvent[] };
    const kinds = events.filter(({ rolloutId }) => rolloutId === "r1").map(({ kind }) => kind);
    expect(kinds.slice(0, 3)).toEqual(["rollout-started", "stage-go", "node-verified"]);
    expect(events.find(({ kind }) => kind === "stage-go")?.message).toMatch(/ of 3 nodes with links open$/);
  });

  it("stands still after `fleet pause`, across a restart of the coordinator, until `fleet resume`", async () => {
    await lab.startPeers(2);
    await makeFolder("large", LARGE_MEBIBYTES);
    await publish("shop", "large");
    const stage = lab.run(["stage", "v1", "--app", "shop", "--json"]);
    await lab.until<RolloutView>(
      "/v1/rollouts/r1",
      (view) => (view.nodes ?? []).length > 0 && receivedBytes(view) > 0,
    );
    const paused = await lab.ok(["pause", "--app", "shop"]);
    expect(paused.stdout).toMatch(/^paused r1, the stage of shop v1\n/);
    // What was under way when the order came has arrived once two reports of each node are equal.
    const settled = await standstill();
    await lab.kill(coordinator);
    await lab.startCoordinator();
    await lab.until<{ nodesOnline: number }>("/v1/status", ({ nodesOnline }) => nodesOnline === 2);
    const later = await standstill();
    expect(receivedBytes(later)).toBe(receivedBytes(settled));
    expect(later).toMatchObject({ phase: "staging", pausedBy: expect.stringContaining("@") });
    await lab.ok(["resume", "r1"]);
    expect((await stage).code).toBe(0);
  });

  /** Waits until the nodes' figures have not changed for longer than they take to report. */
  async function standstill(): Promise<RolloutView> {
    let since = Date.now();
    let last = -1;
    return lab.until<RolloutView>("/v1/rollouts/r1", (view) => {
      const now = receivedBytes(view);
      if (now !== last) since = Date.now();
      last = now;
      return now > 0 && Date.now() - since > 1_500;
    });
  }

  it("carries the same artifact for two apps and another one at once, and each node fetches it once", async () => {
    await lab.startPeers(2);
    await makeFolder("same", 16);
    await makeFolder("other", 16);
    await publish("shop", "same");
    await publish("twin", "same");
    await publish("else", "other");
    const stages = await Promise.all(
      ["shop", "twin", "else"].map((app) => lab.run(["stage", "v1", "--app", app, "--json"])),
    );
    expect(stages.map(({ code }) => code)).toEqual([0, 0, 0]);
    const { rollouts } = (await lab.get("/v1/status")) as { rollouts: readonly RolloutView[] };
    for (const { nodes } of rollouts) expect(nodes.map(({ phase }) => phase)).toEqual(["staged", "staged"]);
    const shop = rollouts.find(({ app }) => app === "shop");
    for (const node of shop?.nodes ?? [])
      expect(node.receivedBytes).toBeLessThanOrEqual(1.1 * (shop?.artifactBytes ?? 0));
  });
});
