// The checks of the model in rounds pass, and each kind of check notices what it is there for.
import { describe, expect, it } from "vitest";
import { scenarioBounds } from "../../../sim/core/bounds.ts";
import {
  boundRow,
  type CheckRow,
  checkRow,
  validateBounds,
  validateRounds,
} from "../../../sim/core/validate-model.ts";
import { scenarioOf } from "../support/scenarios.ts";

describe.each([
  ["bounds", validateBounds],
  ["known figures", validateRounds],
])("the checks of %s", (_, validate) => {
  const rows = validate();

  it("all pass", () => {
    expect(rows.filter(({ ok }) => !ok)).toEqual([]);
    expect(rows.length).toBeGreaterThan(10);
  });

  it("have names of their own", () => {
    expect(new Set(rows.map(({ name }) => name)).size).toBe(rows.length);
  });
});

describe("a check", () => {
  it.each<[CheckRow["relation"], number, number, boolean]>([
    ["equal", 100, 0, true],
    ["equal", 99, 0, false],
    ["equal", 101, 0, false],
    ["equal", 95, 0.05, true],
    ["equal", 105, 0.05, true],
    ["equal", 94.9, 0.05, false],
    ["equal", 105.1, 0.05, false],
    ["at least", 100, 0, true],
    ["at least", 1000, 0, true],
    ["at least", 99.9, 0, false],
    ["at most", 100, 0, true],
    ["at most", 1, 0, true],
    ["at most", 102.1, 0.02, false],
  ])("that it is %s 100 says of %d, with %d to spare: %s", (relation, measured, tolerance, ok) => {
    const row = checkRow({ name: "x", measured, expected: 100, relation, tolerance });
    expect(row).toEqual({ name: "x", measured, expected: 100, relation, tolerance, ok });
  });

  it("of a run finds one that is too fast to be true", () => {
    const bounds = scenarioBounds(scenarioOf(), 100);
    expect(boundRow("run", bounds.hardSeconds, bounds).ok).toBe(true);
    expect(boundRow("run", bounds.hardSeconds * 0.999, bounds)).toMatchObject({
      name: "run: last node, s, not before B4",
      ok: false,
    });
  });
});
