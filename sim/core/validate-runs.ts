// Whether runs of the model of events can be believed: none beats a bound or breaks a promise, fleets whose time one
// link decides take that time, and the network that carries one block after the other agrees with the exact one.
// Returns rows to show and broken rules; what to do about them is the caller's business.
import { FluidNetwork } from "./fluid-network.ts";
import { findViolations } from "./invariants.ts";
import type { SwarmOutcome } from "./outcome.ts";
import { boundsOfRun, type SimulationRun } from "./run-bounds.ts";
import type { Scenario } from "./scenario.ts";
import { median } from "./statistics.ts";
import { simulateSwarm } from "./swarm-run.ts";
import { type CheckRow, checkRow } from "./validate-model.ts";
import {
  BOUNDED_FLEETS,
  type ComparedFleet,
  type DelayLimit,
  NETWORK_CHECKS,
  type NetworkChecks,
  type SizedFleet,
} from "./validated-fleets.ts";

export type Simulate = (run: SimulationRun) => SwarmOutcome;

export interface Findings {
  readonly rows: readonly CheckRow[];
  /** One sentence per broken rule, with the run in which it was. */
  readonly violations: readonly string[];
}

const SEEDS: readonly number[] = [1, 2, 3];
const NODES = 60;
/** Of the time of the link that decides: the first piece must come, and the last must be checked. */
const DECIDED_TOLERANCE = 0.02;
/** Chance moves single runs by one in a hundred. */
const LIMIT_TOLERANCE = 0.02;

/** Level 1, of the model of events: of the fastest of three runs of each fleet. */
export function validateRuns(simulate: Simulate, fleets: readonly Scenario[] = BOUNDED_FLEETS): Findings {
  const findings = fleets.map((scenario) => findingsOf(scenario, simulate));
  return {
    rows: findings.flatMap(({ rows }) => rows),
    violations: findings.flatMap(({ violations }) => violations),
  };
}

function findingsOf(scenario: Scenario, simulate: Simulate): Findings {
  const runs = SEEDS.map((seed) => {
    const run = { scenario, nodeCount: NODES, seed };
    const outcome = simulate(run);
    const bounds = boundsOfRun(run);
    const broken = findViolations(outcome, bounds, scenario.artifactBytes);
    return {
      overBound: lastSeconds(outcome) / bounds.hardSeconds,
      received: outcome.receivedBytes / (outcome.completedMs.length * scenario.artifactBytes),
      violations: broken.map((sentence) => `${scenario.name}, ${NODES} nodes, seed ${seed}: ${sentence}`),
    };
  });
  const name = `${scenario.name}, ${NODES} × ${scenario.pieces}`;
  const atLeastOnce = { expected: 1, relation: "at least" } as const;
  return {
    rows: [
      checkRow({
        name: `${name}: last node over the greatest bound`,
        measured: Math.min(...runs.map(({ overBound }) => overBound)),
        ...atLeastOnce,
      }),
      checkRow({
        name: `${name}: bytes received over bytes needed`,
        measured: Math.min(...runs.map(({ received }) => received)),
        ...atLeastOnce,
      }),
    ],
    violations: runs.flatMap(({ violations }) => violations),
  };
}

/** Level 3: what is known where one link decides, the limit of no delays, and the exact network. */
export function validateNetwork(
  simulate: Simulate,
  { decided, limit, compared }: NetworkChecks = NETWORK_CHECKS,
): readonly CheckRow[] {
  return [
    ...decided.map((fleet) => decidedRow(simulate, fleet)),
    delayRow(simulate, limit),
    ...compared.map((fleet) => exactRow(simulate, fleet)),
  ];
}

function decidedRow(simulate: Simulate, { scenario, nodeCount }: SizedFleet): CheckRow {
  const overBound = SEEDS.map((seed) => {
    const run = { scenario, nodeCount, seed };
    return lastSeconds(simulate(run)) / boundsOfRun(run).hardSeconds;
  });
  return checkRow({
    name: `${scenario.name}, no delays, ${nodeCount} × ${scenario.pieces}: last node over its bound`,
    measured: median(overBound),
    expected: 1,
    relation: "equal",
    tolerance: DECIDED_TOLERANCE,
  });
}

function delayRow(simulate: Simulate, { none, small, nodeCount }: DelayLimit): CheckRow {
  const medianLast = (scenario: Scenario): number =>
    median(SEEDS.map((seed) => lastSeconds(simulate({ scenario, nodeCount, seed }))));
  return checkRow({
    name: `${small.name} over none, ${nodeCount} × ${none.pieces}: last node`,
    measured: medianLast(small) / medianLast(none),
    expected: 1,
    relation: "equal",
    tolerance: LIMIT_TOLERANCE,
  });
}

function exactRow(simulate: Simulate, { scenario, nodeCount, tolerance }: ComparedFleet): CheckRow {
  const ratios = SEEDS.map((seed) => {
    const run = { scenario, nodeCount, seed };
    const exact = simulateSwarm(run, {}, (parts) => new FluidNetwork(parts));
    return lastSeconds(simulate(run)) / lastSeconds(exact);
  });
  return checkRow({
    name: `${scenario.name}, ${nodeCount} × ${scenario.pieces}: last node, quick over exact network`,
    measured: median(ratios),
    expected: 1,
    relation: "equal",
    tolerance,
  });
}

/** Infinite when nobody had everything: no such run is near anything. */
function lastSeconds({ completedMs }: SwarmOutcome): number {
  return (completedMs.at(-1) ?? Number.POSITIVE_INFINITY) / 1000;
}
