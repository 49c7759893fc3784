// The coordinator, and with it the origin, is killed while a release is under way: nodes that know each other finish,
// and say so when it is back.
import { mkdir, readdir } from "node:fs/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { RolloutView } from "../../protocol/api.ts";
import { type Finished, Lab, type Running } from "./support/lab.ts";
import { makeRandomFile } from "./support/trees.ts";

/** So large that a node can be caught in the middle. */
const ARTIFACT_MEBIBYTES = 128;
/** The others give up waiting for a node that sleeps after some 30 s at worst; with room for a busy machine. */
const PATIENCE_MS = 120_000;
/** Share of the artifact that may be fetched twice. */
const REFETCHED_SHARE_MAX = 0.02;
const ROLLOUT = "/v1/rollouts/r1";
const NAMES = ["node-1", "node-2", "node-3"];

describe("when the coordinator dies with a whole copy out", () => {
  let lab: Lab;
  let coordinator: Running;

  beforeEach(async () => {
    lab = await Lab.open();
    coordinator = await lab.startCoordinator();
  });

  afterEach(() => lab.close());

  /** Two nodes have all of it, the third sleeps in the middle, and the coordinator is gone. */
  async function loseCoordinator(): Promise<{ late: Running; stage: Promise<Finished> }> {
    const [, , late] = await Promise.all(NAMES.map((name) => lab.startPeer(name)));
    if (late === undefined) throw new Error("three nodes were started");
    await mkdir(lab.path("large"));
    await makeRandomFile(lab.path("large", "data.bin"), ARTIFACT_MEBIBYTES);
    await lab.ok(["publish", "v1", lab.path("large"), "--app", "shop"]);
    const stage = lab.run(["stage", "v1", "--app", "shop", "--json"]);
    await lab.until<RolloutView>(ROLLOUT, (view) => (nodeOf(view, "node-3")?.verifiedBytes ?? 0) > 0);
    // It sleeps while the others finish, so that it is in the middle when the coordinator goes.
    late.process.kill("SIGSTOP");
    const othersStaged = (view: RolloutView) =>
      ["node-1", "node-2"].every((name) => nodeOf(view, name)?.phase === "staged");
    const before = await lab.until<RolloutView>(ROLLOUT, othersStaged, PATIENCE_MS);
    expect(nodeOf(before, "node-3")?.phase).toBe("staging");
    await lab.kill(coordinator);
    return { late, stage };
  }

  async function expectAllStaged(stage: Promise<Finished>): Promise<void> {
    await lab.startCoordinator();
    expect((await stage).code).toBe(0);
    const after = (await lab.get(ROLLOUT)) as RolloutView;
    expect(after.nodes.map(({ phase }) => phase)).toEqual(NAMES.map(() => "staged"));
    for (const { receivedBytes } of after.nodes)
      expect(receivedBytes / after.artifactBytes).toBeLessThanOrEqual(1 + REFETCHED_SHARE_MAX);
  }

  it(
    "a node in the middle gets the rest from the others, and is reported staged after its return",
    async () => {
      const { late, stage } = await loseCoordinator();
      late.process.kill("SIGCONT");
      await isInstalled(lab.path("node-3", "root", "shop", "versions"));
      await expectAllStaged(stage);
    },
    2 * PATIENCE_MS,
  );

  it(
    "a node that is killed in the middle goes on with the others when it is started again",
    async () => {
      const { late, stage } = await loseCoordinator();
      await lab.kill(late);
      // It says that it is ready once it has been welcomed.
      const again = lab.startPeer("node-3");
      await isInstalled(lab.path("node-3", "root", "shop", "versions"));
      await expectAllStaged(stage);
      await again;
    },
    2 * PATIENCE_MS,
  );
});

function nodeOf(view: RolloutView, name: string): RolloutView["nodes"][number] | undefined {
  return view.nodes?.find((node) => node.name === name);
}

/** Waits until the release lies unpacked in its place. */
async function isInstalled(versions: string): Promise<void> {
  const installed = async () =>
    (await readdir(versions).catch((): string[] => [])).filter((name) => name.startsWith("v1-"));
  await expect.poll(installed, { timeout: PATIENCE_MS, interval: 50 }).toHaveLength(1);
}
