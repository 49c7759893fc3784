// The thread that simulates. Begins by itself where it is loaded as a worker of run-pool.ts; loaded anywhere else it
// does nothing but say what such a worker is started from.
import { isMainThread, parentPort, workerData } from "node:worker_threads";
import { simulateSwarm } from "../core/swarm-run.ts";
import { serveRuns } from "./serve-runs.ts";

/** What tells a worker of ours from any other thread that this code may be part of. */
export const WORKER_DATA = "fleet-simulation";
/** This very file, or the one file that everything is bundled into. */
export const WORKER_URL = new URL(import.meta.url);

if (!isMainThread && workerData === WORKER_DATA && parentPort !== null) serveRuns(parentPort, simulateSwarm);
