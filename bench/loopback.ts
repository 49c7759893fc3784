// Measures one release to a few nodes on loopback with real processes: time to verified, memory of every process, and
// whether each node's tree is byte for byte the published one. `node bench/loopback.ts --nodes 4 --mib 1024`
import { mkdir, readFile } from "node:fs/promises";
import { cpus } from "node:os";
import { parseArgs } from "node:util";
import { Lab, type Running } from "../test/e2e/support/lab.ts";
import { hashTree, makeRandomFile, makeTree } from "../test/e2e/support/trees.ts";

interface Measurement {
  readonly nodes: number;
  readonly mebibytes: number;
  readonly publishSeconds: number;
  readonly lastSeconds: number;
  readonly originBytesOverSize: number;
  readonly identicalTrees: number;
  readonly peakRssMebibytes: Readonly<Record<string, number>>;
}

const { values } = parseArgs({
  options: { nodes: { type: "string", default: "4" }, mib: { type: "string", default: "1024" } },
});
const measurement = await measure(Number(values.nodes), Number(values.mib));
process.stdout.write(
  `${JSON.stringify({ cpus: cpus().length, node: process.version, ...measurement }, null, 2)}\n`,
);
const isIdentical = measurement.identicalTrees === measurement.nodes;
process.exitCode = isIdentical ? 0 : 1;

async function measure(nodes: number, mebibytes: number): Promise<Measurement> {
  const lab = await Lab.open();
  try {
    const coordinator = await lab.startCoordinator();
    const peers = await lab.startPeers(nodes);
    await mkdir(lab.path("build"));
    await makeTree(lab.path("build"), "v1");
    await makeRandomFile(lab.path("build", "data.bin"), mebibytes);
    const started = performance.now();
    await lab.ok(["publish", "v1", "build", "--app", "shop"]);
    const publishSeconds = (performance.now() - started) / 1000;
    const { stdout } = await lab.ok(["stage", "v1", "--app", "shop", "--json"]);
    const stage = JSON.parse(stdout.trim().split("\n").at(-1) ?? "") as Pick<
      Measurement,
      "lastSeconds" | "originBytesOverSize"
    >;
    await lab.ok(["release", "v1", "--app", "shop", "--all-at-once"]);
    const { lastSeconds, originBytesOverSize } = stage;
    const identicalTrees = await countIdentical(lab, nodes);
    const peakRssMebibytes = await peakRss({
      coordinator,
      ...Object.fromEntries(peers.map((peer, i) => [`peer ${i + 1}`, peer])),
    });
    return {
      nodes,
      mebibytes,
      publishSeconds,
      lastSeconds,
      originBytesOverSize,
      identicalTrees,
      peakRssMebibytes,
    };
  } finally {
    await lab.close();
  }
}

async function countIdentical(lab: Lab, nodes: number): Promise<number> {
  const expected = await hashTree(lab.path("build"));
  let identical = 0;
  for (let node = 1; node <= nodes; node += 1) {
    if ((await hashTree(lab.path(`node-${node}`, "root", "shop", "live"))) === expected) identical += 1;
  }
  return identical;
}

/** VmHWM of each process: the most memory it ever had resident. */
async function peakRss(
  processes: Readonly<Record<string, Running>>,
): Promise<Readonly<Record<string, number>>> {
  const entries = Object.entries(processes).map(async ([name, running]): Promise<[string, number]> => {
    const status = await readFile(`/proc/${running.process.pid}/status`, "utf8");
    const kibibytes = Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1]);
    return [name, Math.round(kibibytes / 1024)];
  });
  return Object.fromEntries(await Promise.all(entries));
}
