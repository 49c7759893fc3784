// How a thread answers the pool that started it: one run after the other, and what each came to.
// Knows no simulation; which one it is comes as an argument.
import type { MessagePort } from "node:worker_threads";
import type { SwarmOutcome } from "../core/outcome.ts";
import type { SimulationRun } from "../core/run-bounds.ts";

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
