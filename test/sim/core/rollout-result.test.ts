// Several simulated rollouts as one result: its shape is the published one, its medians are values of real runs.
import { describe, expect, it } from "vitest";
import { rolloutResultOf, simRolloutResultSchema } from "../../../sim/core/rollout-result.ts";
import { simulateRollout } from "../../../sim/core/rollout-run.ts";
import { DEFAULT_ROLLOUT, type RolloutScenario } from "../../../sim/core/rollout-scenario.ts";

const scenario: RolloutScenario = {
  ...DEFAULT_ROLLOUT,
  nodes: 20,
  faults: { ...DEFAULT_ROLLOUT.faults, failShare: 0.05, loseShare: 0.03 },
};
const outcomes = [1, 2, 3, 4, 5, 6, 7, 8].map((seed) => simulateRollout({ scenario, seed }));

describe("the result of simulated rollouts", () => {
  it("has the published shape, and loses nothing on its way through JSON", () => {
    const result = rolloutResultOf(scenario, outcomes, null);
    const read: unknown = JSON.parse(JSON.stringify(result));
    expect(simRolloutResultSchema.decode(read, "")).toEqual(result);
  });

  it("counts how the rollouts ended, the commonest ending first", () => {
    const { endings } = rolloutResultOf(scenario, outcomes, null);
    expect(endings.reduce((sum, { runs }) => sum + runs, 0)).toBe(outcomes.length);
    expect(endings.length).toBeGreaterThan(1);
    expect(endings.map(({ runs }) => runs)).toEqual(
      endings.map(({ runs }) => runs).toSorted((a, b) => b - a),
    );
  });

  it("names median and worst, and the first seed that gave the worst", () => {
    const sorted = outcomes.map(({ durationMs }) => durationMs).toSorted((a, b) => a - b);
    const { durationSeconds } = rolloutResultOf(scenario, outcomes, null).summary;
    expect(durationSeconds.median).toBe((sorted[3] ?? 0) / 1_000);
    expect(durationSeconds.worst).toBe((sorted[7] ?? 0) / 1_000);
    const worst = outcomes.find(({ durationMs }) => durationMs === sorted[7]);
    expect(durationSeconds.worstSeed).toBe(worst?.seed);
    const same = outcomes.map((outcome) => ({ ...outcome, durationMs: 1 }));
    expect(rolloutResultOf(scenario, same, null).summary.durationSeconds.worstSeed).toBe(1);
  });

  it("speaks of rollback times only where there was a rollback", () => {
    const calm = outcomes.filter(({ rollbackMs }) => rollbackMs === null);
    expect(calm.length).toBeGreaterThan(0);
    expect(rolloutResultOf(scenario, calm, null).summary.rollbackSeconds).toBeNull();
    const back = outcomes.flatMap(({ rollbackMs }) => rollbackMs ?? []);
    const { rollbackSeconds } = rolloutResultOf(scenario, outcomes, null).summary;
    expect(rollbackSeconds?.worst).toBe(Math.max(...back) / 1_000);
  });
});
