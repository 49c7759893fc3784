// Limits on real processes: what a node fetches and sends stays at its cap, by its own configuration or an operator's.
import { mkdir } from "node:fs/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { RolloutView } from "../../protocol/api.ts";
import type { Explanation } from "../../protocol/explain.ts";
import { Lab, type Running } from "./support/lab.ts";
import { makeRandomFile } from "./support/trees.ts";

const MEBIBYTES = 8;
/** 8 MiB at this rate take about 3.4 s; without a limit they take a tenth of that. */
const RATE = "20Mbit";
const BYTES_PER_SECOND = 2_500_000;
/** A bucket may be full at GO, and the clock of a node stops at its last piece. */
const TOLERANCE = 1.3;

describe("limits on real processes", () => {
  let lab: Lab;
  let coordinator: Running;

  beforeEach(async () => {
    lab = await Lab.open();
    coordinator = await lab.startCoordinator();
    await mkdir(lab.path("large"));
    await makeRandomFile(lab.path("large", "data.bin"), MEBIBYTES);
  });

  afterEach(() => lab.close());

  async function stage(): Promise<RolloutView> {
    await lab.ok(["publish", "v1", lab.path("large"), "--app", "shop"]);
    await lab.ok(["stage", "v1", "--app", "shop"]);
    return (await lab.get("/v1/rollouts/r1")) as RolloutView;
  }

  /** Bytes over the node's own duration, from GO to verified. */
  function rateOf({ nodes }: RolloutView, name: string): number {
    const node = nodes.find((one) => one.name === name);
    return (node?.receivedBytes ?? Number.NaN) / (node?.seconds ?? Number.NaN);
  }

  it("a node's own cap holds for that node and no other", async () => {
    await lab.startPeer("capped", ["--download-max", RATE]);
    await lab.startPeer("free");
    const view = await stage();
    expect(rateOf(view, "capped")).toBeLessThan(TOLERANCE * BYTES_PER_SECOND);
    expect(rateOf(view, "free")).toBeGreaterThan(TOLERANCE * BYTES_PER_SECOND);
  });

  it("the coordinator's own cap holds for what its seeder sends", async () => {
    await lab.kill(coordinator);
    await lab.startCoordinator(["--upload-max", RATE]);
    await lab.startPeer("only");
    expect(rateOf(await stage(), "only")).toBeLessThan(TOLERANCE * BYTES_PER_SECOND);
  });

  it("an operator's fleet rate holds for all nodes together", async () => {
    await lab.startPeers(2);
    await lab.ok(["limits", "set", "--fleet-rate", "40Mbit"]);
    const { nodes } = await stage();
    const received = nodes.reduce((sum, node) => sum + node.receivedBytes, 0);
    const longest = Math.max(...nodes.map(({ seconds }) => seconds ?? Number.NaN));
    expect(received / longest).toBeLessThan(TOLERANCE * 2 * BYTES_PER_SECOND);
  });

  it("explain names the cap of a node that it holds up", async () => {
    await lab.startPeer("capped", ["--download-max", "4Mbit"]);
    await lab.ok(["publish", "v1", lab.path("large"), "--app", "shop"]);
    await lab.post("/v1/stages", { app: "shop", version: "v1" });
    await lab.until<RolloutView>("/v1/rollouts/r1", ({ nodes }) =>
      nodes.every((node) => node.verifiedBytes > 0),
    );
    const { stages } = await lab.until<Explanation>("/v1/nodes/capped/explain", (explanation) =>
      explanation.stages.some(({ verdict }) => verdict.limit === "capped" || verdict.limit === "done"),
    );
    expect(stages[0]?.verdict.message).toContain("capped at 0.5 MB/s");
  });
});
