// What nodes are told they may move: the operator's caps at once, and shares of the fleet's rate that never add up to
// more than it, whoever comes, goes, finishes or is paused.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { RAMP_START_SHARE } from "../../../coordinator/core/rate-division.ts";
import type { RolloutId } from "../../../protocol/ids.ts";
import { type FleetLimits, NO_FLEET_LIMITS, NO_RATES } from "../../../protocol/rates.ts";
import { ModelFleet } from "./model-fleet.ts";
import type { ModelNode, NodeTraits } from "./model-node.ts";

const MEGABYTE = 1_000_000;
const slow = (index: number): NodeTraits => ({ stageMs: 60_000 + 5_000 * index, activateMs: 100 });

function fleetOf(count: number, limits: Partial<FleetLimits>): ModelFleet {
  const fleet = new ModelFleet();
  fleet.setLimits({ ...NO_FLEET_LIMITS, ...limits });
  fleet.addNodes(count, slow);
  fleet.run();
  fleet.publish("v1");
  return fleet;
}

/** What the coordinator has told this node last; infinite when it is without limit. */
function toldTo(node: ModelNode): number {
  return node.ratesTold.at(-1)?.downloadBytesPerSecondMax ?? Number.POSITIVE_INFINITY;
}

function toldToAll(fleet: ModelFleet): number {
  return fleet.nodes.reduce((sum, node) => sum + toldTo(node), 0);
}

describe("an operator's caps", () => {
  it("are told to every node at its hello, also that there are none", () => {
    const fleet = fleetOf(2, {});
    expect(fleet.nodes.map((node) => node.ratesTold)).toEqual([[NO_RATES], [NO_RATES]]);
  });

  it("reach nodes that are here at once, and later ones when they come", () => {
    const fleet = fleetOf(2, {});
    fleet.setLimits({
      ...NO_FLEET_LIMITS,
      nodeUploadBytesPerSecondMax: 5 * MEGABYTE,
      nodeDownloadBytesPerSecondMax: 9 * MEGABYTE,
    });
    fleet.addNodes(1, slow);
    fleet.run();
    for (const node of fleet.nodes)
      expect(node.ratesTold.at(-1)).toEqual({
        uploadBytesPerSecondMax: 5 * MEGABYTE,
        downloadBytesPerSecondMax: 9 * MEGABYTE,
      });
    expect(fleet.history.at(-2)).toMatchObject({
      kind: "limits-set",
      message: expect.stringContaining("ada"),
    });
  });

  it("outlive a restart of the coordinator, and are lifted for good by clearing them", () => {
    const fleet = fleetOf(1, { nodeUploadBytesPerSecondMax: MEGABYTE });
    fleet.killCoordinator(1_000);
    fleet.run();
    expect(fleet.nodes[0]?.ratesTold).toHaveLength(2);
    expect(fleet.nodes[0]?.ratesTold.at(-1)?.uploadBytesPerSecondMax).toBe(MEGABYTE);
    fleet.setLimits(NO_FLEET_LIMITS);
    fleet.killCoordinator(1_000);
    fleet.run();
    expect(fleet.nodes[0]?.ratesTold.at(-1)).toEqual(NO_RATES);
  });
});

describe("a fleet's rate", () => {
  const rate = 100 * MEGABYTE;

  it("is divided among the nodes that fetch, and none has any of it before it is told to fetch", () => {
    const fleet = fleetOf(4, { fleetBytesPerSecondMax: rate });
    expect(toldToAll(fleet)).toBeLessThanOrEqual(4);
    fleet.stage("v1");
    fleet.pass(10_000);
    for (const node of fleet.nodes) expect(toldTo(node)).toBeGreaterThan(0.24 * rate);
    expect(toldToAll(fleet)).toBeLessThanOrEqual(rate);
    expect(fleet.core.limits()).toMatchObject({ nodesFetching: 4, allowedBytesPerSecond: rate });
  });

  it("goes to those that still fetch when others are done, and back to nobody at the end", () => {
    const fleet = fleetOf(4, { fleetBytesPerSecondMax: rate });
    fleet.stage("v1");
    fleet.pass(67_000);
    const fetching = fleet.nodes.slice(2);
    for (const node of fetching) expect(toldTo(node)).toBeGreaterThan(0.45 * rate);
    fleet.run();
    expect(toldToAll(fleet)).toBeLessThanOrEqual(4);
    expect(fleet.core.deadline()).toBeNull();
  });

  it("is bounded by what one node may fetch", () => {
    const fleet = fleetOf(2, { fleetBytesPerSecondMax: rate, nodeDownloadBytesPerSecondMax: MEGABYTE });
    fleet.stage("v1");
    fleet.pass(5_000);
    expect(fleet.nodes.map(toldTo)).toEqual([MEGABYTE, MEGABYTE]);
  });

  it("grows from a small part at GO to the whole within its ramp", () => {
    const fleet = fleetOf(2, { fleetBytesPerSecondMax: rate, rampMs: 30_000 });
    fleet.stage("v1");
    let before = 0;
    const goAt = () => fleet.history.find((event) => event.kind === "stage-go")?.at ?? fleet.now;
    fleet.onStep = () => {
      const line = rate * (RAMP_START_SHARE + (1 - RAMP_START_SHARE) * ((fleet.now - goAt()) / 30_000));
      expect(toldToAll(fleet)).toBeLessThanOrEqual(Math.min(rate, line));
    };
    for (let seconds = 2; seconds <= 36; seconds += 2) {
      fleet.pass(2_000);
      expect(toldToAll(fleet)).toBeGreaterThanOrEqual(before);
      before = toldToAll(fleet);
    }
    expect(before).toBeGreaterThan(0.99 * rate);
  });

  it("ramps up anew after a pause, and is held by nobody during it", () => {
    const fleet = fleetOf(2, { fleetBytesPerSecondMax: rate, rampMs: 10_000 });
    const id = fleet.stage("v1");
    fleet.pass(20_000);
    fleet.setPaused(id, true);
    fleet.pass(5_000);
    expect(toldToAll(fleet)).toBeLessThanOrEqual(2);
    fleet.setPaused(id, false);
    fleet.pass(500);
    expect(toldToAll(fleet)).toBeGreaterThan(0.04 * rate);
    expect(toldToAll(fleet)).toBeLessThan(0.2 * rate);
  });

  it("that a slow node leaves over goes to the others, and comes back to it when it grows", () => {
    const fleet = fleetOf(3, { fleetBytesPerSecondMax: rate });
    fleet.stage("v1");
    fleet.pass(1_000);
    fleet.reportRates([MEGABYTE, 33 * MEGABYTE, 33 * MEGABYTE]);
    fleet.pass(5_000);
    const [first, second] = fleet.nodes.map(toldTo);
    expect(first).toBeLessThan(0.1 * rate);
    expect(second).toBeGreaterThan(0.4 * rate);
    fleet.reportRates([40 * MEGABYTE, 40 * MEGABYTE, 40 * MEGABYTE]);
    fleet.pass(2_000);
    for (const node of fleet.nodes) expect(toldTo(node)).toBeGreaterThan(0.3 * rate);
    expect(toldToAll(fleet)).toBeLessThanOrEqual(rate);
  });

  it("is kept for a node that has just gone, which may go on without us", () => {
    const fleet = fleetOf(2, { fleetBytesPerSecondMax: rate });
    fleet.stage("v1");
    fleet.pass(5_000);
    const [lost, other] = fleet.nodes;
    if (lost === undefined || other === undefined) throw new Error("no nodes");
    fleet.disconnect(lost);
    fleet.pass(30_000);
    expect(toldToAll(fleet)).toBeLessThanOrEqual(rate);
    expect(toldTo(other)).toBeLessThan(0.6 * rate);
    fleet.pass(29_000);
    fleet.pass(3_000);
    expect(toldTo(other)).toBeLessThan(0.6 * rate);
  });

  it("is divided anew by a coordinator that was killed, and its ramp goes on where it was", () => {
    const fleet = fleetOf(4, { fleetBytesPerSecondMax: rate, rampMs: 20_000 });
    fleet.stage("v1");
    fleet.pass(10_000);
    fleet.killCoordinator(2_000);
    fleet.pass(2_500);
    expect(toldToAll(fleet)).toBeGreaterThan(0.5 * rate);
    expect(toldToAll(fleet)).toBeLessThan(0.75 * rate);
    fleet.pass(20_000);
    expect(toldToAll(fleet)).toBeGreaterThan(0.99 * rate);
    expect(toldToAll(fleet)).toBeLessThanOrEqual(rate);
  });

  it("costs a bounded number of messages, also when a large fleet comes back at once", () => {
    const count = 200;
    const fleet = fleetOf(count, { fleetBytesPerSecondMax: rate });
    fleet.stage("v1");
    fleet.pass(10_000);
    for (const node of fleet.nodes) fleet.disconnect(node);
    fleet.pass(30_000);
    const before = fleet.nodes.reduce((sum, node) => sum + node.ratesTold.length, 0);
    for (const node of fleet.nodes) fleet.connect(node);
    fleet.pass(1_000);
    const after = fleet.nodes.reduce((sum, node) => sum + node.ratesTold.length, 0);
    expect(after - before).toBeLessThanOrEqual(6 * count);
  });
});

const happening = fc.record({
  afterMs: fc.integer({ min: 1, max: 20_000 }),
  what: fc.constantFrom(
    ...(["lose", "return", "join", "pause", "resume", "second", "report", "lower"] as const),
  ),
  node: fc.nat(9),
  rate: fc.integer({ min: 0, max: 50 * MEGABYTE }),
});

describe("any fleet's rate under any comings and goings", () => {
  const world = fc.record({
    nodeCount: fc.integer({ min: 1, max: 10 }),
    stageMs: fc.integer({ min: 1, max: 30_000 }),
    rampMs: fc.constantFrom(0, 1_000, 30_000),
    rate: fc.integer({ min: 10_000, max: 1_000 * MEGABYTE }),
    happenings: fc.array(happening, { maxLength: 20 }),
  });

  it("is never handed out more than once", () => {
    fc.assert(
      fc.property(world, ({ nodeCount, stageMs, rampMs, rate, happenings }) => {
        const fleet = new ModelFleet();
        const limits = { ...NO_FLEET_LIMITS, fleetBytesPerSecondMax: rate, rampMs };
        fleet.setLimits(limits);
        fleet.addNodes(nodeCount, (index) => ({ stageMs: stageMs * (index + 1), activateMs: 100 }));
        fleet.run();
        fleet.publish("v1");
        fleet.publish("v2");
        const id = fleet.stage("v1");
        fleet.onStep = () => expect(handedOut(fleet)).toBeLessThanOrEqual(fleetRate(fleet));
        for (const one of happenings) {
          fleet.pass(one.afterMs);
          happen(fleet, id, one);
        }
        for (const node of fleet.nodes) if (!node.online) fleet.connect(node);
        resume(fleet, id);
        fleet.run();
        expect(fleet.view(id).finishedAt).not.toBeNull();
      }),
      { numRuns: 100, seed: 20_261_122 },
    );
  });
});

type Happening = typeof happening extends fc.Arbitrary<infer T> ? T : never;

function fleetRate(fleet: ModelFleet): number {
  return fleet.core.limits().limits.fleetBytesPerSecondMax ?? Number.POSITIVE_INFINITY;
}

function happen(fleet: ModelFleet, id: RolloutId, { what, node: index, rate }: Happening): void {
  const node = fleet.nodes[index % fleet.nodes.length];
  if (node === undefined) throw new Error("no node");
  switch (what) {
    case "lose":
      return fleet.disconnect(node);
    case "return":
      if (!node.online) fleet.connect(node);
      return;
    case "join":
      return fleet.addNodes(1, () => ({ stageMs: 5_000, activateMs: 100 }));
    case "second":
      if (fleet.nodes.some((one) => one.isKnown)) fleet.stage("v2");
      return;
    case "report":
      return fleet.reportRates(fleet.nodes.map((_, place) => (rate * place) % MEGABYTE));
    case "pause":
      if (fleet.view(id).finishedAt === null) fleet.setPaused(id, true);
      return;
    case "resume":
      return resume(fleet, id);
    case "lower":
      return lower(fleet);
  }
}

function resume(fleet: ModelFleet, id: RolloutId): void {
  if (fleet.view(id).pausedBy !== null) fleet.setPaused(id, false);
}

/** Only while all are here: whoever is away cannot be told. */
function lower(fleet: ModelFleet): void {
  const { limits } = fleet.core.limits();
  const half = Math.floor(fleetRate(fleet) / 2);
  if (half < 10_000 || fleet.nodes.some((node) => !node.isKnown)) return;
  fleet.setLimits({ ...limits, fleetBytesPerSecondMax: half });
}

/** What nodes hold that are here, or have not been away for long and are perhaps still fetching. */
function handedOut(fleet: ModelFleet): number {
  const counted = fleet.nodes.filter(
    (node) => node.isKnown || (node.isFetching && fleet.now - node.lostAt < 60_000),
  );
  return counted.reduce((sum, node) => sum + (node.ratesTold.length === 0 ? 0 : toldTo(node)), 0);
}
