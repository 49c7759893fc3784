// What an operator's pause changes: the rollout remembers who paused it, and a swarm stands still while any rollout
// that stages its release is paused. Decides nothing about waves: the planner sees the pause and begins none.
import { type PauseRequest, ROLLOUT_TERMINAL_PHASES } from "../../protocol/api.ts";
import { FleetError } from "../../protocol/errors.ts";
import type { Millis, RolloutId } from "../../protocol/ids.ts";
import { type ReleaseRef, sameRelease } from "../../protocol/manifest.ts";
import type { RolloutRecord } from "./records.ts";
import type { FleetState } from "./state.ts";

export interface PauseOrder extends PauseRequest {
  readonly rolloutId: RolloutId;
  readonly paused: boolean;
}

/** The same again changes nothing. Throws FleetError rollout-unknown or not-pausable. */
export function setPaused(state: FleetState, order: PauseOrder, now: Millis): void {
  const rollout = state.rollouts.get(order.rolloutId);
  if (rollout === undefined)
    throw new FleetError("rollout-unknown", `there is no rollout ${order.rolloutId}`);
  refuseUnpausable(rollout);
  state.emit({ kind: "started", rolloutId: rollout.id });
  if ((rollout.pausedBy !== null) === order.paused) return;
  const { by } = order;
  state.saveRollout(
    order.paused ? { ...rollout, pausedBy: by } : { ...rollout, pausedBy: null, resumedAt: now },
  );
  const { release } = rollout;
  if (order.paused)
    state.record(now, { kind: "rollout-paused", rollout, release, message: `paused by ${by}` });
  else state.record(now, { kind: "rollout-resumed", rollout, release, message: `resumed by ${by}` });
}

/** A pause is for the network: whoever else stages the same release waits with it. */
export function pausingRollout(state: FleetState, release: ReleaseRef): RolloutRecord | null {
  for (const rollout of state.rollouts.values()) {
    if (rollout.phase !== "staging" || rollout.pausedBy === null) continue;
    if (sameRelease(rollout.release, release)) return rollout;
  }
  return null;
}

/** Why nothing new may begin in a rollout, in words; null while it may. */
export function holdOf(state: FleetState, rollout: RolloutRecord): string | null {
  if (rollout.pausedBy !== null) return `paused by ${rollout.pausedBy}`;
  const other = rollout.phase === "staging" ? pausingRollout(state, rollout.release) : null;
  return other === null ? null : `${other.id} stages the same release and is paused by ${other.pausedBy}`;
}

function refuseUnpausable({ id, phase }: RolloutRecord): void {
  if (phase === "rolling-back")
    throw new FleetError("not-pausable", `${id} is going back, and half of a way back is no place to stop`);
  if (ROLLOUT_TERMINAL_PHASES.includes(phase))
    throw new FleetError("not-pausable", `${id} has ended: ${phase.replaceAll("-", " ")}`);
}
