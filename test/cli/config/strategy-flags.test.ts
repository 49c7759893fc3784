// The strategy of a release from flags, fleet.yaml and defaults.
// The strategy of a release, from flags, fleet.yaml and defaults together.
import { describe, expect, it } from "vitest";
import { chooseStrategy } from "../../../cli/config/strategy-flags.ts";
import type { FleetError } from "../../../protocol/errors.ts";
import { DEFAULT_STRATEGY } from "../../../protocol/strategy.ts";

const NOTHING = { rolling: null, canary: null, allAtOnce: null, healthTimeout: null };

describe("the strategy of a release", () => {
  it("is the default when nobody says anything", () => {
    expect(chooseStrategy({}, null)).toEqual(DEFAULT_STRATEGY);
    expect(chooseStrategy({}, NOTHING)).toEqual(DEFAULT_STRATEGY);
  });

  it("takes fleet.yaml before the default, and flags before fleet.yaml, each on its own", () => {
    const project = {
      ...NOTHING,
      rolling: { kind: "nodes", value: 3 },
      canary: 2,
      healthTimeout: 30_000,
    } as const;
    expect(chooseStrategy({ rolling: "25%" }, project)).toEqual({
      rolling: { kind: "percent", value: 25 },
      canary: 2,
      healthTimeoutMs: 30_000,
    });
    expect(chooseStrategy({ canary: "0", healthTimeout: "1m" }, project)).toEqual({
      rolling: { kind: "nodes", value: 3 },
      canary: 0,
      healthTimeoutMs: 60_000,
    });
  });

  it("at once means no canary and everybody", () => {
    const everybody = { rolling: { kind: "percent", value: 100 }, canary: 0, healthTimeoutMs: 120_000 };
    expect(chooseStrategy({ allAtOnce: true }, { ...NOTHING, canary: 2 })).toEqual(everybody);
    expect(chooseStrategy({}, { ...NOTHING, allAtOnce: true })).toEqual(everybody);
  });

  it("a pace on the command line is stronger than allAtOnce in fleet.yaml", () => {
    const strategy = chooseStrategy({ rolling: "1" }, { ...NOTHING, allAtOnce: true });
    expect(strategy).toEqual({ ...DEFAULT_STRATEGY, rolling: { kind: "nodes", value: 1 } });
  });

  it.each([
    [{ rolling: "0" }, "strategy-invalid"],
    [{ rolling: "150%" }, "strategy-invalid"],
    [{ rolling: "abc" }, "strategy-invalid"],
    [{ rolling: "-1" }, "strategy-invalid"],
    [{ canary: "1%" }, "strategy-invalid"],
    [{ canary: "many" }, "strategy-invalid"],
    [{ canary: "999999999" }, "strategy-invalid"],
    [{ healthTimeout: "30" }, "strategy-invalid"],
    [{ healthTimeout: "2h" }, "strategy-invalid"],
    [{ healthTimeout: "0s" }, "strategy-invalid"],
    [{ allAtOnce: true, rolling: "3" }, "usage"],
    [{ allAtOnce: true, canary: "1" }, "usage"],
  ])("%j is refused as %s with exit code 2", (flags, code) => {
    expect(() => chooseStrategy(flags, null)).toThrow(
      expect.objectContaining({ code, exitCode: 2 }) as FleetError,
    );
  });
});
