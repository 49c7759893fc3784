// Several simulated rollouts that differ only in their seed, as one result: every run, and median and worst of all.
// Owns the shape that `fleet sim rollout --json` prints.
import { nodePhaseSchema, rolloutPhaseSchema } from "../../protocol/api.ts";
import { assert } from "../../protocol/machine.ts";
import {
  dictionary,
  type Infer,
  integer,
  list,
  literal,
  nullable,
  object,
  real,
  text,
} from "../../protocol/schema.ts";
import { strategySchema } from "../../protocol/strategy.ts";
import type { RolloutOutcome, RolloutTraceEvent } from "./rollout-outcome.ts";
import type { RolloutScenario } from "./rollout-scenario.ts";

export const ROLLOUT_RUNS_MAX = 1_000;
/** Guards memory; a rollout of 10 000 nodes has about 60 000 events. */
const TRACE_EVENTS_MAX = 10_000_000;

const count = integer(0);
const share = real(0, 1);
const words = text({ max: 4_000 });
/** Simulated. */
const seconds = real(0, 1e12);
/** At the worst moment, and at any time. */
const reach = object({ atOnce: count, total: count });
const traceEvent = object({
  /** Milliseconds since the rollout was asked for. */
  at: count,
  kind: text({ max: 40 }),
  node: nullable(text({ max: 64 })),
  message: words,
});

const runSchema = object({
  seed: count,
  /** How it ended, as the coordinator has it. */
  phase: rolloutPhaseSchema,
  code: nullable(text({ max: 40 })),
  /** The planner's last words. */
  message: words,
  /** Why it turned back, in the planner's words; null when it did not. */
  reason: nullable(words),
  firstFailure: nullable(traceEvent),
  durationSeconds: seconds,
  /** When every node was staged; null when that did not come to be. */
  stagedSeconds: nullable(seconds),
  /** From turning back to the end; null when it did not turn back. */
  rollbackSeconds: nullable(seconds),
  /** Sizes of all waves that were planned. */
  plannedWaves: list(integer(1), 100_000),
  /** Those that began; a wave in which the rollout stopped has no end. */
  waves: list(object({ nodes: count, startSeconds: seconds, endSeconds: nullable(seconds) }), 100_000),
  /** Nodes on which the new release was live and did not work. */
  blastRadius: reach,
  /** Nodes on which the new release was live, working or not. */
  exposed: reach,
  /** Nodes on which nothing that works was live, because they switched or were broken. */
  down: reach,
  /** Nodes by the phase in which the coordinator has them at the end. */
  phases: dictionary(nodePhaseSchema, count, 20),
  /** What is really live at the end. */
  live: object({ next: count, before: count, nothing: count, vanished: count }),
  /** Broken nodes that count as healthy at the end. */
  unnoticed: count,
  events: count,
  /** Equal for equal runs, on every machine. */
  traceHash: text({ min: 16, max: 16, pattern: /^[0-9a-f]{16}$/ }),
});

/** Over all runs; `worstSeed` is the first seed that gave the worst. */
const spread = object({ median: real(0, 1e12), worst: real(0, 1e12), worstSeed: count });

export const simRolloutResultSchema = object({
  kind: literal("sim-rollout-result"),
  nodes: integer(1),
  strategy: strategySchema,
  faults: object({
    failShare: share,
    failAfterMs: nullable(count),
    loseShare: share,
    slowShare: share,
    slowFactor: real(1, 1e6),
  }),
  endings: list(object({ phase: rolloutPhaseSchema, runs: integer(1) }), 10),
  summary: object({
    durationSeconds: spread,
    exposed: spread,
    blastRadius: spread,
    blastRadiusAtOnce: spread,
    downAtOnce: spread,
    /** Of the runs that turned back; null when none did. */
    rollbackSeconds: nullable(spread),
  }),
  runs: list(runSchema, ROLLOUT_RUNS_MAX, 1),
  /** With `--trace`: every event, in order. */
  trace: nullable(list(traceEvent, TRACE_EVENTS_MAX)),
});
export type SimRolloutResult = Infer<typeof simRolloutResultSchema>;
export type SimRolloutSpread = Infer<typeof spread>;
type Run = Infer<typeof runSchema>;

/** `outcomes` are of this scenario, one or more; `trace` is of the only one. */
export function rolloutResultOf(
  { nodes, strategy, faults }: RolloutScenario,
  outcomes: readonly RolloutOutcome[],
  trace: readonly RolloutTraceEvent[] | null,
): SimRolloutResult {
  const runs = outcomes.map(runOf);
  const back = runs.filter(({ rollbackSeconds }) => rollbackSeconds !== null);
  return {
    kind: "sim-rollout-result",
    ...{ nodes, strategy, faults },
    endings: endingsOf(runs),
    summary: {
      durationSeconds: spreadOf(runs, (run) => run.durationSeconds),
      exposed: spreadOf(runs, (run) => run.exposed.total),
      blastRadius: spreadOf(runs, (run) => run.blastRadius.total),
      blastRadiusAtOnce: spreadOf(runs, (run) => run.blastRadius.atOnce),
      downAtOnce: spreadOf(runs, (run) => run.down.atOnce),
      rollbackSeconds: back.length === 0 ? null : spreadOf(back, (run) => run.rollbackSeconds ?? 0),
    },
    runs,
    trace,
  };
}

function runOf(outcome: RolloutOutcome): Run {
  const { seed, phase, code, message, reason, firstFailure, plannedWaves, exposed, broken, down } = outcome;
  const { phases, live, unnoticed, events, traceHash } = outcome;
  return {
    ...{ seed, phase, code, message, reason, firstFailure },
    durationSeconds: outcome.durationMs / 1_000,
    stagedSeconds: secondsOf(outcome.stagedMs),
    rollbackSeconds: secondsOf(outcome.rollbackMs),
    plannedWaves,
    waves: outcome.waves.map((wave) => ({
      nodes: wave.nodes,
      startSeconds: wave.startedMs / 1_000,
      endSeconds: secondsOf(wave.finishedMs),
    })),
    ...{ blastRadius: broken, exposed, down, phases, live, unnoticed, events, traceHash },
  };
}

function endingsOf(runs: readonly Run[]): SimRolloutResult["endings"] {
  const counts = new Map<Run["phase"], number>();
  for (const { phase } of runs) counts.set(phase, (counts.get(phase) ?? 0) + 1);
  const endings = [...counts].map(([phase, runs]) => ({ phase, runs }));
  return endings.toSorted((a, b) => b.runs - a.runs);
}

/** Median by nearest rank: a value that some run really had. */
function spreadOf(runs: readonly Run[], measure: (run: Run) => number): SimRolloutSpread {
  const sorted = runs.toSorted((a, b) => measure(a) - measure(b) || b.seed - a.seed);
  const median = sorted[Math.ceil(sorted.length / 2) - 1];
  const worst = sorted.at(-1);
  assert(median !== undefined && worst !== undefined, "a result of no runs");
  return { median: measure(median), worst: measure(worst), worstSeed: worst.seed };
}

function secondsOf(ms: number | null): number | null {
  return ms === null ? null : ms / 1_000;
}
