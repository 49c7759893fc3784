// The shipped coordinator core as a process with one thread: what arrives waits its turn, and every message in or out
// takes the thread some time. Makes no choice of its own.
import { CoordinatorCore } from "../../coordinator/core/coordinator.ts";
import type { CoordinatorEffect, CoordinatorEvent } from "../../coordinator/core/events.ts";
import type { FleetEvent, RolloutView } from "../../protocol/api.ts";
import type { NodeId, RolloutId } from "../../protocol/ids.ts";
import { assert } from "../../protocol/machine.ts";
import type { CoordinatorMessage } from "../../protocol/messages.ts";
import { type RolloutTimeline, STEP } from "./rollout-timeline.ts";
import type { Control } from "./scenario.ts";

export interface CoordinatorWorld {
  readonly timeline: RolloutTimeline;
  readonly control: Control;
  /** The message leaves the coordinator after `delayMs` of its own work. */
  readonly send: (nodeId: NodeId, message: CoordinatorMessage, delayMs: number) => void;
  readonly tell: (event: FleetEvent) => void;
}

export class RolloutCoordinator {
  readonly #world: CoordinatorWorld;
  readonly #core = new CoordinatorCore({
    records: [],
    origin: { host: null, port: 7_701, zone: null },
    coordinatorVersion: "sim",
  });
  readonly #waiting: CoordinatorEvent[] = [];
  /** How many of those have been served. */
  #servedCount = 0;
  #isBusy = false;
  #tickAt: number | null = null;
  #rolloutId: RolloutId | null = null;

  constructor(world: CoordinatorWorld) {
    this.#world = world;
    this.#core.restore(0);
  }

  /** What has happened before the run: nobody hears of it, and it takes no time. */
  learn(event: CoordinatorEvent): void {
    this.#core.handle(event, 0);
  }

  /** It has arrived, and is dealt with after what came before it. */
  take(event: CoordinatorEvent): void {
    this.#waiting.push(event);
    if (!this.#isBusy) this.#serveNext();
  }

  /** Null until one has begun. */
  rollout(): RolloutView | null {
    return this.#rolloutId === null ? null : this.#core.rollout(this.#rolloutId);
  }

  #serveNext(): void {
    const event = this.#waiting[this.#servedCount];
    if (event === undefined) return this.#rest();
    this.#servedCount += 1;
    const { timeline, control } = this.#world;
    this.#isBusy = true;
    timeline.after(control.serviceMs, { kind: STEP.served, node: -1 }, () => this.#handle(event));
  }

  #rest(): void {
    this.#waiting.length = 0;
    this.#servedCount = 0;
    this.#isBusy = false;
    this.#arm();
  }

  #handle(event: CoordinatorEvent): void {
    const { timeline } = this.#world;
    const busyMs = this.#carryOut(this.#core.handle(event, timeline.now));
    this.#isBusy = true;
    timeline.after(busyMs, { kind: STEP.free, node: -1 }, () => this.#serveNext());
  }

  /** How long sending what came of it keeps the thread. */
  #carryOut(effects: readonly CoordinatorEffect[]): number {
    const { control, send, tell } = this.#world;
    let busyMs = 0;
    for (const effect of effects) {
      if (effect.kind === "history") tell(effect.event);
      if (effect.kind === "started") this.#rolloutId = effect.rolloutId;
      assert(effect.kind !== "refuse", "the coordinator refuses a node that it knows");
      if (effect.kind !== "send") continue;
      busyMs += control.serviceMs;
      send(effect.nodeId, effect.message, busyMs);
    }
    return busyMs;
  }

  /** Its one timer; while it is busy, a deadline waits like everything else. */
  #arm(): void {
    const deadline = this.#core.deadline();
    if (deadline === this.#tickAt) return;
    this.#tickAt = deadline;
    if (deadline === null) return;
    this.#world.timeline.at(deadline, { kind: STEP.coordinatorTick, node: -1 }, () => {
      if (this.#tickAt !== deadline) return;
      this.#tickAt = null;
      if (!this.#isBusy) this.#handle({ kind: "tick" });
    });
  }
}
