// What a simulated rollout came to, and the events it is told with. Types only; rollout-result.ts makes of several
// outcomes what is printed.
import type { NodePhase, RolloutPhase } from "../../protocol/api.ts";
import type { Millis } from "../../protocol/ids.ts";
import type { Reach } from "./rollout-gauges.ts";

/** One line of the story: the coordinator's own history, and what only a simulator can see. */
export interface RolloutTraceEvent {
  /** Since the rollout was asked for. */
  readonly at: Millis;
  /** A kind of the coordinator's history, or `node-vanished` or `node-broke`. */
  readonly kind: string;
  /** Name of the node it is about. */
  readonly node: string | null;
  readonly message: string;
}

export interface RolloutWave {
  readonly nodes: number;
  readonly startedMs: Millis;
  /** Null when the rollout stopped in it. */
  readonly finishedMs: Millis | null;
}

/** What really is live at the end, whatever the coordinator believes. Together they are all nodes. */
export interface RolloutLive {
  readonly next: number;
  readonly before: number;
  readonly nothing: number;
  /** Gone, with whatever is live there. */
  readonly vanished: number;
}

/** Times are simulated, in milliseconds since the rollout was asked for. */
export interface RolloutOutcome {
  readonly nodes: number;
  readonly seed: number;
  readonly phase: RolloutPhase;
  readonly code: string | null;
  /** The planner's last words. */
  readonly message: string;
  /** Why it turned back, in the planner's words; null when it did not. */
  readonly reason: string | null;
  /** The first node that was judged not to be healthy, and what was said of it. */
  readonly firstFailure: RolloutTraceEvent | null;
  readonly durationMs: Millis;
  /** When every node was staged; null when that did not come to be. */
  readonly stagedMs: Millis | null;
  /** From turning back to the end; null when it did not turn back. */
  readonly rollbackMs: Millis | null;
  /** Sizes of all waves that were planned. */
  readonly plannedWaves: readonly number[];
  /** Those that began. */
  readonly waves: readonly RolloutWave[];
  /** The new release was live there. */
  readonly exposed: Reach;
  /** The new release was live there and did not work: the blast radius. */
  readonly broken: Reach;
  /** Nothing that works was live there. */
  readonly down: Reach;
  /** Nodes in each phase that the coordinator has them in at the end. */
  readonly phases: Readonly<Partial<Record<NodePhase, number>>>;
  readonly live: RolloutLive;
  /** Broken nodes that count as healthy at the end: nobody looks at a node again once it has proved healthy. */
  readonly unnoticed: number;
  readonly events: number;
  /** 16 hexadecimal digits over every event in order: equal for equal runs, on every machine. */
  readonly traceHash: string;
}
