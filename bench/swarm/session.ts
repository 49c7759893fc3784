// One call of the benchmark: one set of links, every system in turns on them, one report.
// Owns the order of things; what a run is, and what it costs, stands elsewhere.
import { execFileSync } from "node:child_process";
import { cp, mkdir, rm } from "node:fs/promises";
import { cpus, release, totalmem } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { type Content, makeContent } from "./content.ts";
import { runFleet } from "./fleet-run.ts";
import { checkLinks } from "./link-check.ts";
import type { Network } from "./network.ts";
import { type BenchOptions, type StockName, type SystemName, spread } from "./options.ts";
import type { Processes } from "./processes.ts";
import { type BenchReport, type SystemReport, systemReport } from "./report.ts";
import { type Measured, type RunResult, resultOf } from "./result.ts";
import { ARIA2 } from "./stock/aria2.ts";
import type { StockClient } from "./stock/client.ts";
import { HTTP } from "./stock/http.ts";
import { LIBTORRENT, WEBTORRENT } from "./stock/scripted.ts";
import { runStock } from "./stock/stock-run.ts";
import { TRANSMISSION } from "./stock/transmission.ts";

const MAIN = fileURLToPath(new URL("../../cli/main.ts", import.meta.url));
const POLICY_MAIN = fileURLToPath(new URL("policy-main.ts", import.meta.url));
const STOCK: Readonly<Record<StockName, StockClient>> = {
  aria2: ARIA2,
  libtorrent: LIBTORRENT,
  transmission: TRANSMISSION,
  webtorrent: WEBTORRENT,
  http: HTTP,
};
/** The worst stock system measured takes about 17 times the bound at 16 nodes, everything from the origin. */
const TIMEOUT_BOUNDS = 30;
const TIMEOUT_MS_MIN = 120_000;
const BITS_PER_MIB = 8 * 1024 * 1024;
const GIB = 1024 ** 3;

export interface Session {
  readonly options: BenchOptions;
  readonly network: Network;
  readonly processes: Processes;
  readonly directory: string;
  readonly note: (line: string) => void;
}

type FinishedRun = RunResult & { readonly fault: string | null };

/** Rates of the hosts that the options ask for, the origin's first. */
export function ratesOf({ nodes, mbit, originMbit, slow }: BenchOptions): readonly (number | null)[] {
  const slowNodes = slow === null ? new Set<number>() : spread(nodes, slow.share);
  const rates = Array.from({ length: nodes }, (_, index) =>
    mbit !== null && slow !== null && slowNodes.has(index) ? mbit * slow.factor : mbit,
  );
  return [originMbit, ...rates];
}

export async function runSession(session: Session): Promise<BenchReport> {
  const { options, network, processes, note } = session;
  const date = new Date().toISOString();
  await network.open();
  const linkCheck = await checkLinks(processes, network);
  const systems = new Map(options.systems.map((name) => [name, { name, ...availability(name) }]));
  const runs = new Map<SystemName, FinishedRun[]>();
  let pieceLength: number | null = null;
  for (let number = 1; number <= options.runs; number += 1) {
    const content = await makeContent(processes, join(session.directory, "content"), options.mib);
    for (const { name, skipped } of systems.values()) {
      if (skipped !== null) continue;
      note(`${name}, run ${number} of ${options.runs}`);
      const { measured, fault } = await runIn(session, { name, number, content });
      if (fault !== null) note(fault);
      pieceLength = measured.pieceLength;
      runs.set(name, [...(runs.get(name) ?? []), { ...resultOf(measured), fault }]);
    }
  }
  const { jsonPath: _json, workDirectory: _work, logsDirectory: _logs, main: _main, ...shown } = options;
  return {
    format: 1,
    date,
    command: commandOf(process.argv.slice(2)),
    machine: machineOf(),
    commit: commitOf(),
    options: shown,
    artifactBytes: options.mib * 1024 * 1024,
    pieceLength,
    linkCheck,
    systems: [...systems.values()].map(
      (system): SystemReport => systemReport({ ...system, runs: runs.get(system.name) ?? [] }),
    ),
  };
}

interface RunPlan {
  readonly name: SystemName;
  readonly number: number;
  readonly content: Content;
}

async function runIn(
  session: Session,
  { name, number, content }: RunPlan,
): Promise<{ readonly measured: Measured; readonly fault: string | null }> {
  const { options, network, processes } = session;
  const directory = join(session.directory, `${name}-${number}`);
  await mkdir(directory);
  const place = { network, processes, directory, content, timeoutMs: timeoutMsOf(options) };
  const { warmUpMib } = options;
  try {
    if (name !== "fleet") {
      const measured = await runStock({ ...place, client: STOCK[name], pieceKib: options.pieceKib });
      return { measured, fault: null };
    }
    const { pieceKib, fault } = options;
    const warmUp =
      warmUpMib === null ? null : await makeContent(processes, join(directory, "warm-up"), warmUpMib);
    const run = await runFleet({ ...place, command: programOf(options), pieceKib, fault, warmUp });
    const missed = fault === null ? null : "nothing was killed: all was done before";
    return { measured: run.measured, fault: run.fault?.what ?? missed };
  } finally {
    await keepLogs(directory, options.logsDirectory, `${name}-${number}`);
    await rm(directory, { recursive: true, force: true });
  }
}

function programOf({ main, policy }: BenchOptions): readonly string[] {
  if (policy !== null) return [process.execPath, POLICY_MAIN, policy];
  return [process.execPath, main === null ? MAIN : resolve(main)];
}

async function keepLogs(from: string, to: string | null, name: string): Promise<void> {
  if (to === null) return;
  const isLog = (path: string) => path === from || path.endsWith(".log");
  await cp(from, join(to, name), { recursive: true, filter: isLog });
}

function timeoutMsOf({ mib, mbit, originMbit, slow }: BenchOptions): number {
  if (mbit === null || originMbit === null) return TIMEOUT_MS_MIN * 5;
  const slowest = Math.min(originMbit, mbit * (slow?.factor ?? 1));
  return Math.max(TIMEOUT_MS_MIN, (TIMEOUT_BOUNDS * mib * BITS_PER_MIB) / (slowest * 1000));
}

/** Version of a stock client, or why it cannot be measured. */
function availability(name: SystemName): Pick<SystemReport, "version" | "skipped"> {
  if (name === "fleet") return { version: commitOf(), skipped: null };
  const { versionCommand, install } = STOCK[name];
  const [program = "", ...args] = versionCommand;
  try {
    // Some programs print their version to stderr.
    const output = execFileSync("sh", ["-c", '"$0" "$@" 2>&1', program, ...args], { encoding: "utf8" });
    return { version: output.split("\n")[0] ?? null, skipped: null };
  } catch {
    return { version: null, skipped: `not installed: \`${install}\`` };
  }
}

function machineOf(): BenchReport["machine"] {
  return {
    cpus: cpus().length,
    cpuModel: cpus()[0]?.model.trim() ?? "unknown",
    memoryGib: Math.round(totalmem() / GIB),
    kernel: release(),
    node: process.version,
  };
}

function commitOf(): string | null {
  const git = (...args: readonly string[]) =>
    execFileSync("git", args, {
      cwd: import.meta.dirname,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    });
  try {
    const commit = git("rev-parse", "--short=12", "HEAD").trim();
    return git("status", "--porcelain", "--untracked-files=no").trim() === "" ? commit : `${commit}+`;
  } catch {
    return null;
  }
}

/** Without what only says where files go. */
function commandOf(args: readonly string[]): string {
  const isPlace = (arg: string | undefined) => /^--(json|work|logs)(=|$)/.test(arg ?? "");
  const kept = args.filter((arg, index) => {
    const before = args[index - 1];
    return !isPlace(arg) && !(isPlace(before) && !before?.includes("="));
  });
  return `npm run bench:swarm -- ${kept.join(" ")}`;
}
