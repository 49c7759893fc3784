// GO: every node opens its links first, then all begin in the same turn, whoever is slow, away or killed meanwhile.
import { describe, expect, it } from "vitest";
import { GO_WAIT_MS } from "../../../protocol/limits.ts";
import { ModelFleet } from "./model-fleet.ts";
import type { NodeTraits } from "./model-node.ts";

const traits: NodeTraits = { stageMs: 1_000, activateMs: 100 };

function fleetOf(count: number, of: (index: number) => Partial<NodeTraits> = () => ({})): ModelFleet {
  const fleet = new ModelFleet();
  fleet.addNodes(count, (index) => ({ ...traits, ...of(index) }));
  fleet.run();
  fleet.publish("v1");
  return fleet;
}

/** Runs until every node has begun, and says how long after `since` each did. */
function beginnings(fleet: ModelFleet, since: number): readonly number[] {
  const begun = new Map<string, number>();
  fleet.onStep = () => {
    for (const { id, begun: times } of fleet.nodes)
      if (times.length > 0 && !begun.has(id)) begun.set(id, fleet.now - since);
  };
  fleet.run();
  return fleet.nodes.map((node) => begun.get(node.id) ?? Number.NaN);
}

function starts(fleet: ModelFleet): readonly string[] {
  return fleet.history.filter((event) => event.kind === "stage-go").map((event) => event.message);
}

describe("GO", () => {
  it("is given to all at once, as soon as the last has its links open", () => {
    const fleet = fleetOf(8, (index) => ({ linksMs: 50 + 100 * index }));
    fleet.stage("v1");
    const times = beginnings(fleet, fleet.now);
    expect(new Set(times).size).toBe(1);
    expect(times[0]).toBeGreaterThanOrEqual(750);
    expect(times[0]).toBeLessThan(850);
    expect(starts(fleet)).toEqual(["GO: 8 of 8 nodes with links open"]);
  });

  it("does not wait long for a node that never answers", () => {
    const fleet = fleetOf(4, (index) => (index === 2 ? { linksMs: 60_000 } : {}));
    fleet.stage("v1");
    const times = beginnings(fleet, fleet.now);
    expect(new Set(times).size).toBe(1);
    expect(times[0]).toBeGreaterThanOrEqual(GO_WAIT_MS);
    expect(times[0]).toBeLessThan(GO_WAIT_MS + 100);
    expect(starts(fleet)).toEqual(["GO: 3 of 4 nodes with links open"]);
  });

  it("does not wait for a node that goes away meanwhile, which begins at once when it is back", () => {
    const fleet = fleetOf(4, (index) => (index === 2 ? { linksMs: 5_000 } : {}));
    const id = fleet.stage("v1");
    const victim = fleet.nodes[2];
    if (victim === undefined) throw new Error("no node");
    fleet.after(100, () => fleet.disconnect(victim));
    fleet.after(500, () => fleet.connect(victim));
    const times = beginnings(fleet, fleet.now);
    expect(times[0]).toBeLessThan(200);
    expect(times[2]).toBeLessThan(600);
    expect(fleet.view(id).phase).toBe("succeeded");
  });

  it("is not given when every node has the release already", () => {
    const fleet = fleetOf(3);
    fleet.stage("v1");
    fleet.run();
    fleet.history.length = 0;
    const id = fleet.stage("v1");
    fleet.run();
    expect(fleet.view(id).phase).toBe("succeeded");
    expect(starts(fleet)).toEqual([]);
  });

  it("is where the time to fetch is counted from", () => {
    const fleet = fleetOf(3, (index) => (index === 0 ? { linksMs: 60_000 } : {}));
    const id = fleet.stage("v1");
    fleet.run();
    for (const { seconds } of fleet.view(id).nodes) expect(seconds).toBeLessThan(1.1);
  });

  it("is with the order for a node that joins a stage which has begun", () => {
    const fleet = fleetOf(2);
    fleet.stage("v1");
    fleet.after(500, () => fleet.addNodes(1, () => traits));
    fleet.after(600, () => {
      const before = fleet.now;
      fleet.stage("v1");
      fleet.after(20, () => expect(fleet.nodes[2]?.begun).toHaveLength(1));
      expect(before).toBe(fleet.now);
    });
    fleet.run();
    expect(fleet.nodes[2]?.begun).toHaveLength(1);
    expect(starts(fleet)).toEqual(["GO: 2 of 2 nodes with links open"]);
  });
});

describe("a coordinator killed between the order and GO", () => {
  it("asks again when it is back, waits for all, and gives GO once", () => {
    const fleet = fleetOf(6);
    const id = fleet.stage("v1");
    fleet.after(30, () => fleet.killCoordinator(1_000));
    const times = beginnings(fleet, fleet.now);
    expect(new Set(times).size).toBe(1);
    expect(times[0]).toBeGreaterThan(1_030);
    expect(times[0]).toBeLessThan(1_030 + GO_WAIT_MS);
    expect(starts(fleet)).toHaveLength(1);
    expect(fleet.view(id).phase).toBe("succeeded");
  });

  it("that stays away does not keep nodes from beginning", () => {
    const fleet = fleetOf(3);
    const id = fleet.stage("v1");
    fleet.after(30, () => fleet.killCoordinator(60_000));
    const times = beginnings(fleet, fleet.now);
    for (const time of times) expect(time).toBeLessThan(10_100);
    for (const node of fleet.nodes) expect(node.begun).toHaveLength(1);
    expect(fleet.view(id).phase).toBe("succeeded");
  });

  it("after it has given GO tells those that missed it with the order that is repeated", () => {
    const fleet = fleetOf(3);
    const id = fleet.stage("v1");
    let killed = false;
    fleet.onStep = () => {
      if (killed || starts(fleet).length === 0) return;
      killed = true;
      fleet.killCoordinator(100);
    };
    fleet.run();
    expect(killed).toBe(true);
    for (const node of fleet.nodes) expect(node.begun.length).toBeGreaterThan(0);
    expect(starts(fleet)).toHaveLength(1);
    expect(fleet.view(id).phase).toBe("succeeded");
  });
});
