// Questions to nodes that are under way: which node is asked, who waits for its answer, and until when.
// Bounded in nodes and in askers. Never looks into an answer, and takes none that was not asked for.
import { FleetError } from "../../protocol/errors.ts";
import type { Millis, NodeId } from "../../protocol/ids.ts";
import type { Inspection } from "../../protocol/inspection.ts";
import { assertNever, type Machine } from "../../protocol/machine.ts";

/** A node answers within a quarter of a second and a round trip; who needs longer than this is in trouble. */
export const INSPECTION_TIMEOUT_MS = 5_000;
/** Nodes asked at once: people look at one, a dashboard at a few. */
export const INSPECTIONS_MAX = 32;
/** Requests that wait for answers; those for the same node share one. */
export const INSPECTION_ASKERS_MAX = 256;

export type InspectionsEvent =
  | { readonly kind: "ask"; readonly askId: number; readonly nodeId: NodeId }
  | { readonly kind: "answer"; readonly nodeId: NodeId; readonly inspection: Inspection }
  | { readonly kind: "node-gone"; readonly nodeId: NodeId }
  | { readonly kind: "tick" };

/** `silent`: no answer in time. `gone`: the node's session ended meanwhile. */
export type InspectionResult =
  | { readonly kind: "answered"; readonly inspection: Inspection }
  | { readonly kind: "silent" }
  | { readonly kind: "gone" };

export type InspectionsEffect =
  | { readonly kind: "send"; readonly nodeId: NodeId; readonly requestId: number }
  | { readonly kind: "settle"; readonly askId: number; readonly result: InspectionResult };

interface Question {
  readonly requestId: number;
  readonly nodeId: NodeId;
  readonly askIds: number[];
  readonly until: Millis;
}

export class Inspections implements Machine<InspectionsEvent, InspectionsEffect> {
  /** By node, oldest first. */
  readonly #questions = new Map<NodeId, Question>();
  #lastRequestId = 0;
  #askers = 0;

  /** Throws FleetError overloaded for an `ask` beyond the bounds; nothing has changed then. */
  handle(event: InspectionsEvent, now: Millis): readonly InspectionsEffect[] {
    switch (event.kind) {
      case "ask":
        return this.#ask(event.askId, event.nodeId, now);
      case "answer":
        return this.#answer(event.nodeId, event.inspection);
      case "node-gone":
        return this.#settle(this.#questions.get(event.nodeId), { kind: "gone" });
      case "tick":
        return this.#expire(now);
      default:
        return assertNever(event);
    }
  }

  deadline(): Millis | null {
    const [oldest] = this.#questions.values();
    return oldest?.until ?? null;
  }

  #ask(askId: number, nodeId: NodeId, now: Millis): readonly InspectionsEffect[] {
    if (this.#askers >= INSPECTION_ASKERS_MAX) throw busy();
    const known = this.#questions.get(nodeId);
    if (known === undefined && this.#questions.size >= INSPECTIONS_MAX) throw busy();
    this.#askers += 1;
    if (known !== undefined) {
      known.askIds.push(askId);
      return [];
    }
    this.#lastRequestId += 1;
    const requestId = this.#lastRequestId;
    this.#questions.set(nodeId, { requestId, nodeId, askIds: [askId], until: now + INSPECTION_TIMEOUT_MS });
    return [{ kind: "send", nodeId, requestId }];
  }

  #answer(nodeId: NodeId, inspection: Inspection): readonly InspectionsEffect[] {
    const question = this.#questions.get(nodeId);
    // Late, made up, or repeated: whoever waited has been told already.
    if (question?.requestId !== inspection.requestId) return [];
    return this.#settle(question, { kind: "answered", inspection });
  }

  #expire(now: Millis): readonly InspectionsEffect[] {
    const due = [...this.#questions.values()].filter((question) => question.until <= now);
    return due.flatMap((question) => this.#settle(question, { kind: "silent" }));
  }

  #settle(question: Question | undefined, result: InspectionResult): readonly InspectionsEffect[] {
    if (question === undefined) return [];
    this.#questions.delete(question.nodeId);
    this.#askers -= question.askIds.length;
    return question.askIds.map((askId) => ({ kind: "settle", askId, result }));
  }
}

function busy(): FleetError {
  return new FleetError("overloaded", "too many nodes are being asked at once");
}
