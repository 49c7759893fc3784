// Which links of a fleet a transfer crosses, seen by the rates it gets.
import { describe, expect, it } from "vitest";
import { FleetLinks, ORIGIN_RANK, type Transfer } from "../../../sim/core/fleet-links.ts";
import { LINKS_PER_FLOW, MaxMinSolver } from "../../../sim/core/max-min.ts";

/** Ranks 0 and 1 are with the origin, 2 and 3 behind a link of 6, 4 in a zone without limits. */
const fleet = {
  artifactBytes: 1,
  pieceCount: 1,
  origin: { upBytesPerSecond: 30, zone: 0 },
  nodes: {
    up: Float64Array.of(10, 10, 10, 10, 10),
    down: Float64Array.of(100, 20, 100, 100, 100),
    zone: Uint16Array.of(0, 0, 1, 1, 2),
  },
  zones: [
    { name: "with the origin", bytesPerSecond: 50 },
    { name: "thin", bytesPerSecond: 6 },
    { name: "free", bytesPerSecond: null },
  ],
};

function ratesOf(...transfers: readonly Transfer[]): number[] {
  const table = new FleetLinks(fleet);
  const links = new Int32Array(transfers.length * LINKS_PER_FLOW);
  for (const [flow, transfer] of transfers.entries()) table.route(links, flow, transfer);
  return [...new MaxMinSolver(table.capacities).solve({ count: transfers.length, links })];
}

describe("a transfer", () => {
  it("shares its source's uplink", () => {
    expect(ratesOf({ source: 0, destination: 1 }, { source: 0, destination: 4 })).toEqual([5, 5]);
  });

  it("shares its destination's downlink", () => {
    expect(ratesOf({ source: ORIGIN_RANK, destination: 1 }, { source: 0, destination: 1 })).toEqual([10, 10]);
  });

  it("shares the way into a zone", () => {
    expect(ratesOf({ source: 0, destination: 2 }, { source: 1, destination: 3 })).toEqual([3, 3]);
  });

  it("shares the way out of a zone, not the way in", () => {
    const out = { source: 2, destination: 0 };
    expect(ratesOf(out, { source: 3, destination: 4 }, { source: 0, destination: 2 })).toEqual([3, 3, 6]);
  });

  it("crosses no link of its zone when it stays inside", () => {
    expect(ratesOf({ source: 2, destination: 3 })).toEqual([10]);
  });

  it("from the origin has the origin's uplink and leaves the origin's zone", () => {
    expect(ratesOf({ source: ORIGIN_RANK, destination: 4 })).toEqual([30]);
    expect(ratesOf({ source: ORIGIN_RANK, destination: 2 })).toEqual([6]);
  });
});
