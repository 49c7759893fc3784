// How the JavaScript engine runs in a service that shares its machine with what it releases: less processor time
// rather than the most speed. Measured with 17 processes on two cores: a sixth less of it for the same release.
import { setFlagsFromString } from "node:v8";

/**
 * The engine's own figure is 400. Later costs less while a first release is short and processors are busy; from
 * 10,000 on, releases over links without a limit take longer. Measured in docs/decisions/0016-optimized-late.md.
 */
const INVOCATIONS_BEFORE_OPTIMIZING = 3_000;

/**
 * An agent reacts to thousands of short events, between which others use the processor. Code that is compiled once,
 * quickly, pays there; so does collecting garbage where the program runs, which saves waking other threads for
 * little. Marking stays concurrent: without it, memory outside the heap is given back too late.
 */
const FLAGS = [
  "--no-turbofan",
  `--invocation-count-for-maglev=${INVOCATIONS_BEFORE_OPTIMIZING}`,
  "--no-concurrent-recompilation",
  "--no-concurrent-sparkplug",
  "--no-parallel-scavenge",
  "--no-concurrent-sweeping",
  "--no-concurrent-array-buffer-sweeping",
];

/** To be called before the service starts. An engine that does not know a flag goes on without it. */
export function tuneEngineForService(): void {
  for (const flag of FLAGS) setFlagsFromString(flag);
}
