// Asks nodes about themselves: sends what the machine of questions wants sent, keeps its one timer, and gives each
// asker its answer. Decides nothing.
import type { Millis, NodeId } from "../../protocol/ids.ts";
import type { Inspection } from "../../protocol/inspection.ts";
import { assertNever } from "../../protocol/machine.ts";
import type { CoordinatorMessage } from "../../protocol/messages.ts";
import { type InspectionResult, Inspections, type InspectionsEvent } from "../core/inspections.ts";

export interface InspectorOptions {
  readonly send: (nodeId: NodeId, message: CoordinatorMessage) => void;
  readonly now: () => Millis;
}

export class Inspector {
  readonly #options: InspectorOptions;
  readonly #machine = new Inspections();
  readonly #askers = new Map<number, (result: InspectionResult) => void>();
  #lastAskId = 0;
  #timer: NodeJS.Timeout | null = null;

  constructor(options: InspectorOptions) {
    this.#options = options;
  }

  /** Resolves within {@link INSPECTION_TIMEOUT_MS}. Rejects with FleetError overloaded. */
  inspect(nodeId: NodeId): Promise<InspectionResult> {
    return new Promise((resolve, reject) => {
      this.#lastAskId += 1;
      const askId = this.#lastAskId;
      this.#askers.set(askId, resolve);
      try {
        this.#run({ kind: "ask", askId, nodeId });
      } catch (error) {
        this.#askers.delete(askId);
        reject(error);
      }
    });
  }

  take(nodeId: NodeId, inspection: Inspection): void {
    this.#run({ kind: "answer", nodeId, inspection });
  }

  forget(nodeId: NodeId): void {
    this.#run({ kind: "node-gone", nodeId });
  }

  close(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    for (const settle of this.#askers.values()) settle({ kind: "silent" });
    this.#askers.clear();
  }

  #run(event: InspectionsEvent): void {
    for (const effect of this.#machine.handle(event, this.#options.now())) {
      switch (effect.kind) {
        case "send":
          this.#options.send(effect.nodeId, { kind: "inspect", requestId: effect.requestId });
          break;
        case "settle":
          this.#askers.get(effect.askId)?.(effect.result);
          this.#askers.delete(effect.askId);
          break;
        default:
          assertNever(effect);
      }
    }
    this.#arm();
  }

  #arm(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    const deadline = this.#machine.deadline();
    if (deadline === null) return;
    this.#timer = setTimeout(() => this.#run({ kind: "tick" }), Math.max(1, deadline - this.#options.now()));
  }
}
