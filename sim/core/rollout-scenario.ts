// What a simulated rollout is made of: the fleet, the strategy, how long things take on a node, and what goes wrong.
// Types and defaults only.
import type { Millis } from "../../protocol/ids.ts";
import type { HealthPolicy } from "../../protocol/manifest.ts";
import { DEFAULT_STRATEGY, type Strategy } from "../../protocol/strategy.ts";
import type { Control } from "./scenario.ts";

/** Each node draws one value, every whole millisecond from `minMs` to `maxMs` equally likely. */
export interface Spread {
  readonly minMs: Millis;
  readonly maxMs: Millis;
}

/** How long a node takes over each step of a switch, and how long it may. */
export interface ActivationTimes {
  /** The hook that stops what is live. */
  readonly stop: Spread;
  /** Swinging the live link, with the journal written before and after it. */
  readonly switchMs: Millis;
  /** The hook that starts what has just become live. */
  readonly start: Spread;
  /** One round of health probes. */
  readonly probe: Spread;
  readonly hookTimeoutMs: Millis;
  readonly health: Omit<HealthPolicy, "probes">;
}

/** Shares are chances of each node, 0 to 1, drawn from the seed and independent of one another. */
export interface RolloutFaults {
  /** The new release does not work there; the one before it does. */
  readonly failShare: number;
  /**
   * How long after its start it works before it fails for good. Null: it never works, and which way is drawn: its
   * start hook fails, or it starts and no probe of it ever passes.
   */
  readonly failAfterMs: Millis | null;
  /** Vanish for good and without a word, at a random time within a rollout in which nobody vanishes or fails. */
  readonly loseShare: number;
  /** Their hooks take `slowFactor` times as long. */
  readonly slowShare: number;
  readonly slowFactor: number;
}

export interface RolloutScenario {
  readonly nodes: number;
  readonly strategy: Strategy;
  /** Fetching, verifying and unpacking, from GO; null when every node has the release already. */
  readonly stage: Spread | null;
  readonly activation: ActivationTimes;
  readonly control: Control;
  readonly faults: RolloutFaults;
}

export const NO_ROLLOUT_FAULTS: RolloutFaults = {
  failShare: 0,
  failAfterMs: null,
  loseShare: 0,
  slowShare: 0,
  slowFactor: 5,
};

/** A service that starts within seconds; limits and health checks as they are when fleet.yaml says nothing. */
export const DEFAULT_ACTIVATION: ActivationTimes = {
  stop: { minMs: 200, maxMs: 1_000 },
  switchMs: 10,
  start: { minMs: 1_000, maxMs: 5_000 },
  probe: { minMs: 5, maxMs: 50 },
  hookTimeoutMs: 30_000,
  health: { intervalMs: 2_000, timeoutMs: 2_000, successes: 3, startPeriodMs: 0 },
};

export const DEFAULT_ROLLOUT: RolloutScenario = {
  nodes: 100,
  strategy: DEFAULT_STRATEGY,
  stage: null,
  activation: DEFAULT_ACTIVATION,
  // Nodes a few hundred kilometres away, and a coordinator that handles 5 000 messages a second.
  control: { delayMs: 5, serviceMs: 0.2 },
  faults: NO_ROLLOUT_FAULTS,
};
