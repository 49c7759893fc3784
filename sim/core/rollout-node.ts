// One node of a simulated rollout: the shipped activation machine, with hooks, probes and the link replaced by the time
// they take and by what the node's traits say comes of them. Makes no choice that the machine makes.
import { ActivationMachine } from "../../peer/core/activation.ts";
import type { ActivationEffect, ActivationEvent } from "../../peer/core/activation-events.ts";
import { type Failure, linkTargetOf } from "../../peer/core/app-journal.ts";
import type { Millis, NodeId } from "../../protocol/ids.ts";
import { assertNever } from "../../protocol/machine.ts";
import { type Manifest, type ReleaseRef, releaseRefOf, sameRelease } from "../../protocol/manifest.ts";
import type { CoordinatorMessage, NodeMessage, StageOrder } from "../../protocol/messages.ts";
import type { RolloutGauges } from "./rollout-gauges.ts";
import { PROBE_URL, SIM_APP, type SimReleases, simHello, simNodeId, simNodeName } from "./rollout-release.ts";
import type { RolloutScenario } from "./rollout-scenario.ts";
import { type RolloutTimeline, STEP } from "./rollout-timeline.ts";
import type { RolloutTraits } from "./rollout-traits.ts";

export type NodeReport = Exclude<NodeMessage, { kind: "hello" | "inspection" }>;

/** What a node finds around it. */
export interface RolloutWorld {
  readonly scenario: RolloutScenario;
  readonly releases: SimReleases;
  readonly timeline: RolloutTimeline;
  readonly gauges: RolloutGauges;
  readonly send: (node: RolloutNode, message: NodeReport) => void;
  /** Something that no coordinator can see. */
  readonly tell: (kind: "node-vanished" | "node-broke", node: RolloutNode, message: string) => void;
}

type Effect<Kind extends ActivationEffect["kind"]> = Extract<ActivationEffect, { kind: Kind }>;

export class RolloutNode {
  readonly index: number;
  readonly id: NodeId;
  readonly name: string;
  readonly traits: RolloutTraits;
  readonly #world: RolloutWorld;
  readonly #next: ReleaseRef;
  readonly #machine: ActivationMachine;
  #hasVanished = false;
  #hasNext: boolean;
  /** The new release has been started here, and has failed since. */
  #hasBroken = false;
  #tickAt: Millis | null = null;

  constructor(index: number, traits: RolloutTraits, world: RolloutWorld) {
    const { scenario, releases } = world;
    this.index = index;
    this.id = simNodeId(index);
    this.name = simNodeName(index, scenario.nodes);
    this.traits = traits;
    this.#world = world;
    this.#next = releaseRefOf(releases.next);
    this.#hasNext = traits.stageMs === null;
    const live = linkTargetOf(releaseRefOf(releases.before));
    this.#machine = new ActivationMachine({
      journal: { format: 1, app: SIM_APP, healthy: live, previous: null, current: null, next: null },
      live,
      find: (release) => this.#find(release),
    });
  }

  get hasVanished(): boolean {
    return this.#hasVanished;
  }

  get live(): ReleaseRef | null {
    return this.#machine.live?.release ?? null;
  }

  get isBroken(): boolean {
    return sameRelease(this.live, this.#next) && !this.#nextWorks();
  }

  hello() {
    const before = releaseRefOf(this.#world.releases.before);
    return simHello(this.name, before, this.#hasNext ? [before, this.#next] : [before]);
  }

  vanish(): void {
    this.#hasVanished = true;
    this.#world.tell("node-vanished", this, "vanishes without a word");
    this.#gauge();
  }

  take(message: CoordinatorMessage): void {
    if (this.#hasVanished) return;
    if (message.kind === "stage") this.#stage(message);
    else if (message.kind === "go") this.#fetch(message.generation);
    else if (message.kind === "activate" || message.kind === "deactivate")
      this.#dispatch({ kind: "order", order: message });
  }

  /** As the shipped staging answers: at once for what is installed, else after GO and the time that takes. */
  #stage({ generation, awaitsGo }: StageOrder): void {
    if (this.#hasNext) return this.#tellStaged(generation);
    if (awaitsGo !== true) return this.#fetch(generation);
    this.#world.send(this, { kind: "stage-ready", generation, release: this.#next, links: 1 });
  }

  #fetch(generation: number): void {
    if (this.#hasNext) return;
    this.#later(this.traits.stageMs ?? 0, () => {
      this.#hasNext = true;
      this.#tellStaged(generation);
    });
  }

  #tellStaged(generation: number): void {
    const bytes = this.#world.releases.next.artifact.length;
    const transfer = { generation, release: this.#next, verifiedBytes: bytes };
    this.#world.send(this, { kind: "verified", ...transfer, receivedBytes: bytes, uploadedBytes: 0 });
    this.#world.send(this, { kind: "staged", ...transfer, receivedBytes: bytes, uploadedBytes: 0 });
  }

  #dispatch(event: ActivationEvent): void {
    for (const effect of this.#machine.handle(event, this.#world.timeline.now)) this.#perform(effect);
    this.#gauge();
    this.#arm();
  }

  #arm(): void {
    const deadline = this.#machine.deadline();
    if (deadline === this.#tickAt) return;
    this.#tickAt = deadline;
    if (deadline === null) return;
    this.#world.timeline.at(deadline, { kind: STEP.nodeTick, node: this.index }, () => {
      if (this.#hasVanished || this.#tickAt !== deadline) return;
      this.#tickAt = null;
      this.#dispatch({ kind: "tick" });
    });
  }

  #perform(effect: ActivationEffect): void {
    switch (effect.kind) {
      case "persist":
      case "cancel-probe":
      case "stale":
        return;
      case "run-hook":
        return this.#runHook(effect);
      case "switch-link":
        return this.#answer(this.#world.scenario.activation.switchMs, effect.attempt, null);
      case "probe":
        return this.#probe(effect);
      case "announce":
        return this.#world.send(this, {
          kind: "activating",
          generation: effect.generation,
          step: effect.step,
        });
      case "report":
        return this.#report(effect);
      default:
        return assertNever(effect);
    }
  }

  #runHook({ hook, target, timeoutMs, attempt }: Effect<"run-hook">): void {
    const isStart = hook === "postActivate";
    const isNext = sameRelease(target.release, this.#next);
    const tookMs = isStart ? this.traits.startMs : this.traits.stopMs;
    const name = `the ${hook} hook of ${SIM_APP} ${target.release?.version}`;
    if (tookMs > timeoutMs) {
      const message = `${name} was still running after ${timeoutMs / 1_000} s`;
      return this.#answer(timeoutMs, attempt, { code: "hook-timeout", message, logTail: [] });
    }
    const fails = isStart && isNext && this.traits.fault === "start";
    const failure = { code: "hook-failed", message: `${name} exited with 1`, logTail: [] };
    this.#answer(tookMs, attempt, fails ? failure : null);
    if (isStart && isNext && this.traits.fault === "later") this.#breakLater(tookMs);
  }

  #breakLater(startMs: Millis): void {
    this.#later(startMs + (this.#world.scenario.faults.failAfterMs ?? 0), () => {
      if (!sameRelease(this.live, this.#next) || this.#hasBroken) return;
      this.#hasBroken = true;
      this.#world.tell("node-broke", this, "the new release stops working here");
      this.#gauge();
    });
  }

  /** The same time and words as a real probe: an answer, but the wrong one. */
  #probe({ attempt }: Effect<"probe">): void {
    this.#later(this.traits.probeMs, () => {
      const problem = this.isBroken ? `GET ${PROBE_URL} answered 503, expected 200` : null;
      this.#dispatch({ kind: "probed", attempt, problem, logTail: [] });
    });
  }

  #report({ generation, live, outcome }: Effect<"report">): void {
    this.#world.send(this, { kind: "activated", generation, app: SIM_APP, live, outcome });
  }

  #answer(afterMs: Millis, attempt: number, failure: Failure | null): void {
    this.#later(afterMs, () =>
      this.#dispatch(
        failure === null ? { kind: "step-done", attempt } : { kind: "step-failed", attempt, failure },
      ),
    );
  }

  /** What a node began ends with it. */
  #later(delayMs: Millis, run: () => void): void {
    this.#world.timeline.after(delayMs, { kind: STEP.nodeStep, node: this.index }, () => {
      if (!this.#hasVanished) run();
    });
  }

  #nextWorks(): boolean {
    const { fault } = this.traits;
    return fault === null || (fault === "later" && !this.#hasBroken);
  }

  #gauge(): void {
    const { exposed, broken, down } = this.#world.gauges;
    const isHere = !this.#hasVanished;
    exposed.set(this.index, isHere && sameRelease(this.live, this.#next));
    broken.set(this.index, isHere && this.isBroken);
    down.set(this.index, isHere && (this.isBroken || this.#isUnsettled()));
  }

  /** It switches, or could not restore what it had. */
  #isUnsettled(): boolean {
    const order = this.#machine.lastOrder;
    if (order === null) return false;
    const { outcome } = order;
    return outcome === null || (outcome.kind === "failed" && outcome.restored !== "done");
  }

  #find(release: ReleaseRef): Manifest | null {
    const { before, next } = this.#world.releases;
    if (sameRelease(release, releaseRefOf(before))) return before;
    return this.#hasNext && sameRelease(release, this.#next) ? next : null;
  }
}
