// `fleet sim rollout`: the shipped rollout planner and node agents' activation on virtual time, for a fleet that need
// not exist.
import type { Command } from "commander";
import type { RolloutTraceEvent } from "../../sim/core/rollout-outcome.ts";
import { rolloutResultOf } from "../../sim/core/rollout-result.ts";
import { simulateRollout } from "../../sim/core/rollout-run.ts";
import { type Context, type GlobalFlags, type Outcome, type Run, withJson } from "../command.ts";
import { summaryStyle } from "../follow/presenter.ts";
import { formatClock } from "../format/units.ts";
import { expectedComputingMs, type SimRolloutFlags, simRolloutRequest } from "../sim/rollout-flags.ts";
import { simRolloutText } from "../sim/rollout-text.ts";

export function registerSimRollout(sim: Command, run: Run): void {
  withJson(sim.command("rollout"))
    .summary("how a rollout goes when nodes fail, vanish or are slow")
    .description(
      "Simulate `fleet release` on a fleet that need not exist: how long it takes, on how many nodes a bad release " +
        "is live before it stops, and why it stops. The coordinator and the activation on the nodes are the ones " +
        "that ship; machines, hooks and the network are made up. The same seed gives the same rollout everywhere.",
    )
    .option("--nodes <n>", "nodes of the fleet (default: 100)")
    .option("--rolling <n|n%>", "most nodes switched at once (default: 10%)")
    .option("--canary <k>", "nodes that are switched first; 0 for none (default: 1)")
    .option("--all-at-once", "switch every node in one wave, without canary")
    .option("--health-timeout <duration>", "longest from a node's switch to healthy (default: 2m)")
    .option("--fail <p%>", "chance of each node that the new release does not work there")
    .option("--fail-after <duration>", "it works so long before it fails (default: it never works)")
    .option("--lose <p%>", "chance of each node to vanish during the rollout")
    .option("--slow <p%>", "chance of each node to be slow")
    .option("--slow-factor <n>", "how many times as long the hooks of a slow node take (default: 5)")
    .option("--stage-seconds <s|s-s>", "time to fetch and unpack (default: the nodes have it already)")
    .option("--stop-time <d|d-d>", "time of the stop hook (default: 200ms-1s)")
    .option("--start-time <d|d-d>", "time of the start hook (default: 1s-5s)")
    .option("--probe-time <d|d-d>", "time of one round of probes (default: 5ms-50ms)")
    .option("--interval <duration>", "time between two rounds of probes (default: 2s)")
    .option("--successes <n>", "rounds in a row that must pass (default: 3)")
    .option("--hook-timeout <duration>", "longest a hook may take (default: 30s)")
    .option("--message-delay <duration>", "one way between coordinator and node (default: 5ms)")
    .option("--coordinator-rate <n>", "messages that the coordinator handles in a second (default: 5000)")
    .option("--seed <n>", "what chance begins with (default: 1)")
    .option("--runs <k>", "simulate so many seeds, and tell median and worst (default: 1)")
    .option("--trace", "tell every event")
    .addHelpText("after", HELP)
    .action((flags: GlobalFlags & SimRolloutFlags) => run(flags, (context) => simulate(context, flags)));
}

const HELP = `
Exit codes: 0 the simulation ran, however the rollout ended; 2 asked for wrongly.

Examples:
  fleet sim rollout --nodes 500 --rolling 10% --fail 3%
  fleet sim rollout --nodes 500 --canary 10 --fail 3% --lose 2% --runs 100
  fleet sim rollout --nodes 20 --fail 10% --trace`;

/** Whoever waits longer wants to know how long. */
const UNANNOUNCED_MS_MAX = 5_000;

function simulate({ host, output }: Context, flags: SimRolloutFlags): Outcome {
  const request = simRolloutRequest(flags);
  const { scenario, seeds, trace } = request;
  const computingMs = expectedComputingMs(request);
  if (computingMs > UNANNOUNCED_MS_MAX)
    output.note(`simulating; this takes roughly ${formatClock(computingMs / 1_000)}`);
  const events: RolloutTraceEvent[] = [];
  const listener = trace ? { onEvent: (event: RolloutTraceEvent) => void events.push(event) } : {};
  const outcomes = seeds.map((seed) => simulateRollout({ scenario, seed }, listener));
  const result = rolloutResultOf(scenario, outcomes, trace ? events : null);
  return {
    exitCode: 0,
    json: result,
    text: () => simRolloutText(result, summaryStyle(host), host.stdout.columns),
  };
}
