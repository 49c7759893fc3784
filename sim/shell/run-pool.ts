// Runs simulations on all cores, as many at once as memory allows. Which thread ran what, and in which order, changes
// no result: a run depends on its scenario, its size and its seed alone.
import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import { FleetError } from "../../protocol/errors.ts";
import type { SwarmOutcome } from "../core/outcome.ts";
import type { SimulationRun } from "../core/run-bounds.ts";
import { WORKER_DATA, WORKER_URL } from "./run-worker.ts";
import type { WorkerAnswer } from "./serve-runs.ts";

export interface PoolOptions {
  /** Stops everything at once; what is thrown then is its reason. */
  readonly signal?: AbortSignal;
  /** Of the run with this place in the list, 0 to 1. */
  readonly onProgress?: (index: number, doneShare: number) => void;
  readonly onFinished?: (index: number, outcome: SwarmOutcome) => void;
  /** Default: one thread for each core. */
  readonly workersMax?: number;
  /** Bytes that all runs under way may take together; default: most of what the machine has to give. */
  readonly memoryBytes?: number;
  /** What a worker is started from; default: run-worker.ts. */
  readonly workerUrl?: URL;
}

export type RunAll = (
  runs: readonly SimulationRun[],
  options?: PoolOptions,
) => Promise<readonly SwarmOutcome[]>;

/** The rest is for the machine and for what a run takes beyond what can be foretold. */
const MEMORY_SHARE = 0.8;
/**
 * What the whole process took at its peak, less 100 MB of the main thread: 0.15 GB for 200 nodes with 512 pieces, 0.55
 * for 5,000 with 200, 1.13 for 10,000 with 1,000.
 */
const BYTES_PER_NODE = 70_000;
const BYTES_PER_NODE_AND_PIECE = 30;
/** The code, compiled anew in each thread, and room for what is new. */
const BYTES_PER_THREAD = 130_000_000;
/** Room for the code itself, whatever the memory. */
const HEAP_MIN_MB = 256;

/** About what one run takes. */
export function memoryOf({ scenario, nodeCount }: SimulationRun): number {
  const perNode = BYTES_PER_NODE + scenario.pieces * BYTES_PER_NODE_AND_PIECE;
  return BYTES_PER_THREAD + nodeCount * perNode;
}

/**
 * Outcomes in the order of the runs. FleetError simulation-too-large when one run alone does not fit, and
 * simulation-impossible when a run broke off by itself.
 */
export const runAll: RunAll = async (runs, options = {}) => {
  const memoryBytes = options.memoryBytes ?? process.availableMemory() * MEMORY_SHARE;
  for (const run of runs) refuseTooLarge(run, memoryBytes);
  const pool = new Pool(runs, { ...options, memoryBytes });
  try {
    return await pool.finished();
  } finally {
    await pool.end();
  }
};

interface Job {
  readonly index: number;
  readonly run: SimulationRun;
  readonly bytes: number;
}

class Pool {
  readonly #options: PoolOptions & { readonly memoryBytes: number };
  readonly #waiting: Job[];
  readonly #outcomes: (SwarmOutcome | undefined)[];
  readonly #workers = new Set<Worker>();
  readonly #idle: Worker[] = [];
  readonly #workersMax: number;
  #bytesInUse = 0;
  #unfinished: number;
  readonly #done = Promise.withResolvers<readonly SwarmOutcome[]>();

  constructor(runs: readonly SimulationRun[], options: PoolOptions & { readonly memoryBytes: number }) {
    this.#options = options;
    this.#outcomes = runs.map(() => undefined);
    this.#unfinished = runs.length;
    this.#workersMax = options.workersMax ?? availableParallelism();
    // The longest first: begun last, it would be waited for alone.
    this.#waiting = runs
      .map((run, index) => ({ index, run, bytes: memoryOf(run) }))
      .sort((a, b) => b.bytes - a.bytes || a.index - b.index);
  }

  async finished(): Promise<readonly SwarmOutcome[]> {
    const { signal } = this.#options;
    const stop = (): void => this.#done.reject(signal?.reason);
    signal?.addEventListener("abort", stop, { once: true });
    try {
      signal?.throwIfAborted();
      if (this.#unfinished === 0) return [];
      this.#begin();
      return await this.#done.promise;
    } finally {
      signal?.removeEventListener("abort", stop);
    }
  }

  async end(): Promise<void> {
    await Promise.all([...this.#workers].map((worker) => worker.terminate()));
  }

  /** Begins whatever has memory and a thread; a run that needs all memory has it alone. */
  #begin(): void {
    while (this.#waiting.length > 0) {
      const place = this.#waiting.findIndex(
        ({ bytes }) => this.#bytesInUse === 0 || this.#bytesInUse + bytes <= this.#options.memoryBytes,
      );
      const worker = place === -1 ? null : (this.#idle.pop() ?? this.#startWorker());
      if (worker === null) return;
      for (const job of this.#waiting.splice(place, 1)) this.#give(worker, job);
    }
  }

  /** Null when there are as many as there may be. */
  #startWorker(): Worker | null {
    if (this.#workers.size >= this.#workersMax) return null;
    const worker = new Worker(this.#options.workerUrl ?? WORKER_URL, {
      workerData: WORKER_DATA,
      execArgv: ["--disable-warning=ExperimentalWarning"],
      // By default a thread may have a fifth of a large machine, and a large run needs more.
      resourceLimits: { maxOldGenerationSizeMb: Math.max(HEAP_MIN_MB, this.#options.memoryBytes / 2 ** 20) },
    });
    this.#workers.add(worker);
    return worker;
  }

  #give(worker: Worker, job: Job): void {
    this.#bytesInUse += job.bytes;
    worker.removeAllListeners();
    worker.on("message", (answer: WorkerAnswer) => this.#hear(worker, job, answer));
    worker.on("error", (error) => this.#fail(job, error.message, isOutOfMemory(error)));
    worker.on("exit", () => this.#fail(job, "its thread ended", false));
    worker.postMessage(job.run);
  }

  #hear(worker: Worker, job: Job, answer: WorkerAnswer): void {
    switch (answer.kind) {
      case "progress":
        return this.#options.onProgress?.(job.index, answer.doneShare);
      case "failed":
        return this.#fail(job, answer.message, answer.isMemory);
      case "outcome":
        this.#outcomes[job.index] = answer.outcome;
        this.#bytesInUse -= job.bytes;
        this.#idle.push(worker);
        this.#unfinished -= 1;
        this.#options.onFinished?.(job.index, answer.outcome);
        if (this.#unfinished > 0) return this.#begin();
        this.#done.resolve(this.#outcomes.filter((outcome) => outcome !== undefined));
    }
  }

  #fail({ run }: Job, message: string, isMemory: boolean): void {
    const { scenario, nodeCount, seed } = run;
    const name = `${scenario.name}, ${nodeCount} nodes, seed ${seed}`;
    this.#done.reject(
      isMemory
        ? new FleetError("simulation-too-large", `${name}: out of memory`)
        : new FleetError("simulation-impossible", `${name}: ${message}`),
    );
  }
}

function refuseTooLarge(run: SimulationRun, memoryBytes: number): void {
  const bytes = memoryOf(run);
  if (bytes <= memoryBytes) return;
  const gigabytes = (value: number): string => `${(value / 1e9).toFixed(1)} GB`;
  throw new FleetError(
    "simulation-too-large",
    `${run.nodeCount} nodes with ${run.scenario.pieces} pieces take about ${gigabytes(bytes)} of memory, ` +
      `and this machine can give ${gigabytes(memoryBytes)}`,
  );
}

function isOutOfMemory(error: Error): boolean {
  return "code" in error && error.code === "ERR_WORKER_OUT_OF_MEMORY";
}
