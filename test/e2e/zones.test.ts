// Real processes in two zones: what one zone has does not cross into it again.
import { mkdir } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { RolloutView } from "../../protocol/api.ts";
import { type Explanation, explanationSchema } from "../../protocol/explain.ts";
import { Lab } from "./support/lab.ts";
import { makeRandomFile } from "./support/trees.ts";

/** As many as a zone needs to pass pieces on to another one. */
const HOME_NODES = 4;
const AWAY_NODES = 3;
/** Takes several progress reports on any machine. */
const ARTIFACT_MEBIBYTES = 128;

describe("a stage over two zones", () => {
  let lab: Lab;

  beforeAll(async () => {
    lab = await Lab.open();
    await lab.startCoordinator(["--zone", "home"]);
    await lab.startPeers(HOME_NODES + AWAY_NODES, (index) => [
      ...["--label", `zone=${index < HOME_NODES ? "home" : "away"}`],
      ...["--download-max", "100Mbit"],
    ]);
    await mkdir(lab.path("v1"));
    await makeRandomFile(lab.path("v1", "data.bin"), ARTIFACT_MEBIBYTES);
    await lab.ok(["publish", "v1", lab.path("v1"), "--app", "shop"]);
  });

  afterAll(() => lab.close());

  it("brings pieces into the other zone about once, and none of them from the origin", async () => {
    await lab.post("/v1/stages", { app: "shop", version: "v1" });
    const away = (index: number): string => `node-${HOME_NODES + index + 1}`;
    await lab.until<RolloutView>("/v1/rollouts/r1", ({ nodes }) =>
      nodes
        .filter(({ name }) => name >= away(0))
        .every(({ verifiedBytes }) => verifiedBytes > (ARTIFACT_MEBIBYTES / 4) * 1024 * 1024),
    );
    await lab.post("/v1/rollouts/r1/pause", { by: "tester" });
    let crossed = 0;
    let verified = 0;
    for (let index = 0; index < AWAY_NODES; index += 1) {
      const { torrent } = (await explain(away(index))).stages[0] ?? {};
      const links = torrent?.links ?? [];
      expect(links.map(({ name }) => name)).not.toContain("origin");

      for (const { name, receivedBytes } of links) if (name < away(0)) crossed += receivedBytes;
      verified = Math.max(verified, torrent?.verifiedBytes ?? 0);
    }
    expect(verified).toBeGreaterThan(0);
    // Each of the three fetches its part from elsewhere and the rest from the other two; without zones it is 1.6.
    expect(crossed / verified).toBeLessThan(1.25);
    await lab.post("/v1/rollouts/r1/resume", { by: "tester" });
    await lab.until<RolloutView>("/v1/rollouts/r1", ({ nodes }) =>
      nodes.every(({ phase }) => phase === "staged"),
    );
  });

  async function explain(node: string): Promise<Explanation> {
    const { stdout } = await lab.ok(["explain", node, "--json"]);
    return explanationSchema.decode(JSON.parse(stdout), "");
  }
});
