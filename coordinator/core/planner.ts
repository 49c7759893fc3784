// The rollout planner: total and deterministic. From what is observed and the time it says what to do next, why
// nothing more happens, and when to look again. It changes nothing; rollouts.ts carries its actions out.
import type { Lane, NodePhase, RolloutPhase } from "../../protocol/api.ts";
import type { ErrorCode } from "../../protocol/errors.ts";
import type { Millis, NodeId } from "../../protocol/ids.ts";
import { NODE_LOST_AFTER_MS } from "../../protocol/limits.ts";
import { type Strategy, shareOf } from "../../protocol/strategy.ts";

/** Share of the nodes that a rollback switches at once at least: going back is urgent and already proven. */
export const ROLLBACK_SHARE_MIN = 0.25;

export interface PlannedNode {
  readonly id: NodeId;
  readonly name: string;
  readonly phase: NodePhase;
  readonly wave: number | null;
  readonly online: boolean;
  /** When it came or went. */
  readonly presenceSince: Millis;
  /** When an order that runs now must have been answered at the latest; null when none runs. */
  readonly overdueAt: Millis | null;
}

export interface PlanInput {
  readonly lane: Lane;
  readonly phase: RolloutPhase;
  readonly strategy: Strategy;
  readonly cancelled: boolean;
  /** Why nothing new may begin, in words; null while it may. */
  readonly hold: string | null;
  readonly wave: number | null;
  readonly waveCount: number;
  readonly nodes: readonly PlannedNode[];
}

export type PlanAction =
  | { readonly kind: "set-waves"; readonly waves: readonly (readonly NodeId[])[] }
  | { readonly kind: "start-wave"; readonly wave: number }
  | { readonly kind: "activate"; readonly nodeId: NodeId }
  | { readonly kind: "start-rollback"; readonly reason: string }
  | { readonly kind: "roll-back"; readonly nodeId: NodeId }
  | {
      readonly kind: "set-phase";
      readonly nodeId: NodeId;
      readonly phase: NodePhase;
      readonly code: ErrorCode;
      readonly message: string;
    }
  | {
      readonly kind: "finish";
      readonly phase: RolloutPhase;
      readonly code: ErrorCode | null;
      readonly message: string;
    };

export interface Plan {
  readonly actions: readonly PlanAction[];
  /** Why nothing more happens right now; empty when actions say it all. */
  readonly waiting: readonly string[];
  /** When a wait ends by itself. */
  readonly deadline: Millis | null;
}

export function planRollout(input: PlanInput, now: Millis): Plan {
  switch (input.phase) {
    case "staging":
      return planStaging(input, now);
    case "activating":
      return planActivating(input, now);
    case "rolling-back":
      return planRollback(input, now);
    case "succeeded":
    case "failed":
    case "rolled-back":
    case "rollback-incomplete":
      return { actions: [], waiting: [], deadline: null };
  }
}

/** Canary first, then batches of at most the rolling share; a rollback has no canary and larger batches. */
export function planWaves(
  lane: Lane,
  strategy: Strategy,
  nodeIds: readonly NodeId[],
): readonly (readonly NodeId[])[] {
  const canary = lane === "rollback" ? 0 : Math.min(strategy.canary, nodeIds.length);
  const size =
    lane === "rollback" ? rollbackBatch(strategy, nodeIds.length) : shareOf(strategy.rolling, nodeIds.length);
  const waves: NodeId[][] = canary > 0 ? [nodeIds.slice(0, canary)] : [];
  for (let start = canary; start < nodeIds.length; start += size)
    waves.push(nodeIds.slice(start, start + size));
  return waves;
}

function planStaging(input: PlanInput, now: Millis): Plan {
  if (input.cancelled)
    return finish("failed", "rollout-failed", "stopped by an operator before anything was activated");
  const open = input.nodes.filter((node) => !isSettledStage(node.phase));
  const fetching = open.filter((node) => node.online);
  const away = open.filter((node) => !node.online);
  if (input.hold !== null && open.length > 0)
    return wait(`${input.hold}: nothing is fetched, ${countNodes(open.length)} not ready`);
  if (fetching.length > 0) return wait(`${countNodes(fetching.length)} still fetching or unpacking`);
  if (away.length > 0) return deferAbsent(away, now);
  return concludeStaging(input);
}

function concludeStaging(input: PlanInput): Plan {
  const failed = input.nodes.filter((node) => node.phase === "stage-failed");
  if (failed.length > 0) {
    const names = nameSome(failed);
    return finish(
      "failed",
      "stage-failed",
      `${countNodes(failed.length)} could not stage it (${names}); nothing was activated`,
    );
  }
  const staged = input.nodes.filter((node) => node.phase === "staged");
  if (staged.length === 0)
    return finish("failed", "node-offline", "every node went offline before it had the release");
  if (input.lane === "stage")
    return finish("succeeded", null, `${countNodes(staged.length)} ready to activate it`);
  const order = staged.toSorted(byName).map((node) => node.id);
  return act({ kind: "set-waves", waves: planWaves(input.lane, input.strategy, order) });
}

function planActivating(input: PlanInput, now: Millis): Plan {
  const overdue = judgeRunning(input.nodes, "activating", now);
  if (overdue.length > 0) return { actions: overdue, waiting: [], deadline: null };
  const running = input.nodes.filter((node) => node.phase === "activating");
  const failed = input.nodes.filter((node) => isFailure(node.phase));
  if (input.lane === "release" && (failed.length > 0 || input.cancelled))
    return planStop(running, failed, now);
  return planWave(input, running, now);
}

function planStop(running: readonly PlannedNode[], failed: readonly PlannedNode[], now: Millis): Plan {
  const reason =
    failed.length > 0 ? `${nameSome(failed)} did not become healthy` : "an operator asked to go back";
  if (running.length === 0) return act({ kind: "start-rollback", reason });
  const waiting = `${reason}; waiting for ${countNodes(running.length)} in mid-switch before rolling back`;
  return { actions: [], waiting: [waiting], deadline: earliestJudgement(running, now) };
}

function planWave(input: PlanInput, running: readonly PlannedNode[], now: Millis): Plan {
  const isOneLeft = input.nodes.some((node) => node.phase === "staged");
  if (input.hold !== null && isOneLeft) return holdWaves(input.hold, running, now);
  if (input.wave === null) return act({ kind: "start-wave", wave: 0 });
  const due = input.nodes.filter((node) => node.wave === input.wave && node.phase === "staged");
  const ready = due.filter((node) => node.online);
  if (ready.length > 0) return act(...ready.map((node) => ({ kind: "activate" as const, nodeId: node.id })));
  if (running.length > 0) {
    const waiting = `${countNodes(running.length)} of wave ${input.wave + 1}/${input.waveCount} not healthy yet`;
    return { actions: [], waiting: [waiting], deadline: earliestJudgement(running, now) };
  }
  if (due.length > 0) return deferAbsent(due, now);
  if (input.wave + 1 < input.waveCount) return act({ kind: "start-wave", wave: input.wave + 1 });
  return concludeActivation(input);
}

/** Nodes in mid-switch finish: to stop in there would leave them with neither release. */
function holdWaves(hold: string, running: readonly PlannedNode[], now: Millis): Plan {
  const waiting = [`${hold}: no further node is switched`];
  if (running.length > 0) waiting.push(`${countNodes(running.length)} in mid-switch not healthy yet`);
  return { actions: [], waiting, deadline: earliestJudgement(running, now) };
}

function concludeActivation(input: PlanInput): Plan {
  const healthy = input.nodes.filter((node) => node.phase === "healthy").length;
  const failed = input.nodes.filter((node) => isFailure(node.phase));
  if (failed.length > 0) {
    return finish(
      "rollback-incomplete",
      "fleet-mixed",
      `${countNodes(failed.length)} did not go back (${nameSome(failed)})`,
    );
  }
  if (healthy === 0)
    return finish("failed", "node-offline", "every node went offline before it was activated");
  return finish("succeeded", null, `${countNodes(healthy)} healthy`);
}

function planRollback(input: PlanInput, now: Millis): Plan {
  const overdue = [
    ...judgeRunning(input.nodes, "activating", now),
    ...judgeRunning(input.nodes, "rolling-back", now),
  ];
  if (overdue.length > 0) return { actions: overdue, waiting: [], deadline: null };
  const running = input.nodes.filter((node) => node.phase === "rolling-back" || node.phase === "activating");
  const due = input.nodes.filter((node) => node.phase === "healthy");
  const ready = due.filter((node) => node.online).toSorted(latestWaveFirst);
  const free = rollbackBatch(input.strategy, input.nodes.length) - running.length;
  const next = ready.slice(0, Math.max(0, free));
  if (next.length > 0) return act(...next.map((node) => ({ kind: "roll-back" as const, nodeId: node.id })));
  if (running.length > 0) {
    const waiting = `${countNodes(running.length)} going back, ${due.length} to go`;
    return { actions: [], waiting: [waiting], deadline: earliestJudgement(running, now) };
  }
  if (due.length > 0) return judgeAbsent(due, now);
  return concludeRollback(input);
}

function concludeRollback(input: PlanInput): Plan {
  const stuck = input.nodes.filter((node) => node.phase === "rollback-failed" || node.phase === "lost");
  if (stuck.length > 0) {
    return finish(
      "rollback-incomplete",
      "fleet-mixed",
      `${countNodes(stuck.length)} not on the previous release (${nameSome(stuck)})`,
    );
  }
  return finish("rolled-back", "rollout-failed", "every node it touched is back on the previous release");
}

/** Nodes that went silent or overran their time while an order ran: lost, or failed without an answer. */
function judgeRunning(
  nodes: readonly PlannedNode[],
  phase: "activating" | "rolling-back",
  now: Millis,
): PlanAction[] {
  const bad = phase === "activating" ? "failed" : "rollback-failed";
  return nodes.flatMap((node): PlanAction[] => {
    if (node.phase !== phase || judgementAt(node) > now) return [];
    if (!node.online) {
      const lost = phase === "activating" ? "lost" : "rollback-failed";
      return [setPhase(node, lost, "node-lost", "went silent after an order")];
    }
    return [setPhase(node, bad, "health-timeout", "did not report an outcome in time")];
  });
}

function judgementAt(node: PlannedNode): Millis {
  if (!node.online) return node.presenceSince + NODE_LOST_AFTER_MS;
  return node.overdueAt ?? Number.POSITIVE_INFINITY;
}

function deferAbsent(away: readonly PlannedNode[], now: Millis): Plan {
  return giveUpOn(away, now, (node) =>
    setPhase(node, "deferred", "node-offline", "went offline before it was touched"),
  );
}

function judgeAbsent(away: readonly PlannedNode[], now: Millis): Plan {
  return giveUpOn(away, now, (node) =>
    setPhase(node, "rollback-failed", "node-offline", "went offline before it could go back"),
  );
}

function giveUpOn(
  away: readonly PlannedNode[],
  now: Millis,
  verdict: (node: PlannedNode) => PlanAction,
): Plan {
  const late = away.filter((node) => node.presenceSince + NODE_LOST_AFTER_MS <= now);
  if (late.length > 0) return act(...late.map(verdict));
  const deadline = Math.min(...away.map((node) => node.presenceSince + NODE_LOST_AFTER_MS));
  return { actions: [], waiting: [`${countNodes(away.length)} offline (${nameSome(away)})`], deadline };
}

function earliestJudgement(running: readonly PlannedNode[], now: Millis): Millis | null {
  const earliest = Math.min(...running.map(judgementAt));
  return Number.isFinite(earliest) ? Math.max(earliest, now) : null;
}

function rollbackBatch(strategy: Strategy, nodeCount: number): number {
  return Math.max(shareOf(strategy.rolling, nodeCount), Math.ceil(nodeCount * ROLLBACK_SHARE_MIN));
}

function isSettledStage(phase: NodePhase): boolean {
  return phase === "staged" || phase === "stage-failed" || phase === "deferred";
}

function isFailure(phase: NodePhase): boolean {
  return phase === "failed" || phase === "lost" || phase === "rollback-failed";
}

function byName(a: PlannedNode, b: PlannedNode): number {
  if (a.name !== b.name) return a.name < b.name ? -1 : 1;
  return a.id < b.id ? -1 : 1;
}

function latestWaveFirst(a: PlannedNode, b: PlannedNode): number {
  return (b.wave ?? -1) - (a.wave ?? -1) || byName(b, a);
}

function setPhase(node: PlannedNode, phase: NodePhase, code: ErrorCode, message: string): PlanAction {
  return { kind: "set-phase", nodeId: node.id, phase, code, message };
}

function act(...actions: readonly PlanAction[]): Plan {
  return { actions, waiting: [], deadline: null };
}

function wait(reason: string): Plan {
  return { actions: [], waiting: [reason], deadline: null };
}

function finish(phase: RolloutPhase, code: ErrorCode | null, message: string): Plan {
  return act({ kind: "finish", phase, code, message });
}

export function countNodes(count: number): string {
  return count === 1 ? "1 node" : `${count} nodes`;
}

function nameSome(nodes: readonly PlannedNode[]): string {
  const names = nodes
    .toSorted(byName)
    .slice(0, 3)
    .map((node) => node.name);
  return nodes.length > names.length
    ? `${names.join(", ")} and ${nodes.length - names.length} more`
    : names.join(", ");
}
