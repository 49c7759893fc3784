// Who is linked to whom in a simulated fleet: drawn by chance, or as it was in a swarm that was measured.
import { expect, it } from "vitest";
import { SwarmGraph } from "../../../coordinator/core/swarm-graph.ts";
import { createPrng } from "../../../protocol/prng.ts";
import type { Scenario } from "../../../sim/core/scenario.ts";
import { layGraph } from "../../../sim/core/swarm-fleet.ts";
import { scenarioOf } from "../support/scenarios.ts";

const NODES = 30;

function neighboursOf(seed: number, changes: Partial<Scenario> = {}): readonly (readonly number[])[] {
  return layGraph(scenarioOf(changes), NODES, createPrng(seed)).neighbours;
}

it("chance decides who is linked to whom", () => {
  expect(neighboursOf(1)).toEqual(neighboursOf(1));
  expect(neighboursOf(1)).not.toEqual(neighboursOf(2));
});

it("it is as the coordinator laid it, where its seed is known", () => {
  const placement = { groups: new Array<number>(NODES).fill(0), graphSeed: 7 };
  const neighbours = neighboursOf(1, { placement });
  expect(neighboursOf(2, { placement })).toEqual(neighbours);
  const members = Array.from({ length: NODES }, () => ({ zone: null, present: true }));
  const graph = new SwarmGraph({ members, originZone: null, seed: 7, firstCount: NODES });
  for (let rank = 0; rank < NODES; rank += 1) {
    const linked = (neighbours[rank] ?? []).filter((index) => index < NODES);
    expect(linked).toEqual(graph.linksOf(rank).map((link) => link.rank));
  }
});
