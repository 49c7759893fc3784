// What the end of a rollout changes beyond itself: a release's standing, the app's stable history, old rollouts.
import { ROLLOUT_TERMINAL_PHASES, type RolloutPhase } from "../../protocol/api.ts";
import type { Millis } from "../../protocol/ids.ts";
import { type ReleaseRef, sameRelease } from "../../protocol/manifest.ts";
import { type RolloutRecord, STABLE_HISTORY_MAX } from "./records.ts";
import { type FleetState, swarmKey } from "./state.ts";

/** Ended rollouts that stay for `fleet status`; older ones remain in the history of events. */
export const ROLLOUTS_KEPT_MAX = 50;

interface Ending {
  readonly phase: RolloutPhase;
  readonly code: string | null;
  readonly message: string;
  readonly now: Millis;
}

export function finishRollout(state: FleetState, rollout: RolloutRecord, ending: Ending): void {
  const { phase, code, message, now } = ending;
  const why = rollout.message !== null && phase !== "succeeded" ? `${rollout.message}; ${message}` : message;
  state.saveRollout({ ...rollout, phase, code, message: why, finishedAt: now, pausedBy: null });
  if (rollout.lane !== "stage" && phase === "succeeded") markStable(state, rollout.release);
  if (rollout.lane === "release" && (phase === "rolled-back" || phase === "rollback-incomplete"))
    markBad(state, rollout.release);
  forgetOldRollouts(state);
}

function markStable(state: FleetState, release: ReleaseRef): void {
  const known = state.apps.get(release.app)?.stable ?? [];
  const earlier = known.filter((other) => !sameRelease(other, release));
  state.saveApp({ app: release.app, stable: [release, ...earlier].slice(0, STABLE_HISTORY_MAX) });
  setStanding(state, release, "stable");
}

/** A release that was once stable keeps that name: the rollback says more about this attempt than about its bytes. */
function markBad(state: FleetState, release: ReleaseRef): void {
  const wasStable = state.apps.get(release.app)?.stable.some((other) => sameRelease(other, release)) ?? false;
  if (!wasStable) setStanding(state, release, "bad");
}

function setStanding(state: FleetState, release: ReleaseRef, standing: "stable" | "bad"): void {
  const record = state.releases.get(swarmKey(release));
  if (record !== undefined && record.standing !== standing) state.saveRelease({ ...record, standing });
}

function forgetOldRollouts(state: FleetState): void {
  const ended = [...state.rollouts.values()].filter((rollout) =>
    ROLLOUT_TERMINAL_PHASES.includes(rollout.phase),
  );
  const oldestFirst = ended.toSorted((a, b) => (a.finishedAt ?? 0) - (b.finishedAt ?? 0));
  for (const rollout of oldestFirst.slice(0, Math.max(0, ended.length - ROLLOUTS_KEPT_MAX)))
    state.deleteRollout(rollout.id);
}
