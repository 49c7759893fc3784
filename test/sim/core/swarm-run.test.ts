// A simulated distribution as a whole: everybody gets everything, no faster than is possible, the same again each time.
import { describe, expect, test } from "vitest";
import type { SwarmOutcome } from "../../../sim/core/outcome.ts";
import { NO_FAULTS, type Scenario } from "../../../sim/core/scenario.ts";
import { simulateSwarm } from "../../../sim/core/swarm-run.ts";
import { GBIT, scenarioOf } from "../support/scenarios.ts";

function run(changes: Partial<Scenario>, nodeCount = 30, seed = 1): SwarmOutcome {
  return simulateSwarm({ scenario: scenarioOf(changes), nodeCount, seed });
}

function lastMs({ completedMs }: SwarmOutcome): number {
  return completedMs.at(-1) ?? Number.NaN;
}

const FLUID_MS = (256 * 1024 * 1024 * 1000) / GBIT;

describe("a simulated swarm", () => {
  test("brings everything to every node, no faster than the links allow and not much slower", () => {
    const outcome = run({});
    expect(outcome).toMatchObject({ nodes: 30, unfinished: 0 });
    expect(outcome.completedMs).toHaveLength(30);
    expect(outcome.completedMs[0]).toBeGreaterThan(FLUID_MS);
    expect(lastMs(outcome) / FLUID_MS).toBeLessThan(1.25);
    expect(outcome.receivedBytes).toBeGreaterThanOrEqual(30 * 256 * 1024 * 1024);
  });

  test.each([1, 2, 3])("is the same run again with the same seed (%i)", (seed) => {
    expect(run({}, 20, seed)).toEqual(run({}, 20, seed));
  });

  test("is another run with another seed", () => {
    expect(run({}, 20, 1).traceHash).not.toBe(run({}, 20, 2).traceHash);
  });

  test("brings a single node everything at the rate of its link", () => {
    const outcome = run({}, 1);
    expect(lastMs(outcome) / FLUID_MS).toBeGreaterThan(1);
    expect(lastMs(outcome) / FLUID_MS).toBeLessThan(1.1);
  });

  test.each(["leaveShare", "vanishShare"])(
    "leaves those behind who are gone (%s), and nobody else",
    (share) => {
      const outcome = run({ faults: { ...NO_FAULTS, [share]: 0.2 } });
      expect(outcome.completedMs).toHaveLength(24);
      expect(outcome.unfinished).toBe(0);
    },
  );

  test("waits longer for those who vanish than for those who hang up", () => {
    const left = run({ faults: { ...NO_FAULTS, leaveShare: 0.2 } });
    const vanished = run({ faults: { ...NO_FAULTS, vanishShare: 0.2 } });
    expect(lastMs(vanished)).toBeGreaterThan(lastMs(left));
  });

  test("takes longer the longer messages wait, and is the run it was when they do not wait", () => {
    const runs = [0, 5, 50].map((messageWaitMs) => run({ messageWaitMs }));
    expect(runs[0]).toEqual(run({}));
    expect(runs.map(({ unfinished }) => unfinished)).toEqual([0, 0, 0]);
    const times = runs.map(lastMs);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
    expect(new Set(times).size).toBe(3);
  });

  test("waits for those who come late", () => {
    const outcome = run({ faults: { ...NO_FAULTS, lateShare: 0.1, lateByMs: 20_000 } });
    expect(outcome.completedMs).toHaveLength(30);
    expect(lastMs(outcome)).toBeGreaterThan(FLUID_MS * 1.5);
  });

  test("finishes while some lose their links again and again", () => {
    const faults = { ...NO_FAULTS, flapShare: 0.2, flapEveryMs: 1_000, flapForMs: 200 };
    expect(run({ faults })).toMatchObject({ unfinished: 0 });
  });

  test("loses what is under way with its link: dead bytes keep no slow node busy", () => {
    const slow = { slowShare: 0.3, slowFactor: 0.2 };
    const faults = { ...NO_FAULTS, ...slow, flapShare: 0.5, flapEveryMs: 2_000, flapForMs: 500 };
    const outcome = run({ faults, pieces: 64 });
    expect(outcome.unfinished).toBe(0);
    // A quarter of the time without links, and a start over after each.
    expect(lastMs(outcome) / (FLUID_MS / slow.slowFactor)).toBeLessThan(2.6);
  });

  test("tells slow nodes from the others", () => {
    const faults = { ...NO_FAULTS, slowShare: 0.1, slowFactor: 0.25 };
    const outcome = run({ faults });
    expect(outcome.healthyCompletedMs).toHaveLength(27);
    expect(lastMs(outcome)).toBeGreaterThan(4 * FLUID_MS);
  });

  test("counts what goes between zones", () => {
    const zones = ["a", "b"].map((name) => ({ name, bytesPerSecond: GBIT }));
    const groups = [0, 1].map((zone) => ({
      name: `in ${zone}`,
      share: 0.5,
      upBytesPerSecond: GBIT,
      downBytesPerSecond: GBIT,
      zone,
    }));
    const outcome = run({ zones, groups });
    expect(outcome.crossZoneBytes).toBeGreaterThanOrEqual(256 * 1024 * 1024);
    expect(outcome.unfinished).toBe(0);
  });

  test("takes longer with each way in which the policy is crippled, on the mean of some seeds", () => {
    const shipped = scenarioOf().policy;
    const meanMs = (policy: Scenario["policy"]): number => {
      const seeds = [1, 2, 3, 4, 5, 6, 7, 8];
      return seeds.reduce((sum, seed) => sum + lastMs(run({ policy }, 20, seed)), 0) / seeds.length;
    };
    const usualMs = meanMs(shipped);
    for (const change of [{ injection: false }, { rings: 1 }, { picking: "in-order" as const }])
      expect(meanMs({ ...shipped, ...change }), JSON.stringify(change)).toBeGreaterThan(usualMs);
  });

  test("narrates what happens to whom", () => {
    const kinds = new Set<string>();
    const scenario = scenarioOf({ pieces: 16 });
    simulateSwarm({ scenario, nodeCount: 3, seed: 1 }, { onEvent: ({ kind }) => kinds.add(kind) });
    expect([...kinds]).toEqual(expect.arrayContaining(["start", "requested", "arrived", "verified", "has"]));
  });
});
