// The closed forms in seconds, against figures worked out by hand, and when each of them speaks.
import { describe, expect, it } from "vitest";
import { beatsBound, fleetBounds, scenarioBounds } from "../../../sim/core/bounds.ts";
import type { FleetModel } from "../../../sim/core/fleet.ts";
import type { Zone } from "../../../sim/core/scenario.ts";
import { scenarioOf } from "../support/scenarios.ts";

interface Node {
  readonly up?: number;
  readonly down?: number;
  readonly zone?: number;
}

const ONE_ZONE: readonly Zone[] = [{ name: "all", bytesPerSecond: null }];

/** 1000 bytes in 10 pieces; whatever is not said runs at 10 bytes/s. */
function fleetOf(nodes: readonly Node[], changes: Partial<FleetModel> = {}): FleetModel {
  return {
    artifactBytes: 1000,
    pieceCount: 10,
    origin: { upBytesPerSecond: 10, zone: 0 },
    nodes: {
      up: Float64Array.from(nodes, ({ up = 10 }) => up),
      down: Float64Array.from(nodes, ({ down = 10 }) => down),
      zone: Uint16Array.from(nodes, ({ zone = 0 }) => zone),
    },
    zones: ONE_ZONE,
    ...changes,
  };
}

function equalNodes(count: number): readonly Node[] {
  return Array.from({ length: count }, () => ({}));
}

function zonesOf(...rates: readonly (number | null)[]): readonly Zone[] {
  return rates.map((bytesPerSecond, index) => ({ name: `zone ${index}`, bytesPerSecond }));
}

describe("a fleet of equals with an equal origin", () => {
  const { seconds, hardSeconds, binding, ownSeconds, baselines } = fleetBounds(fleetOf(equalNodes(4)));

  it("has every bound but that of zones", () => {
    expect(seconds).toEqual({ B1: 100, B2: 100, B3: 80, B4: 120, B5: 100, B6: 120, B7: null });
  });

  it("is held by the pipeline", () => {
    expect([hardSeconds, binding]).toEqual([120, "B4"]);
    expect([...ownSeconds]).toEqual([100, 100, 100, 100]);
  });

  it("has baselines that are worse", () => {
    expect(baselines).toEqual({
      clientServerSeconds: 400,
      chainSeconds: 130,
      treeSeconds: 300,
      idealCrossZoneBytes: 0,
    });
  });
});

describe("what binds", () => {
  it("is the origin's uplink when it is slow", () => {
    const fleet = fleetOf(equalNodes(4), { origin: { upBytesPerSecond: 2, zone: 0 } });
    expect(fleetBounds(fleet)).toMatchObject({ binding: "B1", hardSeconds: 500 });
  });

  it("is the slowest downlink, and others have their own", () => {
    const bounds = fleetBounds(fleetOf([{}, { down: 1 }, { down: 20 }]));
    expect(bounds).toMatchObject({ binding: "B2", hardSeconds: 1000 });
    expect([...bounds.ownSeconds]).toEqual([100, 1000, 50]);
  });

  it("is all uplinks together when nodes send slower than they receive", () => {
    const nodes = equalNodes(10).map(() => ({ up: 1, down: 100 }));
    expect(fleetBounds(fleetOf(nodes))).toMatchObject({ binding: "B3", hardSeconds: 500 });
  });

  it("is the way into a thin zone", () => {
    const fleet = fleetOf([{}, { zone: 1 }, { zone: 1 }], { zones: zonesOf(null, 4) });
    expect(fleetBounds(fleet)).toMatchObject({ binding: "B7", hardSeconds: 250 });
  });

  it("is the way out of the origin's zone when others lie beyond it", () => {
    const fleet = fleetOf([{}, { zone: 1 }], { zones: zonesOf(5, null) });
    expect(fleetBounds(fleet)).toMatchObject({ binding: "B7", hardSeconds: 200 });
  });
});

describe("bounds that assume equal rates", () => {
  it("say nothing when one node's uplink differs", () => {
    const { seconds } = fleetBounds(fleetOf([{}, {}, { up: 9 }]));
    expect([seconds.B4, seconds.B5, seconds.B6]).toEqual([null, null, null]);
  });

  it("are lines to compare with, never hard, when the origin is faster", () => {
    const { seconds, hardSeconds } = fleetBounds(
      fleetOf(equalNodes(40), { origin: { upBytesPerSecond: 100, zone: 0 } }),
    );
    expect(seconds).toMatchObject({ B1: 10, B2: 100, B4: null, B5: 100, B6: 30 });
    expect(hardSeconds).toBe(100);
  });

  it("say nothing when the origin is slower, or nodes cannot send", () => {
    const slow = fleetBounds(fleetOf(equalNodes(4), { origin: { upBytesPerSecond: 9, zone: 0 } })).seconds;
    const silent = fleetBounds(fleetOf([{ up: 0 }, { up: 0 }])).seconds;
    for (const { B4, B5, B6 } of [slow, silent]) expect([B4, B5, B6]).toEqual([null, null, null]);
  });

  it("do not look at downlinks", () => {
    const nodes = equalNodes(4).map(() => ({ down: 1000 }));
    expect(fleetBounds(fleetOf(nodes))).toMatchObject({ binding: "B4", hardSeconds: 120 });
  });
});

describe("nodes that do not have to finish", () => {
  const nodes: readonly Node[] = [{}, { down: 1, zone: 1 }, {}, {}];
  const fleet = fleetOf(nodes, { zones: zonesOf(null, 1), finishing: Uint8Array.of(1, 0, 1, 1) });

  it("bound nobody, and lend their uplinks", () => {
    expect(fleetBounds(fleet).seconds).toMatchObject({ B2: 100, B3: 60, B4: 110, B7: null });
    expect(fleetBounds(fleet).baselines.idealCrossZoneBytes).toBe(0);
  });

  it("cannot be all there are", () => {
    expect(() => fleetBounds({ ...fleet, finishing: new Uint8Array(4) })).toThrow("no node has to finish");
  });
});

describe("zones", () => {
  const zones = zonesOf(50, 5, null, 1);
  const nodes: readonly Node[] = [{}, { zone: 1 }, { zone: 1 }, { zone: 1 }, { zone: 2 }];

  it("need one copy each where the origin is not and nodes are", () => {
    expect(fleetBounds(fleetOf(nodes, { zones })).baselines.idealCrossZoneBytes).toBe(2000);
  });

  it("are no bound while everyone is where the origin is", () => {
    const { seconds, baselines } = fleetBounds(fleetOf(equalNodes(3), { zones: zonesOf(1, 1) }));
    expect(seconds.B7).toBeNull();
    expect(baselines).toMatchObject({ clientServerSeconds: 300, idealCrossZoneBytes: 0 });
  });

  it("limit what clients of one server fetch, each for itself", () => {
    const origin = { upBytesPerSecond: 1000, zone: 0 };
    expect(fleetBounds(fleetOf(nodes, { zones, origin })).baselines.clientServerSeconds).toBe(600);
  });

  it("slow a chain and a tree down to their links", () => {
    const { chainSeconds, treeSeconds } = fleetBounds(fleetOf(nodes, { zones })).baselines;
    expect([chainSeconds, treeSeconds]).toEqual([280, 600]);
  });
});

describe("a run beats a bound", () => {
  it("when it is shorter, not when it is the bound added up in another order", () => {
    const sums = [997, 998, 1000, 1003].map((pieces) => {
      const bound = scenarioBounds(scenarioOf({ artifactBytes: 1e9, pieces }), 1000).hardSeconds;
      let sum = 0;
      for (let round = 0; round < pieces + 9; round++) sum += bound / (pieces + 9);
      return { sum, bound };
    });
    expect(sums.filter(({ sum, bound }) => sum < bound)).not.toEqual([]);
    expect(sums.filter(({ sum, bound }) => beatsBound(sum, bound))).toEqual([]);
    expect(sums.filter(({ bound }) => beatsBound(bound * 0.999_999, bound))).toEqual(sums);
  });
});

it("a scenario's bounds are those of its groups", () => {
  const groups = [
    { name: "fast", share: 0.75, upBytesPerSecond: 10, downBytesPerSecond: 40, zone: 0 },
    { name: "slow", share: 0.25, upBytesPerSecond: 2, downBytesPerSecond: 5, zone: 0 },
  ];
  const scenario = scenarioOf({
    artifactBytes: 1000,
    pieces: 10,
    groups,
    origin: { upBytesPerSecond: 20, zone: 0 },
  });
  const { seconds, binding } = scenarioBounds(scenario, 40);
  expect(seconds).toMatchObject({ B1: 50, B2: 200, B3: 40_000 / 340, B4: null });
  expect(binding).toBe("B2");
});
