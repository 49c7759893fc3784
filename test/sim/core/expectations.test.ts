// Limits that a scenario's author sets: when they hold, and what they are about.
import { describe, expect, it } from "vitest";
import { type Ceiling, ceilingText, checkCeilings, needsClean } from "../../../sim/core/expectations.ts";
import { resultOf, runsOf, type Study } from "../../../sim/core/study.ts";
import { fakeOutcome, scenario } from "../support/fake-swarm.ts";

const study: Study = { scenario: scenario(), seeds: [1], ceilings: [] };
const { sizes } = resultOf(
  study,
  runsOf(study).map((run) => fakeOutcome(run, { last: 1.1 })),
);

function ceiling(changes: Partial<Ceiling>): Ceiling {
  return { metric: "lastOverBound", operator: "<=", limit: 1.2, nodes: null, ...changes };
}

function verdicts(...ceilings: readonly Ceiling[]) {
  return checkCeilings(ceilings, sizes).map(({ nodes, ok }) => [nodes, ok]);
}

describe("a limit", () => {
  it.each([
    ["<=", 1.2, true],
    ["<=", 1.05, false],
    ["<", 1.2, true],
    [">=", 1.05, true],
    [">=", 1.2, false],
    [">", 1.05, true],
  ] as const)("%s %d holds: %s", (operator, limit, ok) => {
    expect(verdicts(ceiling({ operator, limit, nodes: 10 }))).toEqual([[10, ok]]);
  });

  it("without a size is about every size", () => {
    expect(verdicts(ceiling({}))).toEqual([
      [10, true],
      [100, true],
    ]);
  });

  it("of one size stands in the place of the general one there", () => {
    expect(verdicts(ceiling({ limit: 1 }), ceiling({ nodes: 100 }))).toEqual([
      [10, false],
      [100, true],
    ]);
  });

  it("on what was not measured fails", () => {
    expect(verdicts(ceiling({ metric: "crossZoneBytesOverIdeal" }))).toEqual([[null, false]]);
    expect(verdicts(ceiling({ metric: "crossZoneBytesOverIdeal", nodes: 10 }))).toEqual([[10, false]]);
  });

  it("on the slope is not about the smallest fleet", () => {
    expect(verdicts(ceiling({ metric: "pieceTimesPerDoubling", limit: 100 }))).toEqual([[100, true]]);
  });

  it("reads as it is written", () => {
    expect(ceilingText(ceiling({ nodes: 10 }))).toBe("lastOverBound <= 1.2 at 10 nodes");
    expect(ceilingText(ceiling({}))).toBe("lastOverBound <= 1.2");
  });
});

it("only limits on what faults cost need a run without faults", () => {
  expect(needsClean([ceiling({})])).toBe(false);
  expect(needsClean([ceiling({}), ceiling({ metric: "p99OverClean" })])).toBe(true);
  expect(needsClean([ceiling({ metric: "healthyP95OverClean" })])).toBe(true);
});
