// Questions to nodes with made-up time: silence, late answers, answers to somebody else's question, and floods.
import { describe, expect, it } from "vitest";
import {
  INSPECTION_ASKERS_MAX,
  INSPECTION_TIMEOUT_MS,
  INSPECTIONS_MAX,
  Inspections,
} from "../../../coordinator/core/inspections.ts";
import { type NodeId, nodeIdSchema } from "../../../protocol/ids.ts";
import type { Inspection } from "../../../protocol/inspection.ts";
import { failure } from "../../support/failure.ts";

const NOW = 1_000_000;

function nodeId(index: number): NodeId {
  return nodeIdSchema.decode(index.toString(16).padStart(32, "0"), "id");
}

function answerTo(requestId: number): Inspection {
  const limits = { uploadBytesPerSecondMax: null, downloadBytesPerSecondMax: null };
  return { kind: "inspection", requestId, busyShare: 0, ...limits, torrents: [] };
}

function asking(): Inspections {
  const inspections = new Inspections();
  expect(inspections.handle({ kind: "ask", askId: 7, nodeId: nodeId(1) }, NOW)).toEqual([
    { kind: "send", nodeId: nodeId(1), requestId: 1 },
  ]);
  return inspections;
}

describe("a question to a node", () => {
  it("is settled by its answer, and nothing is waited for then", () => {
    const inspections = asking();
    const inspection = answerTo(1);
    expect(inspections.handle({ kind: "answer", nodeId: nodeId(1), inspection }, NOW + 300)).toEqual([
      { kind: "settle", askId: 7, result: { kind: "answered", inspection } },
    ]);
    expect(inspections.deadline()).toBeNull();
  });

  it("is given up after its time, not before", () => {
    const inspections = asking();
    expect(inspections.deadline()).toBe(NOW + INSPECTION_TIMEOUT_MS);
    expect(inspections.handle({ kind: "tick" }, NOW + INSPECTION_TIMEOUT_MS - 1)).toEqual([]);
    expect(inspections.handle({ kind: "tick" }, NOW + INSPECTION_TIMEOUT_MS)).toEqual([
      { kind: "settle", askId: 7, result: { kind: "silent" } },
    ]);
  });

  it("takes no answer that comes late, not even for the next question to the same node", () => {
    const inspections = asking();
    inspections.handle({ kind: "tick" }, NOW + INSPECTION_TIMEOUT_MS);
    const again = inspections.handle({ kind: "ask", askId: 8, nodeId: nodeId(1) }, NOW + 6_000);
    expect(again).toEqual([{ kind: "send", nodeId: nodeId(1), requestId: 2 }]);
    expect(
      inspections.handle({ kind: "answer", nodeId: nodeId(1), inspection: answerTo(1) }, NOW + 6_100),
    ).toEqual([]);
    expect(inspections.deadline()).toBe(NOW + 6_000 + INSPECTION_TIMEOUT_MS);
  });

  it("takes no answer from another node, though it knows the number", () => {
    const inspections = asking();
    expect(inspections.handle({ kind: "answer", nodeId: nodeId(2), inspection: answerTo(1) }, NOW)).toEqual(
      [],
    );
    expect(inspections.deadline()).not.toBeNull();
  });

  it("is settled when the node goes away", () => {
    const inspections = asking();
    expect(inspections.handle({ kind: "node-gone", nodeId: nodeId(1) }, NOW + 1)).toEqual([
      { kind: "settle", askId: 7, result: { kind: "gone" } },
    ]);
    expect(inspections.handle({ kind: "node-gone", nodeId: nodeId(1) }, NOW + 2)).toEqual([]);
  });

  it("is asked once for all who ask while it is under way", () => {
    const inspections = asking();
    expect(inspections.handle({ kind: "ask", askId: 8, nodeId: nodeId(1) }, NOW + 100)).toEqual([]);
    const effects = inspections.handle(
      { kind: "answer", nodeId: nodeId(1), inspection: answerTo(1) },
      NOW + 200,
    );
    expect(effects.flatMap((effect) => (effect.kind === "settle" ? effect.askId : []))).toEqual([7, 8]);
  });
});

describe("many questions", () => {
  it("are refused beyond so many nodes, and let in again when one has answered", () => {
    const inspections = new Inspections();
    for (let index = 0; index < INSPECTIONS_MAX; index += 1)
      inspections.handle({ kind: "ask", askId: index, nodeId: nodeId(index) }, NOW);
    const oneMore = { kind: "ask", askId: 999, nodeId: nodeId(999) } as const;
    expect(() => inspections.handle(oneMore, NOW)).toThrow(
      expect.objectContaining(failure("overloaded", /too many nodes/)),
    );
    inspections.handle({ kind: "answer", nodeId: nodeId(0), inspection: answerTo(1) }, NOW);
    expect(inspections.handle(oneMore, NOW)).toHaveLength(1);
  });

  it("are refused beyond so many askers of one node", () => {
    const inspections = new Inspections();
    for (let askId = 0; askId < INSPECTION_ASKERS_MAX; askId += 1)
      inspections.handle({ kind: "ask", askId, nodeId: nodeId(1) }, NOW);
    const oneMore = { kind: "ask", askId: 999, nodeId: nodeId(1) } as const;
    expect(() => inspections.handle(oneMore, NOW)).toThrow(
      expect.objectContaining(failure("overloaded", /too many nodes/)),
    );
    expect(inspections.handle({ kind: "tick" }, NOW + INSPECTION_TIMEOUT_MS)).toHaveLength(
      INSPECTION_ASKERS_MAX,
    );
    expect(inspections.handle(oneMore, NOW + INSPECTION_TIMEOUT_MS)).toHaveLength(1);
  });

  it("answered in floods by a node that was not asked cost and change nothing", () => {
    const inspections = asking();
    for (let requestId = 2; requestId < 1_000; requestId += 1)
      expect(
        inspections.handle({ kind: "answer", nodeId: nodeId(1), inspection: answerTo(requestId) }, NOW),
      ).toEqual([]);
    expect(inspections.deadline()).toBe(NOW + INSPECTION_TIMEOUT_MS);
  });
});
