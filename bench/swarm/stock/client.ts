// What the harness needs to know of a stock client: whether it is there, and how it seeds and fetches on a host.
// Every client runs with its defaults, but for what would reach beyond the benchmark's own links.
import type { BenchProcess, ProcessOptions } from "../processes.ts";

export interface StockClient {
  readonly name: string;
  /** Fails, or prints its version, in the first line of its output. */
  readonly versionCommand: readonly string[];
  /** How to get it, for whoever misses it. */
  readonly install: string;
  readonly usesTracker: boolean;
  /** Receivers run behind a shell, so that what they leave can be read: their memory cannot. */
  readonly isWrapped?: boolean;
  /** Resolves when it can be fetched from. */
  seed(place: Place): Promise<void>;
  fetch(place: Place): Fetching;
}

/** Where one client runs. */
export interface Place {
  readonly address: string;
  readonly originAddress: string;
  /** Of its own. The origin's holds the artifact under `fileName`; a receiver's is empty. */
  readonly directory: string;
  readonly torrentPath: string;
  readonly fileName: string;
  /** Starts a program on the host of this place, in its directory. */
  start(command: readonly string[], options?: Pick<ProcessOptions, "onLine">): BenchProcess;
}

export interface Fetching {
  /** Resolves when it only waits to be told to begin; at once for programs that begin when they start. */
  readonly ready: Promise<void>;
  begin(): void;
  /** Milliseconds since the epoch at which it had every byte. Never settles when that does not happen. */
  readonly done: Promise<number>;
}
