// Carries out what the planner says: keeps each rollout's records, sends orders with their generations, and takes in
// what nodes answer. It makes no choice of its own.
import type { EventKind, NodePhase, RolloutPhase } from "../../protocol/api.ts";
import { ROLLOUT_TERMINAL_PHASES } from "../../protocol/api.ts";
import type { Millis, NodeId, RolloutId } from "../../protocol/ids.ts";
import { assert, assertNever } from "../../protocol/machine.ts";
import { sameRelease } from "../../protocol/manifest.ts";
import type { Outcome } from "../../protocol/messages.ts";
import { finishRollout } from "./conclusion.ts";
import { activationBudgetMs } from "./order-budget.ts";
import { holdOf } from "./pause.ts";
import {
  countNodes,
  type Plan,
  type PlanAction,
  type PlanInput,
  type PlannedNode,
  planRollout,
} from "./planner.ts";
import type { RolloutNodeRecord, RolloutRecord, SwarmMemberRecord } from "./records.ts";
import { type FleetState, swarmKey } from "./state.ts";

/** Plans of one rollout per event; a plan that never settles is a bug, not a wait. */
const REPLANS_MAX = 100;

export class Rollouts {
  readonly #state: FleetState;
  readonly #plans = new Map<RolloutId, Plan>();

  constructor(state: FleetState) {
    this.#state = state;
  }

  active(): readonly RolloutRecord[] {
    return [...this.#state.rollouts.values()].filter(
      (rollout) => !ROLLOUT_TERMINAL_PHASES.includes(rollout.phase),
    );
  }

  waiting(id: RolloutId): readonly string[] {
    return this.#plans.get(id)?.waiting ?? [];
  }

  deadline(): Millis | null {
    const deadlines = this.active().flatMap((rollout) => this.#plans.get(rollout.id)?.deadline ?? []);
    return deadlines.length === 0 ? null : Math.min(...deadlines);
  }

  /** Plans and acts until every active rollout waits for something outside. */
  advance(now: Millis): void {
    for (const { id } of this.active()) this.#settle(id, now);
  }

  /** Copies what the swarm knows of a node into every rollout that is waiting for it. */
  noteStage(member: SwarmMemberRecord): void {
    for (const rollout of this.active()) {
      const node = this.#state.nodesOf(rollout.id).get(member.nodeId);
      if (node === undefined || !sameRelease(rollout.release, member.release) || !isStagePhase(node.phase))
        continue;
      const transfer = { receivedBytes: member.receivedBytes, uploadedBytes: member.uploadedBytes };
      const millisToVerified =
        member.verifiedAt === null ? null : Math.max(0, member.verifiedAt - member.goAt);
      const { code, message } = member;
      this.#state.saveRolloutNode({
        ...node,
        ...transfer,
        code,
        message,
        millisToVerified,
        phase: stagePhaseOf(member),
      });
    }
  }

  /** A node said how an order ended. */
  noteOutcome(nodeId: NodeId, generation: number, outcome: Outcome, now: Millis): void {
    for (const rollout of this.active()) {
      const node = this.#state.nodesOf(rollout.id).get(nodeId);
      if (node === undefined || node.generation !== generation || !isOrderPhase(node.phase)) continue;
      const phase = phaseAfter(node.phase, outcome);
      const detail =
        outcome.kind === "healthy"
          ? NO_FAULT
          : { code: outcome.code, message: outcome.message, logTail: outcome.logTail };
      this.#state.saveRolloutNode({ ...node, phase, ...detail });
      this.#tellOutcome(rollout, node, phase, { outcome, now });
    }
  }

  /** A node came back: what it has done of our orders decides whether one is sent again. */
  welcome(nodeId: NodeId, now: Millis): void {
    for (const rollout of this.active()) {
      const node = this.#state.nodesOf(rollout.id).get(nodeId);
      if (node === undefined || node.generation === null || !isOrderPhase(node.phase)) continue;
      const apps = this.#state.nodes.get(nodeId)?.apps ?? [];
      const last = apps.find((app) => app.app === rollout.release.app)?.lastOrder ?? null;
      if (last?.generation === node.generation && last.outcome !== null) {
        this.noteOutcome(nodeId, node.generation, last.outcome, now);
      } else if (last?.generation === node.generation) {
        this.#resume(rollout, node);
      } else if (last !== null && last.generation > node.generation) {
        const message = `the node has obeyed a newer order (${last.generation} after ${node.generation})`;
        this.#state.saveRolloutNode({
          ...node,
          phase: failurePhase(node.phase),
          code: "order-stale",
          message,
        });
      } else if (node.phase === "lost" && rollout.phase === "rolling-back") {
        this.#state.saveRolloutNode({
          ...node,
          phase: "failed",
          message: "came back untouched, on the previous release",
        });
      } else {
        this.#resume(rollout, node);
        this.#sendOrder(rollout, node);
      }
    }
  }

  #resume(rollout: RolloutRecord, node: RolloutNodeRecord): void {
    if (node.phase === "lost") this.#state.saveRolloutNode({ ...node, ...NO_FAULT, phase: "activating" });
    else this.#state.emit({ kind: "rollout-changed", rolloutId: rollout.id });
  }

  #settle(id: RolloutId, now: Millis): void {
    for (let round = 0; round < REPLANS_MAX; round += 1) {
      const rollout = this.#rollout(id);
      const plan = planRollout(this.#inputFor(rollout), now);
      this.#notePlan(id, plan);
      if (plan.actions.length === 0) return;
      for (const action of plan.actions) this.#apply(this.#rollout(id), action, now);
    }
    assert(false, `the plan of rollout ${id} does not settle`);
  }

  #notePlan(id: RolloutId, plan: Plan): void {
    const before = this.#plans.get(id)?.waiting.join() ?? "";
    this.#plans.set(id, plan);
    if (plan.waiting.join() !== before) this.#state.emit({ kind: "rollout-changed", rolloutId: id });
  }

  #inputFor(rollout: RolloutRecord): PlanInput {
    const { lane, phase, strategy, cancelled, wave } = rollout;
    const records = [...this.#state.nodesOf(rollout.id).values()];
    const nodes = records.map((node) => this.#plannedNode(rollout, node));
    return {
      lane,
      phase,
      strategy,
      cancelled,
      hold: holdOf(this.#state, rollout),
      wave,
      waveCount: rollout.waves.length,
      nodes,
    };
  }

  #plannedNode(rollout: RolloutRecord, node: RolloutNodeRecord): PlannedNode {
    const presence = this.#state.presence.get(node.nodeId);
    // Nobody was waited for during a pause, so nobody was late.
    const presenceSince = Math.max(presence?.since ?? rollout.startedAt, rollout.resumedAt ?? 0);
    const manifest = this.#state.releases.get(swarmKey(rollout.release))?.manifest;
    // Time the node could not reach us does not count against it.
    const startedAt = node.orderedAt === null ? null : Math.max(node.orderedAt, presenceSince);
    const overdueAt =
      startedAt === null || manifest === undefined
        ? null
        : startedAt + activationBudgetMs(manifest, rollout.strategy);
    return {
      id: node.nodeId,
      name: this.#state.nodeName(node.nodeId),
      phase: node.phase,
      wave: node.wave,
      online: presence?.online ?? false,
      presenceSince,
      overdueAt,
    };
  }

  #apply(rollout: RolloutRecord, action: PlanAction, now: Millis): void {
    switch (action.kind) {
      case "set-waves":
        return this.#setWaves(rollout, action.waves, now);
      case "start-wave":
        return this.#startWave(rollout, action.wave, now);
      case "activate":
        return this.#order(rollout, action.nodeId, "activating", now);
      case "roll-back":
        return this.#rollBack(rollout, action.nodeId, now);
      case "start-rollback":
        return this.#startRollback(rollout, action.reason, now);
      case "set-phase":
        return this.#judge(rollout, action, now);
      case "finish":
        return this.#finish(rollout, action, now);
      default:
        return assertNever(action);
    }
  }

  #setWaves(rollout: RolloutRecord, waves: readonly (readonly NodeId[])[], now: Millis): void {
    waves.forEach((nodeIds, wave) => {
      for (const nodeId of nodeIds) this.#state.saveRolloutNode({ ...this.#node(rollout, nodeId), wave });
    });
    this.#state.saveRollout({ ...rollout, phase: "activating", waves: waves.map((wave) => wave.length) });
    const staged = waves.reduce((sum, wave) => sum + wave.length, 0);
    this.#tell(rollout, now, {
      kind: "stage-finished",
      message: `${countNodes(staged)} ready; waves of ${waves
        .map((wave) => wave.length)
        .join(", ")
        .slice(0, 200)}`,
    });
  }

  #startWave(rollout: RolloutRecord, wave: number, now: Millis): void {
    if (rollout.wave !== null)
      this.#tell(rollout, now, { kind: "wave-finished", message: `wave ${rollout.wave + 1} is healthy` });
    this.#state.saveRollout({ ...rollout, wave });
    const message = `wave ${wave + 1} of ${rollout.waves.length} begins: ${countNodes(rollout.waves[wave] ?? 0)}`;
    this.#tell(rollout, now, { kind: "wave-started", message });
  }

  #order(rollout: RolloutRecord, nodeId: NodeId, phase: "activating" | "rolling-back", now: Millis): void {
    const before = this.#node(rollout, nodeId);
    const previous =
      phase === "activating" ? this.#state.liveOn(nodeId, rollout.release.app) : before.previous;
    const ordered = {
      ...before,
      ...NO_FAULT,
      phase,
      previous,
      generation: this.#state.nextGeneration(),
      orderedAt: now,
    };
    this.#state.saveRolloutNode(ordered);
    this.#sendOrder(rollout, ordered);
    if (phase === "rolling-back") return;
    this.#tell(rollout, now, {
      kind: "node-activating",
      nodeId,
      message: `switching from ${previous?.version ?? "nothing"}`,
    });
  }

  #rollBack(rollout: RolloutRecord, nodeId: NodeId, now: Millis): void {
    const node = this.#node(rollout, nodeId);
    if (!sameRelease(node.previous, rollout.release))
      return this.#order(rollout, nodeId, "rolling-back", now);
    this.#state.saveRolloutNode({ ...node, phase: "rolled-back", message: "it ran this release before" });
  }

  #sendOrder(rollout: RolloutRecord, node: RolloutNodeRecord): void {
    assert(node.generation !== null, "an order without a generation");
    if (!this.#state.isOnline(node.nodeId)) return;
    const target = node.phase === "rolling-back" ? node.previous : rollout.release;
    const head = { generation: node.generation, rolloutId: rollout.id };
    const { healthTimeoutMs } = rollout.strategy;
    const message =
      target === null
        ? ({ kind: "deactivate", ...head, app: rollout.release.app } as const)
        : ({ kind: "activate", ...head, release: target, healthTimeoutMs } as const);
    this.#state.emit({ kind: "send", nodeId: node.nodeId, message });
  }

  #startRollback(rollout: RolloutRecord, reason: string, now: Millis): void {
    this.#state.saveRollout({ ...rollout, phase: "rolling-back", message: reason, pausedBy: null });
    this.#tell(rollout, now, { kind: "rollback-started", message: reason });
  }

  #judge(rollout: RolloutRecord, action: Extract<PlanAction, { kind: "set-phase" }>, now: Millis): void {
    const { nodeId, phase, code, message } = action;
    this.#state.saveRolloutNode({ ...this.#node(rollout, nodeId), phase, code, message });
    this.#tell(rollout, now, { kind: PHASE_EVENT[phase] ?? "node-failed", nodeId, message });
  }

  #finish(rollout: RolloutRecord, action: Extract<PlanAction, { kind: "finish" }>, now: Millis): void {
    if (rollout.wave !== null && action.phase === "succeeded") {
      this.#tell(rollout, now, { kind: "wave-finished", message: `wave ${rollout.wave + 1} is healthy` });
    }
    finishRollout(this.#state, rollout, { ...action, now });
    this.#tell(rollout, now, {
      kind: "rollout-finished",
      message: `${FINISH_WORDS[action.phase] ?? action.phase}: ${action.message}`,
    });
    this.#plans.delete(rollout.id);
  }

  #tellOutcome(
    rollout: RolloutRecord,
    node: RolloutNodeRecord,
    phase: NodePhase,
    what: { outcome: Outcome; now: Millis },
  ): void {
    const kind = PHASE_EVENT[phase] ?? "node-failed";
    const message =
      what.outcome.kind === "healthy"
        ? (HEALTHY_WORDS[phase] ?? "healthy")
        : `${what.outcome.message}; ${RESTORED_WORDS[what.outcome.restored]}`;
    this.#tell(rollout, what.now, { kind, nodeId: node.nodeId, message });
  }

  #tell(
    rollout: RolloutRecord,
    now: Millis,
    line: Omit<Parameters<FleetState["record"]>[1], "rollout" | "release">,
  ): void {
    this.#state.record(now, { ...line, rollout, release: rollout.release });
  }

  #rollout(id: RolloutId): RolloutRecord {
    const rollout = this.#state.rollouts.get(id);
    assert(rollout !== undefined, `no rollout ${id}`);
    return rollout;
  }

  #node(rollout: RolloutRecord, nodeId: NodeId): RolloutNodeRecord {
    const node = this.#state.nodesOf(rollout.id).get(nodeId);
    assert(node !== undefined, `node ${nodeId} is not in rollout ${rollout.id}`);
    return node;
  }
}

const NO_FAULT = { code: null, message: null, logTail: [] } as const;

const PHASE_EVENT: Partial<Record<NodePhase, EventKind>> = {
  healthy: "node-healthy",
  failed: "node-failed",
  lost: "node-lost",
  deferred: "node-deferred",
  "rolled-back": "node-rolled-back",
  "rollback-failed": "node-rollback-failed",
};

const RESTORED_WORDS = {
  done: "the release before it is live again",
  failed: "the release before it could not be restored",
  none: "nothing is live there now",
} as const;

const HEALTHY_WORDS: Partial<Record<NodePhase, string>> = {
  "rolled-back": "back on the previous release and healthy",
};

const FINISH_WORDS: Partial<Record<RolloutPhase, string>> = {
  "rolled-back": "rolled back",
  "rollback-incomplete": "rollback incomplete",
};

function isStagePhase(phase: NodePhase): boolean {
  return phase === "pending" || phase === "staging" || phase === "verified";
}

function isOrderPhase(phase: NodePhase): boolean {
  return phase === "activating" || phase === "rolling-back" || phase === "lost";
}

function stagePhaseOf(member: SwarmMemberRecord): NodePhase {
  return member.state === "failed" ? "stage-failed" : member.state;
}

/** `restored: failed` means the node runs neither release in a healthy way, whatever was ordered. */
function phaseAfter(phase: NodePhase, outcome: Outcome): NodePhase {
  if (outcome.kind === "healthy") return phase === "rolling-back" ? "rolled-back" : "healthy";
  if (outcome.restored === "failed") return "rollback-failed";
  return failurePhase(phase);
}

function failurePhase(phase: NodePhase): NodePhase {
  return phase === "rolling-back" ? "rollback-failed" : "failed";
}
