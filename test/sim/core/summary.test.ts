// One fleet size from its runs: medians over seeds, and the run that stands for all of them.
import { describe, expect, it } from "vitest";
import type { SwarmOutcome } from "../../../sim/core/outcome.ts";
import { boundsOfRun } from "../../../sim/core/run-bounds.ts";
import type { Scenario } from "../../../sim/core/scenario.ts";
import { compareWithClean, summarise, withSlopes } from "../../../sim/core/summary.ts";
import { fakeOutcome, scenario } from "../support/fake-swarm.ts";

function summary(world: Scenario, outcomes: readonly SwarmOutcome[]) {
  const runs = outcomes.map((outcome) => ({
    outcome,
    bounds: boundsOfRun({ scenario: world, nodeCount: outcome.nodes, seed: outcome.seed }),
  }));
  return summarise(runs, { bytes: world.artifactBytes, pieces: world.pieces });
}

function outcome(seed: number, last: number, changes: Partial<SwarmOutcome> = {}): SwarmOutcome {
  const run = { scenario: scenario(), nodeCount: 100, seed };
  const made = fakeOutcome(run, { last });
  const availability = [{ atMs: seed, copiesMin: 0, copiesMedian: 0, copiesMax: 0, doneShare: 0 }];
  return { ...made, availability, ...changes };
}

describe("a summary", () => {
  it("has of every figure the median over the seeds", () => {
    const seeds = [outcome(1, 1.3), outcome(2, 1.1), outcome(3, 1.2, { originBytes: 64_000_000 })];
    const { lastOverBound, lastSeconds, originBytesOverSize, perSeed } = summary(scenario(), seeds);
    expect(lastOverBound).toBeCloseTo(1.2, 2);
    expect(lastSeconds).toBe(perSeed[2]?.lastSeconds);
    expect(originBytesOverSize).toBe(1.25);
    expect(perSeed.map(({ originBytesOverSize: each }) => each)).toEqual([1.25, 1.25, 1]);
  });

  it("shows the completion and the availability of the run in the middle", () => {
    const { availability, completionSeconds, lastSeconds, p50Seconds } = summary(scenario(), [
      outcome(1, 1.3),
      outcome(2, 1.1),
      outcome(3, 1.2),
    ]);
    expect(availability.map(({ atMs }) => atMs)).toEqual([3]);
    expect(completionSeconds).toHaveLength(101);
    expect(completionSeconds[100]).toBe(lastSeconds);
    expect(completionSeconds[50]).toBe(p50Seconds);
  });

  it("of two runs shows the faster one", () => {
    expect(summary(scenario(), [outcome(1, 1.3), outcome(2, 1.1)]).availability[0]?.atMs).toBe(2);
  });

  it("counts what was received for each node that finished", () => {
    const bytes = { receivedBytes: 64_000_000 * 100 * 1.5 };
    expect(summary(scenario(), [outcome(1, 1.1, bytes)]).receivedBytesOverSize).toBeCloseTo(1.5);
  });

  it("says nothing of zones where there is one, and of healthy nodes where there are none", () => {
    const { crossZoneBytesOverIdeal, healthyP95Seconds } = summary(scenario(), [
      outcome(1, 1.1, { healthyCompletedMs: new Float64Array() }),
    ]);
    expect(crossZoneBytesOverIdeal).toBeNull();
    expect(healthyP95Seconds).toBeNull();
  });

  it("counts copies that cross into zones over one copy for each", () => {
    const group = { upBytesPerSecond: 1e6, downBytesPerSecond: 1e6 };
    const world = scenario({
      zones: [
        { name: "a", bytesPerSecond: null },
        { name: "b", bytesPerSecond: null },
      ],
      groups: [
        { name: "a", share: 0.5, zone: 0, ...group },
        { name: "b", share: 0.5, zone: 1, ...group },
      ],
    });
    const made = fakeOutcome({ scenario: world, nodeCount: 10, seed: 1 });
    expect(summary(world, [made]).crossZoneBytesOverIdeal).toBe(1.5);
  });

  it("has the plain ways of sending beside the bound", () => {
    const { clientServerSeconds, treeSeconds, chainSeconds, boundSeconds, boundId } = summary(scenario(), [
      outcome(1, 1.1),
    ]);
    expect(boundId).toBe("B4");
    expect(clientServerSeconds).toBeCloseTo((100 * 64e6) / 12.5e6);
    expect(treeSeconds).toBeGreaterThan(boundSeconds);
    expect(chainSeconds).toBeGreaterThan(boundSeconds);
  });
});

it("what faults cost is told by the same fleet without them", () => {
  const faulty = summary(scenario(), [outcome(1, 1.2)]);
  const clean = summary(scenario(), [outcome(1, 1.1)]);
  const { p99OverClean, healthyP95OverClean } = compareWithClean(faulty, clean);
  expect(p99OverClean).toBeCloseTo(faulty.p99Seconds / clean.p99Seconds);
  expect(healthyP95OverClean).toBeCloseTo(faulty.p95Seconds / clean.p95Seconds);
});

it("a slope is counted in piece-times for each doubling, and the smallest fleet has none", () => {
  const size = summary(scenario(), [outcome(1, 1.1)]);
  const sizes = [
    { ...size, nodes: 10, lastSeconds: 10 },
    { ...size, nodes: 40, lastSeconds: 10.5 },
    { ...size, nodes: 80, lastSeconds: 10.5 },
  ];
  const slopes = withSlopes(sizes, 0.1).map(({ pieceTimesPerDoubling }) => pieceTimesPerDoubling);
  expect(slopes).toEqual([null, expect.closeTo(2.5), 0]);
});
