// Answers a coordinator that asks why this node is slow: watches the main thread for a moment, then takes one snapshot
// of what is staged. Reads only, and holds up nothing.
import { performance } from "node:perf_hooks";
import type { Inspection, TorrentInspection } from "../../protocol/inspection.ts";
import { INSPECTED_TORRENTS_MAX } from "../../protocol/limits.ts";
import type { NodeRates } from "../../protocol/rates.ts";
import type { Clock } from "./machine-driver.ts";

/** Long enough to tell a busy thread from one that had a busy moment, short enough not to be waited for. */
const WATCH_MS = 250;
/** A coordinator asks anew only when it has given up on an answer; more at once is not one in its right mind. */
const ASKED_MAX = 8;

export interface InspectorOptions {
  readonly clock: Clock;
  /** What the node is held to. */
  readonly rates: () => NodeRates;
  /** Unfinished stages first. */
  readonly torrents: () => readonly TorrentInspection[];
  readonly send: (message: Inspection) => void;
}

export class Inspector {
  readonly #options: InspectorOptions;
  /** Requests that the snapshot under way answers. */
  #asked: number[] = [];
  #cancel: (() => void) | null = null;

  constructor(options: InspectorOptions) {
    this.#options = options;
  }

  ask(requestId: number): void {
    if (this.#asked.length >= ASKED_MAX) return;
    this.#asked.push(requestId);
    if (this.#cancel !== null) return;
    const before = performance.eventLoopUtilization();
    this.#cancel = this.#options.clock.schedule(WATCH_MS, () => this.#answer(before));
  }

  stop(): void {
    this.#cancel?.();
    this.#asked = [];
  }

  #answer(before: ReturnType<typeof performance.eventLoopUtilization>): void {
    const { rates, torrents, send } = this.#options;
    const asked = this.#asked;
    this.#asked = [];
    this.#cancel = null;
    const { utilization } = performance.eventLoopUtilization(before);
    const seen = {
      busyShare: Number.isFinite(utilization) ? Math.min(1, Math.max(0, utilization)) : 0,
      ...rates(),
      torrents: torrents().slice(0, INSPECTED_TORRENTS_MAX),
    };
    for (const requestId of asked) send({ kind: "inspection", requestId, ...seen });
  }
}
