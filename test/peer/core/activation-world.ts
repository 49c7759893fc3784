// A node in virtual time for tests of the activation machine: a link, services that start and stop, a disk that keeps
// what was persisted, and a power switch. Carries effects out one by one, so a test can cut between any two.

import { ActivationMachine } from "../../../peer/core/activation.ts";
import type { ActivationEffect, ActivationEvent } from "../../../peer/core/activation-events.ts";
import {
  type ActivationOrder,
  type AppJournal,
  type LinkTarget,
  linkTargetOf,
} from "../../../peer/core/app-journal.ts";
import { appNameSchema, rolloutIdSchema } from "../../../protocol/ids.ts";
import { type Manifest, releaseRefOf, sameRelease } from "../../../protocol/manifest.ts";
import type { Outcome } from "../../../protocol/messages.ts";

export const APP = appNameSchema.decode("web", "app");
const ROLLOUT = rolloutIdSchema.decode("r1", "rollout");
export const HEALTH_TIMEOUT_MS = 10_000;

/** What goes wrong with a release: its stop hook, its start hook, its probes, or switching to it. */
export type Fault = "stop" | "start" | "probe" | "switch";

export interface Reported {
  readonly generation: number;
  readonly outcome: Outcome;
}

export function blankJournal(): AppJournal {
  return { format: 1, app: APP, healthy: null, previous: null, current: null, next: null };
}

export function activateOrder(manifest: Manifest, generation: number): ActivationOrder {
  const release = releaseRefOf(manifest);
  return { kind: "activate", generation, rolloutId: ROLLOUT, release, healthTimeoutMs: HEALTH_TIMEOUT_MS };
}

export function deactivateOrder(generation: number): ActivationOrder {
  return { kind: "deactivate", generation, rolloutId: ROLLOUT, app: APP };
}

export class World {
  readonly manifests: readonly Manifest[];
  readonly faults: Map<string, ReadonlySet<Fault>>;
  /** Every hook and switch that really happened, e.g. `start v2`, `link v2`. */
  readonly deeds: string[] = [];
  readonly reported: Reported[] = [];
  readonly announced: string[] = [];
  readonly stale: number[] = [];
  readonly running = new Set<string>();
  disk: AppJournal = blankJournal();
  link: LinkTarget | null = null;
  now = 0;
  /** Effects left before the power goes; null: never. */
  effectsLeft: number | null = null;
  machine: ActivationMachine;
  #queue: ActivationEffect[] = [];

  constructor(manifests: readonly Manifest[], faults: Record<string, readonly Fault[]> = {}) {
    this.manifests = manifests;
    this.faults = new Map(Object.entries(faults).map(([version, of]) => [version, new Set(of)]));
    this.machine = this.#boot();
  }

  order(order: ActivationOrder): void {
    this.#handle({ kind: "order", order });
    this.settle();
  }

  /** Carries out effects and lets time pass until nothing more happens. */
  settle(): void {
    for (let steps = 0; steps < 10_000; steps += 1) {
      if (this.#dead()) this.#restart();
      const effect = this.#queue.shift();
      if (effect !== undefined) {
        this.#perform(effect);
        continue;
      }
      const deadline = this.machine.deadline();
      if (deadline === null) return;
      this.now = Math.max(this.now, deadline);
      this.#handle({ kind: "tick" });
    }
    throw new Error("the activation does not come to an end");
  }

  /** Hands over an event without carrying anything out yet. */
  push(event: ActivationEvent): void {
    this.#handle(event);
  }

  /** Carries out queued effects up to and including the first of this kind. */
  performUntil(kind: ActivationEffect["kind"]): void {
    for (;;) {
      const effect = this.#queue.shift();
      if (effect === undefined) throw new Error(`no ${kind} was asked for`);
      this.#perform(effect);
      if (effect.kind === kind) return;
    }
  }

  outcomeOf(generation: number): Outcome | undefined {
    return this.reported.find((report) => report.generation === generation)?.outcome;
  }

  get liveVersion(): string | null {
    return this.link?.release?.version ?? this.link?.directory ?? null;
  }

  /** What is live runs and nothing else does. */
  get serving(): string {
    return [...this.running].join("+");
  }

  #boot(): ActivationMachine {
    return new ActivationMachine({
      journal: this.disk,
      live: this.link,
      find: (release) => this.manifests.find((one) => sameRelease(releaseRefOf(one), release)) ?? null,
    });
  }

  #dead(): boolean {
    return this.effectsLeft !== null && this.effectsLeft <= 0;
  }

  /** Power back: everything in memory is gone, the disk, the link and the services stay. */
  #restart(): void {
    this.effectsLeft = null;
    this.#queue = [];
    this.machine = this.#boot();
    this.#handle({ kind: "start" });
    const report = this.machine.lastReport;
    if (report !== null) this.#queue.push(report);
  }

  #handle(event: ActivationEvent): void {
    this.#queue.push(...this.machine.handle(event, this.now));
  }

  #perform(effect: ActivationEffect): void {
    if (this.effectsLeft !== null) this.effectsLeft -= 1;
    switch (effect.kind) {
      case "persist":
        this.disk = structuredClone(this.machine.journal);
        return;
      case "run-hook":
        return this.#runHook(effect);
      case "switch-link":
        return this.#switchLink(effect);
      case "probe":
        return this.#probe(effect);
      case "announce":
        this.announced.push(effect.step);
        return;
      case "report":
        this.reported.push({ generation: effect.generation, outcome: effect.outcome });
        return;
      case "stale":
        this.stale.push(effect.generation);
        return;
      case "cancel-probe":
        return;
    }
  }

  #runHook(effect: Extract<ActivationEffect, { kind: "run-hook" }>): void {
    const version = effect.target.release?.version ?? "";
    const verb = effect.hook === "preActivate" ? "stop" : "start";
    this.deeds.push(`${verb} ${version}`);
    this.now += 100;
    if (this.#has(version, verb)) {
      const failure = {
        code: "hook-failed",
        message: `${verb} of ${version} exited with 1`,
        logTail: [verb],
      };
      return this.#answer({ kind: "step-failed", attempt: effect.attempt, failure });
    }
    if (verb === "stop") this.running.delete(version);
    else this.running.add(version);
    this.#answer({ kind: "step-done", attempt: effect.attempt });
  }

  #switchLink(effect: Extract<ActivationEffect, { kind: "switch-link" }>): void {
    const version = effect.target?.release?.version ?? "nothing";
    if (this.#has(version, "switch")) {
      const failure = { code: "install-failed", message: "EIO", logTail: [] };
      this.#answer({ kind: "linked", live: this.link });
      return this.#answer({ kind: "step-failed", attempt: effect.attempt, failure });
    }
    this.deeds.push(`link ${version}`);
    this.link = effect.target;
    this.#answer({ kind: "step-done", attempt: effect.attempt });
  }

  #probe(effect: Extract<ActivationEffect, { kind: "probe" }>): void {
    const version = effect.target.release?.version ?? "";
    this.now += 10;
    const well = this.running.has(version) && !this.#has(version, "probe");
    const problem = well ? null : `${version} does not answer`;
    this.#answer({ kind: "probed", attempt: effect.attempt, problem, logTail: well ? [] : ["probe"] });
  }

  /** The power may go between a deed and its answer. */
  #answer(event: ActivationEvent): void {
    if (!this.#dead()) this.#handle(event);
  }

  #has(version: string, fault: Fault): boolean {
    return this.faults.get(version)?.has(fault) ?? false;
  }
}

/** A world where `manifest` is live, healthy and known so by order 1. */
export function worldWith(
  manifest: Manifest,
  others: readonly Manifest[],
  faults: Record<string, readonly Fault[]> = {},
): World {
  const world = new World([manifest, ...others], faults);
  const target = linkTargetOf(releaseRefOf(manifest));
  world.link = target;
  world.running.add(manifest.version);
  world.disk = {
    ...blankJournal(),
    healthy: target,
    current: {
      order: activateOrder(manifest, 1),
      from: null,
      fallback: null,
      phase: null,
      failure: null,
      outcome: { kind: "healthy" },
    },
  };
  world.effectsLeft = 0;
  world.settle();
  world.reported.length = 0;
  return world;
}
