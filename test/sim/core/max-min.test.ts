// Max-min fair rates: known examples, the two properties that define them, and a naive solver that agrees.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createPrng } from "../../../protocol/prng.ts";
import { type Flows, LINKS_PER_FLOW, MaxMinSolver, NO_LINK } from "../../../sim/core/max-min.ts";
import { naiveRates, pathsOf } from "../support/naive-max-min.ts";

function flowsOf(...paths: readonly (readonly number[])[]): Flows {
  const links = new Int32Array(paths.length * LINKS_PER_FLOW).fill(NO_LINK);
  for (const [flow, path] of paths.entries()) links.set(path, flow * LINKS_PER_FLOW);
  return { count: paths.length, links };
}

function solve(capacities: readonly number[], ...paths: readonly (readonly number[])[]): number[] {
  return [...new MaxMinSolver(Float64Array.from(capacities)).solve(flowsOf(...paths))];
}

interface Network {
  readonly capacities: Float64Array;
  readonly flows: Flows;
}

/** Nodes with an uplink and a downlink each, some behind a link of their zone, and transfers between them. */
function networkOf(nodeCount: number, flowCount: number, seed: number): Network {
  const random = createPrng(seed);
  const zoneLinks = 2 * nodeCount;
  const capacities = new Float64Array(zoneLinks + 2).map(() => 1 + random.below(50));
  const paths = Array.from({ length: flowCount }, () => {
    const ends = [random.below(nodeCount), nodeCount + random.below(nodeCount)];
    return random.below(3) === 0 ? [...ends, zoneLinks, zoneLinks + 1] : ends;
  });
  return { capacities, flows: flowsOf(...paths) };
}

const networks = fc
  .tuple(fc.integer({ min: 1, max: 30 }), fc.integer({ min: 0, max: 200 }), fc.integer({ min: 1, max: 1e6 }))
  .map(([nodeCount, flowCount, seed]) => networkOf(nodeCount, flowCount, seed));

/** Of what a link carries, the part that rounding may add or leave. */
const SLACK = 1e-9;

function loadsOf({ capacities, flows }: Network, rates: Float64Array): Float64Array {
  const loads = new Float64Array(capacities.length);
  for (const [flow, path] of pathsOf(flows).entries())
    for (const link of path) loads[link] = (loads[link] ?? 0) + (rates[flow] ?? 0);
  return loads;
}

/** The greatest rate on each link. */
function greatestOf({ capacities, flows }: Network, rates: Float64Array): Float64Array {
  const greatest = new Float64Array(capacities.length);
  for (const [flow, path] of pathsOf(flows).entries())
    for (const link of path) greatest[link] = Math.max(greatest[link] ?? 0, rates[flow] ?? 0);
  return greatest;
}

describe("max-min fair rates", () => {
  it("divide one link equally", () => {
    expect(solve([12], [0], [0], [0])).toEqual([4, 4, 4]);
  });

  it("give what a flow cannot use to the others", () => {
    expect(solve([10, 2], [0], [0, 1], [0])).toEqual([4, 2, 4]);
  });

  it("hold a flow to the tightest link of its way", () => {
    // One long flow over two links, one short flow on each.
    expect(solve([6, 10], [0, 1], [0], [1])).toEqual([3, 3, 7]);
  });

  it("can be asked again with other flows", () => {
    const solver = new MaxMinSolver(Float64Array.of(6, 10));
    expect([...solver.solve(flowsOf([0], [0]))]).toEqual([3, 3]);
    expect([...solver.solve(flowsOf([0, 1], [1], [0]))]).toEqual([3, 7, 3]);
    expect([...solver.solve(flowsOf())]).toEqual([]);
    expect([...solver.solve(flowsOf([1]))]).toEqual([10]);
  });

  it("refuse a link in use that carries nothing", () => {
    expect(() => solve([0], [0])).toThrow("link 0 carries 0 bytes/s");
  });

  it("overload no link", () => {
    fc.assert(
      fc.property(networks, (network) => {
        const { capacities, flows } = network;
        const loads = loadsOf(network, new MaxMinSolver(capacities).solve(flows));
        for (const [link, load] of loads.entries())
          expect(load).toBeLessThanOrEqual((capacities[link] ?? 0) * (1 + SLACK));
      }),
      { numRuns: 300, seed: 1 },
    );
  });

  it("are each held down by a full link on which no other is greater", () => {
    fc.assert(
      fc.property(networks, (network) => {
        const { capacities, flows } = network;
        const rates = new MaxMinSolver(capacities).solve(flows);
        const loads = loadsOf(network, rates);
        const greatest = greatestOf(network, rates);
        const holds = (link: number, rate: number): boolean =>
          (loads[link] ?? 0) >= (capacities[link] ?? 0) * (1 - SLACK) &&
          rate >= (greatest[link] ?? 0) * (1 - SLACK);
        for (const [flow, path] of pathsOf(flows).entries())
          expect(path.some((link) => holds(link, rates[flow] ?? 0))).toBe(true);
      }),
      { numRuns: 300, seed: 1 },
    );
  });

  it("are those of a naive solver", () => {
    fc.assert(
      fc.property(networks, ({ capacities, flows }) => expectNaive({ capacities, flows })),
      { numRuns: 100, seed: 1 },
    );
  });

  it("are those of a naive solver in a larger swarm", () => {
    expectNaive(networkOf(60, 600, 7));
  });
});

function expectNaive({ capacities, flows }: Network): void {
  const rates = new MaxMinSolver(capacities).solve(flows);
  for (const [flow, rate] of naiveRates(capacities, flows).entries())
    expect(Math.abs((rates[flow] ?? 0) - rate)).toBeLessThanOrEqual(rate * SLACK);
}
