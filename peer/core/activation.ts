// Switching one app over to a release and back, step by step: each step is journalled before it runs, so that a
// crash anywhere continues at that step. Decides only; never touches a link, a process or a file.
import type { Generation, Millis } from "../../protocol/ids.ts";
import { assert, assertNever, type Machine } from "../../protocol/machine.ts";
import type { Manifest, ReleaseRef } from "../../protocol/manifest.ts";
import type { AppState, Outcome } from "../../protocol/messages.ts";
import type { ActivationEffect, ActivationEvent, HookName } from "./activation-events.ts";
import { concludeOrder } from "./activation-outcome.ts";
import {
  addFailure,
  afterDone,
  afterFailed,
  type Conclusion,
  clipMessage,
  type NextStep,
  STEP_SHOWN,
  type StepFacts,
} from "./activation-steps.ts";
import {
  type ActivationOrder,
  type ActivationPhase,
  type AppJournal,
  type Failure,
  type LinkTarget,
  linkTargetOf,
  newestGeneration,
  type OrderRecord,
} from "./app-journal.ts";
import { HealthGate } from "./health-gate.ts";

export interface ActivationOptions {
  readonly journal: AppJournal;
  /** Where the live link points; null when there is none. */
  readonly live: LinkTarget | null;
  /** The manifest of an installed release, null when it is not installed. */
  readonly find: (release: ReleaseRef) => Manifest | null;
}

export class ActivationMachine implements Machine<ActivationEvent, ActivationEffect> {
  readonly #find: ActivationOptions["find"];
  #journal: AppJournal;
  #live: LinkTarget | null;
  #effects: ActivationEffect[] = [];
  /** Names the step in flight, so that an answer to an earlier one is told apart. */
  #attempt = 0;
  #gate: HealthGate | null = null;
  #probeTail: readonly string[] = [];
  /** When the release that was switched to must be healthy. */
  #healthyBy: Millis = 0;

  constructor(options: ActivationOptions) {
    this.#journal = options.journal;
    this.#live = options.live;
    this.#find = options.find;
  }

  get journal(): AppJournal {
    return this.#journal;
  }

  get live(): LinkTarget | null {
    return this.#live;
  }

  /** What a hello says of the newest order. */
  get lastOrder(): AppState["lastOrder"] {
    const { current, next } = this.#journal;
    if (next !== null) return { generation: next.generation, outcome: null };
    return current === null ? null : { generation: current.order.generation, outcome: current.outcome };
  }

  /** The outcome of the last order once more, for a coordinator that may have missed it; null while one runs. */
  get lastReport(): ActivationEffect | null {
    const { current } = this.#journal;
    if (current === null || current.outcome === null) return null;
    return this.#reportOf(current.order.generation, current.outcome);
  }

  handle(event: ActivationEvent, now: Millis): readonly ActivationEffect[] {
    this.#effects = [];
    this.#dispatch(event, now);
    return this.#effects;
  }

  deadline(): Millis | null {
    if (this.#gate === null) return null;
    return Math.min(this.#healthyBy, this.#gate.nextRoundAt ?? this.#healthyBy);
  }

  #dispatch(event: ActivationEvent, now: Millis): void {
    switch (event.kind) {
      case "start":
        return this.#resume(now);
      case "order":
        return this.#ordered(event.order, now);
      case "step-done":
        return event.attempt === this.#attempt ? this.#stepDone(now) : undefined;
      case "step-failed":
        return event.attempt === this.#attempt ? this.#stepFailed(event.failure, now) : undefined;
      case "linked":
        this.#live = event.live;
        return;
      case "probed":
        return event.attempt === this.#attempt ? this.#probed(event, now) : undefined;
      case "tick":
        return this.#tick(now);
      default:
        return assertNever(event);
    }
  }

  #ordered(order: ActivationOrder, now: Millis): void {
    const newest = newestGeneration(this.#journal);
    if (order.generation < newest) return this.#emit({ kind: "stale", generation: order.generation, newest });
    if (order.generation === newest) {
      const report = this.lastReport;
      return report === null ? undefined : this.#emit(report);
    }
    const { current } = this.#journal;
    if (current === null || current.outcome !== null) {
      return this.#begin(order, { fallback: this.#journal.healthy ?? this.#live, disturbed: false }, now);
    }
    this.#journal = { ...this.#journal, next: order };
    this.#emit({ kind: "persist" });
    // A probe can be left at once; a hook or a switch is waited for, because half of one is worse.
    if (this.#gate !== null) this.#supersede(now);
  }

  /** The running order ends where it is, and the newer one starts from what is live now. */
  #supersede(now: Millis): void {
    const { next } = this.#journal;
    const { order, fallback } = this.#record();
    assert(next !== null, "superseding without a newer order");
    this.#leaveStep();
    this.#journal = { ...this.#journal, next: null };
    const message = `order ${order.generation} was overtaken by order ${next.generation}`;
    this.#emit({ kind: "persist" });
    this.#emit(
      this.#reportOf(order.generation, {
        kind: "failed",
        code: "order-stale",
        message,
        logTail: [],
        restored: "failed",
      }),
    );
    this.#begin(next, { fallback, disturbed: true }, now);
  }

  /** `disturbed`: an earlier order stopped half-way, so what is live may not be running. */
  #begin(
    order: ActivationOrder,
    how: { fallback: LinkTarget | null; disturbed: boolean },
    now: Millis,
  ): void {
    const from = this.#live;
    const blank = { phase: null, failure: null, outcome: null };
    this.#journal = { ...this.#journal, current: { order, from, fallback: how.fallback, ...blank } };
    if (order.kind === "activate" && this.#find(order.release) === null)
      return this.#refuseMissing(order.release, how.disturbed, now);
    if (!how.disturbed && from !== null && from.directory === this.#target()?.directory) {
      this.#openWindow(now);
      return this.#enter("probe-new", now);
    }
    this.#enter(from === null ? "switch" : "stop-old", now);
  }

  #refuseMissing(release: ReleaseRef, disturbed: boolean, now: Millis): void {
    const message = `${release.app} ${release.version} is not installed on this node`;
    this.#update({ failure: { code: "install-failed", message, logTail: [] } });
    if (disturbed) return this.#enter("switch-back", now);
    this.#conclude(this.#live === null ? "gone" : "restored");
  }

  #resume(now: Millis): void {
    const { current, next } = this.#journal;
    if (current === null || current.phase === null) return;
    if (next !== null) return this.#supersede(now);
    this.#openWindow(now);
    this.#enter(current.phase, now);
  }

  #enter(phase: ActivationPhase, now: Millis): void {
    this.#leaveStep();
    this.#update({ phase });
    const { from, fallback } = this.#record();
    switch (phase) {
      case "stop-old":
        return this.#runHook(from, "preActivate", now);
      case "stop-new":
        return this.#runHook(this.#target(), "preActivate", now);
      case "start-new":
        return this.#runHook(this.#target(), "postActivate", now);
      case "start-old":
        return this.#runHook(fallback, "postActivate", now);
      case "switch":
        return this.#beginStep({ kind: "switch-link", attempt: this.#attempt, target: this.#target() });
      case "switch-back":
        return this.#beginStep({ kind: "switch-link", attempt: this.#attempt, target: fallback });
      case "probe-new":
      case "probe-old":
        return this.#startProbing(now);
      default:
        return assertNever(phase);
    }
  }

  /** Answers to whatever ran until now no longer count. */
  #leaveStep(): void {
    this.#attempt += 1;
    if (this.#gate === null) return;
    this.#gate = null;
    this.#emit({ kind: "cancel-probe" });
  }

  #runHook(target: LinkTarget | null, hook: HookName, now: Millis): void {
    const spec = this.#manifestOf(target)?.hooks[hook] ?? null;
    if (target === null || spec === null) return this.#stepDone(now);
    const limitMs = hook === "postActivate" ? Math.max(1, this.#healthyBy - now) : spec.timeoutMs;
    const timeoutMs = Math.min(spec.timeoutMs, limitMs);
    const { from } = this.#record();
    this.#beginStep({ kind: "run-hook", attempt: this.#attempt, target, hook, spec, timeoutMs, from });
  }

  #beginStep(effect: ActivationEffect): void {
    const { order, phase } = this.#record();
    assert(phase !== null, "a step without a phase");
    this.#emit({ kind: "persist" });
    this.#emit({ kind: "announce", generation: order.generation, step: STEP_SHOWN[phase] });
    this.#emit(effect);
  }

  #startProbing(now: Millis): void {
    const target = this.#probedTarget();
    const health = this.#manifestOf(target)?.health;
    if (target === null || health === undefined || health.probes.length === 0) return this.#stepDone(now);
    this.#gate = new HealthGate(health, now);
    this.#gate.beginRound(now);
    this.#beginStep({ kind: "probe", attempt: this.#attempt, target });
  }

  #probed(event: Extract<ActivationEvent, { kind: "probed" }>, now: Millis): void {
    const gate = this.#gate;
    assert(gate !== null, "a probe round ended that was not asked for");
    gate.endRound(event.problem, now);
    if (gate.healthy) return this.#stepDone(now);
    if (event.problem !== null) this.#probeTail = event.logTail;
    this.#tick(now);
  }

  #tick(now: Millis): void {
    const gate = this.#gate;
    if (gate === null) return;
    if (now >= this.#healthyBy) return this.#stepFailed(this.#unhealthy(gate.problem), now);
    if (gate.nextRoundAt === null || now < gate.nextRoundAt) return;
    gate.beginRound(now);
    const target = this.#probedTarget();
    assert(target !== null, "probing nothing");
    this.#emit({ kind: "probe", attempt: this.#attempt, target });
  }

  #probedTarget(): LinkTarget | null {
    const { phase, fallback } = this.#record();
    return phase === "probe-old" ? fallback : this.#target();
  }

  #unhealthy(problem: string | null): Failure {
    const why = problem ?? "too few probe rounds passed in that time";
    const message = clipMessage(`not healthy within ${this.#healthTimeoutMs() / 1_000} s: ${why}`);
    return { code: "health-timeout", message, logTail: this.#probeTail };
  }

  #stepDone(now: Millis): void {
    const { phase, fallback } = this.#record();
    assert(phase !== null, "a step ended while none ran");
    if (phase === "switch") this.#live = this.#target();
    if (phase === "switch-back") this.#live = fallback;
    if (this.#journal.next !== null) return this.#supersede(now);
    if (phase === "switch" || phase === "switch-back") this.#openWindow(now);
    this.#follow(afterDone(phase, this.#facts()), now);
  }

  #stepFailed(failure: Failure, now: Millis): void {
    const { phase, failure: first } = this.#record();
    assert(phase !== null, "a step failed while none ran");
    if (this.#journal.next !== null) return this.#supersede(now);
    this.#update({ failure: addFailure(first, phase, this.#asHealthFailure(failure, phase, now)) });
    this.#follow(afterFailed(phase, this.#facts()), now);
  }

  #follow(next: NextStep, now: Millis): void {
    return next.kind === "enter" ? this.#enter(next.phase, now) : this.#conclude(next.conclusion);
  }

  /** A start hook that was cut off by the health timeout failed for that reason, not for its own limit. */
  #asHealthFailure(failure: Failure, phase: ActivationPhase, now: Millis): Failure {
    const starting = phase === "start-new" || phase === "start-old";
    if (failure.code !== "hook-timeout" || !starting || now < this.#healthyBy) return failure;
    return { ...this.#unhealthy(failure.message), logTail: failure.logTail };
  }

  #conclude(conclusion: Conclusion): void {
    this.#leaveStep();
    this.#journal = concludeOrder(this.#journal, conclusion);
    this.#emit({ kind: "persist" });
    const report = this.lastReport;
    assert(report !== null, "an ended order has an outcome");
    this.#emit(report);
  }

  #reportOf(generation: Generation, outcome: Outcome): ActivationEffect {
    return { kind: "report", generation, live: this.#live?.release ?? null, outcome };
  }

  #openWindow(now: Millis): void {
    this.#probeTail = [];
    this.#healthyBy = now + this.#healthTimeoutMs();
  }

  #healthTimeoutMs(): number {
    const { order } = this.#record();
    return order.kind === "activate" ? order.healthTimeoutMs : 0;
  }

  #target(): LinkTarget | null {
    const { order } = this.#record();
    return order.kind === "activate" ? linkTargetOf(order.release) : null;
  }

  #facts(): StepFacts {
    const { order, fallback } = this.#record();
    const known = this.#manifestOf(fallback) !== null;
    return {
      removing: order.kind === "deactivate",
      targetIsFallback: fallback !== null && fallback.directory === this.#target()?.directory,
      fallback: fallback === null ? "none" : known ? "known" : "unknown",
    };
  }

  #manifestOf(target: LinkTarget | null): Manifest | null {
    return target?.release ? this.#find(target.release) : null;
  }

  #record(): OrderRecord {
    const { current } = this.#journal;
    assert(current !== null, "no order runs");
    return current;
  }

  #update(change: Partial<OrderRecord>): void {
    this.#journal = { ...this.#journal, current: { ...this.#record(), ...change } };
  }

  #emit(effect: ActivationEffect): void {
    this.#effects.push(effect);
  }
}
