// A paused rollout stands still where it is, says who paused it, and goes on, whatever restarts meanwhile.
import { describe, expect, it } from "vitest";
import { STAGE_STALL_MS } from "../../../coordinator/core/swarms.ts";
import { type RolloutId, rolloutIdSchema } from "../../../protocol/ids.ts";
import type { Strategy } from "../../../protocol/strategy.ts";
import { failure } from "../../support/failure.ts";
import { ModelFleet } from "./model-fleet.ts";

const HOUR_MS = 3_600_000;
const rolling: Strategy = { canary: 1, rolling: { kind: "nodes", value: 2 }, healthTimeoutMs: 30_000 };
const steady = (index: number) => ({ stageMs: 1_000 + 10 * index, activateMs: 500 });

function fleetOf(count: number, sick: readonly string[] = []): ModelFleet {
  const fleet = new ModelFleet();
  fleet.addNodes(count, (index) => ({ ...steady(index), sick: index === 1 ? sick : [] }));
  fleet.run();
  fleet.publish("v1");
  return fleet;
}

function phases(fleet: ModelFleet, id: RolloutId): readonly string[] {
  return fleet.view(id).nodes.map((node) => node.phase);
}

describe("a pause while the fleet stages", () => {
  it("stops every node within a round trip and says who asked for it; resuming goes on", async () => {
    const fleet = fleetOf(4);
    const id = fleet.release("v1", rolling);
    fleet.pass(500);
    fleet.setPaused(id, true);
    fleet.pass(100);
    expect(fleet.nodes.map((node) => node.paused.has("v1"))).toEqual([true, true, true, true]);
    expect(fleet.view(id)).toMatchObject({
      phase: "staging",
      pausedBy: "ada@laptop",
      waiting: ["paused by ada@laptop: nothing is fetched, 4 nodes not ready"],
    });
    fleet.pass(2 * HOUR_MS);
    expect(phases(fleet, id)).toEqual(Array(4).fill("staging"));
    fleet.setPaused(id, false, "bob@desk");
    fleet.run();
    expect(fleet.view(id)).toMatchObject({ phase: "succeeded", pausedBy: null });
    await expect(fleet.narrate()).toMatchFileSnapshot("../../golden/rollout-paused.txt");
  });

  it("is no stall: nobody is judged for a time in which nobody asked", () => {
    const fleet = fleetOf(2);
    const id = fleet.stage("v1");
    fleet.pass(500);
    fleet.setPaused(id, true);
    fleet.pass(3 * STAGE_STALL_MS);
    fleet.setPaused(id, false);
    fleet.run();
    expect(fleet.view(id).phase).toBe("succeeded");
  });

  it("before GO holds GO back", () => {
    const fleet = fleetOf(3);
    const id = fleet.stage("v1");
    fleet.setPaused(id, true);
    fleet.pass(HOUR_MS);
    expect(fleet.history.some((event) => event.kind === "stage-go")).toBe(false);
    fleet.setPaused(id, false);
    fleet.run();
    expect(fleet.history.filter((event) => event.kind === "stage-go")).toHaveLength(1);
    expect(fleet.view(id).phase).toBe("succeeded");
  });

  it("outlives a restart of the coordinator and of nodes", () => {
    const fleet = fleetOf(3);
    const id = fleet.stage("v1");
    fleet.pass(500);
    fleet.setPaused(id, true);
    fleet.killCoordinator(5_000);
    const [node] = fleet.nodes;
    if (node === undefined) throw new Error("no node");
    fleet.after(10_000, () => fleet.disconnect(node));
    fleet.after(12_000, () => {
      node.paused.clear();
      fleet.connect(node);
    });
    fleet.pass(HOUR_MS);
    expect(fleet.nodes.map((one) => one.paused.has("v1"))).toEqual([true, true, true]);
    expect(fleet.view(id)).toMatchObject({ phase: "staging", pausedBy: "ada@laptop" });
    fleet.setPaused(id, false);
    fleet.run();
    expect(fleet.view(id).phase).toBe("succeeded");
  });

  it("holds nodes in place that go away meanwhile, and waits for them again from its end", () => {
    const fleet = fleetOf(2);
    const id = fleet.stage("v1");
    fleet.pass(500);
    fleet.setPaused(id, true);
    for (const node of fleet.nodes) fleet.disconnect(node);
    fleet.pass(HOUR_MS);
    expect(fleet.view(id).phase).toBe("staging");
    fleet.setPaused(id, false);
    fleet.after(30_000, () => {
      for (const node of fleet.nodes) fleet.connect(node);
    });
    fleet.run();
    expect(fleet.view(id).phase).toBe("succeeded");
  });

  it("holds every rollout of the same release, and no other", () => {
    const fleet = fleetOf(2);
    fleet.publish("v2");
    const id = fleet.stage("v1");
    const same = fleet.release("v1", rolling);
    const other = fleet.stage("v2");
    fleet.pass(100);
    fleet.setPaused(id, true);
    fleet.pass(HOUR_MS);
    expect(fleet.view(same).phase).toBe("staging");
    expect(fleet.view(same).waiting).toEqual([
      `${id} stages the same release and is paused by ada@laptop: nothing is fetched, 2 nodes not ready`,
    ]);
    expect(fleet.view(other).pausedBy).toBeNull();
    fleet.setPaused(id, false);
    fleet.run();
    expect(fleet.view(same).phase).toBe("succeeded");
  });
});

describe("a pause while the fleet switches", () => {
  function switching(fleet: ModelFleet): RolloutId {
    const id = fleet.release("v1", rolling);
    fleet.pass(1_300);
    expect(fleet.view(id)).toMatchObject({ phase: "activating", wave: 0 });
    fleet.setPaused(id, true);
    return id;
  }

  it("lets nodes in mid-switch finish and begins no wave", () => {
    const fleet = fleetOf(5);
    const id = switching(fleet);
    expect(fleet.view(id).waiting).toEqual([
      "paused by ada@laptop: no further node is switched",
      "1 node in mid-switch not healthy yet",
    ]);
    fleet.pass(HOUR_MS);
    expect(phases(fleet, id)).toEqual(["healthy", "staged", "staged", "staged", "staged"]);
    fleet.setPaused(id, false);
    fleet.run();
    expect(fleet.view(id).phase).toBe("succeeded");
  });

  it("does not keep a failure from being taken back", () => {
    const fleet = fleetOf(5, ["v2"]);
    fleet.release("v1", { ...rolling, canary: 0, rolling: { kind: "percent", value: 100 } });
    fleet.run();
    fleet.publish("v2");
    const id = fleet.release("v2", { ...rolling, canary: 0 });
    fleet.pass(1_300);
    fleet.setPaused(id, true);
    fleet.run();
    expect(fleet.view(id)).toMatchObject({ phase: "rolled-back", pausedBy: null });
  });

  it("does not keep an operator from going back", () => {
    const fleet = fleetOf(5);
    const id = switching(fleet);
    fleet.rollback();
    fleet.run();
    expect(fleet.view(id)).toMatchObject({ phase: "rolled-back", pausedBy: null });
  });
});

describe("what cannot be paused", () => {
  it("is a rollout nobody knows, and one that has ended", () => {
    const fleet = fleetOf(2);
    const unknown = rolloutIdSchema.decode("r9", "id");
    expect(() => fleet.setPaused(unknown, true)).toThrow(
      expect.objectContaining(failure("rollout-unknown", /r9/)),
    );
    const id = fleet.stage("v1");
    fleet.run();
    expect(() => fleet.setPaused(id, true)).toThrow(
      expect.objectContaining(failure("not-pausable", /has ended: succeeded/)),
    );
  });

  it("does not record the same pause twice", () => {
    const fleet = fleetOf(2);
    const id = fleet.stage("v1");
    fleet.setPaused(id, true);
    fleet.setPaused(id, true, "bob@desk");
    expect(fleet.view(id).pausedBy).toBe("ada@laptop");
    expect(fleet.history.filter((event) => event.kind === "rollout-paused")).toHaveLength(1);
  });
});
