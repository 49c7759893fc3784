// What nodes are told that report on a release.
import { describe, expect, it } from "vitest";
import type { NodeId } from "../../../protocol/ids.ts";
import type { ReleaseRef } from "../../../protocol/manifest.ts";
import type { NodeMessage } from "../../../protocol/messages.ts";
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
