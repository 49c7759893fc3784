// The thread that simulates. Begins by itself where it is loaded as a worker of run-pool.ts; loaded anywhere else it
// does nothing but say what such a worker is started from.
import { setFlagsFromString } from "node:v8";
import { isMainThread, parentPort, workerData } from "node:worker_threads";
import { simulateSwarm } from "../core/swarm-run.ts";
import { serveRuns } from "./serve-runs.ts";

/** What tells a worker of ours from any other thread that this code may be part of. */
export const WORKER_DATA = "fleet-simulation";
/** This very file, or the one file that everything is bundled into. */
export const WORKER_URL = new URL(import.meta.url);

/**
 * Garbage is collected when the memory in use has grown by this much, not by two or three times as much. Pieces under
 * way in a large fleet live longer than V8 expects of what is new; collecting them earlier costs no time one could see.
 */
const HEAP_GROWTH = "--heap-growing-percent=80";

if (!isMainThread && workerData === WORKER_DATA && parentPort !== null) {
  setFlagsFromString(HEAP_GROWTH);
  serveRuns(parentPort, simulateSwarm);
}
