// A worker that does not simulate: it answers as its run's name tells it to, for tests of the pool.
import { parentPort } from "node:worker_threads";
import type { SimulationRun } from "../../../sim/core/run-bounds.ts";
import { serveRuns } from "../../../sim/shell/serve-runs.ts";
import { fakeOutcome } from "../support/fake-swarm.ts";

function simulate(run: SimulationRun, listener: { readonly onProgress: (doneShare: number) => void }) {
  switch (run.scenario.name) {
    case "throws":
      throw new Error("a promise was broken");
    case "no-memory":
      throw new RangeError("Array buffer allocation failed");
    case "exits":
      return process.exit(1);
    case "endless":
      listener.onProgress(0.25);
      // Busy for longer than any test waits, and deaf: only the end of the thread ends it.
      block(Number.POSITIVE_INFINITY);
      return fakeOutcome(run);
    case "timed": {
      const from = Date.now();
      block(TIMED_MS);
      return { ...fakeOutcome(run), completedMs: Float64Array.of(from, Date.now()) };
    }
    default:
      return fakeOutcome(run);
  }
}

/** Long enough for a run beside it to begin, were there one. */
const TIMED_MS = 100;

function block(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
}

if (parentPort !== null) serveRuns(parentPort, simulate);
