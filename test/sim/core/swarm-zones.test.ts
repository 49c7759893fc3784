// Zones in a simulated swarm: what crosses between them, and that nobody is held up for it.
import { describe, expect, test } from "vitest";
import type { SwarmOutcome } from "../../../sim/core/outcome.ts";
import { NO_FAULTS, type Scenario, SHIPPED_POLICY } from "../../../sim/core/scenario.ts";
import { simulateSwarm } from "../../../sim/core/swarm-run.ts";
import { GBIT, scenarioOf } from "../support/scenarios.ts";

const GIB = 1024 ** 3;

/** Zones with as many nodes each, and a link of this rate to everywhere else. The origin is in the first. */
function zoned(count: number, bytesPerSecond: number | null, changes: Partial<Scenario> = {}): Scenario {
  const zones = Array.from({ length: count }, (_, zone) => ({ name: `zone ${zone}`, bytesPerSecond }));
  const node = { share: 1 / count, upBytesPerSecond: GBIT, downBytesPerSecond: GBIT };
  const groups = zones.map(({ name }, zone) => ({ name, zone, ...node }));
  return scenarioOf({ zones, groups, zoneRttMs: 20, ...changes });
}

/** Over one copy into every zone without the origin. */
function crossedOverIdeal({ crossZoneBytes }: SwarmOutcome, { artifactBytes, zones }: Scenario): number {
  return crossZoneBytes / (artifactBytes * (zones.length - 1));
}

function run(scenario: Scenario, nodeCount: number, seed = 1): SwarmOutcome {
  return simulateSwarm({ scenario, nodeCount, seed });
}

describe("a swarm of several zones", () => {
  test.each([
    ["links as fast as a node's", GBIT],
    ["links far slower than that", GBIT / 10],
    ["links that limit nothing", null],
  ])("brings each piece into each zone hardly more than once, over %s", (_, bytesPerSecond) => {
    const scenario = zoned(3, bytesPerSecond);
    const outcome = run(scenario, 90);
    expect(outcome.unfinished).toBe(0);
    expect(crossedOverIdeal(outcome, scenario)).toBeGreaterThanOrEqual(1);
    expect(crossedOverIdeal(outcome, scenario)).toBeLessThan(1.15);
  });

  test("is several times faster over thin links than one that knows of no zones", () => {
    const scenario = zoned(3, GBIT);
    const blind = { ...scenario, policy: { ...SHIPPED_POLICY, zones: false } };
    const [seeing, unseeing] = [scenario, blind].map((each) => run(each, 45));
    expect(seeing?.completedMs.at(-1)).toBeLessThan((unseeing?.completedMs.at(-1) ?? 0) / 3);
  });

  test.each([1, 2, 3, 5, 12])("finishes when a zone has %i nodes", (size) => {
    const scenario = zoned(3, GBIT, { pieces: 64 });
    const outcome = run(scenario, 3 * size);
    expect(outcome.unfinished).toBe(0);
    expect(crossedOverIdeal(outcome, scenario)).toBeLessThan(1.5);
  });

  test("finishes with more zones than all can know", () => {
    const scenario = zoned(25, GBIT, { pieces: 64 });
    const outcome = run(scenario, 100);
    expect(outcome.unfinished).toBe(0);
    expect(crossedOverIdeal(outcome, scenario)).toBeLessThan(1.5);
  });

  test("goes on when gateways vanish without a word, and is not slow for long", () => {
    const scenario = zoned(3, GBIT, { artifactBytes: GIB, pieces: 128 });
    const leaving = { ...scenario, faults: { ...NO_FAULTS, leaveShare: 0.1 } };
    const [whole, reduced] = [run(scenario, 60), run(leaving, 60)];
    expect(reduced.unfinished).toBe(0);
    expect(reduced.completedMs.at(-1)).toBeLessThan(1.5 * (whole.completedMs.at(-1) ?? 0));
    expect(crossedOverIdeal(reduced, leaving)).toBeLessThan(1.5);
  });

  test("does not wait for a zone whose link is thinner than that of others", () => {
    const scenario = zoned(3, GBIT, { artifactBytes: GIB, pieces: 128 });
    const thin = scenario.zones.map((zone, index) =>
      index < 2 ? zone : { ...zone, bytesPerSecond: GBIT / 10 },
    );
    const [equal, uneven] = [run(scenario, 60), run({ ...scenario, zones: thin }, 60)];
    expect(uneven.unfinished).toBe(0);
    // The first two zones: two thirds of the nodes.
    expect(uneven.completedMs[38]).toBeLessThan(1.5 * (equal.completedMs[38] ?? 0));
  });

  test("is, with one zone, the swarm that knows of no zones", () => {
    const blind = scenarioOf({ policy: { ...SHIPPED_POLICY, zones: false } });
    expect(run(scenarioOf(), 40).traceHash).toBe(run(blind, 40).traceHash);
  });
});
