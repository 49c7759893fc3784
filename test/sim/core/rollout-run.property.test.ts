// Whatever goes wrong and whatever the seed: the limits of the strategy hold in the simulated world at every instant,
// everybody who can be reached goes back, and the same seed is the same rollout.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ROLLBACK_SHARE_MIN } from "../../../coordinator/core/planner.ts";
import { type Strategy, shareOf } from "../../../protocol/strategy.ts";
import type { RolloutOutcome } from "../../../sim/core/rollout-outcome.ts";
import { simulateRollout } from "../../../sim/core/rollout-run.ts";
import { DEFAULT_ROLLOUT, type RolloutScenario } from "../../../sim/core/rollout-scenario.ts";

const strategy: fc.Arbitrary<Strategy> = fc.record({
  canary: fc.integer({ min: 0, max: 3 }),
  rolling: fc.oneof(
    fc.record({ kind: fc.constant("percent" as const), value: fc.integer({ min: 1, max: 100 }) }),
    fc.record({ kind: fc.constant("nodes" as const), value: fc.integer({ min: 1, max: 30 }) }),
  ),
  healthTimeoutMs: fc.constantFrom(30_000, 120_000),
});

const share = fc.constantFrom(0, 0, 0.02, 0.1, 0.4);

const scenario: fc.Arbitrary<RolloutScenario> = fc
  .record({
    nodes: fc.integer({ min: 1, max: 30 }),
    strategy,
    stage: fc.constantFrom(null, { minMs: 10, maxMs: 40_000 }),
    control: fc.record({ delayMs: fc.constantFrom(0, 5, 700), serviceMs: fc.constantFrom(0, 0.2, 30) }),
    failShare: share,
    loseShare: share,
    slowShare: share,
  })
  .map(({ failShare, loseShare, slowShare, ...rest }) => ({
    ...DEFAULT_ROLLOUT,
    ...rest,
    faults: { ...DEFAULT_ROLLOUT.faults, failShare, loseShare, slowShare },
  }));

describe("any simulated rollout", () => {
  it("never has more nodes down at once than the planner's limits allow", () => {
    fc.assert(
      fc.property(scenario, fc.nat(), (world, seed) => {
        const { strategy, nodes } = world;
        const rolling = shareOf(strategy.rolling, nodes);
        const goingOn = Math.max(strategy.canary, rolling);
        const goingBack = Math.max(goingOn, Math.ceil(nodes * ROLLBACK_SHARE_MIN));
        let steps = 0;
        simulateRollout(
          { scenario: world, seed },
          {
            onStep: ({ down }, isGoingBack) => {
              steps += 1;
              if (down.now > (isGoingBack ? goingBack : goingOn)) expect.fail(`${down.now} down`);
            },
          },
        );
        expect(steps).toBeGreaterThan(0);
      }),
      { numRuns: 150, seed: 20_261_121 },
    );
  });

  it("ends with a verdict that is true of the nodes, and with everybody back who can be reached", () => {
    const endings = new Set<string>();
    fc.assert(
      fc.property(scenario, fc.nat(), (world, seed) => {
        const outcome = simulateRollout({ scenario: world, seed });
        endings.add(outcome.phase);
        checkVerdict(outcome);
      }),
      { numRuns: 250, seed: 20_261_121 },
    );
    expect([...endings].toSorted()).toEqual(["failed", "rollback-incomplete", "rolled-back", "succeeded"]);
  });

  it("is the same again from the same seed, and another from another", () => {
    const hashes = new Set<string>();
    fc.assert(
      fc.property(scenario, fc.nat(), (world, seed) => {
        const first = simulateRollout({ scenario: world, seed });
        expect(simulateRollout({ scenario: world, seed })).toEqual(first);
        const other = simulateRollout({ scenario: world, seed: seed + 1 });
        expect(other.traceHash).not.toBe(first.traceHash);
        hashes.add(first.traceHash);
      }),
      { numRuns: 40, seed: 20_261_121 },
    );
    expect(hashes.size).toBe(40);
  });
});

function checkVerdict(outcome: RolloutOutcome): void {
  const { phase, live, phases, broken, exposed, down, nodes, rollbackMs, reason } = outcome;
  const counted = Object.values(phases).reduce((sum, count) => sum + count, 0);
  expect(counted).toBe(nodes);
  expect(live.next + live.before + live.nothing + live.vanished).toBe(nodes);
  expect(live.nothing).toBe(0);
  expect(broken.total).toBeLessThanOrEqual(exposed.total);
  expect(broken.atOnce).toBeLessThanOrEqual(down.atOnce);
  if (phase === "succeeded") {
    expect(live.before).toBe(0);
    expect(broken.total).toBe(0);
    expect(phases.healthy).toBeGreaterThanOrEqual(live.next);
  } else {
    expect(live.next).toBe(0);
  }
  const turnedBack = phase === "rolled-back" || phase === "rollback-incomplete";
  expect(reason !== null).toBe(turnedBack);
  expect(rollbackMs !== null).toBe(turnedBack);
  if (phase === "failed") expect(exposed.total).toBe(0);
}
