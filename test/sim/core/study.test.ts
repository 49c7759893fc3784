// A scenario's runs, and what they come to: which runs there are, and that a run that cannot be is told.
import { describe, expect, it } from "vitest";
import { boundsOfRun } from "../../../sim/core/run-bounds.ts";
import { NO_FAULTS } from "../../../sim/core/scenario.ts";
import { resultOf, runsOf, type Study } from "../../../sim/core/study.ts";
import { simulateSwarm } from "../../../sim/core/swarm-run.ts";
import { fakeOutcome, scenario } from "../support/fake-swarm.ts";

const study: Study = { scenario: scenario(), seeds: [1, 2], ceilings: [] };
const faulty: Study = {
  scenario: scenario({ faults: { ...NO_FAULTS, slowShare: 0.1, slowFactor: 0.5 } }),
  seeds: [1, 2],
  ceilings: [{ metric: "p99OverClean", operator: "<=", limit: 3, nodes: null }],
};

describe("the runs of a study", () => {
  it("are every size with every seed", () => {
    expect(runsOf(study).map(({ nodeCount, seed }) => [nodeCount, seed])).toEqual([
      [10, 1],
      [10, 2],
      [100, 1],
      [100, 2],
    ]);
  });

  it("are made without faults too when something is expected of the difference", () => {
    const runs = runsOf(faulty);
    expect(runs).toHaveLength(8);
    expect(runs.map(({ scenario: each }) => each.faults.slowShare)).toEqual([0.1, 0.1, 0.1, 0.1, 0, 0, 0, 0]);
  });
});

describe("the result of a study", () => {
  it("has a summary for each size and nothing against plausible runs", () => {
    const { sizes, violations } = resultOf(
      study,
      runsOf(study).map((run) => fakeOutcome(run)),
    );
    expect(sizes.map(({ nodes, perSeed }) => [nodes, perSeed.map(({ seed }) => seed)])).toEqual([
      [10, [1, 2]],
      [100, [1, 2]],
    ]);
    expect(violations).toEqual([]);
    expect(sizes[1]?.pieceTimesPerDoubling).not.toBeNull();
  });

  it("compares with the runs without faults", () => {
    const { sizes, ceilings } = resultOf(
      faulty,
      runsOf(faulty).map((run) => fakeOutcome(run, { last: 1.1 })),
    );
    // Half the rate for the slow ones: the bound, and with it the made-up times, are twice those of the clean fleet.
    expect(sizes.map(({ p99OverClean }) => p99OverClean)).toEqual([
      expect.closeTo(1.9, 0),
      expect.closeTo(1.9, 0),
    ]);
    expect(ceilings.map(({ ok }) => ok)).toEqual([true, true]);
  });

  it("names the run that broke a rule", () => {
    const outcomes = runsOf(study).map((run) => fakeOutcome(run));
    const broken = outcomes.map((outcome, index) =>
      index === 3 ? { ...outcome, completedMs: outcome.completedMs.map((at) => at / 2) } : outcome,
    );
    const { violations } = resultOf(study, broken);
    expect(violations[0]).toMatch(/^plain, 100 nodes, seed 2: the last node had everything after .* B4/);
  });

  it("leaves a size away of which a run had nobody finish, and says so", () => {
    const outcomes = runsOf(study).map((run) => fakeOutcome(run));
    const stuck = outcomes.map((outcome, index) =>
      index === 0 ? { ...outcome, completedMs: new Float64Array(), unfinished: 10 } : outcome,
    );
    const { sizes, violations } = resultOf(study, stuck);
    expect(sizes.map(({ nodes }) => nodes)).toEqual([100]);
    expect(violations).toContain("plain, 10 nodes, seed 1: 10 of 10 nodes that stayed never had everything");
  });
});

describe("the bounds of a run", () => {
  const leaving = scenario({
    sizes: [40],
    faults: { ...NO_FAULTS, leaveShare: 0.2, slowShare: 0.1, slowFactor: 0.5 },
  });

  it("are of the nodes that stay, and of those that the seed made slow", () => {
    const run = { scenario: leaving, nodeCount: 40, seed: 3 };
    const { completedMs, healthyCompletedMs } = simulateSwarm(run);
    const bounds = boundsOfRun(run);
    const slow = bounds.ownSeconds.filter((seconds) => seconds > 6);
    expect(slow).toHaveLength(4);
    // The engine drew the same faults: exactly those that were slow and stayed are missing among the healthy.
    expect(completedMs.length - healthyCompletedMs.length).toBeLessThanOrEqual(4);
    expect(bounds.seconds.B2).toBe(completedMs.length > healthyCompletedMs.length ? 10.24 : 5.12);
  });

  it.each([
    [
      "that leave, are slow and come late",
      { leaveShare: 0.1, vanishShare: 0.1, slowShare: 0.1, slowFactor: 0.2, lateShare: 0.1, lateByMs: 2_000 },
    ],
    ["that lose their links", { flapShare: 0.1, flapEveryMs: 2_000, flapForMs: 500 }],
  ])("are kept by runs of the engine with nodes %s", (_, faults) => {
    const world = scenario({ sizes: [30], faults: { ...NO_FAULTS, ...faults } });
    const real: Study = { scenario: world, seeds: [1, 2, 3], ceilings: [] };
    const { violations } = resultOf(
      real,
      runsOf(real).map((run) => simulateSwarm(run)),
    );
    expect(violations).toEqual([]);
  });
});
