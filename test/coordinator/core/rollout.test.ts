// Rollouts told as stories: the narrated trace of each is a golden file, so a change of behaviour is read in review.
import { describe, expect, it } from "vitest";
import { REPLAN_DELAY_MS } from "../../../coordinator/core/coordinator.ts";
import { type Strategy, shareOf } from "../../../protocol/strategy.ts";
import { ModelFleet } from "./model-fleet.ts";

const rolling = (value: number, canary = 1): Strategy => ({
  canary,
  rolling: { kind: "percent", value },
  healthTimeoutMs: 30_000,
});
const allAtOnce: Strategy = { canary: 0, rolling: { kind: "percent", value: 100 }, healthTimeoutMs: 30_000 };
const golden = (name: string): string => `../../golden/rollout-${name}.txt`;
const steady = (index: number) => ({ stageMs: 1_000 + 10 * index, activateMs: 500 });

function fleetOn(
  version: string,
  count: number,
  traits: Parameters<ModelFleet["addNodes"]>[1] = steady,
): ModelFleet {
  const fleet = new ModelFleet();
  fleet.addNodes(count, traits);
  fleet.run();
  fleet.publish(version);
  fleet.release(version, allAtOnce);
  fleet.run();
  fleet.history.length = 0;
  return fleet;
}

describe("a rollout", () => {
  it("stages everywhere first, then goes canary, then wave by wave", async () => {
    const fleet = fleetOn("v1", 8);
    fleet.publish("v2");
    const id = fleet.release("v2", rolling(25));
    fleet.run();
    expect(fleet.view(id)).toMatchObject({ phase: "succeeded", waves: [1, 2, 2, 2, 1] });
    await expect(fleet.narrate()).toMatchFileSnapshot(golden("rolling"));
  });

  it("stops at a sick canary and leaves the fleet on the previous release", async () => {
    const fleet = fleetOn("v2", 8, (index) => ({ ...steady(index), sick: ["v3"] }));
    fleet.publish("v3");
    const id = fleet.release("v3", rolling(25));
    fleet.run();
    expect(fleet.view(id)).toMatchObject({ phase: "rolled-back" });
    expect(fleet.nodes.map((node) => node.live?.version)).toEqual(Array(8).fill("v2"));
    expect(
      fleet.nodes.filter((node) => node.carriedOut.some((order) => order.release?.version === "v3")),
    ).toHaveLength(1);
    await expect(fleet.narrate()).toMatchFileSnapshot(golden("sick-canary"));
  });

  it("takes back the waves that were healthy when a later one fails", async () => {
    const fleet = fleetOn("v2", 8, (index) => ({ ...steady(index), sick: index === 5 ? ["v3"] : [] }));
    fleet.publish("v3");
    const id = fleet.release("v3", rolling(25));
    fleet.run();
    expect(fleet.view(id).phase).toBe("rolled-back");
    expect(fleet.nodes.map((node) => node.live?.version)).toEqual(Array(8).fill("v2"));
    await expect(fleet.narrate()).toMatchFileSnapshot(golden("late-failure"));
  });

  it("removes a first release again where there is nothing to go back to", () => {
    const fleet = new ModelFleet();
    fleet.addNodes(4, (index) => ({ ...steady(index), sick: index === 3 ? ["v1"] : [] }));
    fleet.run();
    fleet.publish("v1");
    const id = fleet.release("v1", rolling(25));
    fleet.run();
    expect(fleet.view(id).phase).toBe("rolled-back");
    expect(fleet.nodes.map((node) => node.live)).toEqual([null, null, null, null]);
  });

  it("activates nothing when a node cannot stage", () => {
    const fleet = fleetOn("v1", 4, (index) => ({ ...steady(index), unstageable: index === 2 ? ["v2"] : [] }));
    fleet.publish("v2");
    const id = fleet.release("v2", rolling(25));
    fleet.run();
    const view = fleet.view(id);
    expect(view).toMatchObject({ phase: "failed", code: "stage-failed" });
    expect(view.nodes.filter((node) => node.phase === "stage-failed").map((node) => node.code)).toEqual([
      "disk-full",
    ]);
    expect(fleet.nodes.map((node) => node.live?.version)).toEqual(Array(4).fill("v1"));
  });

  it("defers a node that goes dark before it is touched and finishes with the others", () => {
    const fleet = fleetOn("v1", 4);
    fleet.publish("v2");
    const id = fleet.release("v2", rolling(25));
    fleet.after(200, () => fleet.disconnect(fleet.nodes[3] ?? fail()));
    fleet.run();
    const view = fleet.view(id);
    expect(view.phase).toBe("succeeded");
    expect(view.nodes.map((node) => node.phase)).toEqual(["healthy", "healthy", "healthy", "deferred"]);
  });

  it("counts a node that goes silent after its order as a failure, and says the fleet is mixed", async () => {
    const fleet = fleetOn("v1", 4);
    fleet.publish("v2");
    const id = fleet.release("v2", rolling(25));
    const victim = fleet.nodes[1] ?? fail();
    fleet.onStep = () => {
      if (victim.switching) fleet.disconnect(victim);
    };
    fleet.run();
    expect(fleet.view(id)).toMatchObject({ phase: "rollback-incomplete", code: "fleet-mixed" });
    await expect(fleet.narrate()).toMatchFileSnapshot(golden("lost-node"));
  });

  it("does not hold a short absence against a node", () => {
    const fleet = fleetOn("v1", 4);
    fleet.publish("v2");
    const id = fleet.release("v2", rolling(25));
    const victim = fleet.nodes[1] ?? fail();
    let gone = false;
    fleet.onStep = () => {
      if (!victim.switching || gone) return;
      gone = true;
      fleet.disconnect(victim);
      fleet.after(20_000, () => fleet.connect(victim));
    };
    fleet.run();
    expect(gone).toBe(true);
    expect(fleet.view(id).phase).toBe("succeeded");
    expect(victim.carriedOut.filter((order) => order.release?.version === "v2")).toHaveLength(1);
  });

  it("undoes itself when an operator asks to go back in the middle", () => {
    const fleet = fleetOn("v1", 8);
    fleet.publish("v2");
    const id = fleet.release("v2", rolling(25));
    fleet.onStep = () => {
      const view = fleet.view(id);
      if (view.wave === 2 && view.phase === "activating") {
        fleet.onStep = () => undefined;
        fleet.rollback();
      }
    };
    fleet.run();
    expect(fleet.view(id).phase).toBe("rolled-back");
    expect(fleet.nodes.map((node) => node.live?.version)).toEqual(Array(8).fill("v1"));
  });

  it("goes back to the stable release before the current one in large batches", () => {
    const fleet = fleetOn("v1", 8);
    fleet.publish("v2");
    fleet.release("v2", allAtOnce);
    fleet.run();
    const id = fleet.rollback() ?? fail();
    fleet.run();
    expect(fleet.view(id)).toMatchObject({
      phase: "succeeded",
      lane: "rollback",
      version: "v1",
      waves: [2, 2, 2, 2],
    });
    expect(fleet.nodes.map((node) => node.live?.version)).toEqual(Array(8).fill("v1"));
  });

  it("is planned once for reports that come together", () => {
    const fleet = fleetOn("v1", 8, () => ({ stageMs: 1_000, activateMs: 500 }));
    fleet.publish("v2");
    const id = fleet.release("v2", allAtOnce);
    const stagedAt: number[] = [];
    fleet.onStep = () => {
      const { phase, nodes } = fleet.view(id);
      if (phase === "staging" && nodes.every((node) => node.phase === "staged")) stagedAt.push(fleet.now);
    };
    fleet.run();
    const activatedAt = fleet.history.find((event) => event.kind === "node-activating")?.at ?? fail();
    const waitedMs = activatedAt - (stagedAt[0] ?? fail());
    expect(waitedMs).toBeGreaterThan(0);
    expect(waitedMs).toBeLessThanOrEqual(REPLAN_DELAY_MS);
  });

  it("refuses a second rollout of the same app and names the one that runs", () => {
    const fleet = fleetOn("v1", 4);
    fleet.publish("v2");
    fleet.release("v2", rolling(25));
    expect(() => fleet.release("v1", rolling(25))).toThrow(/r2, the release of shop v2, is staging/);
  });

  it("refuses to begin without a node, and a version nobody published", () => {
    const fleet = new ModelFleet();
    fleet.publish("v1");
    expect(() => fleet.release("v1", allAtOnce)).toThrow("no node has joined yet");
    expect(() => fleet.release("v9", allAtOnce)).toThrow("shop v9 is not published here");
  });

  it("accepts the same release published twice and refuses other content under its version", () => {
    const fleet = new ModelFleet();
    fleet.publish("v1");
    expect(() => fleet.publish("v1", { createdAt: 5, sequence: 9 })).not.toThrow();
    expect(() => fleet.publish("v1", { hooks: { preActivate: null, postActivate: null } })).toThrow(
      "already published",
    );
  });
});

describe("a coordinator killed in mid-rollout", () => {
  it.each(Array.from({ length: 40 }, (_, index) => index * 3))(
    "goes on after a kill before event %i",
    (killAt) => {
      const fleet = fleetOn("v1", 8);
      fleet.publish("v2");
      const id = fleet.release("v2", rolling(25));
      let events = 0;
      let downMax = 0;
      fleet.onStep = () => {
        events += 1;
        downMax = Math.max(downMax, fleet.nodes.filter((node) => node.switching).length);
        if (events === killAt) fleet.killCoordinator(3_000);
      };
      fleet.run();
      expect(fleet.view(id).phase).toBe("succeeded");
      expect(downMax).toBeLessThanOrEqual(shareOf({ kind: "percent", value: 25 }, 8));
      for (const node of fleet.nodes) {
        expect(node.live?.version).toBe("v2");
        expect(node.carriedOut.filter((order) => order.release?.version === "v2")).toHaveLength(1);
      }
    },
  );
});

function fail(): never {
  throw new Error("the fixture is too small");
}
