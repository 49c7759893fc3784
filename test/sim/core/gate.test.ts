// The gate's arithmetic: what is chance, what is a change, and that better does not pass either.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { allowedChange, compareWithBaseline, figuresOf, type SizeFigures } from "../../../sim/core/gate.ts";
import { resultOf, runsOf, type Study } from "../../../sim/core/study.ts";
import { fakeOutcome, scenario } from "../support/fake-swarm.ts";

const TEN = [10, 10, 10, 10, 10, 10, 10, 10, 10, 10];

function judge(before: readonly number[], now: readonly number[], metric = "lastSeconds") {
  const side = (values: readonly number[]): Record<string, SizeFigures> => ({ 100: { [metric]: values } });
  const [row] = compareWithBaseline(side(now), side(before));
  return row;
}

function times(factor: number, values: readonly number[] = TEN): readonly number[] {
  return values.map((value) => value * factor);
}

describe("a figure", () => {
  it.each([
    [1, "same"],
    [1.0099, "same"],
    [0.9901, "same"],
    [1.011, "worse"],
    [0.989, "better"],
    [2, "worse"],
  ])("that is %d times what it was is %s", (factor, verdict) => {
    expect(judge(TEN, times(factor))?.verdict).toBe(verdict);
  });

  it("whose seeds differ much may move more", () => {
    const spread = [8, 8, 9, 9, 10, 10, 11, 11, 12, 12];
    expect(allowedChange(spread)).toBeCloseTo((3 * 1) / Math.sqrt(10) / 10);
    expect(judge(spread, times(1.09, spread))?.verdict).toBe("same");
    expect(judge(spread, times(1.1, spread))?.verdict).toBe("worse");
  });

  it("is judged by the spread of before: to spread more now is no excuse", () => {
    expect(judge(TEN, [1, 2, 3, 4, 11, 11, 20, 30, 40, 50])?.verdict).toBe("worse");
  });

  it("is judged by medians, so one bad seed is none", () => {
    expect(judge(TEN, [...TEN.slice(1), 100])?.verdict).toBe("same");
  });

  it("is told seed by seed too", () => {
    expect(judge(TEN, [11, ...TEN.slice(1)])?.changePerSeed.slice(0, 2)).toEqual([expect.closeTo(0.1), 0]);
  });

  it("that is gone, or new, has moved", () => {
    expect(compareWithBaseline({}, { 100: { lastSeconds: TEN } })).toMatchObject([
      { verdict: "gone", before: 10, now: null },
    ]);
    expect(compareWithBaseline({ 100: { lastSeconds: TEN } }, {})).toMatchObject([
      { verdict: "new", before: null, now: 10 },
    ]);
  });

  it("that did not change is the same, whatever it is", () => {
    const values = fc.array(fc.double({ min: 0, max: 1e9, noNaN: true }), { minLength: 10, maxLength: 10 });
    fc.assert(fc.property(values, (each) => judge(each, each)?.verdict === "same"));
  });
});

describe("bytes that came exactly once", () => {
  const ONCE = times(0.1);

  it("must go on doing so in every run", () => {
    expect(judge(ONCE, ONCE, "receivedBytesOverSize")).toMatchObject({ verdict: "same", allowed: 0 });
    const oneMore = [...ONCE.slice(1), 1.000_001];
    expect(judge(ONCE, oneMore, "receivedBytesOverSize")?.verdict).toBe("worse");
  });

  it("are a figure like others where some came twice before", () => {
    const twice = [...ONCE.slice(1), 1.002];
    expect(judge(twice, ONCE, "receivedBytesOverSize")?.verdict).toBe("same");
  });
});

it("rows come by fleet size, from few nodes to many", () => {
  const side = { 1000: { lastSeconds: TEN }, 10: { lastSeconds: TEN }, 100: { lastSeconds: TEN } };
  expect(compareWithBaseline(side, side).map(({ nodes }) => nodes)).toEqual([10, 100, 1000]);
});

it("a baseline keeps every seed's figures, and none that the scenario has not", () => {
  const study: Study = { scenario: scenario(), seeds: [1, 2, 3], ceilings: [] };
  const { sizes } = resultOf(
    study,
    runsOf(study).map((run) => fakeOutcome(run)),
  );
  const kept = figuresOf(sizes);
  expect(Object.keys(kept)).toEqual(["10", "100"]);
  expect(kept[10]?.lastSeconds).toHaveLength(3);
  expect(kept[10]?.originBytesOverSize).toEqual([1.25, 1.25, 1.25]);
  expect(kept[10]).not.toHaveProperty("crossZoneBytesOverIdeal");
});
