// Simulated rollouts told as stories, each a golden file, and what the outcome says of each.
import { describe, expect, it } from "vitest";
import { formatEventLine } from "../../../cli/follow/event-line.ts";
import type { Strategy } from "../../../protocol/strategy.ts";
import type { RolloutOutcome, RolloutTraceEvent } from "../../../sim/core/rollout-outcome.ts";
import { simulateRollout } from "../../../sim/core/rollout-run.ts";
import {
  DEFAULT_ACTIVATION,
  DEFAULT_ROLLOUT,
  NO_ROLLOUT_FAULTS,
  type RolloutFaults,
  type RolloutScenario,
} from "../../../sim/core/rollout-scenario.ts";

const QUARTERS: Strategy = {
  canary: 1,
  rolling: { kind: "percent", value: 25 },
  healthTimeoutMs: 120_000,
};
const EIGHT: RolloutScenario = { ...DEFAULT_ROLLOUT, nodes: 8, strategy: QUARTERS };

function tell(scenario: RolloutScenario, seed: number): { outcome: RolloutOutcome; story: string } {
  const lines: string[] = [];
  const onEvent = (event: RolloutTraceEvent): void => void lines.push(formatEventLine(event, 0));
  const outcome = simulateRollout({ scenario, seed }, { onEvent });
  return { outcome, story: lines.join("\n") };
}

const withFaults = (faults: Partial<RolloutFaults>): RolloutScenario => ({
  ...EIGHT,
  faults: { ...NO_ROLLOUT_FAULTS, ...faults },
});
const golden = (name: string): string => `../../golden/sim-rollout-${name}.txt`;

describe("a simulated rollout", () => {
  it("in which nothing goes wrong reaches every node, wave by wave", async () => {
    const { outcome, story } = tell(EIGHT, 2);
    expect(outcome).toMatchObject({
      phase: "succeeded",
      message: "8 nodes healthy",
      plannedWaves: [1, 2, 2, 2, 1],
      exposed: { atOnce: 8, total: 8 },
      broken: { atOnce: 0, total: 0 },
      down: { atOnce: 2, total: 8 },
      live: { next: 8, before: 0, nothing: 0, vanished: 0 },
      rollbackMs: null,
    });
    await expect(story).toMatchFileSnapshot(golden("good"));
  });

  it("that a bad canary stops leaves one node ill, for as long as it takes to put back what it had", async () => {
    const { outcome, story } = tell(withFaults({ failShare: 0.1 }), 11);
    expect(outcome).toMatchObject({
      phase: "rolled-back",
      reason: "node-1 did not become healthy",
      firstFailure: { node: "node-1", kind: "node-failed" },
      exposed: { atOnce: 1, total: 1 },
      broken: { atOnce: 1, total: 1 },
      phases: { failed: 1, staged: 7 },
      live: { next: 0, before: 8, nothing: 0, vanished: 0 },
    });
    await expect(story).toMatchFileSnapshot(golden("bad-canary"));
  });

  it("that loses nodes takes back all it can reach, and says which it cannot", async () => {
    const { outcome, story } = tell(withFaults({ loseShare: 0.25 }), 22);
    expect(outcome).toMatchObject({
      phase: "rollback-incomplete",
      code: "fleet-mixed",
      phases: { lost: 1, "rollback-failed": 1, "rolled-back": 3, staged: 3 },
      live: { next: 0, before: 5, nothing: 0, vanished: 3 },
    });
    await expect(story).toMatchFileSnapshot(golden("lost-nodes"));
  });

  it("of a release that breaks later ends well, and only the simulator sees what it left behind", async () => {
    const { outcome, story } = tell(withFaults({ failShare: 0.3, failAfterMs: 20_000 }), 12);
    expect(outcome).toMatchObject({
      phase: "succeeded",
      unnoticed: 2,
      broken: { atOnce: 2, total: 2 },
      down: { total: 8 },
    });
    await expect(story).toMatchFileSnapshot(golden("breaks-later"));
  });

  it("finds a release that breaks before its probes are done", () => {
    const { outcome } = tell(withFaults({ failShare: 1, failAfterMs: 3_000 }), 1);
    expect(outcome).toMatchObject({ phase: "rolled-back", phases: { failed: 1, staged: 7 }, unnoticed: 0 });
    expect(outcome.firstFailure?.message).toContain("not healthy within 120 s: GET");
  });

  it("waits until every node has fetched it when the nodes do not have it yet", () => {
    const { outcome } = tell({ ...EIGHT, stage: { minMs: 60_000, maxMs: 90_000 } }, 1);
    expect(outcome.phase).toBe("succeeded");
    expect(outcome.stagedMs).toBeGreaterThan(60_000);
    expect(outcome.stagedMs).toBeLessThan(90_500);
    expect(outcome.waves[0]?.startedMs).toBe(outcome.stagedMs);
  });

  it("defers nodes that vanish while they fetch, and goes on with the others", () => {
    const scenario = withFaults({ loseShare: 0.3 });
    const { outcome } = tell({ ...scenario, stage: { minMs: 900_000, maxMs: 900_000 } }, 4);
    expect(outcome).toMatchObject({ phase: "succeeded", phases: { deferred: 1, healthy: 7 } });
  });

  it("takes longer with slow nodes, and stops when they are too slow for the hook's time limit", () => {
    const clean = tell(EIGHT, 3).outcome;
    const slow = tell(withFaults({ slowShare: 0.5 }), 3).outcome;
    expect(slow.phase).toBe("succeeded");
    expect(slow.durationMs).toBeGreaterThan(clean.durationMs);
    const tooSlow = tell(withFaults({ slowShare: 1, slowFactor: 40 }), 3).outcome;
    expect(tooSlow.phase).toBe("rollback-incomplete");
    expect(tooSlow.firstFailure?.message).toContain("was still running after 30 s");
    expect(tooSlow.firstFailure?.message).toContain("the release before it could not be restored");
    expect(tooSlow.down.atOnce).toBe(1);
  });

  it("of all nodes at once has all of them down, and all of them ill when the release is bad", () => {
    const strategy: Strategy = { ...QUARTERS, canary: 0, rolling: { kind: "percent", value: 100 } };
    const { outcome } = tell({ ...withFaults({ failShare: 1 }), strategy }, 1);
    expect(outcome).toMatchObject({
      phase: "rolled-back",
      plannedWaves: [8],
      broken: { atOnce: 8, total: 8 },
      down: { atOnce: 8, total: 8 },
    });
  });

  it("is held up by a coordinator that is slow to handle messages", () => {
    const fast = simulateRollout({ scenario: EIGHT, seed: 1 });
    const control = { delayMs: 5, serviceMs: 500 };
    const slow = simulateRollout({ scenario: { ...EIGHT, control }, seed: 1 });
    expect(slow.phase).toBe("succeeded");
    // Eight nodes report twice that they are staged, and are told once before that.
    expect(slow.stagedMs ?? 0).toBeGreaterThanOrEqual((fast.stagedMs ?? 0) + 24 * 500 - 100);
  });

  it("costs a bounded number of events for each node", () => {
    const strategy: Strategy = { ...QUARTERS, rolling: { kind: "percent", value: 10 } };
    const { outcome } = tell({ ...DEFAULT_ROLLOUT, nodes: 500, strategy }, 1);
    expect(outcome.phase).toBe("succeeded");
    expect(outcome.down.atOnce).toBe(50);
    expect(outcome.events / 500).toBeLessThan(60);
  });

  it("draws each node's times and faults for itself: one more fault changes no other node", () => {
    const calm = tell(EIGHT, 11).story.split("\n");
    const ill = tell(withFaults({ failShare: 0.1 }), 11).story.split("\n");
    const untilTheFault = ill.findIndex((line) => line.includes("node-failed"));
    expect(untilTheFault).toBeGreaterThan(0);
    expect(ill.slice(0, untilTheFault)).toEqual(calm.slice(0, untilTheFault));
  });

  it("takes hooks at their default limits for what they are", () => {
    const activation = { ...DEFAULT_ACTIVATION, start: { minMs: 40_000, maxMs: 40_000 } };
    const { outcome } = tell({ ...EIGHT, activation: { ...activation, hookTimeoutMs: 60_000 } }, 1);
    expect(outcome.phase).toBe("succeeded");
    expect(tell({ ...EIGHT, activation }, 1).outcome.phase).toBe("rollback-incomplete");
  });
});
