// Running a decision core: order, the one timer, and the end.
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { runMachine } from "../../../peer/shell/machine-runner.ts";
import type { Machine } from "../../../protocol/machine.ts";

type Event =
  | { readonly kind: "wait"; readonly untilMs: number }
  | { readonly kind: "say"; readonly what: string }
  | { readonly kind: "tick" };

function recorder(): { machine: Machine<Event, string>; seen: string[] } {
  const seen: string[] = [];
  let deadline: number | null = null;
  return {
    seen,
    machine: {
      handle(event, now) {
        if (event.kind === "wait") deadline = event.untilMs;
        if (event.kind === "tick" && deadline !== null && now >= deadline) deadline = null;
        seen.push(event.kind === "say" ? event.what : `${event.kind} ${now}`);
        return event.kind === "say" ? [`${event.what}!`, `${event.what}?`] : [];
      },
      deadline: () => deadline,
    },
  };
}

beforeEach(() => {
  vi.useFakeTimers();
  vi.setSystemTime(0);
});

afterEach(() => {
  vi.useRealTimers();
});

const now = (): number => Date.now();

describe("runMachine", () => {
  it("carries out effects in order, and lets events that they cause wait their turn", () => {
    const { machine, seen } = recorder();
    const done: string[] = [];
    const runner = runMachine(machine, {
      now,
      apply: (effect) => {
        done.push(effect);
        if (effect === "a!") runner.send({ kind: "say", what: "b" });
      },
    });
    runner.send({ kind: "say", what: "a" });
    expect(seen).toEqual(["a", "b"]);
    expect(done).toEqual(["a!", "a?", "b!", "b?"]);
  });

  it("ticks at the deadline, and follows it when it moves forward", () => {
    const { machine, seen } = recorder();
    const runner = runMachine(machine, { now, apply: () => undefined });
    runner.send({ kind: "wait", untilMs: 500 });
    runner.send({ kind: "wait", untilMs: 200 });
    vi.advanceTimersByTime(199);
    expect(seen).not.toContain("tick 200");
    vi.advanceTimersByTime(1);
    expect(seen).toContain("tick 200");
    expect(vi.getTimerCount()).toBe(0);
  });

  it("arms itself again when the deadline moved back meanwhile", () => {
    const { machine, seen } = recorder();
    const runner = runMachine(machine, { now, apply: () => undefined });
    runner.send({ kind: "wait", untilMs: 100 });
    runner.send({ kind: "wait", untilMs: 300 });
    vi.advanceTimersByTime(1_000);
    expect(seen.filter((entry) => entry.startsWith("tick"))).toEqual(["tick 100", "tick 300"]);
  });

  it("does nothing any more once it is stopped, not even the rest of a turn", () => {
    const { machine, seen } = recorder();
    const done: string[] = [];
    const runner = runMachine(machine, {
      now,
      apply: (effect) => {
        done.push(effect);
        runner.stop();
      },
    });
    runner.send({ kind: "wait", untilMs: 100 });
    runner.send({ kind: "say", what: "a" });
    runner.send({ kind: "say", what: "b" });
    vi.advanceTimersByTime(1_000);
    expect(seen).toEqual(["wait 0", "a"]);
    expect(done).toEqual(["a!"]);
  });
});
