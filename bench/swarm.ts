// `npm run bench:swarm`: how fast a release reaches every node on links of known rate, beside stock systems on the same
// links. Makes network namespaces, so it needs root; removes whatever it made, however it ends.
import { execFileSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { removeLeftovers } from "./swarm/leftovers.ts";
import { Network, namespacePrefix } from "./swarm/network.ts";
import { type BenchOptions, parseOptions, USAGE, UsageError } from "./swarm/options.ts";
import { Processes } from "./swarm/processes.ts";
import { type BenchReport, conditionsOf, layOut, tableOf } from "./swarm/report.ts";
import { ratesOf, runSession, type Session } from "./swarm/session.ts";

/** Asked for wrongly, or on a machine where it cannot run. */
const EXIT_USAGE = 2;
const SIGNALS = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

process.exitCode = await main();

async function main(): Promise<number> {
  try {
    const options = parseOptions(process.argv.slice(2));
    checkMachine();
    return await bench(options);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    process.stderr.write(`bench:swarm: ${error.message}\n\n${USAGE}`);
    return EXIT_USAGE;
  }
}

function checkMachine(): void {
  const needs = "network namespaces with shaped links need Linux, root and iproute2 (`ip`, `tc`)";
  if (process.platform !== "linux") throw new UsageError(`this is ${process.platform}; ${needs}`);
  if (process.getuid?.() !== 0) throw new UsageError(`not run as root; ${needs}`);
  for (const program of ["ip", "tc"]) {
    try {
      execFileSync(program, ["-V"], { stdio: "ignore" });
    } catch {
      throw new UsageError(`\`${program}\` cannot be run; ${needs}`);
    }
  }
}

async function bench(options: BenchOptions): Promise<number> {
  const workDirectory = options.workDirectory ?? tmpdir();
  const processes = new Processes();
  const network = new Network(processes, ratesOf(options), options.queueKib);
  const directory = await mkdtemp(join(workDirectory, namespacePrefix(process.pid)));
  const session = { options, network, processes, directory, note };
  const close = closing(session);
  for (const [signal, code] of Object.entries(SIGNALS))
    process.once(signal, () => void close().finally(() => process.exit(code)));
  try {
    for (const name of await removeLeftovers(processes, workDirectory)) note(`removed the left-over ${name}`);
    const report = await runSession(session);
    await handOut(report, options.jsonPath);
    const isGood = report.systems.every(
      ({ name, runs }) => name !== "fleet" || runs.every((run) => run.succeeded),
    );
    return isGood ? 0 : 1;
  } finally {
    await close();
  }
}

/** Removes everything once, however often it is called. */
function closing({ processes, network, directory }: Session): () => Promise<void> {
  let closed: Promise<void> | null = null;
  const close = async () => {
    await processes.end();
    await network.close();
    await rm(directory, { recursive: true, force: true, maxRetries: 3 });
  };
  return () => {
    closed ??= close();
    return closed;
  };
}

/** The table for people on stderr, the JSON on stdout or in its file. */
async function handOut(report: BenchReport, jsonPath: string | null): Promise<void> {
  for (const line of conditionsOf(report)) note(line);
  for (const { name, skipped } of report.systems) if (skipped !== null) note(`${name} skipped: ${skipped}`);
  note(layOut(tableOf(report)));
  const json = `${JSON.stringify(report, null, 2)}\n`;
  if (jsonPath === null) process.stdout.write(json);
  else await writeFile(jsonPath, json);
}

function note(line: string): void {
  process.stderr.write(`${line}\n`);
}
