// `fleet status`: the fleet at a glance, or one rollout followed to its end.
import type { Command } from "commander";
import { ROLLOUT_TERMINAL_PHASES, type RolloutView, type StatusView } from "../../protocol/api.ts";
import { rolloutIdSchema } from "../../protocol/ids.ts";
import type { Client } from "../client.ts";
import {
  type Context,
  decodeFlag,
  type GlobalFlags,
  type Outcome,
  type Run,
  withApp,
  withConnection,
} from "../command.ts";
import { accusations } from "../follow/accusations.ts";
import { conclude, followToEnd } from "../follow/follow.ts";
import { wavesText } from "../follow/summary.ts";
import { formatTable } from "../format/table.ts";
import { clean, type Paint } from "../format/text.ts";
import { count, formatAgo } from "../format/units.ts";

/** More than a handful have one cause. */
const ACCUSATIONS_MAX = 5;

interface StatusFlags extends GlobalFlags {
  /** `true` without a rollout's id. */
  readonly follow?: string | true;
}

export function registerStatus(program: Command, run: Run): void {
  withApp(withConnection(program.command("status")))
    .summary("show the fleet, its apps and its rollouts")
    .description(
      "Show how many nodes are online, what is live, and the running and latest rollouts. With --follow, watch a " +
        "rollout to its end, and exit as the command that started it would.",
    )
    .option("--follow [rollout]", "follow this rollout, or the one that runs")
    .action((flags: StatusFlags) => run(flags, (context) => status(context, flags)));
}

async function status(context: Context, { follow }: StatusFlags): Promise<Outcome> {
  const client = context.client();
  if (follow !== undefined) return followRollout(context, client, follow);
  const view = await client.status();
  const now = context.host.now() + client.clockLeadMs();
  return { exitCode: 0, json: view, text: (paint) => statusText(view, { url: client.url, now, paint }) };
}

async function followRollout(context: Context, client: Client, follow: string | true): Promise<Outcome> {
  const rollout =
    follow === true
      ? await runningRollout(context, client)
      : await client.rollout(decodeFlag(rolloutIdSchema, follow, { name: "--follow" }));
  if (rollout === null)
    return { exitCode: 0, json: { rollout: null }, text: () => ["no rollout is running"] };
  if (ROLLOUT_TERMINAL_PHASES.includes(rollout.phase)) return conclude(context, rollout, {});
  return followToEnd(context, client, { started: rollout });
}

/** The latest one to start that still runs, of the app if one is named. */
async function runningRollout(context: Context, client: Client): Promise<RolloutView | null> {
  const app = context.settings().appIfAny();
  const { rollouts } = await client.status();
  const running = rollouts.filter(
    (rollout) => !ROLLOUT_TERMINAL_PHASES.includes(rollout.phase) && (app === null || rollout.app === app),
  );
  return running.toSorted((a, b) => b.startedAt - a.startedAt)[0] ?? null;
}

interface StatusStyle {
  readonly url: string;
  /** By the coordinator's clock. */
  readonly now: number;
  readonly paint: Paint;
}

function statusText(view: StatusView, { url, now, paint }: StatusStyle): readonly string[] {
  const online = `${view.nodesOnline} of ${count(view.nodesTotal, "node")} online`;
  return [
    `${paint.bold(url)}  fleet ${clean(view.coordinatorVersion)}, ${online}`,
    "",
    ...(view.apps.length === 0 ? ["no app has been published yet"] : appTable(view.apps)),
    "",
    ...(view.rollouts.length === 0 ? ["no rollouts yet"] : rolloutTable(view.rollouts, now, paint)),
    ...accusationLines(view.rollouts, paint),
  ];
}

function appTable(apps: StatusView["apps"]): readonly string[] {
  const columns = [{ heading: "APP" }, { heading: "STABLE" }, { heading: "LIVE" }];
  const rows = apps.map(({ app, stable, live }) => [
    app,
    stable ?? "-",
    live.map(({ version, nodes }) => `${version ?? "nothing"} on ${nodes}`).join(", ") || "-",
  ]);
  return formatTable(columns, rows);
}

function rolloutTable(rollouts: readonly RolloutView[], now: number, paint: Paint): readonly string[] {
  const headings = ["ROLLOUT", "WHAT", "STATE", "NODES", "WAVES", "STARTED", "WHY"];
  const rows = rollouts.map((rollout) => [
    rollout.id,
    `${rollout.lane} ${rollout.app} ${rollout.version}`,
    phaseText(rollout, paint),
    String(rollout.nodes.length),
    wavesText(rollout.waves) || "-",
    formatAgo(now - rollout.startedAt),
    clean(rollout.message ?? rollout.waiting.join("; ")),
  ]);
  return formatTable(
    headings.map((heading) => ({ heading })),
    rows,
  );
}

/** Of the rollouts that run, or of the latest when none does: what is over and mended need not be read again. */
function accusationLines(rollouts: readonly RolloutView[], paint: Paint): readonly string[] {
  const running = rollouts.filter(({ phase }) => !ROLLOUT_TERMINAL_PHASES.includes(phase));
  const told = running.length > 0 ? running : rollouts.slice(0, 1);
  const lines = told.flatMap((rollout) =>
    accusations(rollout, ACCUSATIONS_MAX).map((line) => paint.yellow(`${rollout.id}: ${line}`)),
  );
  return lines.length === 0 ? [] : ["", ...lines];
}

function phaseText({ phase }: RolloutView, paint: Paint): string {
  const text = phase.replaceAll("-", " ");
  if (phase === "succeeded") return paint.green(text);
  return ROLLOUT_TERMINAL_PHASES.includes(phase) ? paint.red(text) : paint.yellow(text);
}
