// `npm run bench:swarm`: how fast a release reaches every node on links of known rate, beside stock systems on the same
// links. Makes network namespaces, so it needs root; removes whatever it made, however it ends.
import { execFileSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { makeContent } from "./swarm/content.ts";
import { runFleetOnce } from "./swarm/fleet-run.ts";
import { Network } from "./swarm/network.ts";
import { type BenchOptions, parseOptions, USAGE, UsageError } from "./swarm/options.ts";
import { Processes } from "./swarm/processes.ts";
import { lineOf } from "./swarm/report.ts";
import { medianOf, type RunResult } from "./swarm/result.ts";

const MAIN = fileURLToPath(new URL("../cli/main.ts", import.meta.url));

process.exitCode = await main();

async function main(): Promise<number> {
  try {
    const options = parseOptions(process.argv.slice(2));
    checkMachine();
    return await bench(options);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    process.stderr.write(`${error.message}\n\n${USAGE}`);
    return 2;
  }
}

function checkMachine(): void {
  const needs = "namespaces and shaped links need Linux, root and iproute2";
  if (process.platform !== "linux") throw new UsageError(`this is ${process.platform}: ${needs}`);
  if (process.getuid?.() !== 0) throw new UsageError(`not root: ${needs}`);
  for (const [program, ...args] of [
    ["ip", "-V"],
    ["tc", "-V"],
  ] as const) {
    try {
      execFileSync(program, args, { stdio: "ignore" });
    } catch {
      throw new UsageError(`\`${program}\` cannot be run: ${needs}`);
    }
  }
}

async function bench(options: BenchOptions): Promise<number> {
  const processes = new Processes();
  const network = Network.plan(processes, [options.originMbit, ...Array(options.nodes).fill(options.mbit)]);
  const directory = await mkdtemp(join(tmpdir(), `fleet-bench-${process.pid}-`));
  const close = async () => {
    await processes.killAll();
    await network.close();
    await processes.end();
    await rm(directory, { recursive: true, force: true });
  };
  for (const signal of ["SIGINT", "SIGTERM"] as const)
    process.once(signal, () => void close().finally(() => process.exit(signal === "SIGINT" ? 130 : 143)));
  try {
    await network.open();
    const runs: RunResult[] = [];
    for (let number = 1; number <= options.runs; number += 1) {
      const content = await makeContent(processes, join(directory, `content-${number}`), options.mib);
      const run = await runFleetOnce({
        network,
        processes,
        content,
        directory: await mkdtemp(join(directory, "fleet-")),
        command: [process.execPath, MAIN],
        timeoutMs: 120_000,
      });
      runs.push(run);
      process.stderr.write(`fleet, run ${number}: ${lineOf(run)}\n`);
    }
    const report = {
      date: new Date().toISOString(),
      command: process.argv.slice(1).join(" "),
      node: process.version,
      cpus: cpus().length,
      options,
      runs,
      median: medianOf(runs),
    };
    const json = `${JSON.stringify(report, null, 2)}\n`;
    if (options.jsonPath === null) process.stdout.write(json);
    else await writeFile(options.jsonPath, json);
    return runs.every((run) => run.finished && run.verifiedNodes === run.expectedNodes) ? 0 : 1;
  } finally {
    await close();
  }
}
