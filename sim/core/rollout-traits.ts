// What each node of a simulated rollout is like, drawn from the seed: how long its steps take and what fails on it.
// Every node and every question has a random stream of its own, so that one more fault changes nothing else.
import type { Millis } from "../../protocol/ids.ts";
import { HEARTBEAT_INTERVAL_MS } from "../../protocol/limits.ts";
import type { Prng } from "../../protocol/prng.ts";
import type { RolloutScenario, Spread } from "./rollout-scenario.ts";

/**
 * How the new release fails on a node. `start`: its start hook exits with an error. `probes`: it starts, and no
 * probe ever passes. `later`: it works for a while.
 */
export type RolloutFault = "start" | "probes" | "later";

export interface RolloutTraits {
  readonly stopMs: Millis;
  readonly startMs: Millis;
  readonly probeMs: Millis;
  /** From GO to unpacked; null when it has the release. */
  readonly stageMs: Millis | null;
  readonly fault: RolloutFault | null;
  /** Between the rollout's beginning and the node's first heartbeat. */
  readonly beatAfterMs: Millis;
  /** When it vanishes; null when it stays. */
  readonly vanishesAtMs: Millis | null;
}

/** `lossWithinMs`: nodes that vanish do so within this time. `random`: the node's own stream. */
export function drawTraits(scenario: RolloutScenario, lossWithinMs: Millis, random: Prng): RolloutTraits {
  const { activation, faults, stage } = scenario;
  const slowness = isDrawn(random, "slow", faults.slowShare) ? faults.slowFactor : 1;
  const isLost = isDrawn(random, "lost", faults.loseShare);
  return {
    stopMs: Math.round(slowness * draw(random, "stop", activation.stop)),
    startMs: Math.round(slowness * draw(random, "start", activation.start)),
    probeMs: draw(random, "probe", activation.probe),
    stageMs: stage === null ? null : draw(random, "stage", stage),
    fault: isDrawn(random, "fail", faults.failShare) ? faultOf(scenario, random) : null,
    beatAfterMs: random.child("beat").below(HEARTBEAT_INTERVAL_MS),
    vanishesAtMs: isLost ? Math.floor(random.child("vanish").unit() * lossWithinMs) : null,
  };
}

function faultOf({ faults }: RolloutScenario, random: Prng): RolloutFault {
  if (faults.failAfterMs !== null) return "later";
  return random.child("fault").below(2) === 0 ? "start" : "probes";
}

function isDrawn(random: Prng, label: string, share: number): boolean {
  return random.child(label).unit() < share;
}

function draw(random: Prng, label: string, { minMs, maxMs }: Spread): Millis {
  return minMs + random.child(label).below(maxMs - minMs + 1);
}
