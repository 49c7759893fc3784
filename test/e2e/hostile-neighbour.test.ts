// A node that was let in spoils the swarm: the release still reaches every honest node, and the history names who it
// was. Real coordinator, real honest nodes, one node played by the test.
import { mkdir, readFile } from "node:fs/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { ReleaseView, RolloutView } from "../../protocol/api.ts";
import { ANSWERS, type Answer, HostileNode } from "./support/hostile-node.ts";
import { Lab, type Running } from "./support/lab.ts";
import { makeRandomFile } from "./support/trees.ts";

const HONEST_NODES = 4;
const HOSTILE = "mallory";
const ARTIFACT_MEBIBYTES = 32;
/** Takes several progress reports on any machine. */
const FROZEN_ARTIFACT_MEBIBYTES = 128;

describe("a release with a hostile node in the fleet reaches every other, and names the one that", () => {
  let lab: Lab;
  let hostile: HostileNode | null = null;

  beforeEach(async () => {
    lab = await Lab.open();
    await lab.startCoordinator();
    await mkdir(lab.path("v1"));
    await makeRandomFile(lab.path("v1", "data.bin"), ARTIFACT_MEBIBYTES);
    await lab.ok(["publish", "v1", lab.path("v1"), "--app", "shop"]);
  });

  afterEach(async () => {
    hostile?.close();
    await lab.close();
  });

  // The rate makes the download last as long as it takes to be sure: a second for silence, two for refusals.
  it.each<readonly [string, Answer, readonly string[], string]>([
    ["flips bits", ANSWERS.flipped, ["bad-data"], "100Mbit"],
    ["never answers", ANSWERS.none, ["no-answer"], "100Mbit"],
    ["drips 1 kB/s", ANSWERS.dripped, ["no-answer", "drip"], "100Mbit"],
    ["claims every piece and has none", ANSWERS.refused, ["refuses"], "40Mbit"],
  ])("%s", async (_, answer, faults, rate) => {
    await lab.startPeers(HONEST_NODES, () => ["--download-max", rate]);
    hostile = await joinHostile(answer);
    await lab.post("/v1/stages", { app: "shop", version: "v1" });
    const named = ({ offences }: RolloutView): readonly string[] =>
      offences
        .filter(({ source, name }) => source === hostile?.id && name === HOSTILE)
        .map(({ fault }) => fault);
    const view = await lab.until<RolloutView>(
      "/v1/rollouts/r1",
      (seen) => honestStaged(seen) && named(seen).length > 0,
    );
    expect(faults).toEqual(expect.arrayContaining([...named(view)]));
    const told = (await lab.get("/v1/events")) as { events: { kind: string; message: string }[] };
    expect(
      told.events.filter(({ kind }) => kind === "offender-named").map(({ message }) => message),
    ).toContainEqual(expect.stringContaining(HOSTILE));
    // Of what one node says of another only bad data is beyond doubt: no honest one may be charged with it.
    const liars = view.offences.filter(({ fault }) => fault === "bad-data").map(({ name }) => name);
    for (const name of liars) expect(name).toBe(HOSTILE);
  });

  async function joinHostile(answer: Answer): Promise<HostileNode> {
    const release = (await lab.get("/v1/releases/shop/v1")) as ReleaseView;
    const { infoHash, pieceLength, sha256 } = release.manifest.artifact;
    const bytes = await readFile(lab.path("coordinator", "artifacts", sha256));
    return HostileNode.join(lab, { name: HOSTILE, infoHash, pieceLength, bytes, answer });
  }
});

describe("a release reaches every node although one", () => {
  let lab: Lab;
  let peers: readonly Running[];

  beforeEach(async () => {
    lab = await Lab.open();
    await lab.startCoordinator();
    peers = await lab.startPeers(HONEST_NODES);
    await mkdir(lab.path("v1"));
    await makeRandomFile(lab.path("v1", "data.bin"), FROZEN_ARTIFACT_MEBIBYTES);
    await lab.ok(["publish", "v1", lab.path("v1"), "--app", "shop"]);
  });

  afterEach(() => lab.close());

  it("is frozen in the middle: the others do not wait for it, and it finishes once it thaws", async () => {
    const [frozen] = peers;
    await lab.post("/v1/stages", { app: "shop", version: "v1" });
    const isUnderWay = ({ nodes }: RolloutView) => nodes.some(({ verifiedBytes }) => verifiedBytes > 0);
    await lab.until<RolloutView>("/v1/rollouts/r1", isUnderWay);
    frozen?.process.kill("SIGSTOP");
    const others = ({ nodes }: RolloutView) => nodes.filter(({ phase }) => phase === "staged").length;
    await lab.until<RolloutView>("/v1/rollouts/r1", (view) => others(view) >= HONEST_NODES - 1);
    frozen?.process.kill("SIGCONT");
    const view = await lab.until<RolloutView>("/v1/rollouts/r1", (seen) => seen.phase === "succeeded");
    expect(view.nodes.map(({ phase }) => phase)).toEqual(Array(HONEST_NODES).fill("staged"));
  });
});

function honestStaged({ nodes }: RolloutView): boolean {
  return nodes.filter(({ name, phase }) => name !== HOSTILE && phase === "staged").length === HONEST_NODES;
}
