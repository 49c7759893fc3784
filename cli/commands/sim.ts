// `fleet sim`: the simulator's commands.
import type { Command } from "commander";
import type { Run } from "../command.ts";
import { registerSimRollout } from "./sim-rollout.ts";

export function registerSim(program: Command, run: Run): void {
  const sim = program.command("sim").summary("simulate what a release does to a fleet");
  registerSimRollout(sim, run);
}
