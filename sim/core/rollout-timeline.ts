// Virtual time of a simulated rollout: what was put off happens in order of time, and all of it goes into the trace.
// Knows nothing of nodes or orders.
import type { Millis } from "../../protocol/ids.ts";
import { assert } from "../../protocol/machine.ts";
import { EventQueue } from "./event-queue.ts";
import { TraceHash } from "./trace-hash.ts";

/** What a step is, for the trace. The numbers are part of every digest. */
export const STEP = {
  arrives: 1,
  served: 2,
  free: 3,
  coordinatorTick: 4,
  obeys: 5,
  nodeTick: 6,
  nodeStep: 7,
  vanishes: 8,
  silent: 9,
} as const;

export interface Step {
  readonly kind: (typeof STEP)[keyof typeof STEP];
  /** Index of the node it is about; -1 for the coordinator. */
  readonly node: number;
}

export class RolloutTimeline {
  readonly trace = new TraceHash();
  readonly #queue = new EventQueue();
  /** What to do, by the place that the queue keeps for it. */
  readonly #actions: (() => void)[] = [];
  readonly #freePlaces: number[] = [];
  #exactNow = 0;
  #events = 0;

  /** Since the rollout was asked for, in whole milliseconds: what the clock of a real process tells. */
  get now(): Millis {
    return Math.floor(this.#exactNow);
  }

  get events(): number {
    return this.#events;
  }

  /** Fractions of a millisecond count. */
  after(delayMs: number, step: Step, run: () => void): void {
    assert(delayMs >= 0, `a step ${delayMs} ms ago`);
    this.#push(this.#exactNow + delayMs, step, run);
  }

  /** At this time on the clock, or at once when that is over. */
  at(time: Millis, step: Step, run: () => void): void {
    this.#push(Math.max(time, this.#exactNow), step, run);
  }

  /** Lets the next thing happen; false when nothing is left. */
  step(): boolean {
    if (!this.#queue.pop()) return false;
    const { at, kind, subject: node, detail: place } = this.#queue;
    this.#exactNow = at;
    this.#events += 1;
    this.trace.add(at, kind, node);
    const run = this.#actions[place];
    assert(run !== undefined, "a step without an action");
    this.#freePlaces.push(place);
    run();
    return true;
  }

  #push(at: number, step: Step, run: () => void): void {
    const place = this.#freePlaces.pop() ?? this.#actions.length;
    this.#actions[place] = run;
    this.#queue.push(at, step.kind, step.node, place);
  }
}
