// `fleet sim rollout`: what it prints for one rollout and for several, and how it refuses what makes no sense.
import { describe, expect, it } from "vitest";
import { expectedComputingMs, simRolloutRequest } from "../../../cli/sim/rollout-flags.ts";
import { simRolloutResultSchema } from "../../../sim/core/rollout-result.ts";
import { DEFAULT_ROLLOUT } from "../../../sim/core/rollout-scenario.ts";
import { fleet } from "../support/test-host.ts";

const run = (...args: string[]) => fleet(["sim", "rollout", ...args]);
const golden = (name: string): string => `../../golden/cli-sim-rollout-${name}.txt`;

describe("fleet sim rollout", () => {
  it.each([
    ["good", ["--nodes", "500", "--rolling", "10%"]],
    ["stopped", ["--nodes", "500", "--rolling", "10%", "--fail", "3%"]],
    ["in-part", ["--nodes", "50", "--lose", "20%", "--slow", "10%"]],
    ["unnoticed", ["--nodes", "9", "--fail", "50%", "--fail-after", "30s"]],
    ["several", ["--nodes", "50", "--fail", "2%", "--lose", "1%", "--runs", "12"]],
    ["trace", ["--nodes", "3", "--all-at-once", "--stage-seconds", "20-60", "--trace"]],
  ])("tells people how it went: %s", async (name, args) => {
    const { code, stdout, stderr } = await run(...args);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    await expect(stdout).toMatchFileSnapshot(golden(name));
  });

  it("breaks its lines where the terminal ends", async () => {
    const args = ["sim", "rollout", "--nodes", "500", "--fail", "3%"];
    const { stdout } = await fleet(args, { isTTY: true, columns: 60, env: { NO_COLOR: "1" } });
    const facts = stdout.split("\n").filter((line) => line.startsWith("   "));
    expect(facts.length).toBeGreaterThan(0);
    for (const line of facts) expect(line.length).toBeLessThanOrEqual(60);
  });

  it("prints one object of the published shape with --json, the events in it with --trace", async () => {
    const { code, host } = await run("--nodes", "20", "--fail", "10%", "--seed", "7", "--trace", "--json");
    expect(code).toBe(0);
    expect(host.jsonLines).toHaveLength(1);
    const result = simRolloutResultSchema.decode(host.lastJson, "");
    expect(result).toMatchObject({ nodes: 20, runs: [{ seed: 7 }], faults: { failShare: 0.1 } });
    expect(result.trace?.at(-1)?.kind).toBe("rollout-finished");
    expect((await run("--nodes", "20", "--json")).host.lastJson.trace).toBeNull();
  });

  it("exits with 0 however the rollout ended", async () => {
    const { code, host } = await run("--nodes", "5", "--fail", "100%", "--json");
    expect(code).toBe(0);
    expect(host.lastJson).toMatchObject({ runs: [{ phase: "rolled-back" }] });
  });

  it.each([
    [["--nodes", "0"], "--nodes 0: expected a whole number from 1 to 100000"],
    [["--nodes", "many"], "--nodes many: expected a whole number"],
    [["--fail", "3"], "--fail 3: expected a share of the nodes from 0% to 100%"],
    [["--lose", "101%"], "--lose 101%: expected a share of the nodes from 0% to 100%"],
    [["--slow", "-1%"], "--slow -1%: expected a share of the nodes"],
    [["--slow-factor", "0"], "--slow-factor 0: expected a whole number from 1"],
    [["--fail-after", "soon"], "--fail-after soon: expected a duration such as 500ms"],
    [["--start-time", "5s-1s"], "--start-time 5s-1s: expected a duration such as 2s, or two such as 1s-5s"],
    [["--start-time", "1s-2s-3s"], "--start-time 1s-2s-3s: expected a duration"],
    [
      ["--probe-time", "3s"],
      "--probe-time 3s: expected a duration such as 2s, or two such as 1s-5s, at most 2s",
    ],
    [["--stage-seconds", "9999"], "--stage-seconds 9999: expected seconds such as 60, or two such as 30-90"],
    [["--stage-seconds", "90-30"], "--stage-seconds 90-30: expected seconds"],
    [["--runs", "5", "--trace"], "--trace tells of one run, so it goes without --runs"],
    [["--all-at-once", "--canary", "2"], "--all-at-once goes without --rolling and --canary"],
    [["--rolling", "0%"], "--rolling 0%: expected a number of nodes from 1, or 1% to 100%"],
    [["--health-timeout", "3s"], "--health-timeout 3s is over before 3 rounds 2s apart can pass"],
    [["--budget", "5"], "unknown option '--budget'"],
  ])("refuses %j", async (args, message) => {
    const { code, stdout, stderr } = await run(...args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toContain(message);
  });

  it("names its own help, not that of its group", async () => {
    const { stderr } = await run("--nodes", "0");
    expect(stderr).toContain("`fleet sim rollout --help` shows what it takes.");
  });
});

describe("the flags of fleet sim rollout", () => {
  it("mean the documented scenario when there are none", () => {
    expect(simRolloutRequest({})).toEqual({ scenario: DEFAULT_ROLLOUT, seeds: [1], trace: false });
  });

  it("become the scenario, one by one", () => {
    const { scenario, seeds } = simRolloutRequest({
      ...{
        nodes: "7",
        rolling: "3",
        canary: "2",
        healthTimeout: "1m",
        fail: "0.5%",
        failAfter: "1m",
        lose: "2%",
      },
      ...{ slow: "100%", slowFactor: "9", stageSeconds: "30-90", stopTime: "1s", startTime: "2s-3s" },
      ...{ probeTime: "10ms-1s", interval: "1s", successes: "5", hookTimeout: "40s", messageDelay: "50ms" },
      ...{ coordinatorRate: "200", seed: "0", runs: "3" },
    });
    expect(seeds).toEqual([0, 1, 2]);
    expect(scenario).toEqual({
      nodes: 7,
      strategy: { canary: 2, rolling: { kind: "nodes", value: 3 }, healthTimeoutMs: 60_000 },
      stage: { minMs: 30_000, maxMs: 90_000 },
      activation: {
        stop: { minMs: 1_000, maxMs: 1_000 },
        switchMs: 10,
        start: { minMs: 2_000, maxMs: 3_000 },
        probe: { minMs: 10, maxMs: 1_000 },
        hookTimeoutMs: 40_000,
        health: { intervalMs: 1_000, timeoutMs: 2_000, successes: 5, startPeriodMs: 0 },
      },
      control: { delayMs: 50, serviceMs: 5 },
      faults: { failShare: 0.005, failAfterMs: 60_000, loseShare: 0.02, slowShare: 1, slowFactor: 9 },
    });
  });

  it("tell how long computing will take: with the square of the nodes, each run, twice when some vanish", () => {
    const computing = (flags: Parameters<typeof simRolloutRequest>[0]) =>
      expectedComputingMs(simRolloutRequest(flags));
    expect(computing({ nodes: "1000", runs: "10" })).toBeCloseTo(10 * computing({ nodes: "1000" }), 6);
    expect(computing({ nodes: "10000" })).toBeCloseTo(100 * computing({ nodes: "1000" }), 6);
    expect(computing({ nodes: "1000", lose: "1%" })).toBeCloseTo(2 * computing({ nodes: "1000" }), 6);
  });
});
