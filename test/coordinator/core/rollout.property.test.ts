// Whatever nodes do and whenever anything dies: the limits an operator set hold at every instant, every rollout ends,
// and its verdict is true of the fleet.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ROLLOUT_TERMINAL_PHASES } from "../../../protocol/api.ts";
import { type Strategy, shareOf } from "../../../protocol/strategy.ts";
import { ModelFleet } from "./model-fleet.ts";
import type { NodeTraits } from "./model-node.ts";

const traits: fc.Arbitrary<NodeTraits> = fc.record({
  stageMs: fc.integer({ min: 1, max: 20_000 }),
  activateMs: fc.integer({ min: 1, max: 20_000 }),
  sick: fc.constantFrom([], [], [], [], ["v2"]),
  unstageable: fc.constantFrom([], [], [], [], [], [], [], ["v2"]),
  cannotRestore: fc.constantFrom(false, false, false, true),
});

const strategy: fc.Arbitrary<Strategy> = fc.record({
  canary: fc.integer({ min: 0, max: 3 }),
  rolling: fc.oneof(
    fc.record({ kind: fc.constant("percent" as const), value: fc.integer({ min: 1, max: 100 }) }),
    fc.record({ kind: fc.constant("nodes" as const), value: fc.integer({ min: 1, max: 12 }) }),
  ),
  healthTimeoutMs: fc.constant(30_000),
});

const fault = fc.oneof(
  fc.record({
    kind: fc.constant("kill-coordinator" as const),
    event: fc.nat(200),
    downMs: fc.integer({ min: 1, max: 90_000 }),
  }),
  fc.record({
    kind: fc.constant("lose-node" as const),
    event: fc.nat(200),
    node: fc.nat(11),
    /** Null: it never comes back. */
    downMs: fc.option(fc.integer({ min: 1, max: 120_000 })),
  }),
  /** Goes dark the moment it switches; null: it never comes back. */
  fc.record({
    kind: fc.constant("lose-while-switching" as const),
    event: fc.constant(0),
    node: fc.nat(11),
    downMs: fc.option(fc.integer({ min: 1, max: 120_000 })),
  }),
  fc.record({ kind: fc.constant("operator-rollback" as const), event: fc.nat(200) }),
  fc.record({
    kind: fc.constant("operator-pause" as const),
    event: fc.nat(200),
    pausedMs: fc.integer({ min: 1, max: 3_600_000 }),
  }),
);
type Fault = typeof fault extends fc.Arbitrary<infer T> ? T : never;

const world = fc.record({
  nodes: fc.array(traits, { minLength: 1, maxLength: 12 }),
  strategy,
  faults: fc.array(fault, { maxLength: 4 }),
});

describe("any rollout under any faults", () => {
  it("keeps its limits at every instant and ends with a true verdict", () => {
    fc.assert(
      fc.property(world, ({ nodes, strategy, faults }) => {
        const fleet = new ModelFleet();
        fleet.addNodes(nodes.length, (index) => nodes[index] ?? { stageMs: 1, activateMs: 1 });
        fleet.run();
        fleet.publish("v1");
        fleet.release("v1", { ...strategy, canary: 0, rolling: { kind: "percent", value: 100 } });
        fleet.run();
        fleet.publish("v2");
        const id = fleet.release("v2", strategy);
        const downMax = Math.max(strategy.canary, shareOf(strategy.rolling, nodes.length));
        let event = 0;
        const pending = new Set(faults);
        fleet.onStep = () => {
          event += 1;
          for (const planned of pending) {
            if (!isDue(fleet, planned, event)) continue;
            pending.delete(planned);
            strike(fleet, planned);
          }
          if (fleet.core.rollout(id)?.phase !== "activating") return;
          const down = fleet.nodes.filter((node) => node.switching).length;
          expect(down).toBeLessThanOrEqual(downMax);
        };
        fleet.run();
        checkVerdict(fleet, id);
      }),
      { numRuns: 300, seed: 20_261_121 },
    );
  });
});

function isDue(fleet: ModelFleet, planned: Fault, event: number): boolean {
  if (planned.kind !== "lose-while-switching") return planned.event === event;
  const node = fleet.nodes[planned.node % fleet.nodes.length];
  return node?.switching === true && node.online;
}

function strike(fleet: ModelFleet, planned: Fault): void {
  if (planned.kind === "operator-pause") pause(fleet, planned.pausedMs);
  if (planned.kind === "kill-coordinator") fleet.killCoordinator(planned.downMs);
  if (
    planned.kind === "operator-rollback" &&
    fleet.core.status().rollouts.some((rollout) => rollout.finishedAt === null)
  )
    fleet.rollback();
  if (planned.kind !== "lose-node" && planned.kind !== "lose-while-switching") return;
  const node = fleet.nodes[planned.node % fleet.nodes.length];
  if (node === undefined || !node.online) return;
  fleet.disconnect(node);
  if (planned.downMs !== null) fleet.after(planned.downMs, () => fleet.connect(node));
}

function pause(fleet: ModelFleet, pausedMs: number): void {
  const running = fleet.core.status().rollouts.find((rollout) => rollout.finishedAt === null);
  if (running === undefined || running.phase === "rolling-back") return;
  fleet.setPaused(running.id, true);
  const resume = (): void => {
    const view = fleet.core.rollout(running.id);
    if (view?.finishedAt === null && view.phase !== "rolling-back") fleet.setPaused(running.id, false);
    // The coordinator may be down just now.
    if (fleet.core.rollout(running.id)?.pausedBy !== null) fleet.after(1_000, resume);
  };
  fleet.after(pausedMs, resume);
}

function checkVerdict(fleet: ModelFleet, id: Parameters<ModelFleet["view"]>[0]): void {
  const view = fleet.view(id);
  expect(ROLLOUT_TERMINAL_PHASES).toContain(view.phase);
  for (const node of fleet.nodes) {
    const generations = node.carriedOut.map((order) => order.generation);
    expect(new Set(generations).size).toBe(generations.length);
    const shown = view.nodes.find((other) => other.id === node.id);
    if (view.phase === "failed") expect(node.live?.version).not.toBe("v2");
    if (view.phase === "succeeded" && shown?.phase === "healthy") expect(node.live?.version).toBe("v2");
    if (view.phase === "rolled-back" && shown?.phase !== "deferred")
      expect(node.live?.version).not.toBe("v2");
  }
  const bad = view.nodes.filter((node) =>
    ["failed", "lost", "rollback-failed", "stage-failed"].includes(node.phase),
  );
  if (view.phase === "succeeded") expect(bad).toEqual([]);
}
