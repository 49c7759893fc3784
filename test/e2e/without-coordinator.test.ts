// The coordinator, and with it the origin, is killed while a release is under way: nodes that know each other finish,
// and say so when it is back.
import { mkdir, readdir } from "node:fs/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { RolloutView } from "../../protocol/api.ts";
import { Lab, type Running } from "./support/lab.ts";
import { makeRandomFile } from "./support/trees.ts";

const ARTIFACT_MEBIBYTES = 256;
/** Share of the artifact that may be fetched twice when the links to the origin break. */
const REFETCHED_SHARE_MAX = 0.02;
const ROLLOUT = "/v1/rollouts/r1";

describe("when the coordinator dies with a whole copy out", () => {
  let lab: Lab;
  let coordinator: Running;

  beforeEach(async () => {
    lab = await Lab.open();
    coordinator = await lab.startCoordinator();
  });

  afterEach(() => lab.close());

  it("those that are not done finish among themselves, and are reported staged after its return", async () => {
    const names = ["node-1", "node-2", "node-3", "node-4"];
    const peers = await Promise.all(names.map((name) => lab.startPeer(name)));
    const [, , third, fourth] = peers;
    if (third === undefined || fourth === undefined) throw new Error("four peers are needed");
    await mkdir(lab.path("large"));
    await makeRandomFile(lab.path("large", "data.bin"), ARTIFACT_MEBIBYTES);
    await lab.ok(["publish", "v1", lab.path("large"), "--app", "shop"]);
    const stage = lab.run(["stage", "v1", "--app", "shop", "--json"]);
    await lab.until<RolloutView>(ROLLOUT, (view) =>
      ["node-3", "node-4"].every((name) => (nodeOf(view, name)?.verifiedBytes ?? 0) > 0),
    );
    // They sleep while the others finish, so that they are in the middle when the coordinator goes.
    for (const late of [third, fourth]) late.process.kill("SIGSTOP");
    const before = await lab.until<RolloutView>(ROLLOUT, (view) =>
      ["node-1", "node-2"].every((name) => nodeOf(view, name)?.phase === "staged"),
    );
    await lab.kill(coordinator);
    for (const late of [third, fourth]) late.process.kill("SIGCONT");
    for (const name of ["node-3", "node-4"]) {
      expect(nodeOf(before, name)?.phase).toBe("staging");
      await isInstalled(lab.path(name, "root", "shop", "versions"));
    }
    await lab.startCoordinator();
    expect((await stage).code).toBe(0);
    const after = (await lab.get(ROLLOUT)) as RolloutView;
    expect(after.nodes.map(({ phase }) => phase)).toEqual(names.map(() => "staged"));
    for (const { receivedBytes } of after.nodes)
      expect(receivedBytes / after.artifactBytes).toBeLessThanOrEqual(1 + REFETCHED_SHARE_MAX);
  });
});

function nodeOf(view: RolloutView, name: string): RolloutView["nodes"][number] | undefined {
  return view.nodes?.find((node) => node.name === name);
}

/** Waits until the release lies unpacked in its place. */
async function isInstalled(versions: string): Promise<void> {
  const installed = async () =>
    (await readdir(versions).catch((): string[] => [])).filter((name) => name.startsWith("v1-"));
  await expect.poll(installed, { timeout: 60_000, interval: 50 }).toHaveLength(1);
}
