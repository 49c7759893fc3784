// What connections may send together before they have said who they are.
import { PassThrough } from "node:stream";
import { describe, expect, it } from "vitest";
import { StrangerBudget } from "../../../coordinator/shell/stranger-budget.ts";

/** A budget of 100 bytes, and connections by name. */
function world() {
  const budget = new StrangerBudget(100);
  const dropped: string[] = [];
  const streams = new Map<string, PassThrough>();
  return {
    dropped,
    come(name: string): void {
      const stream = new PassThrough();
      streams.set(name, stream);
      budget.watch(stream, () => dropped.push(name));
    },
    /** What a connection sends is counted when it is read, as it is held from then on. */
    send(name: string, bytes: number): void {
      streams.get(name)?.emit("data", Buffer.alloc(bytes));
    },
    forget(name: string): void {
      const stream = streams.get(name);
      if (stream !== undefined) budget.forget(stream);
    },
    listeners: (name: string) => streams.get(name)?.listenerCount("data"),
  };
}

describe("the budget of strangers", () => {
  it("lets them send as much as it holds", () => {
    const { come, send, dropped } = world();
    for (const name of ["a", "b"]) come(name);
    send("a", 60);
    send("b", 40);
    expect(dropped).toEqual([]);
  });

  it("gives up the one that has sent the most, not the one that came last", () => {
    const { come, send, dropped } = world();
    for (const name of ["a", "b", "c"]) come(name);
    send("a", 30);
    send("b", 60);
    send("c", 20);
    expect(dropped).toEqual(["b"]);
  });

  it("has room again for what was given up", () => {
    const { come, send, dropped } = world();
    for (const name of ["a", "b"]) come(name);
    send("a", 60);
    send("b", 50);
    send("b", 50);
    send("a", 1);
    expect(dropped).toEqual(["a"]);
    send("b", 1);
    expect(dropped).toEqual(["a", "b"]);
  });

  it("no longer counts who has said who it is", () => {
    const { come, send, forget, listeners, dropped } = world();
    for (const name of ["a", "b"]) come(name);
    send("a", 90);
    forget("a");
    send("a", 90);
    send("b", 100);
    expect(dropped).toEqual([]);
    expect(listeners("a")).toBe(0);
  });

  it("gives up a single one that sends more than all may", () => {
    const { come, send, dropped } = world();
    come("a");
    send("a", 101);
    expect(dropped).toEqual(["a"]);
  });
});
