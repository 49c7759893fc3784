// The benchmark itself, small: it measures, checks every byte, and leaves nothing behind, however it ends.
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { makerOf } from "../../bench/swarm/leftovers.ts";
import type { BenchReport } from "../../bench/swarm/report.ts";

const BENCH = fileURLToPath(new URL("../../bench/swarm.ts", import.meta.url));
const SMALL = ["--nodes", "2", "--mbit", "50", "--mib", "1"];

let work: string;

beforeEach(async () => {
  work = await mkdtemp(path.join(tmpdir(), "bench-swarm-test-"));
});

afterEach(() => rm(work, { recursive: true }));

interface Ended {
  readonly pid: number;
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

async function bench(
  args: readonly string[],
  onNote: (stderr: string, pid: number) => void = () => undefined,
  env: NodeJS.ProcessEnv = process.env,
): Promise<Ended> {
  const child = spawn(process.execPath, [BENCH, ...args, "--work", work], { env });
  const pid = child.pid ?? 0;
  let [stdout, stderr] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
    onNote(stderr, pid);
  });
  const [code] = (await once(child, "close")) as [number | null];
  return { pid, code, stdout, stderr };
}

function leftBy(pid: number): readonly string[] {
  const names = ["/run/netns", "/sys/class/net"].flatMap((directory) => {
    try {
      return readdirSync(directory);
    } catch {
      return [];
    }
  });
  return names.filter((name) => makerOf(name) === pid);
}

it("says plainly what it needs where that is missing", async () => {
  const { code, stderr } = await bench(SMALL, undefined, { PATH: work });
  expect(code).toBe(2);
  expect(stderr).toMatch(/need Linux, root and iproute2/);
  expect(await readdir(work)).toEqual([]);
});

it("says what is wrong with an order, and how it should read", async () => {
  const { code, stderr } = await bench(["--nodes", "2"]);
  expect(code).toBe(2);
  expect(stderr).toMatch(/^bench:swarm: --mbit is missing\n\nusage: /);
});

describe.skipIf(!canShape())("where links can be made (needs root and iproute2)", () => {
  it("measures a fleet on shaped links, byte for byte, and leaves nothing behind", async () => {
    const { pid, code, stdout, stderr } = await bench([...SMALL, "--peers", "http"]);
    expect(code, stderr).toBe(0);
    const { systems, linkCheck } = JSON.parse(stdout) as BenchReport;
    expect(systems.map(({ name, runs }) => [name, runs[0]?.rightNodes])).toEqual([
      ["fleet", 2],
      ["http", 2],
    ]);
    const share = linkCheck?.originToNode;
    expect(share).toBeLessThan(1.02);
    // Nothing that is shaped is faster than its bound.
    for (const { median } of systems) expect(median?.lastOverFluidBound).toBeGreaterThan(1);
    expect(leftBy(pid)).toEqual([]);
    expect(await readdir(work)).toEqual([]);
  });

  it.each([
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ] as const)("removes everything on %s in mid-run", async (signal, expected) => {
    let found: readonly string[] = [];
    const { pid, code } = await bench(SMALL, (stderr, pid) => {
      if (found.length > 0 || !stderr.includes("fleet, run 1")) return;
      found = leftBy(pid);
      process.kill(pid, signal);
    });
    expect(code).toBe(expected);
    expect(found.length).toBeGreaterThan(0);
    expect(leftBy(pid)).toEqual([]);
    expect(await readdir(work)).toEqual([]);
  });

  it("removes what a killed benchmark left", async () => {
    const killed = await bench(SMALL, (stderr, pid) => {
      if (stderr.includes("fleet, run 1")) process.kill(pid, "SIGKILL");
    });
    expect(leftBy(killed.pid).length).toBeGreaterThan(0);
    const { code, stderr } = await bench(SMALL);
    expect(code, stderr).toBe(0);
    expect(leftBy(killed.pid)).toEqual([]);
    expect(await readdir(work)).toEqual([]);
  });
});

function canShape(): boolean {
  const name = `bench-probe-${process.pid}`;
  try {
    execFileSync("ip", ["netns", "add", name], { stdio: "ignore" });
    execFileSync(
      "tc",
      [
        "-n",
        name,
        "qdisc",
        "add",
        "dev",
        "lo",
        "root",
        "tbf",
        "rate",
        "1mbit",
        "burst",
        "32kb",
        "latency",
        "50ms",
      ],
      { stdio: "ignore" },
    );
    return true;
  } catch {
    return false;
  } finally {
    try {
      execFileSync("ip", ["netns", "del", name], { stdio: "ignore" });
    } catch {
      // It was never made.
    }
  }
}
