// The coordinator as one pure machine: events in, effects out. Wires registry, swarms and rollouts together.
import type { LimitsView, NodeView, ReleaseView, RolloutView, StatusView } from "../../protocol/api.ts";
import type { Explanation } from "../../protocol/explain.ts";
import type { AppName, Digest, Millis, NodeId, RolloutId, Version } from "../../protocol/ids.ts";
import { assertNever, type Machine } from "../../protocol/machine.ts";
import { sameRelease } from "../../protocol/manifest.ts";
import type { NodeMessage } from "../../protocol/messages.ts";
import type { CoordinatorEffect, CoordinatorEvent } from "./events.ts";
import { explain, findNode } from "./explain.ts";
import type { InspectionResult } from "./inspections.ts";
import { NodeLimits } from "./node-limits.ts";
import { Offences } from "./offences.ts";
import { pausingRollout, setPaused } from "./pause.ts";
import { countNodes } from "./planner.ts";
import type { ReleaseRecord, SavedRecord, SwarmMemberRecord, SwarmRecord } from "./records.ts";
import { Registry } from "./registry.ts";
import { publish, setLimits, startRollback, startRollout, startStage } from "./requests.ts";
import { Rollouts } from "./rollouts.ts";
import type { DueStart } from "./start-gate.ts";
import { FleetState } from "./state.ts";
import { type Origin, Swarms } from "./swarms.ts";
import { nodeView, releaseView, rolloutView, statusView } from "./views.ts";

/**
 * How long a node's report may wait for others before the rollouts are planned again. A plan looks at the whole
 * fleet, and the nodes of a fleet report together: one plan for all instead of one for each keeps the cost linear.
 */
export const REPLAN_DELAY_MS = 5;

export interface CoordinatorCoreOptions {
  /** Everything saved before, already validated against RECORD_SCHEMAS. */
  readonly records: readonly SavedRecord[];
  readonly origin: Origin;
  readonly coordinatorVersion: string;
}

export class CoordinatorCore implements Machine<CoordinatorEvent, CoordinatorEffect> {
  readonly #state: FleetState;
  readonly #registry: Registry;
  readonly #swarms: Swarms;
  readonly #rollouts: Rollouts;
  readonly #nodeLimits: NodeLimits;
  readonly #offences: Offences;
  readonly #coordinatorVersion: string;
  /** Last counter reading of the origin per artifact; it starts at 0 again whenever the origin does. */
  readonly #originReadings = new Map<Digest, number>();
  /** When what nodes have reported must have been planned with; null when it has been. */
  #planDueAt: Millis | null = null;

  constructor(options: CoordinatorCoreOptions) {
    this.#state = new FleetState(options.records);
    this.#registry = new Registry(this.#state);
    this.#swarms = new Swarms(this.#state, options.origin);
    this.#rollouts = new Rollouts(this.#state);
    this.#nodeLimits = new NodeLimits(this.#state);
    this.#offences = new Offences(this.#state);
    this.#coordinatorVersion = options.coordinatorVersion;
  }

  /** Call once before the first event: continues what a previous run had begun. */
  restore(now: Millis): readonly CoordinatorEffect[] {
    this.#registry.restore(now);
    this.#swarms.restore(now);
    return this.#conclude(now);
  }

  /** Throws FleetError for a publish or start-* that is refused; nothing has changed then. */
  handle(event: CoordinatorEvent, now: Millis): readonly CoordinatorEffect[] {
    this.#dispatch(event, now);
    if (isMeasurement(event)) return this.#state.takeEffects();
    if (event.kind !== "node-message") return this.#conclude(now);
    this.#planDueAt ??= now + REPLAN_DELAY_MS;
    return this.#planDueAt > now ? this.#state.takeEffects() : this.#conclude(now);
  }

  deadline(): Millis | null {
    const wanted = [
      this.#planDueAt,
      this.#rollouts.deadline(),
      this.#swarms.deadline(),
      this.#nodeLimits.deadline(),
    ];
    const deadlines = wanted.filter((deadline) => deadline !== null);
    return deadlines.length === 0 ? null : Math.min(...deadlines);
  }

  nodes(): readonly NodeView[] {
    const views = [...this.#state.nodes.values()].map((node) => nodeView(this.#state, node));
    return views.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** Newest first. */
  releases(app: AppName | null): readonly ReleaseView[] {
    const records = [...this.#state.releases.values()].filter(
      (release) => app === null || release.manifest.app === app,
    );
    return records.toSorted(latestFirst).map(releaseView);
  }

  /** The info dictionary in base64url; null when this version is not published. */
  torrentInfo(app: AppName, version: Version): string | null {
    for (const { manifest, torrentInfo } of this.#state.releases.values())
      if (manifest.app === app && manifest.version === version) return torrentInfo;
    return null;
  }

  rollout(id: RolloutId): RolloutView | null {
    const rollout = this.#state.rollouts.get(id);
    return rollout === undefined ? null : rolloutView(this.#state, rollout, this.#rollouts.waiting(id));
  }

  status(): StatusView {
    return statusView(this.#state, this.#coordinatorVersion, (rollout) => this.#rollouts.waiting(rollout.id));
  }

  /** By id or name. FleetError node-unknown or request-invalid. */
  findNode(text: string): NodeId {
    return findNode(this.#state, text);
  }

  isOnline(nodeId: NodeId): boolean {
    return this.#state.isOnline(nodeId);
  }

  /** `heard`: what became of asking the node itself; null when it was not asked. FleetError node-unknown. */
  explain(nodeId: NodeId, heard: InspectionResult | null, now: Millis): Explanation {
    return explain(this.#state, nodeId, heard, now);
  }

  limits(): LimitsView {
    const { limits, setBy, setAt } = this.#state.limits;
    return { limits, setBy, setAt, ...this.#nodeLimits.summary() };
  }

  isAdmitted(nodeId: NodeId): boolean {
    return this.#state.nodes.has(nodeId);
  }

  artifactsInUse(): ReadonlySet<Digest> {
    return new Set([...this.#state.releases.values()].map((release) => release.manifest.artifact.sha256));
  }

  #dispatch(event: CoordinatorEvent, now: Millis): void {
    switch (event.kind) {
      case "node-hello":
        return this.#welcome(event, now);
      case "node-message":
        return this.#takeMessage(event, now);
      case "node-gone":
        this.#registry.leave(event.nodeId, now);
        return this.#swarms.leave(event.nodeId);
      case "publish":
        return publish(this.#state, event.release, now);
      case "start-stage":
        startStage(this.#state, this.#swarms, event.request, now);
        return;
      case "start-rollout":
        startRollout(this.#state, this.#swarms, event.request, now);
        return;
      case "start-rollback":
        startRollback(this.#state, this.#swarms, event.request, now);
        return;
      case "set-paused":
        return setPaused(this.#state, event.order, now);
      case "set-limits":
        return setLimits(this.#state, event.request, now);
      case "origin-progress":
        return this.#noteOrigin(event.sha256, event.uploadedBytes);
      case "origin-offence":
        return this.#offences.noteByOrigin(event.sha256, event.offence, now);
      case "tick":
        return;
      default:
        return assertNever(event);
    }
  }

  #welcome(event: Extract<CoordinatorEvent, { kind: "node-hello" }>, now: Millis): void {
    this.#registry.arrive(event, now);
    this.#nodeLimits.welcome(event.nodeId, now);
    this.#swarms.welcome(event.nodeId, now);
    this.#rollouts.welcome(event.nodeId, now);
  }

  #takeMessage(event: Extract<CoordinatorEvent, { kind: "node-message" }>, now: Millis): void {
    const { nodeId, message } = event;
    switch (message.kind) {
      case "heartbeat":
        return;
      case "stage-ready":
      case "progress":
      case "verified":
      case "staged":
      case "stage-failed":
        return this.#takeStageReport(nodeId, this.#swarms.report(nodeId, message, now), now);
      case "activating":
        this.#state.steps.set(nodeId, message.step);
        return this.#noteChanged(nodeId);
      case "offender":
        return this.#offences.noteByNode(nodeId, message, now);
      case "activated":
        this.#registry.noteOutcome(nodeId, message);
        return this.#rollouts.noteOutcome(nodeId, message.generation, message.outcome, now);
      default:
        return assertNever(message);
    }
  }

  #takeStageReport(nodeId: NodeId, changed: SwarmMemberRecord | null, now: Millis): void {
    if (changed === null) return this.#noteChanged(nodeId);
    if (changed.state === "staged") this.#registry.noteInstalled(nodeId, changed.release);
    this.#rollouts.noteStage(changed);
    this.#recordStage(changed, now);
  }

  #recordStage(member: SwarmMemberRecord, now: Millis): void {
    const rollout = this.#rollouts.active().find((active) => sameRelease(active.release, member.release));
    const kind = STAGE_EVENT[member.state];
    if (rollout === undefined || kind === null) return;
    const seconds = (((member.verifiedAt ?? now) - member.goAt) / 1000).toFixed(1);
    const message =
      member.state === "failed"
        ? (member.message ?? "could not stage")
        : STAGE_WORDS[member.state].replace("%", seconds);
    this.#state.record(now, { kind, rollout, release: member.release, nodeId: member.nodeId, message });
  }

  #recordStart({ swarm, memberCount, readyCount }: DueStart, now: Millis): void {
    const { release } = swarm;
    const message = `GO: ${readyCount} of ${countNodes(memberCount)} with links open`;
    for (const rollout of this.#rollouts.active())
      if (rollout.phase === "staging" && sameRelease(rollout.release, release))
        this.#state.record(now, { kind: "stage-go", rollout, release, message });
  }

  #noteChanged(nodeId: NodeId): void {
    for (const rollout of this.#rollouts.active()) {
      if (this.#state.nodesOf(rollout.id).has(nodeId))
        this.#state.emit({ kind: "rollout-changed", rolloutId: rollout.id });
    }
  }

  #noteOrigin(sha256: Digest, uploadedBytes: number): void {
    const before = this.#originReadings.get(sha256) ?? 0;
    this.#originReadings.set(sha256, uploadedBytes);
    const sentBytes = uploadedBytes >= before ? uploadedBytes - before : uploadedBytes;
    if (sentBytes === 0) return;
    for (const rollout of this.#rollouts.active()) {
      if (rollout.release.sha256 !== sha256 || rollout.phase !== "staging") continue;
      this.#state.saveRollout({ ...rollout, originUploadedBytes: rollout.originUploadedBytes + sentBytes });
    }
  }

  #conclude(now: Millis): readonly CoordinatorEffect[] {
    this.#planDueAt = null;
    for (const failed of this.#swarms.judgeStalls(now)) this.#takeStageReport(failed.nodeId, failed, now);
    for (const swarm of [...this.#state.swarms.values()])
      this.#swarms.setPaused(swarm, pausingRollout(this.#state, swarm.release) !== null, now);
    this.#nodeLimits.advance(now);
    for (const start of this.#swarms.startDue(now)) this.#recordStart(start, now);
    this.#rollouts.advance(now);
    for (const swarm of [...this.#state.swarms.values()])
      if (this.#isServed(swarm)) this.#swarms.end(swarm.release);
    return this.#state.takeEffects();
  }

  /** No rollout still stages this release, so nobody needs its pieces any more. */
  #isServed(swarm: SwarmRecord): boolean {
    return ![...this.#state.rollouts.values()].some(
      (rollout) => rollout.phase === "staging" && sameRelease(rollout.release, swarm.release),
    );
  }
}

const MEASUREMENTS: ReadonlySet<NodeMessage["kind"]> = new Set([
  "heartbeat",
  "progress",
  "activating",
  "offender",
]);
const STAGE_EVENT = {
  staging: null,
  verified: "node-verified",
  staged: "node-staged",
  failed: "node-stage-failed",
} as const;
const STAGE_WORDS = {
  staging: "",
  verified: "has all bytes after % s",
  staged: "is ready to activate",
} as const;

/** What no plan depends on: it only moves figures, and deadlines later. */
function isMeasurement(event: CoordinatorEvent): boolean {
  if (event.kind === "origin-progress" || event.kind === "origin-offence") return true;
  return event.kind === "node-message" && MEASUREMENTS.has(event.message.kind);
}

function latestFirst(a: ReleaseRecord, b: ReleaseRecord): number {
  return b.publishedAt - a.publishedAt || b.manifest.sequence - a.manifest.sequence;
}
