// The story of one simulated rollout: takes in its events as they happen and keeps what the outcome is told with.
// Judges nothing: what an event means is said by whoever wrote it.
import type { Millis } from "../../protocol/ids.ts";
import type { RolloutTraceEvent, RolloutWave } from "./rollout-outcome.ts";
import type { TraceHash } from "./trace-hash.ts";

const FAILURES: ReadonlySet<string> = new Set([
  "node-failed",
  "node-lost",
  "node-stage-failed",
  "node-rollback-failed",
]);

export class RolloutStory {
  stagedAt: Millis | null = null;
  turnedBackAt: Millis | null = null;
  finishedAt: Millis | null = null;
  reason: string | null = null;
  firstFailure: RolloutTraceEvent | null = null;
  readonly #trace: TraceHash;
  readonly #onEvent: ((event: RolloutTraceEvent) => void) | null;
  readonly #waves: { startedMs: Millis; finishedMs: Millis | null }[] = [];

  constructor(trace: TraceHash, onEvent: ((event: RolloutTraceEvent) => void) | null) {
    this.#trace = trace;
    this.#onEvent = onEvent;
  }

  /** `node`: index of the node it is about, -1 for none. */
  add(event: RolloutTraceEvent, node: number): void {
    const { at, kind, message } = event;
    this.#trace.add(at, node, textNumber(kind), textNumber(message));
    this.#onEvent?.(event);
    if (FAILURES.has(kind)) this.firstFailure ??= event;
    if (kind === "stage-finished") this.stagedAt = at;
    if (kind === "wave-started") this.#waves.push({ startedMs: at, finishedMs: null });
    if (kind === "wave-finished") this.#endWave(at);
    if (kind === "rollout-finished") this.finishedAt = at;
    if (kind !== "rollback-started") return;
    this.turnedBackAt = at;
    this.reason = message;
  }

  /** The waves that began, with their planned sizes. */
  wavesOf(sizes: readonly number[]): readonly RolloutWave[] {
    return this.#waves.map((wave, index) => ({ nodes: sizes[index] ?? 0, ...wave }));
  }

  #endWave(at: Millis): void {
    const wave = this.#waves.at(-1);
    if (wave !== undefined) wave.finishedMs = at;
  }
}

/** FNV-1a over UTF-16 code units: 32-bit offset basis and prime of Fowler, Noll and Vo. */
function textNumber(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1)
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  return hash >>> 0;
}
