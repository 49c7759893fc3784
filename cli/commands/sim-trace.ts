// `fleet sim trace`: one small run, told event by event.
import type { Command } from "commander";
import { FleetError } from "../../protocol/errors.ts";
import { boundsOfRun } from "../../sim/core/run-bounds.ts";
import { simulateSwarm, type TraceEvent } from "../../sim/core/swarm-run.ts";
import { type Context, type Outcome, type Run, withJson } from "../command.ts";
import { resolvePath } from "../config/paths.ts";
import { formatRatio } from "../format/units.ts";
import { planFromFlags, type ScenarioFlags, withFleet } from "../sim/flags.ts";
import { narrate, timeText } from "../sim/narrate.ts";
import { parseFlag, SEED } from "../sim/quantities.ts";

export interface SimTraceFlags extends ScenarioFlags {
  readonly seed?: string;
  readonly all: boolean;
  readonly force: boolean;
}

/** More fill a terminal for minutes, and nobody reads them. */
const NODES_TOLD_MAX = 50;
const PIECES_TOLD_MAX = 64;
const NODES_DEFAULT = 4;
const PIECES_DEFAULT = "8";
const SEED_DEFAULT = 1;

export function registerSimTrace(sim: Command, run: Run): void {
  withJson(withFleet(sim.command("trace"), "nodes, one number (default: 4)"))
    .summary("tell a small run event by event")
    .description(
      "Simulate one small fleet and tell what happens, one event on a line after the seconds since GO: who is asked " +
        `for which piece, receives it and has verified it. At most ${NODES_TOLD_MAX} nodes and ${PIECES_TOLD_MAX} ` +
        `pieces unless forced; without --scenario ${PIECES_DEFAULT} pieces.`,
    )
    .option("--seed <n>", "what chance begins with (default: 1)")
    .option("--all", "tell every message too", false)
    .option("--force", "tell larger runs", false)
    .action((flags: SimTraceFlags) => run(flags, (context) => traceRun(context, flags)));
}

export function traceRun(context: Context, flags: SimTraceFlags): Outcome {
  const { host, output } = context;
  const pieces = flags.scenario === undefined ? { pieces: PIECES_DEFAULT, ...flags } : flags;
  const { scenario } = planFromFlags(pieces, {
    resolve: (file) => resolvePath(host, host.cwd, file),
    sizes: [NODES_DEFAULT],
  });
  const [nodeCount = NODES_DEFAULT, ...more] = scenario.sizes;
  if (more.length > 0) throw new FleetError("usage", "--nodes: one run is told, so give one number of nodes");
  if (!flags.force && (nodeCount > NODES_TOLD_MAX || scenario.pieces > PIECES_TOLD_MAX))
    throw new FleetError("usage", `${nodeCount} nodes and ${scenario.pieces} pieces make a very long story`, {
      next: `Give at most ${NODES_TOLD_MAX} nodes and ${PIECES_TOLD_MAX} pieces, or --force.`,
    });
  const seed = flags.seed === undefined ? SEED_DEFAULT : parseFlag("--seed", flags.seed, SEED);
  const run = { scenario, nodeCount, seed };
  const verified = new Map<string, number>();
  const tell = (event: TraceEvent): void => {
    const line = narrate(event, flags.all);
    if (line === null) return;
    output.line(line);
    output.json({ ...event, kind: "sim-event", event: event.kind });
    if (event.kind !== "verified") return;
    const pieces = (verified.get(event.to) ?? 0) + 1;
    verified.set(event.to, pieces);
    if (pieces === scenario.pieces) output.line(`${timeText(event.atMs)}  ${event.to} has everything`);
  };
  const outcome = simulateSwarm(run, { onEvent: tell });
  const last = outcome.completedMs.at(-1) ?? 0;
  const { hardSeconds, binding } = boundsOfRun(run);
  const ratio = last / 1000 / hardSeconds;
  return {
    exitCode: 0,
    json: {
      kind: "sim-trace",
      ...{ nodes: nodeCount, pieces: scenario.pieces, seed },
      ...{ lastSeconds: last / 1000, boundSeconds: hardSeconds, boundId: binding },
      ...{ events: outcome.events, traceHash: outcome.traceHash },
    },
    text: () => [
      `${timeText(last)}  the last node has everything: ${formatRatio(ratio)} times bound ${binding}`,
      `trace ${outcome.traceHash}`,
    ],
  };
}
