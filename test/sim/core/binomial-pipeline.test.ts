// The binomial pipeline reaches the bound it is the proof of.
import { expect, it } from "vitest";
import { runBinomialPipeline } from "../../../sim/core/binomial-pipeline.ts";
import { pipelineRounds } from "../../../sim/core/round-bounds.ts";

it.each([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])("takes exactly bound B4 along %i directions", (dimension) => {
  for (const pieces of [1, 2, 3, 7, 64, 200])
    expect(runBinomialPipeline(dimension, pieces)).toBe(pipelineRounds(2 ** dimension - 1, pieces));
});
