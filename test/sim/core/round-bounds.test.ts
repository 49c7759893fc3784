// The bounds in rounds, against an optimum found by trying everything and against figures worked out by hand.
import { describe, expect, it } from "vitest";
import { lastPieceRounds, pipelineRounds, rampRounds } from "../../../sim/core/round-bounds.ts";
import { optimumRounds } from "../support/optimum.ts";

const TINY = [1, 2, 3, 4].flatMap((nodes) => [1, 2, 3, 4].map((pieces) => ({ nodes, pieces })));

describe("the pipeline bound, B4", () => {
  it.each(TINY)(
    "is what $nodes nodes and $pieces pieces take at best, however fast they download",
    (tiny) => {
      const best = optimumRounds({ ...tiny, originSlots: 1, downloadsPerRound: tiny.pieces });
      expect(pipelineRounds(tiny.nodes, tiny.pieces)).toBe(best);
    },
  );

  it.each(TINY)(
    "is what $nodes nodes and $pieces pieces take at best with one download at a time",
    (tiny) => {
      const best = optimumRounds({ ...tiny, originSlots: 1, downloadsPerRound: 1 });
      expect(pipelineRounds(tiny.nodes, tiny.pieces)).toBe(best);
    },
  );

  it("is the number of pieces and the whole part of the logarithm of the nodes", () => {
    for (let power = 0; power <= 20; power++) {
      expect(pipelineRounds(2 ** power, 100)).toBe(100 + power);
      expect(pipelineRounds(2 ** (power + 1) - 1, 100)).toBe(100 + power);
    }
  });
});

describe("the ramp bound, B5", () => {
  it.each([
    [255, 128, 135],
    [1000, 1000, 1008],
  ])("of %i nodes and %i pieces is %i rounds", (nodes, pieces, rounds) => {
    expect(rampRounds({ nodes, pieces, originRate: 1 })).toBe(rounds);
  });

  it("is never above B4 with an equal origin, and at most one round below it when nodes outnumber pieces", () => {
    for (let nodes = 1; nodes <= 300; nodes += 1)
      for (const pieces of [1, 2, 3, 4, 7, 16, 100, 1000]) {
        const below = pipelineRounds(nodes, pieces) - rampRounds({ nodes, pieces, originRate: 1 });
        expect(below).toBeGreaterThanOrEqual(0);
        if (nodes >= pieces) expect(below).toBeLessThanOrEqual(1);
      }
  });

  it.each(TINY)("and B6 are not beaten by $nodes nodes, $pieces pieces and an origin with slots", (tiny) => {
    for (const originSlots of [1, 2, 3]) {
      const best = optimumRounds({ ...tiny, originSlots, downloadsPerRound: tiny.pieces });
      expect(rampRounds({ ...tiny, originRate: originSlots })).toBeLessThanOrEqual(best);
      expect(lastPieceRounds({ ...tiny, originRate: originSlots })).toBeLessThanOrEqual(best);
    }
  });

  it("adds up the sends of each round", () => {
    for (const originRate of [1, 1.5, 2, 10])
      for (const nodes of [1, 2, 9, 64])
        for (const pieces of [1, 5, 50])
          expect(rampRounds({ nodes, pieces, originRate })).toBe(addUpRamp(nodes, pieces, originRate));
  });
});

/** The formula as it is written. */
function addUpRamp(nodes: number, pieces: number, originRate: number): number {
  let sent = 0;
  for (let round = 1; ; round++) {
    sent += originRate + Math.min(nodes, originRate * (2 ** (round - 1) - 1));
    if (sent >= pieces * nodes) return round;
  }
}

describe("the bound of the last piece, B6", () => {
  it("is B4 when the origin is as fast as a node", () => {
    for (let nodes = 1; nodes <= 300; nodes += 1)
      expect(lastPieceRounds({ nodes, pieces: 50, originRate: 1 })).toBe(pipelineRounds(nodes, 50));
  });

  it("counts what an origin sends at once", () => {
    expect(lastPieceRounds({ nodes: 1000, pieces: 100, originRate: 10 })).toBe(10 - 1 + 7);
  });
});
