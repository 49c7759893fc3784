// Effects in order, one timer, and a stop that waits.
import { expect, test } from "vitest";
import { type Clock, MachineDriver } from "../../../peer/shell/machine-driver.ts";
import type { Machine } from "../../../protocol/machine.ts";

interface Event {
  readonly kind: "go" | "tick";
  readonly effects?: readonly string[];
}

class Scripted implements Machine<Event, string> {
  at: number | null = null;
  readonly seen: string[] = [];

  handle(event: Event): readonly string[] {
    this.seen.push(event.kind);
    if (event.kind === "tick") this.at = null;
    return event.effects ?? [];
  }

  deadline(): number | null {
    return this.at;
  }
}

/** Time that moves only when told. */
class ManualClock implements Clock {
  time = 0;
  readonly #timers = new Map<number, { at: number; wake: () => void }>();
  #next = 0;

  now(): number {
    return this.time;
  }

  schedule(delayMs: number, wake: () => void): () => void {
    const id = this.#next++;
    this.#timers.set(id, { at: this.time + delayMs, wake });
    return () => this.#timers.delete(id);
  }

  get armed(): number {
    return this.#timers.size;
  }

  advance(ms: number): void {
    this.time += ms;
    for (const [id, { at, wake }] of [...this.#timers]) {
      if (at > this.time) continue;
      this.#timers.delete(id);
      wake();
    }
  }
}

function setUp(perform: (effect: string) => Promise<void> | undefined) {
  const machine = new Scripted();
  const clock = new ManualClock();
  const bugs: unknown[] = [];
  const driver = new MachineDriver<Event, string>({
    machine,
    clock,
    perform,
    onBug: (bug) => bugs.push(bug),
  });
  return { machine, clock, driver, bugs };
}

test("effects run in order, each after the work of the one before", async () => {
  const done: string[] = [];
  const { driver } = setUp(async (effect) => {
    await new Promise((resolve) => setImmediate(resolve));
    done.push(effect);
  });
  driver.dispatch({ kind: "go", effects: ["a", "b"] });
  driver.dispatch({ kind: "go", effects: ["c"] });
  expect(done).toEqual([]);
  await driver.settled();
  expect(done).toEqual(["a", "b", "c"]);
});

test("an effect that dispatches does not get ahead of those before it", async () => {
  const done: string[] = [];
  const { driver } = setUp((effect) => {
    done.push(effect);
    if (effect === "a") driver.dispatch({ kind: "go", effects: ["late"] });
    return undefined;
  });
  driver.dispatch({ kind: "go", effects: ["a", "b"] });
  await driver.settled();
  expect(done).toEqual(["a", "b", "late"]);
});

test("there is one timer, for the machine's deadline", async () => {
  const { driver, machine, clock } = setUp(() => undefined);
  machine.at = 500;
  driver.dispatch({ kind: "go" });
  driver.dispatch({ kind: "go" });
  expect(clock.armed).toBe(1);
  clock.advance(499);
  expect(machine.seen).not.toContain("tick");
  clock.advance(1);
  expect(machine.seen.at(-1)).toBe("tick");
  expect(clock.armed).toBe(0);
});

test("nothing starts after a stop, which waits for the work under way", async () => {
  const started: string[] = [];
  const gate = Promise.withResolvers<void>();
  const { driver, machine, clock } = setUp((effect) => {
    started.push(effect);
    return gate.promise;
  });
  machine.at = 10;
  driver.dispatch({ kind: "go", effects: ["a", "b"] });
  await Promise.resolve();
  let stopped = false;
  const stopping = driver.stop().then(() => {
    stopped = true;
  });
  driver.dispatch({ kind: "go", effects: ["c"] });
  await new Promise((resolve) => setImmediate(resolve));
  expect(stopped).toBe(false);
  gate.resolve();
  await stopping;
  expect(started).toEqual(["a"]);
  expect(clock.armed).toBe(0);
});

test("a bug stops the machine and is handed on", async () => {
  const { driver, machine, bugs } = setUp(() => Promise.reject(new Error("bug")));
  driver.dispatch({ kind: "go", effects: ["a", "b"] });
  await driver.settled();
  driver.dispatch({ kind: "go" });
  expect(bugs).toEqual([new Error("bug")]);
  expect(machine.seen).toEqual(["go"]);
});
