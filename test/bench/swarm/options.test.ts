// What the benchmark takes for an order, and what it refuses, before it makes anything.
import { describe, expect, it } from "vitest";
import { parseOptions, spread, UsageError } from "../../../bench/swarm/options.ts";

const BASE = ["--nodes", "16", "--mbit", "20", "--mib", "16"];

function parse(...args: readonly string[]) {
  return parseOptions([...BASE, ...args]);
}

describe("the options of the benchmark", () => {
  it("need only nodes, rate and size", () => {
    expect(parse()).toEqual({
      nodes: 16,
      mbit: 20,
      originMbit: 20,
      queueKib: null,
      mib: 16,
      warmUpMib: null,
      pieceKib: null,
      systems: ["fleet"],
      runs: 1,
      jsonPath: null,
      slow: null,
      fault: null,
      workDirectory: null,
      logsDirectory: null,
      main: null,
      policy: null,
    });
  });

  it("give the origin a rate of its own", () => {
    expect(parse("--origin-mbit", "80")).toMatchObject({ mbit: 20, originMbit: 80 });
  });

  it("do without rates on links that are not shaped", () => {
    const options = parseOptions(["--nodes", "1", "--unshaped", "--mib", "512", "--piece-kib", "1024"]);
    expect(options).toMatchObject({ mbit: null, originMbit: null, pieceKib: 1024 });
  });

  it("measure fleet first, then stock systems once each in the order given", () => {
    expect(parse("--peers", "http,aria2,http").systems).toEqual(["fleet", "http", "aria2"]);
    expect(parse("--only", "libtorrent").systems).toEqual(["libtorrent"]);
  });

  it.each([
    [["--slow", "25%@0.25"], { slow: { share: 0.25, factor: 0.25 } }],
    [["--kill", "10%@50%"], { fault: { kind: "peers", share: 0.1, at: 0.5 } }],
    [["--kill-origin", "full-copy"], { fault: { kind: "origin" } }],
    [["--policy", "few-links"], { policy: "few-links" }],
    [["--queue-kib", "256"], { queueKib: 256 }],
    [["--kill-coordinator", "50%"], { fault: { kind: "coordinator", at: 0.5 } }],
  ])("understand %j", (args, expected) => {
    expect(parse(...args)).toMatchObject(expected);
  });

  it.each([
    [["--nodes", "0"]],
    [["--nodes", "1e3"]],
    [["--mbit", "-1"]],
    [["--mbit", "fast"]],
    [["--mib", "1.5"]],
    [["--piece-kib", "100"]],
    [["--piece-kib", "8"]],
    [["--queue-kib", "0"]],
    [["--peers", "aria3"]],
    [["--only", ","]],
    [["--runs", "0"]],
    [["--slow", "25%"]],
    [["--slow", "25%@4"]],
    [["--slow", "0.25@0.25"]],
    [["--kill", "10%"]],
    [["--kill", "100%@50%"]],
    [["--kill-origin", "50%"]],
    [["--kill-coordinator", "half"]],
    [["--unshaped"]],
    [["--kill", "10%@50%", "--kill-origin", "full-copy"]],
    [["--kill", "10%@50%", "--peers", "aria2"]],
    [["--policy", "greedy"]],
    [["--policy", "shipped", "--main", "dist/fleet.mjs"]],
    [["--unknown", "1"]],
    [["stray"]],
  ])("refuse %j", (args) => {
    expect(() => parse(...args)).toThrow(UsageError);
  });

  it.each(["--nodes", "--mbit", "--mib"])("refuse to guess %s", (flag) => {
    const at = BASE.indexOf(flag);
    expect(() => parseOptions(BASE.toSpliced(at, 2))).toThrow(UsageError);
  });

  it.each([
    ["slow nodes", ["--slow", "25%@0.5"]],
    ["queues", ["--queue-kib", "256"]],
  ])("refuse %s on links without a rate", (_, args) => {
    expect(() => parseOptions(["--nodes", "4", "--unshaped", "--mib", "1", ...args])).toThrow(UsageError);
  });
});

describe("a share of the nodes", () => {
  it("is spread evenly, and never nobody", () => {
    expect([...spread(16, 0.25)]).toEqual([3, 7, 11, 15]);
    expect([...spread(16, 0.1)]).toEqual([7, 15]);
    expect([...spread(3, 0.1)]).toEqual([2]);
  });

  it("has as many members as it should, all within range", () => {
    for (let count = 1; count <= 60; count += 1)
      for (const share of [0.01, 0.1, 0.33, 0.5, 0.99]) {
        const chosen = [...spread(count, share)];
        expect(chosen).toHaveLength(Math.max(1, Math.round(count * share)));
        expect(chosen.every((index) => index >= 0 && index < count)).toBe(true);
      }
  });
});
