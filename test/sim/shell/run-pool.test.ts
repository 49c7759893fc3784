// Runs in threads: the same results on any number of them, in the order asked for, and nothing left when it ends badly.
import { describe, expect, it } from "vitest";
import type { SimulationRun } from "../../../sim/core/run-bounds.ts";
import { simulateSwarm } from "../../../sim/core/swarm-run.ts";
import { memoryOf, runAll } from "../../../sim/shell/run-pool.ts";
import { failure } from "../../support/failure.ts";
import { scenario } from "../support/fake-swarm.ts";

const ODD = new URL("odd-worker.ts", import.meta.url);
const small = scenario({ pieces: 8 });

function runs(...sizes: readonly number[]): readonly SimulationRun[] {
  return sizes.map((nodeCount, seed) => ({ scenario: small, nodeCount, seed }));
}

function named(name: string): readonly SimulationRun[] {
  return [{ scenario: scenario({ name, pieces: 8 }), nodeCount: 5, seed: 7 }];
}

describe("the pool", () => {
  it("gives what the engine gives, in the order of the runs, on one thread as on three", async () => {
    const wanted = runs(3, 12, 5, 20);
    const expected = wanted.map((run) => simulateSwarm(run));
    expect(await runAll(wanted, { workersMax: 1 })).toEqual(expected);
    expect(await runAll(wanted, { workersMax: 3 })).toEqual(expected);
  });

  it("begins with the longest run", async () => {
    const finished: number[] = [];
    await runAll(runs(3, 12, 5), { workersMax: 1, onFinished: (index) => finished.push(index) });
    expect(finished).toEqual([1, 2, 0]);
  });

  it("runs one after the other where memory is too small for two at once", async () => {
    const wanted = [1, 2, 3].flatMap(() => named("timed"));
    const memoryBytes = Math.max(...wanted.map(memoryOf)) * 1.5;
    const outcomes = await runAll(wanted, { workersMax: 3, memoryBytes, workerUrl: ODD });
    const times = outcomes.flatMap(({ completedMs }) => [...completedMs]);
    expect(times).toHaveLength(6);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
  });

  it("refuses what one run alone could not have", async () => {
    const huge = [{ scenario: scenario({ pieces: 32_768 }), nodeCount: 100_000, seed: 1 }];
    await expect(runAll(huge, { memoryBytes: 4e9 })).rejects.toMatchObject(
      failure("simulation-too-large", /^100000 nodes with 32768 pieces take about .* can give 4\.0 GB$/),
    );
  });

  it("has nothing to do for no runs", async () => {
    expect(await runAll([])).toEqual([]);
  });

  it("tells how far a run is", async () => {
    const stop = new AbortController();
    const heard: unknown[] = [];
    const running = runAll(named("endless"), {
      workerUrl: ODD,
      signal: stop.signal,
      onProgress: (index, doneShare) => {
        heard.push([index, doneShare]);
        stop.abort(new Error("stopped"));
      },
    });
    await expect(running).rejects.toThrow("stopped");
    expect(heard).toEqual([[0, 0.25]]);
  });

  it("starts nothing when it was stopped before", async () => {
    const stopped = AbortSignal.abort(new Error("stopped"));
    await expect(runAll(named("endless"), { workerUrl: ODD, signal: stopped })).rejects.toThrow("stopped");
  });
});

describe("a run that breaks off is told with its size and its seed:", () => {
  it.each([
    ["throws", "simulation-impossible", /^throws, 5 nodes, seed 7: a promise was broken$/],
    ["no-memory", "simulation-too-large", /^no-memory, 5 nodes, seed 7: out of memory$/],
    ["exits", "simulation-impossible", /^exits, 5 nodes, seed 7: its thread ended$/],
  ] as const)("one that %s", async (name, code, message) => {
    await expect(runAll(named(name), { workerUrl: ODD })).rejects.toMatchObject(failure(code, message));
  });
});
