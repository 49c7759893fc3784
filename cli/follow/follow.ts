// Follows a rollout to its end while showing it, or until the person leaves; what it came to is the caller's to print.

import type { RolloutView } from "../../protocol/api.ts";
import { FleetError } from "../../protocol/errors.ts";
import type { Client } from "../client.ts";
import type { Context, Outcome } from "../command.ts";
import { untilStopSignal } from "../stop-signal.ts";
import type { FluidRates } from "./fluid-bound.ts";
import { choosePresenter, summaryStyle } from "./presenter.ts";
import { rolloutResultOf, stageResultOf } from "./result.ts";
import { rolloutSummary, stageSummary } from "./summary.ts";
import { type Intent, verdictOn } from "./verdict.ts";
import { firstState, nextState } from "./view-state.ts";

export interface FollowOptions {
  readonly intent?: Intent;
  /** Link rates to compare a stage with. */
  readonly rates?: FluidRates | null;
}

/** Throws FleetError detached when the person leaves, wait-timeout when the coordinator stays away. */
export async function followToEnd(
  context: Context,
  client: Client,
  { started, ...options }: FollowOptions & { readonly started: RolloutView },
): Promise<Outcome> {
  const rollout = await follow(context, client, started);
  return conclude(context, rollout, options);
}

async function follow(context: Context, client: Client, started: RolloutView): Promise<RolloutView> {
  const { host } = context;
  const stop = untilStopSignal(host);
  const presenter = choosePresenter(context, client.clockLeadMs());
  let state = firstState(started, host.now());
  try {
    presenter.show(state, null);
    for await (const item of client.watch(started.id, { signal: stop.signal })) {
      state = nextState(state, item, host.now());
      presenter.show(state, item);
    }
    return state.rollout;
  } catch (error) {
    if (stop.signal.aborted) throw detached(started);
    throw error;
  } finally {
    stop.forget();
    presenter.end();
  }
}

/** What a rollout's present state is to the person who asked: printed result, exit code, error. */
export function conclude(context: Context, rollout: RolloutView, options: FollowOptions): Outcome {
  const style = summaryStyle(context.host);
  const failure = verdictOn(rollout, options.intent ?? "forward");
  const exitCode = failure?.exitCode ?? 0;
  const ending = failure === null ? { exitCode } : { exitCode, failure };
  if (rollout.lane === "stage") {
    const result = stageResultOf(rollout, options.rates ?? null);
    return { ...ending, json: result, text: () => stageSummary(result, rollout, style) };
  }
  return {
    ...ending,
    json: rolloutResultOf(rollout),
    text: () => rolloutSummary(rollout, failure === null, style),
  };
}

function detached({ id, app, version }: RolloutView): FleetError {
  return new FleetError("detached", `left ${id}, which brings out ${app} ${version}`, {
    next: `It goes on without you; come back with \`fleet status --follow ${id}\`.`,
  });
}
