// Runs one pure machine: hands it events with the time, carries its effects out in order, and owns its one timer.
// An effect that must be finished before the next (a write) is awaited; decides nothing itself.
import type { Millis } from "../../protocol/ids.ts";
import type { Machine } from "../../protocol/machine.ts";

/** Time for machines: a clock that never jumps, and timers on it. */
export interface Clock {
  now(): Millis;
  /** Calls `wake` after the delay unless the returned function is called first. */
  schedule(delayMs: number, wake: () => void): () => void;
}

/** setTimeout treats a longer delay as none. */
const TIMER_MS_MAX = 2 ** 31 - 1;

export const monotonicClock: Clock = {
  now: () => Math.floor(performance.now()),
  schedule(delayMs, wake) {
    const timer = setTimeout(wake, Math.min(Math.max(1, delayMs), TIMER_MS_MAX));
    return () => clearTimeout(timer);
  },
};

export interface MachineDriverOptions<Event, Effect> {
  readonly machine: Machine<Event | { readonly kind: "tick" }, Effect>;
  readonly clock: Clock;
  /** Work that the next effect must wait for is returned as a promise; must not reject for anything but a bug. */
  readonly perform: (effect: Effect) => Promise<void> | undefined;
  /** A bug: the machine and the world may disagree from here on. */
  readonly onBug: (error: unknown) => void;
}

export class MachineDriver<Event, Effect> {
  readonly #options: MachineDriverOptions<Event, Effect>;
  readonly #queue: Effect[] = [];
  #draining: Promise<void> | null = null;
  #cancelTimer: (() => void) | null = null;
  #stopped = false;

  constructor(options: MachineDriverOptions<Event, Effect>) {
    this.#options = options;
  }

  /** After a stop it does nothing. */
  dispatch(event: Event | { readonly kind: "tick" }): void {
    if (this.#stopped) return;
    const { machine, clock } = this.#options;
    try {
      this.#queue.push(...machine.handle(event, clock.now()));
    } catch (error) {
      this.#fail(error);
      return;
    }
    this.#arm();
    // Begins in a turn of its own, so that an effect may dispatch without getting ahead of those before it.
    this.#draining ??= Promise.resolve().then(() => this.#drain());
  }

  /** Resolves when all effects so far are carried out or under way. */
  async settled(): Promise<void> {
    while (this.#draining !== null) await this.#draining;
  }

  /** Takes no more events and starts no more effects; waits for a write that runs. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#queue.length = 0;
    this.#cancelTimer?.();
    await this.settled();
  }

  async #drain(): Promise<void> {
    try {
      for (let effect = this.#queue.shift(); effect !== undefined; effect = this.#queue.shift()) {
        const work = this.#options.perform(effect);
        if (work !== undefined) await work;
      }
    } catch (error) {
      this.#fail(error);
    } finally {
      this.#draining = null;
    }
  }

  #arm(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = null;
    const deadline = this.#options.machine.deadline();
    if (deadline === null) return;
    const delayMs = deadline - this.#options.clock.now();
    this.#cancelTimer = this.#options.clock.schedule(delayMs, () => this.dispatch({ kind: "tick" }));
  }

  #fail(error: unknown): void {
    this.#stopped = true;
    this.#queue.length = 0;
    this.#cancelTimer?.();
    this.#options.onBug(error);
  }
}
