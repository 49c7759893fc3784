// Which group each node of a simulated fleet is of, and so which rates it has and where it stands.
// Dealt by counting and one fixed shuffle, never by a run's seed: a scenario and a size always give the same fleet.
import { assert } from "../../protocol/machine.ts";
import { createPrng } from "../../protocol/prng.ts";
import type { Origin, Scenario, Zone } from "./scenario.ts";

/** Rates in bytes per second and zone of each node, by rank. */
export interface NodeRates {
  readonly up: Float64Array;
  readonly down: Float64Array;
  /** Index into the fleet's zones. */
  readonly zone: Uint16Array;
}

/** Everything that bounds how fast an artifact can reach a fleet. */
export interface FleetModel {
  readonly artifactBytes: number;
  readonly pieceCount: number;
  readonly origin: Origin;
  readonly nodes: NodeRates;
  readonly zones: readonly Zone[];
  /** 1 for each node that must have everything in the end; without it, all must. The others only help. */
  readonly finishing?: Uint8Array;
}

/** Ranks within a run of so many are shuffled: links to the origin go to every so manieth rank, and no group may. */
const SHUFFLED_RUN = 64;

/**
 * How many nodes each group has, in the scenario's order: its share rounded down, and the nodes left over to the
 * groups that lost most by it (largest remainder). They make `nodeCount`.
 */
export function groupSizes(scenario: Scenario, nodeCount: number): number[] {
  const wholeShare = scenario.groups.reduce((sum, { share }) => sum + share, 0);
  assert(wholeShare > 0, "a scenario whose groups have no nodes");
  const quotas = scenario.groups.map(({ share }) => (share / wholeShare) * nodeCount);
  const sizes = quotas.map(Math.floor);
  const lossOf = (group: number): number => (quotas[group] ?? 0) - (sizes[group] ?? 0);
  const byLoss = [...quotas.keys()].toSorted((a, b) => lossOf(b) - lossOf(a) || a - b);
  const left = nodeCount - sizes.reduce((sum, size) => sum + size, 0);
  for (const group of byLoss.slice(0, left)) sizes[group] = (sizes[group] ?? 0) + 1;
  return sizes;
}

/** The group of each rank. Every run of 64 ranks has of each group what its share asks for, to within a node or two. */
export function groupOf(scenario: Scenario, nodeCount: number): Uint16Array {
  if (scenario.placement !== undefined) return Uint16Array.from(scenario.placement.groups);
  const groups = interleave(groupSizes(scenario, nodeCount), nodeCount);
  const random = createPrng(nodeCount).child("groups");
  for (let start = 0; start < nodeCount; start += SHUFFLED_RUN) {
    const length = Math.min(SHUFFLED_RUN, nodeCount - start);
    for (let place = length - 1; place > 0; place--)
      swap(groups, start + place, start + random.below(place + 1));
  }
  return groups;
}

/** The nodes of a scenario at one fleet size with their groups' rates: nothing has gone wrong, nobody left. */
export function fleetModel(scenario: Scenario, nodeCount: number): FleetModel {
  const nodes: NodeRates = {
    up: new Float64Array(nodeCount),
    down: new Float64Array(nodeCount),
    zone: new Uint16Array(nodeCount),
  };
  for (const [rank, index] of groupOf(scenario, nodeCount).entries()) {
    const group = scenario.groups[index];
    assert(group !== undefined, `node ${rank} is of group ${index}, which is not there`);
    nodes.up[rank] = group.upBytesPerSecond;
    nodes.down[rank] = group.downBytesPerSecond;
    nodes.zone[rank] = group.zone;
  }
  const { artifactBytes, pieces, origin, zones } = scenario;
  return { artifactBytes, pieceCount: pieces, origin, nodes, zones };
}

/**
 * Smooth weighted round robin: each rank, every group earns its size, and the group with most is dealt the rank and
 * pays the whole fleet for it. Whole numbers only, so the same on every machine.
 */
function interleave(sizes: readonly number[], nodeCount: number): Uint16Array {
  const earned = sizes.map(() => 0);
  return new Uint16Array(nodeCount).map(() => {
    let richest = 0;
    for (const [group, size] of sizes.entries()) {
      const credit = (earned[group] ?? 0) + size;
      earned[group] = credit;
      if (credit > (earned[richest] ?? 0)) richest = group;
    }
    earned[richest] = (earned[richest] ?? 0) - nodeCount;
    return richest;
  });
}

function swap(groups: Uint16Array, a: number, b: number): void {
  const kept = groups[a] ?? 0;
  groups[a] = groups[b] ?? 0;
  groups[b] = kept;
}
