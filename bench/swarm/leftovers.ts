// What a killed benchmark left behind: namespaces, links and folders of a process that is not there any more.
// Removes only what carries the number of a dead benchmark in its name.
import { readdirSync, readFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { namespacePrefix, removeQuietly } from "./network.ts";
import type { Processes } from "./processes.ts";

const OURS = new RegExp(`^${namespacePrefix(0).replace("0", "([0-9]+)")}`);
const OUR_PORT = /^fb([0-9a-z]{1,5})(?:x[0-9]+|br)$/;

/** The process that made the namespace, link or folder of this name; null when no benchmark did. */
export function makerOf(name: string): number | null {
  const pid = OURS.exec(name)?.[1];
  if (pid !== undefined) return Number(pid);
  const port = OUR_PORT.exec(name)?.[1];
  return port === undefined ? null : Number.parseInt(port, 36);
}

export function isLeftOver(name: string, isRunning: (pid: number) => boolean): boolean {
  const maker = makerOf(name);
  return maker !== null && !isRunning(maker);
}

/** Gives the names of what it removed. */
export async function removeLeftovers(
  processes: Processes,
  workDirectory: string,
): Promise<readonly string[]> {
  const stale = (directory: string) => namesIn(directory).filter((name) => isLeftOver(name, isBenchmark));
  const namespaces = stale("/run/netns");
  for (const namespace of namespaces) await killAllIn(processes, namespace);
  const ports = stale("/sys/class/net");
  const removals = [
    ...ports.map((name) => `link del ${name}`),
    ...namespaces.map((name) => `netns del ${name}`),
  ];
  if (removals.length > 0) await removeQuietly(processes, removals);
  const folders = stale(workDirectory);
  for (const name of folders) await rm(join(workDirectory, name), { recursive: true, force: true });
  return [...namespaces, ...ports, ...folders];
}

/** Whatever still runs in a namespace that only a dead benchmark knew of was started by it. */
async function killAllIn(processes: Processes, namespace: string): Promise<void> {
  const env = { PATH: process.env.PATH };
  const pids = await processes.run(["ip", "netns", "pids", namespace], { cwd: "/", env }).catch(() => "");
  for (const pid of pids.split("\n").filter((line) => line !== "")) {
    try {
      process.kill(Number(pid), "SIGKILL");
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
    }
  }
}

/** Numbers are used again, so a process that is something else counts as gone. */
function isBenchmark(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("bench/swarm");
  } catch {
    return false;
  }
}

function namesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}
