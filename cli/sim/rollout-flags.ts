// What `fleet sim rollout` is asked to simulate, from its flags. Pure; every mistake names the flag and what is right.
import { FleetError } from "../../protocol/errors.ts";
import { HEALTH_TIMEOUT_MS_MAX, HOOK_TIMEOUT_MS_MAX, NODES_MAX } from "../../protocol/limits.ts";
import { simReleases } from "../../sim/core/rollout-release.ts";
import { ROLLOUT_RUNS_MAX } from "../../sim/core/rollout-result.ts";
import {
  type ActivationTimes,
  DEFAULT_ACTIVATION,
  DEFAULT_ROLLOUT,
  NO_ROLLOUT_FAULTS,
  type RolloutFaults,
  type RolloutScenario,
  type Spread,
} from "../../sim/core/rollout-scenario.ts";
import { DURATION_EXAMPLES, formatDuration, parseDuration } from "../config/duration.ts";
import { tooShortFor } from "../config/project-check.ts";
import { chooseStrategy, type StrategyFlags } from "../config/strategy-flags.ts";

export interface SimRolloutFlags extends StrategyFlags {
  readonly nodes?: string;
  readonly fail?: string;
  readonly failAfter?: string;
  readonly lose?: string;
  readonly slow?: string;
  readonly slowFactor?: string;
  readonly stageSeconds?: string;
  readonly stopTime?: string;
  readonly startTime?: string;
  readonly probeTime?: string;
  readonly interval?: string;
  readonly successes?: string;
  readonly hookTimeout?: string;
  readonly messageDelay?: string;
  readonly coordinatorRate?: string;
  readonly seed?: string;
  readonly runs?: string;
  readonly trace?: boolean;
}

export interface SimRolloutRequest {
  readonly scenario: RolloutScenario;
  readonly seeds: readonly number[];
  readonly trace: boolean;
}

/** A node that stages without a word for half an hour has failed, and simulated nodes say nothing on the way. */
const STAGE_SECONDS_MAX = 1_500;
const SLOW_FACTOR_MAX = 1_000;
const MESSAGE_DELAY_MS_MAX = 60_000;
const COORDINATOR_RATE_MAX = 1_000_000;
const SEED_MAX = 2 ** 32 - 1;
const FAIL_AFTER_MS_MAX = 24 * 3_600_000;

/** Throws FleetError usage or strategy-invalid. */
export function simRolloutRequest(flags: SimRolloutFlags): SimRolloutRequest {
  const runs = numberOf(flags.runs, "--runs", { min: 1, max: ROLLOUT_RUNS_MAX }) ?? 1;
  const seed = numberOf(flags.seed, "--seed", { min: 0, max: SEED_MAX }) ?? 1;
  if (flags.trace === true && runs > 1)
    throw new FleetError("usage", "--trace tells of one run, so it goes without --runs", {
      next: "Name the seed of the run to be told with --seed.",
    });
  return {
    scenario: scenarioOf(flags),
    seeds: Array.from({ length: runs }, (_, index) => seed + index),
    trace: flags.trace === true,
  };
}

/** Measured on one core of a small virtual machine: for each node that reports, the planner looks at all of them. */
const COMPUTING_MS_PER_NODE_SQUARED = 1.3e-4;

/** How long simulating it will keep this machine, roughly. */
export function expectedComputingMs({ scenario, seeds }: SimRolloutRequest): number {
  // When nodes are to vanish, the rollout without that is simulated first.
  const passes = seeds.length * (scenario.faults.loseShare > 0 ? 2 : 1);
  return COMPUTING_MS_PER_NODE_SQUARED * passes * scenario.nodes ** 2;
}

function scenarioOf(flags: SimRolloutFlags): RolloutScenario {
  const strategy = chooseStrategy(flags, null);
  const activation = activationOf(flags);
  const reason = tooShortFor(simReleases(activation).next.health, strategy.healthTimeoutMs);
  if (reason !== null)
    throw new FleetError("strategy-invalid", `--health-timeout ${reason}`, { next: "Give it more time." });
  const { delayMs, serviceMs } = DEFAULT_ROLLOUT.control;
  const perSecond = numberOf(flags.coordinatorRate, "--coordinator-rate", {
    min: 1,
    max: COORDINATOR_RATE_MAX,
  });
  return {
    nodes: numberOf(flags.nodes, "--nodes", { min: 1, max: NODES_MAX }) ?? DEFAULT_ROLLOUT.nodes,
    strategy,
    stage: stageOf(flags.stageSeconds),
    activation,
    control: {
      delayMs:
        durationOf(flags.messageDelay, "--message-delay", { min: 0, max: MESSAGE_DELAY_MS_MAX }) ?? delayMs,
      serviceMs: perSecond === null ? serviceMs : 1_000 / perSecond,
    },
    faults: faultsOf(flags),
  };
}

function activationOf(flags: SimRolloutFlags): ActivationTimes {
  const { stop, start, probe, hookTimeoutMs, health } = DEFAULT_ACTIVATION;
  const interval = { min: 50, max: HEALTH_TIMEOUT_MS_MAX };
  return {
    ...DEFAULT_ACTIVATION,
    stop: spreadOf(flags.stopTime, "--stop-time", HOOK_TIMEOUT_MS_MAX) ?? stop,
    start: spreadOf(flags.startTime, "--start-time", HOOK_TIMEOUT_MS_MAX) ?? start,
    probe: spreadOf(flags.probeTime, "--probe-time", health.timeoutMs) ?? probe,
    hookTimeoutMs:
      durationOf(flags.hookTimeout, "--hook-timeout", { min: 1, max: HOOK_TIMEOUT_MS_MAX }) ?? hookTimeoutMs,
    health: {
      ...health,
      intervalMs: durationOf(flags.interval, "--interval", interval) ?? health.intervalMs,
      successes: numberOf(flags.successes, "--successes", { min: 1, max: 100 }) ?? health.successes,
    },
  };
}

function faultsOf(flags: SimRolloutFlags): RolloutFaults {
  const { slowFactor } = NO_ROLLOUT_FAULTS;
  return {
    failShare: percentOf(flags.fail, "--fail"),
    failAfterMs: durationOf(flags.failAfter, "--fail-after", { min: 0, max: FAIL_AFTER_MS_MAX }),
    loseShare: percentOf(flags.lose, "--lose"),
    slowShare: percentOf(flags.slow, "--slow"),
    slowFactor: numberOf(flags.slowFactor, "--slow-factor", { min: 1, max: SLOW_FACTOR_MAX }) ?? slowFactor,
  };
}

/** Whole numbers only. Null when the flag is not given. */
function numberOf(
  source: string | undefined,
  option: string,
  { min, max }: { min: number; max: number },
): number | null {
  if (source === undefined) return null;
  const value = Number(source);
  if (/^[0-9]{1,10}$/.test(source) && value >= min && value <= max) return value;
  throw new FleetError("usage", `${option} ${source}: expected a whole number from ${min} to ${max}`);
}

/** `3%` or `0.5%` as a share from 0 to 1. */
function percentOf(source: string | undefined, option: string): number {
  if (source === undefined) return 0;
  const [, digits] = /^([0-9]{1,3}(?:\.[0-9]{1,3})?)%$/.exec(source) ?? [];
  const percent = Number(digits);
  if (digits !== undefined && percent <= 100) return percent / 100;
  throw new FleetError("usage", `${option} ${source}: expected a share of the nodes from 0% to 100%`);
}

function durationOf(
  source: string | undefined,
  option: string,
  { min, max }: { min: number; max: number },
): number | null {
  if (source === undefined) return null;
  const millis = parseDuration(source);
  if (millis !== null && millis >= min && millis <= max) return millis;
  const range = `from ${formatDuration(min)} to ${formatDuration(max)}`;
  throw new FleetError("usage", `${option} ${source}: expected ${DURATION_EXAMPLES}, ${range}`);
}

/** `2s` for all nodes, or `1s-5s` for a draw of each. */
function spreadOf(source: string | undefined, option: string, maxMs: number): Spread | null {
  if (source === undefined) return null;
  const [from = "", to = from, ...rest] = source.split("-");
  const minMs = parseDuration(from);
  const upToMs = parseDuration(to);
  const isRange = rest.length === 0 && minMs !== null && upToMs !== null && minMs <= upToMs;
  if (isRange && upToMs <= maxMs) return { minMs, maxMs: upToMs };
  const expected = `a duration such as 2s, or two such as 1s-5s, at most ${formatDuration(maxMs)}`;
  throw new FleetError("usage", `${option} ${source}: expected ${expected}`);
}

function stageOf(source: string | undefined): Spread | null {
  if (source === undefined) return null;
  const [, from, to = from] = /^([0-9]{1,5})(?:-([0-9]{1,5}))?$/.exec(source) ?? [];
  const minMs = Number(from) * 1_000;
  const maxMs = Number(to) * 1_000;
  if (minMs <= maxMs && maxMs <= STAGE_SECONDS_MAX * 1_000) return { minMs, maxMs };
  const expected = `seconds such as 60, or two such as 30-90, at most ${STAGE_SECONDS_MAX}`;
  throw new FleetError("usage", `--stage-seconds ${source}: expected ${expected}`);
}
