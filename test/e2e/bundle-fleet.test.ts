// The built file, copied alone into an empty folder, is a whole fleet: coordinator, peers and a release.
import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { build } from "../../scripts/build.ts";
import { Lab } from "./support/lab.ts";
import { hashTree, makeTree } from "./support/trees.ts";

const NODES = 4;

let folder = "";
let lab: Lab;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "fleet-alone-"));
  const { bundlePath } = await build({ outDirectory: join(folder, "dist") });
  await cp(bundlePath, join(folder, "fleet.mjs"));
  await rm(join(folder, "dist"), { recursive: true });
  lab = await Lab.open({ command: [process.execPath, join(folder, "fleet.mjs")] });
});

afterAll(async () => {
  await lab.close();
  await rm(folder, { recursive: true, force: true });
});

test("fleet.mjs alone runs a coordinator, four peers and a release", async () => {
  await lab.startCoordinator();
  await lab.startPeers(NODES);
  await makeTree(lab.path("build"), "v1");
  await lab.ok(["release", "v1", "build", "--app", "shop", "--rolling", "50%"]);
  const expected = await hashTree(lab.path("build"));
  for (let node = 1; node <= NODES; node += 1)
    expect(await hashTree(lab.path(`node-${node}`, "root", "shop", "live"))).toBe(expected);
});
