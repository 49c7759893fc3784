// How groups are dealt to the nodes of a fleet: the right number of each, spread evenly, the same every time.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ORIGIN_LINKS_MAX } from "../../../coordinator/core/graph.ts";
import { fleetModel, groupOf, groupSizes } from "../../../sim/core/fleet.ts";
import type { Scenario } from "../../../sim/core/scenario.ts";
import { GBIT, scenarioOf } from "../support/scenarios.ts";

function scenarioWithShares(shares: readonly number[]): Scenario {
  return scenarioOf({
    zones: shares.map((_, zone) => ({ name: `zone ${zone}`, bytesPerSecond: null })),
    groups: shares.map((share, index) => ({
      name: `group ${index}`,
      share,
      upBytesPerSecond: GBIT * (index + 1),
      downBytesPerSecond: 2 * GBIT * (index + 1),
      zone: index,
    })),
  });
}

/** Whole percents that make 100. */
const percents = fc
  .array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 5 })
  .map((parts) => [...parts, 100 - parts.reduce((sum, part) => sum + part, 0)].filter((part) => part > 0))
  .filter((parts) => parts.reduce((sum, part) => sum + part, 0) === 100);

describe("the sizes of groups", () => {
  it.each([
    [[1], 7, [7]],
    [[0.29, 0.71], 100, [29, 71]],
    [[0.5, 0.5], 7, [4, 3]],
    [[0.7, 0.2, 0.1], 4, [3, 1, 0]],
    [[1 / 3, 1 / 3, 1 / 3], 10, [4, 3, 3]],
    [[0.9, 0.1], 1, [1, 0]],
  ])("shares %j of %i nodes are %j nodes", (shares, nodeCount, sizes) => {
    expect(groupSizes(scenarioWithShares(shares), nodeCount)).toEqual(sizes);
  });

  it("make the fleet, each within one node of its share", () => {
    fc.assert(
      fc.property(percents, fc.integer({ min: 1, max: 3000 }), (parts, nodeCount) => {
        const sizes = groupSizes(scenarioWithShares(parts.map((part) => part / 100)), nodeCount);
        expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(nodeCount);
        for (const [group, part] of parts.entries())
          expect(Math.abs((sizes[group] ?? 0) - (part * nodeCount) / 100)).toBeLessThan(1);
      }),
      { numRuns: 300, seed: 1 },
    );
  });
});

describe("the groups of nodes", () => {
  it("have the sizes that the groups should have", () => {
    fc.assert(
      fc.property(percents, fc.integer({ min: 1, max: 600 }), (parts, nodeCount) => {
        const scenario = scenarioWithShares(parts.map((part) => part / 100));
        const groups = groupOf(scenario, nodeCount);
        expect(parts.map((_, group) => count(groups, group))).toEqual(groupSizes(scenario, nodeCount));
      }),
      { numRuns: 100, seed: 1 },
    );
  });

  it("are spread evenly over the ranks", () => {
    const groups = groupOf(scenarioWithShares([0.5, 0.375, 0.125]), 640);
    for (let start = 0; start < 640; start += 64) {
      const run = groups.subarray(start, start + 64);
      for (const [group, size] of [32, 24, 8].entries())
        expect(Math.abs(count(run, group) - size)).toBeLessThanOrEqual(1);
    }
  });

  it("are not in step with the ranks that are linked to the origin", () => {
    const groups = groupOf(scenarioWithShares([0.5, 0.5]), 32 * ORIGIN_LINKS_MAX);
    const linked = groups.filter((_, rank) => rank % 32 === 0);
    expect(count(linked, 0)).toBeGreaterThan(ORIGIN_LINKS_MAX / 8);
    expect(count(linked, 1)).toBeGreaterThan(ORIGIN_LINKS_MAX / 8);
  });

  it("are the same every time", () => {
    const scenario = scenarioWithShares([0.6, 0.4]);
    expect(groupOf(scenario, 100)).toEqual(groupOf(scenario, 100));
    expect([...groupOf(scenario, 10)].join("")).toBe("1010010001");
  });

  it("are where they stood, when that is known", () => {
    const scenario = {
      ...scenarioWithShares([0.6, 0.4]),
      placement: { groups: [1, 1, 0, 0, 0], graphSeed: 1 },
    };
    expect([...groupOf(scenario, 5)]).toEqual([1, 1, 0, 0, 0]);
  });
});

it("a fleet has the rates and zones of its groups", () => {
  const scenario = scenarioWithShares([0.6, 0.4]);
  const { nodes, ...rest } = fleetModel(scenario, 50);
  for (const [rank, group] of groupOf(scenario, 50).entries()) {
    expect(nodes.up[rank]).toBe(GBIT * (group + 1));
    expect(nodes.down[rank]).toBe(2 * GBIT * (group + 1));
    expect(nodes.zone[rank]).toBe(group);
  }
  const { artifactBytes, pieces, origin, zones } = scenario;
  expect(rest).toEqual({ artifactBytes, pieceCount: pieces, origin, zones });
});

function count(groups: Uint16Array, group: number): number {
  return groups.filter((one) => one === group).length;
}
