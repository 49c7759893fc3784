// `fleet pause [ROLLOUT]` and `fleet resume [ROLLOUT]`: lets a rollout stand still, and go on.
import type { Command } from "commander";
import { ROLLOUT_TERMINAL_PHASES, type RolloutView } from "../../protocol/api.ts";
import { FleetError } from "../../protocol/errors.ts";
import type { Client } from "../client.ts";
import {
  type Context,
  type GlobalFlags,
  type Outcome,
  type Run,
  withApp,
  withConnection,
} from "../command.ts";
import { clean } from "../format/text.ts";
import { operatorOf } from "../operator.ts";

export function registerPause(program: Command, run: Run): void {
  withApp(withConnection(program.command("pause [rollout]")))
    .summary("let a rollout stand still")
    .description(
      "While it stages, every node stops asking for pieces within a round trip; links stay open. While it switches, " +
        "nodes in mid-switch finish and no further one begins. ROLLOUT is an id such as r7 or a version; without it, " +
        "the one that runs.",
    )
    .action((name: string | undefined, flags: GlobalFlags) =>
      run(flags, async (context) => {
        const client = context.client();
        const rollout = await findRunning(context, client, { name, verb: "pause" });
        return pausedOutcome(await client.pause(rollout.id, operatorOf(context.host)));
      }),
    );
}

export function registerResume(program: Command, run: Run): void {
  withApp(withConnection(program.command("resume [rollout]")))
    .summary("let a paused rollout go on")
    .description("Go on where `fleet pause` stopped it. Without ROLLOUT, the one that is paused.")
    .action((name: string | undefined, flags: GlobalFlags) =>
      run(flags, async (context) => {
        const client = context.client();
        const rollout = await findRunning(context, client, { name, verb: "resume" });
        return resumedOutcome(await client.resume(rollout.id, operatorOf(context.host)));
      }),
    );
}

interface Wanted {
  readonly name: string | undefined;
  readonly verb: "pause" | "resume";
}

/** By id, or by version, or the only one there is. FleetError rollout-unknown, or usage when several could be meant. */
async function findRunning(context: Context, client: Client, { name, verb }: Wanted): Promise<RolloutView> {
  const app = context.settings().appIfAny();
  const { rollouts } = await client.status();
  const ofApp = rollouts.filter((rollout) => app === null || rollout.app === app);
  const byId = rollouts.find((rollout) => rollout.id === name);
  if (byId !== undefined) return byId;
  const running = ofApp.filter((rollout) => !ROLLOUT_TERMINAL_PHASES.includes(rollout.phase));
  const named = running.filter((rollout) => name === undefined || rollout.version === name);
  const fitting = narrow(named, { name, verb });
  const [only, other] = fitting;
  if (only === undefined) throw new FleetError("rollout-unknown", noneMessage(name));
  if (other === undefined) return only;
  const list = fitting.map(({ id, lane, app, version }) => `${id} (${lane} of ${app} ${version})`).join(", ");
  throw new FleetError("usage", `several rollouts run: ${list}`, {
    next: `Name one: \`fleet ${verb} ${only.id}\`.`,
  });
}

/** Unnamed, a resume means what is paused and a pause what is not, if there is any such. */
function narrow(rollouts: readonly RolloutView[], { name, verb }: Wanted): readonly RolloutView[] {
  if (name !== undefined) return rollouts;
  const likely = rollouts.filter((rollout) => (rollout.pausedBy !== null) === (verb === "resume"));
  return likely.length > 0 ? likely : rollouts;
}

function noneMessage(name: string | undefined): string {
  return name === undefined ? "no rollout is running" : `no rollout that runs is called or brings ${name}`;
}

function pausedOutcome(rollout: RolloutView): Outcome {
  const what = `${rollout.id}, the ${rollout.lane} of ${rollout.app} ${rollout.version}`;
  return {
    exitCode: 0,
    json: rollout,
    text: (paint) => [
      `${paint.yellow("paused")} ${what}`,
      ...rollout.waiting.map((reason) => `  ${clean(reason)}`),
      `  \`fleet resume ${rollout.id}\` lets it go on${canGoBack(rollout) ? ", `fleet rollback` ends it" : ""}.`,
    ],
  };
}

function canGoBack({ lane }: RolloutView): boolean {
  return lane === "release";
}

function resumedOutcome(rollout: RolloutView): Outcome {
  const what = `${rollout.id}, the ${rollout.lane} of ${rollout.app} ${rollout.version}`;
  return {
    exitCode: 0,
    json: rollout,
    text: (paint) => [
      `${paint.green("goes on")} ${what}`,
      `  \`fleet status --follow ${rollout.id}\` watches it.`,
    ],
  };
}
