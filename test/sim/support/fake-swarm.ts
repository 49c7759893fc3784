// Swarms that never ran, for tests of what is made of runs: a plain scenario, and outcomes that keep every bound.
import type { SwarmOutcome } from "../../../sim/core/outcome.ts";
import { boundsOfRun, type SimulationRun } from "../../../sim/core/run-bounds.ts";
import { NO_FAULTS, type Scenario, SHIPPED_POLICY } from "../../../sim/core/scenario.ts";
import type { RunAll } from "../../../sim/shell/run-pool.ts";

const MBIT = 125_000;

export const PLAIN: Scenario = {
  name: "plain",
  artifactBytes: 64_000_000,
  pieces: 64,
  sizes: [10, 100],
  origin: { upBytesPerSecond: 100 * MBIT, zone: 0 },
  groups: [{ name: "all", share: 1, upBytesPerSecond: 100 * MBIT, downBytesPerSecond: 100 * MBIT, zone: 0 }],
  zones: [{ name: "all", bytesPerSecond: null }],
  rttMs: 1,
  zoneRttMs: 20,
  startJitterMs: 20,
  pieceCost: { fixedMs: 0.5, bytesPerSecond: 1e9 },
  control: { delayMs: 1, serviceMs: 0.02 },
  faults: NO_FAULTS,
  policy: SHIPPED_POLICY,
};

export function scenario(changes: Partial<Scenario> = {}): Scenario {
  return { ...PLAIN, ...changes };
}

/** Nodes finish evenly between `first` and `last` times the bound, a little later with each seed. */
export function fakeOutcome(
  run: SimulationRun,
  { first = 1.02, last = 1.1 }: { readonly first?: number; readonly last?: number } = {},
): SwarmOutcome {
  const { scenario: world, nodeCount, seed } = run;
  const bounds = boundsOfRun(run);
  const stayed = nodeCount - Math.round(nodeCount * world.faults.leaveShare);
  const late = 1 + (seed % 10) / 10_000;
  const completedMs = Float64Array.from({ length: stayed }, (_, index) => {
    const place = stayed === 1 ? 1 : index / (stayed - 1);
    return bounds.hardSeconds * 1000 * (first + (last - first) * place) * late;
  });
  return {
    nodes: nodeCount,
    seed,
    unfinished: 0,
    completedMs,
    healthyCompletedMs: completedMs,
    originBytes: world.artifactBytes * 1.25,
    receivedBytes: world.artifactBytes * stayed,
    crossZoneBytes: bounds.baselines.idealCrossZoneBytes * 1.5,
    availability: [{ atMs: 0, copiesMin: 0, copiesMedian: 0, copiesMax: 0, doneShare: 0 }],
    events: nodeCount,
    traceHash: (nodeCount * 1000 + seed).toString(16).padStart(16, "0"),
  };
}

/** A pool whose every run comes to what `outcomeOf` says. */
export function fakePool(
  outcomeOf: (run: SimulationRun) => SwarmOutcome = (run) => fakeOutcome(run),
): RunAll {
  return async (runs, options = {}) =>
    runs.map((run, index) => {
      const outcome = outcomeOf(run);
      options.onProgress?.(index, 0.5);
      options.onFinished?.(index, outcome);
      return outcome;
    });
}
