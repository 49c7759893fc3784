// `fleet limits`: what nodes may move for the swarm: shown, set and cleared for the whole fleet.
import type { Command } from "commander";
import type { LimitsView } from "../../protocol/api.ts";
import { FleetError } from "../../protocol/errors.ts";
import { type FleetLimits, NO_FLEET_LIMITS, RAMP_MS_MAX } from "../../protocol/rates.ts";
import { type Context, type GlobalFlags, type Outcome, type Run, withConnection } from "../command.ts";
import { BIT_RATE_EXAMPLES, formatBitRate, parseBitRate } from "../config/bit-rate.ts";
import { DURATION_EXAMPLES, formatDuration, parseDuration } from "../config/duration.ts";
import { formatTable } from "../format/table.ts";
import { clean } from "../format/text.ts";
import { count, formatAgo } from "../format/units.ts";
import { operatorOf } from "../operator.ts";

interface SetFlags extends GlobalFlags {
  readonly nodeUploadMax?: string;
  readonly nodeDownloadMax?: string;
  readonly fleetRate?: string;
  readonly ramp?: string;
}

export function registerLimits(program: Command, run: Run): void {
  const limits = withConnection(program.command("limits"))
    .summary("show or set what nodes may move for the swarm")
    .description(
      "Show the fleet's limits. They hold at once, for what runs too. A node whose own configuration is stricter " +
        "keeps to that.",
    )
    .action((flags: GlobalFlags) => run(flags, showLimits));
  withConnection(limits.command("set"))
    .summary("set limits; what is not named stays as it is")
    .option("--node-upload-max <rate>", "most that each node sends, such as 200Mbit; none lifts it")
    .option("--node-download-max <rate>", "most that each node fetches; none lifts it")
    .option("--fleet-rate <rate>", "most that all nodes fetch together; none lifts it")
    .option(
      "--ramp <duration>",
      "from GO, how long the fleet's rate takes to reach its full value, such as 30s",
    )
    .action((_flags: SetFlags, command: Command) =>
      run(command.optsWithGlobals(), (context) => setLimits(context, command.optsWithGlobals())),
    );
  withConnection(limits.command("clear"))
    .summary("lift all limits")
    .action((_flags: GlobalFlags, command: Command) =>
      run(command.optsWithGlobals(), (context) => putLimits(context, NO_FLEET_LIMITS)),
    );
}

async function showLimits(context: Context): Promise<Outcome> {
  return outcomeOf(context, await context.client().limits());
}

async function setLimits(context: Context, flags: SetFlags): Promise<Outcome> {
  const named = [flags.nodeUploadMax, flags.nodeDownloadMax, flags.fleetRate, flags.ramp];
  if (named.every((flag) => flag === undefined))
    throw new FleetError("usage", "nothing to set", {
      next: "Name a limit, such as --fleet-rate 10Gbit; `fleet limits set --help` shows them all.",
    });
  const { limits } = await context.client().limits();
  return putLimits(context, {
    nodeUploadBytesPerSecondMax: rateOf(
      flags.nodeUploadMax,
      limits.nodeUploadBytesPerSecondMax,
      "--node-upload-max",
    ),
    nodeDownloadBytesPerSecondMax: rateOf(
      flags.nodeDownloadMax,
      limits.nodeDownloadBytesPerSecondMax,
      "--node-download-max",
    ),
    fleetBytesPerSecondMax: rateOf(flags.fleetRate, limits.fleetBytesPerSecondMax, "--fleet-rate"),
    rampMs: rampOf(flags.ramp, limits.rampMs),
  });
}

async function putLimits(context: Context, limits: FleetLimits): Promise<Outcome> {
  return outcomeOf(context, await context.client().setLimits({ limits, by: operatorOf(context.host) }));
}

function rateOf(source: string | undefined, before: number | null, option: string): number | null {
  if (source === undefined) return before;
  if (source === "none") return null;
  const rate = parseBitRate(source);
  if (rate !== null) return rate;
  throw new FleetError("usage", `${option} ${source}: expected ${BIT_RATE_EXAMPLES}, or none`);
}

function rampOf(source: string | undefined, before: number): number {
  if (source === undefined) return before;
  const millis = source === "none" ? 0 : parseDuration(source);
  if (millis !== null && millis <= RAMP_MS_MAX) return millis;
  const expected = `${DURATION_EXAMPLES}, at most ${formatDuration(RAMP_MS_MAX)}, or none`;
  throw new FleetError("usage", `--ramp ${source}: expected ${expected}`);
}

function outcomeOf({ host }: Context, view: LimitsView): Outcome {
  return { exitCode: 0, json: view, text: () => limitsText(view, host.now()) };
}

function limitsText(view: LimitsView, now: number): readonly string[] {
  const { limits, setBy, setAt, nodesFetching, allowedBytesPerSecond } = view;
  const ramp = limits.rampMs === 0 ? "" : `, reached ${formatDuration(limits.rampMs)} after GO`;
  const rows = [
    ["each node sends", shown(limits.nodeUploadBytesPerSecondMax)],
    ["each node fetches", shown(limits.nodeDownloadBytesPerSecondMax)],
    ["all nodes together fetch", `${shown(limits.fleetBytesPerSecondMax)}${ramp}`],
  ];
  const isDividing = allowedBytesPerSecond !== null && nodesFetching > 0;
  const flowing = isDividing
    ? [`now ${formatBitRate(allowedBytesPerSecond)} for ${count(nodesFetching, "node")} that fetch`]
    : [];
  const set = setAt === null ? [] : [`set by ${clean(setBy ?? "an operator")}, ${formatAgo(now - setAt)}`];
  return [...formatTable([{ heading: "LIMIT" }, { heading: "AT MOST" }], rows), ...flowing, ...set];
}

function shown(rate: number | null): string {
  return rate === null ? "-" : formatBitRate(rate);
}
