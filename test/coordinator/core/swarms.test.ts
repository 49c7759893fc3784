// What nodes are told that report on a release.
import { describe, expect, it } from "vitest";
import { TREE_MEMBERS_MIN } from "../../../coordinator/core/stripe-trees.ts";
import type { NodeId } from "../../../protocol/ids.ts";
import type { ReleaseRef } from "../../../protocol/manifest.ts";
import { type NodeMessage, ORIGIN_ID } from "../../../protocol/messages.ts";
import { ModelFleet } from "./model-fleet.ts";

const traits = { stageMs: 1_000, activateMs: 500 };

type Progress = Extract<NodeMessage, { kind: "progress" }>;

function progressOf(stage: { generation: number; release: ReleaseRef }): Progress {
  const transfer = { verifiedBytes: 1, receivedBytes: 1, uploadedBytes: 0 };
  return { kind: "progress", ...stage, ...transfer, receiveBytesPerSecond: 1 };
}

/** The kinds of messages that answer what a node says. */
function answersTo(fleet: ModelFleet, nodeId: NodeId, message: Progress): readonly string[] {
  const effects = fleet.core.handle({ kind: "node-message", nodeId, message }, fleet.now);
  return effects.flatMap((effect) => (effect.kind === "send" ? [effect.message.kind] : []));
}

describe("a node that was away when a stage ended, and goes on with it", () => {
  it("is told that it is over as soon as it reports", () => {
    const fleet = new ModelFleet();
    fleet.addNodes(2, () => traits);
    fleet.run();
    fleet.publish("v1");
    const id = fleet.stage("v1");
    fleet.pass(200);
    const [, node] = fleet.nodes;
    const [stage] = node?.begunStages ?? [];
    if (node === undefined || stage === undefined) throw new Error("the second node has begun");
    expect(answersTo(fleet, node.id, progressOf(stage))).toEqual([]);
    fleet.run();
    expect(fleet.view(id).phase).toBe("succeeded");
    expect(answersTo(fleet, node.id, progressOf(stage))).toEqual(["stop-serving"]);
  });
});

describe("a fleet in which members feed each other", () => {
  it("hears GO in the order in which pieces come to them", () => {
    const fleet = new ModelFleet();
    fleet.addNodes(TREE_MEMBERS_MIN, () => traits);
    fleet.run();
    fleet.publish("v1");
    const told: string[] = [];
    const fedByOrigin = new Set<string>();
    fleet.onSend = (nodeId, message) => {
      if (message.kind === "go") told.push(nodeId);
      if (
        message.kind === "stage" &&
        message.neighbours.some(({ id, feeds }) => id === ORIGIN_ID && feeds !== null)
      )
        fedByOrigin.add(nodeId);
    };
    fleet.stage("v1");
    fleet.run();
    expect(told).toHaveLength(TREE_MEMBERS_MIN);
    expect(new Set(told.slice(0, 2))).toEqual(fedByOrigin);
  });
});
