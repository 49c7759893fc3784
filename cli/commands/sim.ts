// `fleet sim`: what a fleet that need not exist would do, simulated with the code that ships.
import type { Command } from "commander";
import type { Run } from "../command.ts";
import { registerSimCheck } from "./sim-check.ts";
import { registerSimRollout } from "./sim-rollout.ts";
import { registerSimRun } from "./sim-run.ts";
import { registerSimTrace } from "./sim-trace.ts";
import { registerSimValidate } from "./sim-validate.ts";

export function registerSim(program: Command, run: Run): void {
  const sim = program
    .command("sim")
    .summary("simulate a fleet: how long a release takes, and whether a change made it slower")
    .description(
      "Simulate a fleet on a virtual clock, with the code that ships making every decision. Needs no coordinator " +
        "and no nodes. The same seed gives the same numbers on every machine.",
    );
  registerSimRun(sim, run);
  registerSimTrace(sim, run);
  registerSimCheck(sim, run);
  registerSimRollout(sim, run);
  registerSimValidate(sim, run);
}
