// The one shape of every decision core, and the assertions that mark a bug.
import type { Millis } from "./ids.ts";

/**
 * A pure decision core. It never reads a clock, draws a random number or does IO: it is told what happened and
 * when, and answers with what should be done. The shell runs the effects and owns exactly one timer per machine.
 */
export interface Machine<Event, Effect> {
  handle(event: Event, now: Millis): readonly Effect[];
  /** When the machine next wants a `{ kind: "tick" }`; null when only an outside event can move it. */
  deadline(): Millis | null;
}

/** A broken invariant of our own code: crash loudly rather than continue on a wrong belief. */
export class BugError extends Error {
  override readonly name = "BugError";
}

/** Where events are many, `message` is a constant: one with numbers in it is made each time, needed or not. */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new BugError(message);
}

export function assertNever(value: never): never {
  throw new BugError(`unhandled case ${JSON.stringify(value)}`);
}
