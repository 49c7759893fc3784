// The thread that simulates: takes runs one after the other and answers with what they came to.
// Begins by itself where it is loaded as a worker of run-pool.ts; loaded anywhere else it does nothing.
import { isMainThread, type MessagePort, parentPort, workerData } from "node:worker_threads";
import type { SwarmOutcome } from "../core/outcome.ts";
import type { SimulationRun } from "../core/run-bounds.ts";
import { simulateSwarm } from "../core/swarm-run.ts";

/** What tells a worker of ours from any other thread that this code may be part of. */
export const WORKER_DATA = "fleet-simulation";
/**
 * What a worker is started from: this very file, or the one file that everything is bundled into, which must then
 * load this part of it in a thread.
 */
export const WORKER_URL = new URL(import.meta.url);

export type WorkerAnswer =
  | { readonly kind: "progress"; readonly doneShare: number }
  | { readonly kind: "outcome"; readonly outcome: SwarmOutcome }
  /** It threw: a broken promise of the machines or of the simulator, or no memory left. */
  | { readonly kind: "failed"; readonly message: string; readonly isMemory: boolean };

export type Simulate = (
  run: SimulationRun,
  listener: { readonly onProgress: (doneShare: number) => void },
) => SwarmOutcome;

/** Answers every run that the port brings, until the thread ends. */
export function serveRuns(port: MessagePort, simulate: Simulate): void {
  const answer = (message: WorkerAnswer): void => port.postMessage(message);
  port.on("message", (run: SimulationRun) => {
    try {
      const outcome = simulate(run, { onProgress: (doneShare) => answer({ kind: "progress", doneShare }) });
      answer({ kind: "outcome", outcome });
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      // V8 throws a RangeError where an array buffer finds no memory.
      answer({ kind: "failed", message, isMemory: error instanceof RangeError && /alloc/i.test(message) });
    }
  });
}

if (!isMainThread && workerData === WORKER_DATA && parentPort !== null) serveRuns(parentPort, simulateSwarm);
