// `fleet sim check`: baselines made, kept, missed and refused, and the exit code of each, on made-up runs.
import { readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { createContext, type Outcome } from "../../../cli/command.ts";
import { checkScenarios } from "../../../cli/commands/sim-check.ts";
import { paintWith } from "../../../cli/format/text.ts";
import { createOutput } from "../../../cli/output.ts";
import { simCheckSchema } from "../../../cli/sim/check-schema.ts";
import { GATE_SEEDS } from "../../../sim/core/gate.ts";
import type { SimulationRun } from "../../../sim/core/run-bounds.ts";
import { fakeOutcome, fakePool } from "../../sim/support/fake-swarm.ts";
import { failure } from "../../support/failure.ts";
import { temporaryFolder } from "../../support/folders.ts";
import { fleet, TestHost } from "../support/test-host.ts";

const FLEET =
  "nodes: [10, 100]\nsize: 64MB\npieces: 64\norigin: { up: 100Mbit }\ngroups: [{ up: 100Mbit }]\n";
const unreachable = fakePool(() => expect.unreachable("nothing was to be simulated"));

let folder: string;

beforeEach(async () => {
  folder = await temporaryFolder();
  await write("a.yaml", FLEET);
  await write("b.yaml", `${FLEET}rtt: 5ms\n`);
});

function write(name: string, content: string): Promise<void> {
  return writeFile(path.join(folder, name), content);
}

interface Checked {
  readonly scenarios?: readonly string[];
  readonly update?: boolean;
  /** How many times later the last node is than usual, by run. */
  readonly slower?: (run: SimulationRun) => number;
  readonly run?: typeof unreachable;
}

function check({ scenarios = [], update = false, slower = () => 1, run }: Checked = {}): Promise<Outcome> {
  const host = new TestHost({ cwd: folder });
  const flags = { baseline: "baseline.json", update };
  const context = createContext(host, createOutput(host, false), {});
  const pool = fakePool((each) => fakeOutcome(each, { last: 1.1 * slower(each) }));
  return checkScenarios(context, scenarios, { flags, run: run ?? pool });
}

function linesOf(outcome: Outcome): readonly string[] {
  return outcome.text?.(paintWith(false)) ?? [];
}

describe("without a baseline", () => {
  it("nothing is simulated, and the exit code is 4", async () => {
    await expect(check({ run: unreachable })).rejects.toMatchObject({
      exitCode: 4,
      ...failure("baseline-unusable", /^there is no baseline .*baseline\.json$/),
    });
  });

  it("--update makes one of every scenario in the folder", async () => {
    const outcome = await check({ update: true });
    expect(outcome.exitCode).toBe(0);
    expect(linesOf(outcome).at(-1)).toMatch(/^wrote .*baseline\.json$/);
    expect((await check()).exitCode).toBe(0);
  });
});

describe("with a baseline", () => {
  beforeEach(async () => {
    await check({ update: true });
  });

  it("the same again passes, in one line, with every seed run", async () => {
    const seeds = new Set<number>();
    const pool = fakePool((run) => {
      seeds.add(run.seed);
      return fakeOutcome(run);
    });
    const outcome = await check({ run: pool });
    expect(outcome.exitCode).toBe(0);
    expect(linesOf(outcome)).toEqual(["2 scenarios: 0 of 24 figures moved, 0 of 0 expectations missed"]);
    expect([...seeds]).toEqual(GATE_SEEDS);
  });

  it("slower exits with 1 and a table of what moved and by how much", async () => {
    const outcome = await check({
      slower: ({ scenario, nodeCount }) => (scenario.name === "b" && nodeCount === 100 ? 1.05 : 1),
    });
    expect(outcome.exitCode).toBe(1);
    expect(outcome.failure).toMatchObject({
      code: "simulation-missed",
      message: "4 figures worse than the baseline",
    });
    const lines = linesOf(outcome);
    expect(lines[0]).toMatch(/^SCENARIO +NODES +FIGURE +BASELINE +NOW +CHANGE +ALLOWED +EACH SEED$/);
    expect(lines.filter((line) => line.startsWith("b "))).toHaveLength(4);
    expect(lines).toContainEqual(
      expect.stringMatching(
        /^b +100 +lastSeconds +6\.\d+ s +6\.\d+ s +\+5\.0% +1\.0% +\+5\.0% to \+5\.0% +worse$/,
      ),
    );
  });

  it("faster exits with 1 too, and asks for a new baseline", async () => {
    const outcome = await check({ slower: () => 0.97 });
    expect(outcome.exitCode).toBe(1);
    expect(outcome.failure?.message).toMatch(/^\d+ figures better than the baseline$/);
    expect(outcome.failure?.next).toContain("run with --update");
    expect((await check({ slower: () => 0.97, update: true })).exitCode).toBe(0);
    expect((await check({ slower: () => 0.97 })).exitCode).toBe(0);
  });

  it("a change within the allowance passes", async () => {
    expect((await check({ slower: () => 1.008 })).exitCode).toBe(0);
  });

  it("a missed expectation exits with 1 although nothing moved", async () => {
    await write("a.yaml", `${FLEET}expect: { lastOverBound: "<= 1.05" }\n`);
    const outcome = await check();
    expect(outcome.exitCode).toBe(1);
    expect(outcome.failure?.message).toBe("2 expectations missed");
    expect(linesOf(outcome)[0]).toBe("a: missed  lastOverBound <= 1.05 at 10 nodes: 1.1");
  });

  it("--update does not make a missed expectation right", async () => {
    await write("a.yaml", `${FLEET}expect: { lastOverBound: "<= 1.05" }\n`);
    const outcome = await check({ update: true });
    expect(outcome.exitCode).toBe(1);
    expect(linesOf(outcome).at(-1)).toMatch(/^wrote /);
  });

  it("a run that beats its bound exits with 3, and is never made a baseline", async () => {
    const before = await readFile(path.join(folder, "baseline.json"), "utf8");
    const broken = fakePool((run) => fakeOutcome(run, { first: 0.5, last: 0.99 }));
    const outcome = await check({ run: broken, update: true });
    expect(outcome.exitCode).toBe(3);
    expect(outcome.failure?.code).toBe("simulation-impossible");
    expect(await readFile(path.join(folder, "baseline.json"), "utf8")).toBe(before);
  });

  it("nodes that never finish exit with 3", async () => {
    const stuck = fakePool((run) => ({ ...fakeOutcome(run), unfinished: 1 }));
    const outcome = await check({ run: stuck });
    expect(outcome.exitCode).toBe(3);
    expect(outcome.failure?.message).toContain(
      "a, 10 nodes, seed 1: 1 of 10 nodes that stayed never had everything",
    );
  });

  it.each<[string, () => Promise<void>, RegExp]>([
    [
      "another scenario under the same name",
      () => write("b.yaml", `${FLEET}rtt: 6ms\n`),
      /b has changed since/,
    ],
    ["a scenario it has not", () => write("c.yaml", FLEET), /c is not in it/],
    ["a scenario that is gone", () => rm(path.join(folder, "b.yaml")), /b has no scenario any more/],
    ["a file that is no baseline", () => write("baseline.json", "{}"), /is no baseline/],
  ])("%s exits with 4, before anything is simulated", async (_, change, message) => {
    await change();
    await expect(check({ run: unreachable })).rejects.toMatchObject({
      exitCode: 4,
      ...failure("baseline-unusable", message),
    });
  });

  it("one scenario can be checked, and renewed, without the others", async () => {
    expect((await check({ scenarios: ["a.yaml"] })).exitCode).toBe(0);
    expect((await check({ scenarios: ["b.yaml"], update: true, slower: () => 1.5 })).exitCode).toBe(0);
    expect((await check({ scenarios: ["a.yaml"] })).exitCode).toBe(0);
    expect((await check({ scenarios: ["b.yaml"] })).exitCode).toBe(1);
  });

  it("a policy that was crippled is judged by the baseline of the one that ships", async () => {
    await write("a.yaml", `${FLEET}policy: { injection: false }\n`);
    const slower = ({ scenario }: SimulationRun) => (scenario.policy.injection ? 1 : 1.2);
    expect((await check({ slower })).exitCode).toBe(1);
  });

  it("prints every figure as JSON in the published shape", async () => {
    const { json } = await check({ slower: ({ nodeCount }) => (nodeCount === 10 ? 1.05 : 1) });
    const report = simCheckSchema.decode(json, "");
    expect(report).toEqual(json);
    expect(report.exitCode).toBe(1);
    const row = report.scenarios[0]?.rows.find(({ metric }) => metric === "lastSeconds");
    expect(row).toMatchObject({ nodes: 10, verdict: "worse" });
    expect(row?.change).toBeCloseTo(0.05);
    expect(row?.changePerSeed).toHaveLength(10);
  });
});

describe("asked for wrongly", () => {
  it.each([
    [["sim", "check"], /required option '--baseline <file>' not specified/],
    [["sim", "check", "x.yaml", "--baseline", "b.json"], /there is no scenario file .*x\.yaml/],
    [["sim", "check", "empty", "--baseline", "b.json"], /there is no scenario file .*empty/],
  ])("%j exits with 2", async (args, message) => {
    const { code, stderr } = await fleet(args, { cwd: folder });
    expect(code).toBe(2);
    expect(stderr).toMatch(message);
  });

  it("a folder without scenarios exits with 2", async () => {
    const empty = await temporaryFolder();
    const { code, stderr } = await fleet(["sim", "check", empty, "--baseline", "b.json"], { cwd: folder });
    expect(code).toBe(2);
    expect(stderr).toContain("there is no scenario, a .yaml file, in ");
  });

  it("two scenarios of one name exit with 2", async () => {
    await write("c.yaml", `name: a\n${FLEET}`);
    await expect(check({ run: unreachable })).rejects.toMatchObject(
      failure("usage", /^two scenarios are called a$/),
    );
  });
});
