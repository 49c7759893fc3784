// Nodes of several zones in one swarm, through the whole coordinator: whom each is told of, and what happens when those
// go through whom pieces come into a zone.
import { describe, expect, it } from "vitest";
import { GATEWAYS_MAX } from "../../../coordinator/core/zone-routes.ts";
import { type Neighbour, ORIGIN_ID } from "../../../protocol/messages.ts";
import { ModelFleet } from "./model-fleet.ts";
import type { ModelNode } from "./model-node.ts";

const HOME = "frankfurt";
const AWAY = "oregon";
const PER_ZONE = 20;
/** Long enough for whatever happens while the nodes stage. */
const STAGE_MS = 60_000;

function stagedFleet(zones: readonly (string | undefined)[], originZone: string | null = HOME): ModelFleet {
  const fleet = new ModelFleet(originZone);
  for (const zone of zones)
    fleet.addNodes(PER_ZONE, () => ({
      stageMs: STAGE_MS,
      activateMs: 100,
      ...(zone === undefined ? {} : { zone }),
    }));
  fleet.run();
  fleet.publish("v1");
  fleet.stage("v1");
  settle(fleet);
  return fleet;
}

/** Until what was just said has been heard. */
function settle(fleet: ModelFleet): void {
  fleet.pass(1_000);
}

function zoneOf(fleet: ModelFleet, id: string): string | undefined {
  return fleet.nodes.find((node) => node.id === id)?.traits.zone;
}

function farOf(node: ModelNode): readonly Neighbour[] {
  return node.neighbours.filter(({ id, far }) => id !== ORIGIN_ID && far !== null);
}

/** Nodes of a zone that are told of somebody in another one. */
function gatewaysOf(fleet: ModelFleet, zone: string): readonly ModelNode[] {
  return fleet.nodes.filter((node) => node.traits.zone === zone && node.online && farOf(node).length > 0);
}

describe("a swarm over several zones", () => {
  it("links nodes within their zone, and a few of each zone to others", () => {
    const fleet = stagedFleet([HOME, AWAY]);
    for (const node of fleet.nodes)
      for (const { id, far } of node.neighbours) {
        if (id === ORIGIN_ID) continue;
        const crosses = zoneOf(fleet, id) !== node.traits.zone;
        expect(far !== null, `${node.name} to ${id}`).toBe(crosses);
      }
    expect(gatewaysOf(fleet, HOME)).toHaveLength(GATEWAYS_MAX);
    expect(gatewaysOf(fleet, AWAY)).toHaveLength(GATEWAYS_MAX);
  });

  it("tells both ends of a link of each other, and one of them to dial", () => {
    const fleet = stagedFleet([HOME, AWAY]);
    for (const node of fleet.nodes)
      for (const { id, dial } of node.neighbours) {
        const other = fleet.nodes.find((candidate) => candidate.id === id);
        if (other === undefined) continue;
        const back = other.neighbours.find((neighbour) => neighbour.id === node.id);
        expect(back?.dial, `${node.name} and ${other.name}`).toBe(!dial);
      }
  });

  it("links the origin to its own zone only, whose members share its pieces out among them", () => {
    const fleet = stagedFleet([HOME, AWAY]);
    const linked = fleet.nodes.filter(({ neighbours }) => neighbours.some(({ id }) => id === ORIGIN_ID));
    expect(linked.length).toBeGreaterThan(0);
    expect(new Set(linked.map(({ traits }) => traits.zone))).toEqual(new Set([HOME]));
  });

  it("feeds every zone itself from one that has no nodes", () => {
    const fleet = stagedFleet([HOME, AWAY], "tokyo");
    const linked = fleet.nodes.filter(({ neighbours }) => neighbours.some(({ id }) => id === ORIGIN_ID));
    expect(new Set(linked.map(({ traits }) => traits.zone))).toEqual(new Set([HOME, AWAY]));
    for (const { neighbours } of linked)
      expect(neighbours.find(({ id }) => id === ORIGIN_ID)?.far).not.toBeNull();
  });

  it("is linked as ever when nobody names a zone", () => {
    const fleet = stagedFleet([undefined, undefined], null);
    for (const { neighbours } of fleet.nodes) expect(neighbours.every(({ far }) => far === null)).toBe(true);
  });

  it("finds other gateways for those that go, and tells whoever is concerned", () => {
    const fleet = stagedFleet([HOME, AWAY]);
    const gone = gatewaysOf(fleet, AWAY).slice(0, 3);
    for (const node of gone) fleet.disconnect(node);
    settle(fleet);
    expect(gatewaysOf(fleet, AWAY)).toHaveLength(GATEWAYS_MAX);
    const away = new Set(gone.map(({ id }) => id as string));
    for (const node of [...gatewaysOf(fleet, AWAY), ...gatewaysOf(fleet, HOME)])
      for (const { id } of farOf(node))
        expect(away.has(id), `${node.name} is still told of ${id}`).toBe(false);
  });

  it("is the same after the coordinator was killed and everybody is back", () => {
    const fleet = stagedFleet([HOME, AWAY]);
    const told = (): unknown =>
      fleet.nodes.map(({ neighbours }) => neighbours.toSorted((a, b) => (a.id < b.id ? -1 : 1)));
    const before = told();
    fleet.killCoordinator(500);
    settle(fleet);
    settle(fleet);
    expect(told()).toEqual(before);
  });

  it("takes in a zone that joins later", () => {
    const fleet = stagedFleet([HOME]);
    fleet.addNodes(PER_ZONE, () => ({ stageMs: STAGE_MS, activateMs: 100, zone: AWAY }));
    settle(fleet);
    fleet.stage("v1");
    settle(fleet);
    expect(gatewaysOf(fleet, AWAY)).toHaveLength(GATEWAYS_MAX);
    for (const { id } of gatewaysOf(fleet, AWAY).flatMap(farOf)) {
      const other = fleet.nodes.find((node) => node.id === id);
      expect(other === undefined ? [] : farOf(other).map((back) => zoneOf(fleet, back.id))).toContain(AWAY);
    }
  });
});
