// One simulated rollout from the order to its end: the shipped coordinator core and a shipped activation machine per
// node, on virtual time. Owns how they are joined and what is measured; what happens is decided by the cores.
import type { CoordinatorEvent } from "../../coordinator/core/events.ts";
import type { FleetEvent, NodePhase, RolloutView } from "../../protocol/api.ts";
import type { Millis, NodeId } from "../../protocol/ids.ts";
import { HEARTBEAT_INTERVAL_MS, NODE_OFFLINE_AFTER_MS } from "../../protocol/limits.ts";
import { assert } from "../../protocol/machine.ts";
import { encodeManifest, releaseRefOf, sameRelease } from "../../protocol/manifest.ts";
import { createPrng } from "../../protocol/prng.ts";
import { RolloutCoordinator } from "./rollout-coordinator.ts";
import { createGauges, type RolloutGauges } from "./rollout-gauges.ts";
import { type NodeReport, RolloutNode, type RolloutWorld } from "./rollout-node.ts";
import type { RolloutLive, RolloutOutcome, RolloutTraceEvent } from "./rollout-outcome.ts";
import { SIM_APP, SIM_PUBLIC_KEY, SIM_SIGNATURE, type SimReleases, simReleases } from "./rollout-release.ts";
import type { RolloutScenario } from "./rollout-scenario.ts";
import { RolloutStory } from "./rollout-story.ts";
import { RolloutTimeline, STEP } from "./rollout-timeline.ts";
import { drawTraits } from "./rollout-traits.ts";

export interface RolloutRun {
  readonly scenario: RolloutScenario;
  readonly seed: number;
}

export interface RolloutListener {
  readonly onEvent?: (event: RolloutTraceEvent) => void;
  /** Called after every step, with how many nodes are down just then and what the coordinator is about. */
  readonly onStep?: (gauges: RolloutGauges, isGoingBack: boolean) => void;
}

/** Same scenario and seed, same outcome, on every machine. */
export function simulateRollout(run: RolloutRun, listener: RolloutListener = {}): RolloutOutcome {
  return new RolloutSimulation(run, lossWindowMs(run), listener).run();
}

/** Nodes vanish while the rollout would run if none did and none failed. */
function lossWindowMs({ scenario, seed }: RolloutRun): Millis {
  if (scenario.faults.loseShare === 0) return 0;
  const calm = { ...scenario, faults: { ...scenario.faults, loseShare: 0, failShare: 0 } };
  return new RolloutSimulation({ scenario: calm, seed }, 0, {}).run().durationMs;
}

class RolloutSimulation {
  readonly #run: RolloutRun;
  readonly #listener: RolloutListener;
  readonly #timeline = new RolloutTimeline();
  readonly #gauges: RolloutGauges;
  readonly #releases: SimReleases;
  readonly #nodes: readonly RolloutNode[];
  readonly #byId: ReadonlyMap<NodeId, RolloutNode>;
  readonly #coordinator: RolloutCoordinator;
  readonly #story: RolloutStory;
  /** When each node last sent something. */
  readonly #sentAt: Float64Array;

  constructor(run: RolloutRun, lossWithinMs: Millis, listener: RolloutListener) {
    const { scenario, seed } = run;
    this.#run = run;
    this.#listener = listener;
    this.#gauges = createGauges(scenario.nodes);
    this.#releases = simReleases(scenario.activation);
    this.#sentAt = new Float64Array(scenario.nodes);
    const world = this.#world();
    const random = createPrng(seed).child("rollout");
    this.#nodes = Array.from(
      { length: scenario.nodes },
      (_, index) => new RolloutNode(index, drawTraits(scenario, lossWithinMs, random.child(index)), world),
    );
    this.#byId = new Map(this.#nodes.map((node) => [node.id, node]));
    this.#story = new RolloutStory(this.#timeline.trace, listener.onEvent ?? null);
    this.#coordinator = new RolloutCoordinator({
      timeline: this.#timeline,
      control: scenario.control,
      send: (nodeId, message, delayMs) => {
        const node = this.#node(nodeId);
        this.#inTransit(delayMs, STEP.obeys, node.index, () => node.take(message));
      },
      tell: (event) => this.#heard(event),
    });
  }

  run(): RolloutOutcome {
    this.#prepare();
    const { strategy } = this.#run.scenario;
    const { version } = this.#releases.next;
    this.#coordinator.take({ kind: "start-rollout", request: { app: SIM_APP, version, strategy } });
    while (this.#story.finishedAt === null) {
      assert(this.#timeline.step(), "nothing is left to happen, and the rollout has not ended");
      this.#listener.onStep?.(this.#gauges, this.#story.turnedBackAt !== null);
    }
    return this.#outcome(this.#story.finishedAt);
  }

  /** All nodes are online with the release before, and the next one is published. */
  #prepare(): void {
    for (const node of this.#nodes) {
      this.#coordinator.learn({
        kind: "node-hello",
        nodeId: node.id,
        publicKey: SIM_PUBLIC_KEY,
        hello: node.hello(),
        remoteHost: "127.0.0.1",
        localHost: "127.0.0.1",
      });
      const { vanishesAtMs } = node.traits;
      if (vanishesAtMs === null) continue;
      this.#timeline.at(vanishesAtMs, { kind: STEP.vanishes, node: node.index }, () => this.#lose(node));
    }
    const manifest = this.#releases.next;
    const signatures = [{ publicKey: SIM_PUBLIC_KEY, signature: SIM_SIGNATURE }];
    const signed = { manifest: encodeManifest(manifest), signatures };
    this.#coordinator.learn({ kind: "publish", release: { signed, manifest, torrentInfo: "AAAA" } });
  }

  #world(): RolloutWorld {
    return {
      scenario: this.#run.scenario,
      releases: this.#releases,
      timeline: this.#timeline,
      gauges: this.#gauges,
      send: (node, message) => this.#report(node, message),
      tell: (kind, node, message) =>
        this.#story.add({ at: this.#timeline.now, kind, node: node.name, message }, node.index),
    };
  }

  #report({ index, id }: RolloutNode, message: NodeReport): void {
    this.#sentAt[index] = this.#timeline.now;
    this.#arrive(index, { kind: "node-message", nodeId: id, message });
  }

  #arrive(node: number, event: CoordinatorEvent): void {
    this.#inTransit(0, STEP.arrives, node, () => this.#coordinator.take(event));
  }

  #inTransit(waitMs: number, kind: typeof STEP.arrives | typeof STEP.obeys, node: number, run: () => void) {
    this.#timeline.after(waitMs + this.#run.scenario.control.delayMs, { kind, node }, run);
  }

  /** The coordinator hears nothing more, and draws its conclusion when that has lasted long enough. */
  #lose(node: RolloutNode): void {
    const { now } = this.#timeline;
    node.vanish();
    const { beatAfterMs } = node.traits;
    const beats = Math.floor((now - beatAfterMs) / HEARTBEAT_INTERVAL_MS);
    const spokeAt = Math.max(beatAfterMs + beats * HEARTBEAT_INTERVAL_MS, this.#sentAt[node.index] ?? 0);
    const silentAt = spokeAt + this.#run.scenario.control.delayMs + NODE_OFFLINE_AFTER_MS;
    this.#timeline.at(silentAt, { kind: STEP.silent, node: node.index }, () =>
      this.#coordinator.take({ kind: "node-gone", nodeId: node.id }),
    );
  }

  #heard(event: FleetEvent): void {
    const { at, kind, node, message } = event;
    const index = node === null ? -1 : Number(node.slice("node-".length)) - 1;
    this.#story.add({ at, kind, node, message }, index);
  }

  #node(id: NodeId): RolloutNode {
    const node = this.#byId.get(id);
    assert(node !== undefined, `no node ${id}`);
    return node;
  }

  #outcome(finishedAt: Millis): RolloutOutcome {
    const view = this.#coordinator.rollout();
    assert(view !== null, "a rollout that ended had begun");
    const { turnedBackAt, stagedAt, reason, firstFailure } = this.#story;
    const { exposed, broken, down } = this.#gauges;
    return {
      nodes: this.#nodes.length,
      seed: this.#run.seed,
      phase: view.phase,
      code: view.code,
      message: view.message ?? "",
      ...{ reason, firstFailure },
      durationMs: finishedAt,
      stagedMs: stagedAt,
      rollbackMs: turnedBackAt === null ? null : finishedAt - turnedBackAt,
      plannedWaves: view.waves,
      waves: this.#story.wavesOf(view.waves),
      exposed: exposed.reach,
      broken: broken.reach,
      down: down.reach,
      phases: countPhases(view),
      live: this.#countLive(),
      unnoticed: this.#countUnnoticed(view),
      events: this.#timeline.events,
      traceHash: this.#timeline.trace.digest(),
    };
  }

  #countLive(): RolloutLive {
    const staying = this.#nodes.filter((node) => !node.hasVanished);
    const having = (manifest: SimReleases["next"]): number =>
      staying.filter((node) => sameRelease(node.live, releaseRefOf(manifest))).length;
    const next = having(this.#releases.next);
    const before = having(this.#releases.before);
    const vanished = this.#nodes.length - staying.length;
    return { next, before, nothing: staying.length - next - before, vanished };
  }

  #countUnnoticed(view: RolloutView): number {
    return view.nodes.filter(({ id, phase }) => phase === "healthy" && this.#node(id).isBroken).length;
  }
}

function countPhases(view: RolloutView): RolloutOutcome["phases"] {
  const counts: Partial<Record<NodePhase, number>> = {};
  for (const { phase } of view.nodes) counts[phase] = (counts[phase] ?? 0) + 1;
  return counts;
}
