// Runs the coordinator's core: queues events, handles a batch per turn, commits everything the batch saved in one
// transaction, and only then lets anything of it be seen. Decides nothing, and knows no sockets.
import type { FleetEvent } from "../../protocol/api.ts";
import { FleetError } from "../../protocol/errors.ts";
import type { Millis, RolloutId } from "../../protocol/ids.ts";
import type { Machine } from "../../protocol/machine.ts";
import type { CoordinatorEffect, CoordinatorEvent } from "../core/events.ts";
import type { SavedRecord } from "../core/records.ts";
import type { ShellLimits } from "./limits.ts";
import type { CommitBatch } from "./store.ts";

export type RequestEvent = Extract<
  CoordinatorEvent,
  { kind: "publish" | "start-stage" | "start-rollout" | "start-rollback" | "set-paused" | "set-limits" }
>;
export type InwardEvent = Exclude<CoordinatorEvent, RequestEvent>;
/** What is done outside, once it is committed. */
export type OutwardEffect = Exclude<CoordinatorEffect, { kind: "save" | "started" | "rollout-changed" }>;

export interface CoreLoopOptions {
  readonly core: Machine<CoordinatorEvent, CoordinatorEffect>;
  readonly store: { commit(batch: CommitBatch): void };
  readonly limits: ShellLimits;
  readonly now: () => Millis;
  /** Called in order; must not throw. */
  readonly perform: (effect: OutwardEffect) => void;
  /** Called once per batch, after its other effects. */
  readonly publish: (change: { events: readonly FleetEvent[]; rollouts: ReadonlySet<RolloutId> }) => void;
  /** Core and disk may disagree from here on: the loop has stopped and the process must. */
  readonly onFailure: (error: unknown) => void;
}

interface Entry {
  readonly event: CoordinatorEvent;
  /** Called after the commit, before the event's own effects. Never called when the commit fails. */
  readonly onCommitted: (outcome: Outcome) => void;
}

type Outcome =
  | { readonly kind: "done"; readonly rolloutId: RolloutId | null }
  | { readonly kind: "refused"; readonly error: FleetError };

interface Handled {
  readonly entry: Entry | null;
  readonly outcome: Outcome;
  readonly effects: readonly CoordinatorEffect[];
}

/** setTimeout treats longer delays as 1 ms. */
const TIMER_MS_MAX = 2 ** 31 - 1;
/** A deadline that stays in the past must not keep a processor busy. */
const TIMER_MS_MIN = 10;

export class CoreLoop {
  readonly #options: CoreLoopOptions;
  #queue: Entry[] = [];
  #turn: NodeJS.Immediate | null = null;
  #timer: NodeJS.Timeout | null = null;
  #stopped: FleetError | null = null;
  readonly #waiting = new Set<(error: FleetError) => void>();

  constructor(options: CoreLoopOptions) {
    this.#options = options;
  }

  /** Carries out what the core wants after a restart. Call once, before anything is submitted. */
  start(effects: readonly CoordinatorEffect[]): void {
    this.#conclude([{ entry: null, outcome: DONE, effects }]);
  }

  /** True while there is room for events that may be turned away. */
  get hasRoom(): boolean {
    return this.#queue.length < this.#options.limits.queueEventsMax;
  }

  /** Never refuses: who may flood it asks {@link hasRoom} first. After a stop it does nothing. */
  submit(event: InwardEvent, onCommitted?: () => void): void {
    this.#enqueue({ event, onCommitted: onCommitted ?? ignore });
  }

  /** Resolves once the change is committed, with its rollout. Rejects with the core's refusal, or overloaded. */
  request(event: RequestEvent): Promise<RolloutId | null> {
    if (this.#stopped !== null) return Promise.reject(this.#stopped);
    if (!this.hasRoom)
      return Promise.reject(new FleetError("overloaded", "the coordinator is behind with its work"));
    return new Promise((resolve, reject) => {
      this.#waiting.add(reject);
      this.#enqueue({
        event,
        onCommitted: (outcome) => {
          this.#waiting.delete(reject);
          if (outcome.kind === "done") resolve(outcome.rolloutId);
          else reject(outcome.error);
        },
      });
    });
  }

  /** Handles and commits what is queued, then takes nothing more. */
  stop(): void {
    while (this.#stopped === null && this.#queue.length > 0) this.#runTurn();
    this.#halt(new FleetError("overloaded", "the coordinator is shutting down"));
  }

  #enqueue(entry: Entry): void {
    if (this.#stopped !== null) return;
    this.#queue.push(entry);
    this.#turn ??= setImmediate(() => this.#runTurn());
  }

  #runTurn(): void {
    this.#turn = null;
    try {
      this.#conclude(this.#handleBatch());
    } catch (error) {
      this.#halt(new FleetError("internal", "the coordinator has failed and is stopping"));
      this.#options.onFailure(error);
    }
  }

  #handleBatch(): readonly Handled[] {
    const { now, limits } = this.#options;
    const startedAt = now();
    const handled: Handled[] = [];
    for (const entry of this.#queue) {
      handled.push(this.#handle(entry, startedAt));
      if (handled.length >= limits.batchEventsMax || now() - startedAt >= limits.batchMsMax) break;
    }
    this.#queue.splice(0, handled.length);
    return handled;
  }

  #handle(entry: Entry, now: Millis): Handled {
    try {
      const effects = this.#options.core.handle(entry.event, now);
      return { entry, effects, outcome: { kind: "done", rolloutId: startedBy(effects) } };
    } catch (error) {
      if (!(error instanceof FleetError && isRequest(entry.event))) throw error;
      return { entry, effects: [], outcome: { kind: "refused", error } };
    }
  }

  #conclude(handled: readonly Handled[]): void {
    const effects = handled.flatMap((one) => one.effects);
    const events = effects.flatMap((effect) => (effect.kind === "history" ? effect.event : []));
    const records = latestSaves(effects);
    if (records.length > 0 || events.length > 0) this.#options.store.commit({ records, events });
    for (const one of handled) {
      one.entry?.onCommitted(one.outcome);
      for (const effect of one.effects) if (isOutward(effect)) this.#options.perform(effect);
    }
    const changed = effects.flatMap((effect) => (effect.kind === "rollout-changed" ? effect.rolloutId : []));
    if (events.length > 0 || changed.length > 0)
      this.#options.publish({ events, rollouts: new Set(changed) });
    this.#arm();
  }

  /** One timer for the core's next deadline, and another turn when events are left over. */
  #arm(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    if (this.#stopped !== null) return;
    if (this.#queue.length > 0) this.#turn ??= setImmediate(() => this.#runTurn());
    const deadline = this.#options.core.deadline();
    if (deadline === null) return;
    const delayMs = Math.min(Math.max(TIMER_MS_MIN, deadline - this.#options.now()), TIMER_MS_MAX);
    this.#timer = setTimeout(() => this.submit({ kind: "tick" }), delayMs);
  }

  #halt(reason: FleetError): void {
    this.#stopped = reason;
    this.#queue = [];
    if (this.#turn !== null) clearImmediate(this.#turn);
    if (this.#timer !== null) clearTimeout(this.#timer);
    for (const reject of this.#waiting) reject(reason);
    this.#waiting.clear();
  }
}

const DONE: Outcome = { kind: "done", rolloutId: null };

function ignore(): void {
  // Most events have nobody who waits for them.
}

function startedBy(effects: readonly CoordinatorEffect[]): RolloutId | null {
  return effects.find((effect) => effect.kind === "started")?.rolloutId ?? null;
}

function isRequest(event: CoordinatorEvent): event is RequestEvent {
  return event.kind === "publish" || /^(?:set|start)-/.test(event.kind);
}

function isOutward(effect: CoordinatorEffect): effect is OutwardEffect {
  return effect.kind !== "save" && effect.kind !== "started" && effect.kind !== "rollout-changed";
}

/** The last save of each record: what the earlier ones said has never been seen by anyone. */
function latestSaves(effects: readonly CoordinatorEffect[]): readonly SavedRecord[] {
  const latest = new Map<string, SavedRecord>();
  for (const effect of effects)
    if (effect.kind === "save") latest.set(`${effect.record.kind}/${effect.record.key}`, effect.record);
  return [...latest.values()];
}
