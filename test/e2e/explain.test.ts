// `fleet explain` with real processes: a node that fetches, one that is paused, one that hangs, one that is gone.
import { mkdir } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { RolloutView } from "../../protocol/api.ts";
import { type Explanation, explanationSchema } from "../../protocol/explain.ts";
import { Lab, type Running } from "./support/lab.ts";
import { makeRandomFile } from "./support/trees.ts";

const NODES = 3;
/** Takes several progress reports on any machine. */
const ARTIFACT_MEBIBYTES = 192;

describe("fleet explain, in the order of what happens to a stage", () => {
  let lab: Lab;
  let peers: readonly Running[];

  beforeAll(async () => {
    lab = await Lab.open();
    await lab.startCoordinator();
    peers = await lab.startPeers(NODES);
    await mkdir(lab.path("v1"));
    await makeRandomFile(lab.path("v1", "data.bin"), ARTIFACT_MEBIBYTES);
    await lab.ok(["publish", "v1", lab.path("v1"), "--app", "shop"]);
  });

  afterAll(() => lab.close());

  it("says of an idle node that it has nothing to do", async () => {
    expect((await lab.ok(["explain", "node-1"])).stdout).toMatch(
      /^node-1 {2}online .*\n\nnothing is being staged/,
    );
  });

  it("shows of a fetching node whom it gets what from, how fast, and what it lacks", async () => {
    await lab.post("/v1/stages", { app: "shop", version: "v1" });
    await lab.until<RolloutView>("/v1/rollouts/r1", ({ nodes }) =>
      nodes.every((node) => node.verifiedBytes > 0),
    );
    await lab.post("/v1/rollouts/r1/pause", { by: "tester" });
    const { stages, answer, busyShare } = await explain("node-2");
    expect(answer).toBe("answered");
    expect(busyShare).toEqual(expect.any(Number));
    const { torrent } = stages[0] ?? {};
    expect(torrent).toMatchObject({ linkCount: NODES, neighbourCount: NODES, unlinkedCount: 0 });
    expect(torrent?.links.map(({ name }) => name).toSorted()).toEqual(["node-1", "node-3", "origin"]);
    expect(torrent?.links.find(({ name }) => name === "origin")?.receivedBytes).toBeGreaterThan(0);
    expect(torrent?.missingCount).toBe(Number(torrent?.pieceCount) - Number(torrent?.verifiedPieces));
    expect(torrent?.missing[0]?.holders).toContain("origin");
  });

  it("says who has paused it, and gives no time of arrival for what stands still", async () => {
    const { stages } = await explain("node-2");
    expect(stages[0]).toMatchObject({
      verdict: { limit: "paused", message: "the release is paused by tester" },
      etaSeconds: null,
      torrent: { paused: true },
    });
    expect((await lab.ok(["explain", "node-2"])).stdout).toContain("the release is paused by tester");
  });

  it("says of a node that hangs that it does not answer, with what it said last", async () => {
    peers[2]?.process.kill("SIGSTOP");
    const { stages, answer } = await explain("node-3");
    peers[2]?.process.kill("SIGCONT");
    expect(answer).toBe("silent");
    expect(stages[0]).toMatchObject({ torrent: null, toldAt: expect.any(Number) as number });
    expect(stages[0]?.verifiedBytes).toBeGreaterThan(0);
  });

  it("knows a node by its id as well, and nobody by a wrong name", async () => {
    const { node } = await explain("node-1");
    expect((await explain(node.id)).node.name).toBe("node-1");
    const unknown = await lab.run(["explain", "node-9"]);
    expect(unknown).toMatchObject({ code: 2, stdout: "" });
    expect(unknown.stderr).toContain("no node is called node-9");
  });

  it("says of a dead node that it is offline, and how far it had come", async () => {
    const [victim] = peers;
    if (victim !== undefined) await lab.kill(victim);
    await lab.until<{ nodesOnline: number }>("/v1/status", ({ nodesOnline }) => nodesOnline === NODES - 1);
    const { stages, answer } = await explain("node-1");
    expect(answer).toBe("offline");
    expect(stages[0]?.verdict.limit).toBe("offline");
    expect(stages[0]?.verifiedBytes).toBeGreaterThan(0);
  });

  it("says of the others, once they go on, that nothing is left to do", async () => {
    await lab.post("/v1/rollouts/r1/resume", { by: "tester" });
    const isStaged = ({ nodes }: RolloutView) =>
      nodes.filter(({ phase }) => phase === "staged").length === NODES - 1;
    await lab.until<RolloutView>("/v1/rollouts/r1", isStaged);
    const { stages } = await explain("node-2");
    expect(stages[0]).toMatchObject({ state: "staged", verdict: { limit: "done" } });
  });

  async function explain(node: string): Promise<Explanation> {
    const { stdout } = await lab.ok(["explain", node, "--json"]);
    return explanationSchema.decode(JSON.parse(stdout), "");
  }
});
