// `fleet sim run` and `fleet sim trace`: what they print, write and exit with, on small fleets and on made-up runs.
import { readdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { createContext } from "../../../cli/command.ts";
import { type SimRunFlags, simulateFleet } from "../../../cli/commands/sim-run.ts";
import { paintWith } from "../../../cli/format/text.ts";
import { createOutput } from "../../../cli/output.ts";
import { simResultsSchema } from "../../../cli/sim/results-schema.ts";
import type { RunAll } from "../../../sim/shell/run-pool.ts";
import { fakeOutcome, fakePool } from "../../sim/support/fake-swarm.ts";
import { failure } from "../../support/failure.ts";
import { temporaryFolder } from "../../support/folders.ts";
import { fleet, TestHost, type TestHostOptions } from "../support/test-host.ts";

let folder: string;

beforeEach(async () => {
  folder = await temporaryFolder();
});

const SMALL = ["--nodes", "3,6", "--size", "1MiB", "--pieces", "8", "--up", "100Mbit", "--seeds", "2"];

/** One command with a pool of the test's choice. */
function simulate(
  flags: SimRunFlags,
  { run = fakePool(), ...options }: TestHostOptions & { run?: RunAll } = {},
) {
  const host = new TestHost({ cwd: folder, ...options });
  const context = createContext(host, createOutput(host, false), flags);
  return { host, outcome: simulateFleet(context, { seeds: "2", ...flags }, run) };
}

async function scenarioFile(limits: string): Promise<string> {
  const name = path.join(folder, "site.yaml");
  const fleetLines =
    "nodes: [10, 100]\nsize: 64MB\npieces: 64\norigin: { up: 100Mbit }\ngroups: [{ up: 100Mbit }]\n";
  await writeFile(name, fleetLines + limits);
  return name;
}

describe("fleet sim run", () => {
  it("shows what was simulated and one row for each fleet size", async () => {
    const { code, stdout, stderr } = await fleet(["sim", "run", ...SMALL], { cwd: folder });
    expect(code).toBe(0);
    const lines = stdout.split("\n");
    expect(lines[0]).toBe("artifact    1MiB in 8 pieces");
    expect(lines).toContainEqual(
      expect.stringMatching(/^NODES +LAST +P50 +P99 +BOUND +LAST\/BOUND +ORIGIN\/SIZE$/),
    );
    expect(lines).toContainEqual(expect.stringMatching(/^ +3 +0\.\d\d s .* B4 +\d\.\d{3} +\d\.\d{3}$/));
    expect(lines).toContainEqual(expect.stringMatching(/^ +6 +/));
    // One line for each run, on the other stream.
    expect(stderr.trimEnd().split("\n").toSorted()[0]).toMatch(/^fleet, 3 nodes, seed 1: last 0\.\d\d s$/);
    expect(stderr.trimEnd().split("\n")).toHaveLength(4);
  });

  it("prints the same numbers every time, in the published shape", async () => {
    const first = await fleet(["sim", "run", ...SMALL, "--json"], { cwd: folder });
    const second = await fleet(["sim", "run", ...SMALL, "--json"], { cwd: folder });
    expect(first.stdout).toBe(second.stdout);
    const results = simResultsSchema.decode(first.host.lastJson, "results");
    expect(results.sizes.map(({ nodes }) => nodes)).toEqual([3, 6]);
    expect(results.seeds).toEqual([1, 2]);
    expect(results.command).toBe("fleet sim run --nodes 3,6 --size 1MiB --pieces 8 --up 100Mbit --seeds 2");
    expect(results.violations).toEqual([]);
    const [one, two] = results.sizes[0]?.perSeed ?? [];
    expect(one?.traceHash).not.toBe(two?.traceHash);
  });

  it("has in its results every field and no other", async () => {
    const { outcome } = simulate({});
    const { json } = await outcome;
    expect(simResultsSchema.decode(json, "")).toEqual(json);
  });

  it("writes results.json as it prints it, charts, and a report that has the numbers in it", async () => {
    const { outcome } = simulate({ out: "report" });
    const { json, exitCode } = await outcome;
    expect(exitCode).toBe(0);
    const written: unknown = JSON.parse(await readFile(path.join(folder, "report/results.json"), "utf8"));
    expect(written).toEqual(json);
    const names = (await readdir(path.join(folder, "report"))).toSorted();
    expect(names.filter((name) => !name.endsWith(".svg"))).toEqual(["report.html", "results.json"]);
    expect(names.filter((name) => name.endsWith(".svg")).length).toBeGreaterThanOrEqual(4);
    const page = await readFile(path.join(folder, "report/report.html"), "utf8");
    expect(page).toContain("fleet sim run");
    expect(page).toContain("1GiB in 512 pieces");
  });

  it("simulates nothing when it could not write the results", async () => {
    await writeFile(path.join(folder, "file"), "");
    const run: RunAll = async () => expect.unreachable("simulated for nothing");
    await expect(simulate({ out: "file", run } as SimRunFlags, { run }).outcome).rejects.toMatchObject(
      failure("storage-failed", /^cannot write to /),
    );
  });

  it("shows expectations, and exits with 1 when one was missed", async () => {
    const file = await scenarioFile(
      'expect: { lastOverBound: "<= 1.2" }\nsizes: { 100: { lastOverBound: "<= 1.05" } }',
    );
    const { exitCode, text, failure: told } = await simulate({ scenario: file }).outcome;
    expect(exitCode).toBe(1);
    expect(told).toMatchObject({
      code: "simulation-missed",
      message: "1 expectation of the scenario missed",
    });
    expect(text?.(paintWith(false)).slice(-2)).toEqual([
      "as expected  lastOverBound <= 1.2 at 10 nodes: 1.1",
      "missed  lastOverBound <= 1.05 at 100 nodes: 1.1",
    ]);
  });

  it("exits with 3 when a run was faster than can be, and names the run", async () => {
    const broken = fakePool((run) => fakeOutcome(run, run.seed === 2 ? { first: 0.9, last: 0.95 } : {}));
    const { exitCode, failure: told } = await simulate({ nodes: "10" }, { run: broken }).outcome;
    expect(exitCode).toBe(3);
    expect(told?.code).toBe("simulation-impossible");
    expect(told?.message).toMatch(
      /^fleet, 10 nodes, seed 2: the last node had everything after .* before bound B4/,
    );
  });

  it("shows progress with what is left on a terminal, and no line for each run", async () => {
    let now = 0;
    const run: RunAll = async (runs, options = {}) => {
      now += 1000;
      options.onProgress?.(0, 0.5);
      now += 1000;
      options.onProgress?.(1, 0.5);
      return fakePool()(runs, options);
    };
    const { host, outcome } = simulate({ nodes: "10" }, { run, isTTY: true, columns: 100, now: () => now });
    await outcome;
    expect(host.stderr.text).toMatch(/simulate .* 25% {2}0 of 2 runs {2}ETA 3s/);
    expect(host.stderr.text).toMatch(/ 50% {2}0 of 2 runs {2}ETA 2s/);
    expect(host.stderr.text).not.toContain("seed 1");
    expect(host.openListeners).toBe(0);
  });

  it("stops on Ctrl-C", async () => {
    const run: RunAll = (_runs, { signal } = {}) =>
      new Promise((_, reject) => signal?.addEventListener("abort", () => reject(new Error("stopped"))));
    const { host, outcome } = simulate({ nodes: "10" }, { run });
    host.signal("SIGINT");
    await expect(outcome).rejects.toMatchObject(
      failure("interrupted", /^stopped before all simulations had run$/),
    );
    expect(host.openListeners).toBe(0);
  });

  it.each([
    [["--nodes", "many"], /--nodes many: expected a whole number from 1 to 100000/],
    [["--scenario", "missing.yaml"], /there is no scenario file .*missing\.yaml/],
  ])("refuses %j with exit code 2", async (flags, message) => {
    const { code, stdout, stderr } = await fleet(["sim", "run", ...flags], { cwd: folder });
    expect(code).toBe(2);
    expect(stdout).toBe("");
    expect(stderr).toMatch(message);
  });
});

describe("fleet sim trace", () => {
  it("tells a small run in the order of time, to the last piece", async () => {
    const { code, stdout } = await fleet(["sim", "trace", "--nodes", "2", "--pieces", "3"], { cwd: folder });
    expect(code).toBe(0);
    const lines = stdout.trimEnd().split("\n");
    const times = lines.slice(0, -1).map((line) => Number.parseFloat(line));
    expect(times).toEqual(times.toSorted((a, b) => a - b));
    for (const node of ["node 0", "node 1"]) {
      expect(lines.filter((line) => line.includes(`${node} has verified`))).toHaveLength(3);
      expect(lines.filter((line) => line.endsWith(`${node} has everything`))).toHaveLength(1);
    }
    expect(lines.at(-2)).toMatch(/the last node has everything: \d\.\d\d times bound B\d$/);
    expect(lines.at(-1)).toMatch(/^trace [0-9a-f]{16}$/);
  });

  it("tells messages too when asked for all", async () => {
    const args = ["sim", "trace", "--nodes", "2", "--pieces", "3"];
    const [story, all] = [
      await fleet(args, { cwd: folder }),
      await fleet([...args, "--all"], { cwd: folder }),
    ];
    expect(story.stdout).not.toContain("hears that");
    expect(all.stdout).toContain("hears that");
  });

  it("is one object a line under --json, and the run at the end", async () => {
    const { host } = await fleet(["sim", "trace", "--nodes", "2", "--pieces", "3", "--json"], {
      cwd: folder,
    });
    expect(host.jsonLines[0]).toEqual({
      ...{ kind: "sim-event", event: "start", from: null, piece: null },
      ...{ atMs: expect.any(Number) as number, to: expect.stringMatching(/^node \d$/) as string },
    });
    expect(host.lastJson).toMatchObject({ kind: "sim-trace", nodes: 2, pieces: 3, seed: 1 });
  });

  it.each([
    [["--nodes", "51"], /^error: 51 nodes and 8 pieces make a very long story\n {2}Give at most 50 nodes/],
    [["--pieces", "65"], /4 nodes and 65 pieces make a very long story/],
    [["--nodes", "2,3"], /--nodes: one run is told/],
    [["--seed", "x"], /--seed x: expected/],
  ])("refuses %j", async (flags, message) => {
    const { code, stderr } = await fleet(["sim", "trace", ...flags], { cwd: folder });
    expect(code).toBe(2);
    expect(stderr).toMatch(message);
  });

  it("tells a longer story when forced", async () => {
    const { code } = await fleet(["sim", "trace", "--nodes", "51", "--pieces", "1", "--force"], {
      cwd: folder,
    });
    expect(code).toBe(0);
  });
});
