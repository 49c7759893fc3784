// The bounds of one run: of the very fleet its seed draws, with those nodes slow that were slow and those gone that
// left. Must draw the faults as the run itself does.
import { createPrng } from "../../protocol/prng.ts";
import { type Bounds, fleetBounds } from "./bounds.ts";
import { type FleetModel, fleetModel } from "./fleet.ts";
import type { Scenario } from "./scenario.ts";
import { drawFaults, type FaultPlan } from "./swarm-faults.ts";
import { roughBoundMs } from "./swarm-fleet.ts";

/** One run of the engine. */
export interface SimulationRun {
  readonly scenario: Scenario;
  readonly nodeCount: number;
  readonly seed: number;
}

/** At least one node must stay. Delays and late starts are not counted: they only make a run slower. */
export function boundsOfRun({ scenario, nodeCount, seed }: SimulationRun): Bounds {
  const plan = drawFaults(scenario, {
    nodeCount,
    boundMs: roughBoundMs(scenario, nodeCount),
    random: createPrng(seed).child("faults"),
  });
  return fleetBounds(struck(fleetModel(scenario, nodeCount), plan, scenario.faults.slowFactor));
}

function struck(fleet: FleetModel, plan: FaultPlan, slowFactor: number): FleetModel {
  const { up, down, zone } = fleet.nodes;
  const factorOf = (index: number): number => (plan.isSlow(index) ? slowFactor : 1);
  const finishing = new Uint8Array(up.length).fill(1);
  for (const { kind, index } of plan.events) if (kind === "leave" || kind === "vanish") finishing[index] = 0;
  return {
    ...fleet,
    nodes: {
      up: up.map((rate, index) => rate * factorOf(index)),
      down: down.map((rate, index) => rate * factorOf(index)),
      zone,
    },
    finishing,
  };
}
