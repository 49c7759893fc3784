// Figures worked out from what was measured: each against a case that can be checked by hand.
import { describe, expect, it } from "vitest";
import {
  type Measured,
  type MeasuredNode,
  median,
  medianFigures,
  resultOf,
} from "../../../bench/swarm/result.ts";

const MB = 1_000_000;

function node(changes: Partial<MeasuredNode> = {}): MeasuredNode {
  return {
    mbit: 8,
    seconds: 10,
    wasKilled: false,
    isRight: true,
    receivedBytes: 8 * MB,
    linkBytes: 8.8 * MB,
    peakMebibytes: 100,
    ...changes,
  };
}

function measured(changes: Partial<Measured> = {}): Measured {
  return {
    artifactBytes: 8 * MB,
    pieceLength: MB,
    originMbit: 8,
    nodes: [node({ seconds: 9 }), node({ seconds: 12 }), node({ seconds: 10 }), node({ seconds: 11 })],
    originSentBytes: 9 * MB,
    originLinkBytes: 10 * MB,
    droppedPackets: 3,
    originPeakMebibytes: 140,
    cpuSeconds: 2,
    idleShare: 0.5,
    orderToGoSeconds: 0.25,
    reportedSeconds: 12.1,
    stagedNodes: 4,
    members: null,
    ...changes,
  };
}

describe("the result of a run", () => {
  it("holds the last node's time against what is possible", () => {
    expect(resultOf(measured())).toMatchObject({
      succeeded: true,
      expectedNodes: 4,
      finishedNodes: 4,
      rightNodes: 4,
      figures: {
        p50Seconds: 10,
        p95Seconds: 12,
        lastSeconds: 12,
        orderToLastSeconds: 12.25,
        fluidBoundSeconds: 8,
        lastOverFluidBound: 1.5,
        pieceBoundSeconds: 10,
        lastOverPieceBound: 1.2,
        fastP95OverBound: null,
      },
    });
  });

  it("counts traffic as times the artifact's size, and work per GiB that arrived", () => {
    const { figures } = resultOf(measured({ nodes: [node(), node({ receivedBytes: 10 * MB })] }));
    expect(figures).toMatchObject({
      originSentOverSize: 1.125,
      receivedOverSizeMean: 1.125,
      receivedOverSizeMax: 1.25,
      originLinkOverSize: 1.25,
      droppedPackets: 3,
      peakMebibytesPeer: 100,
    });
    expect(figures.linkReceivedOverSizeMean).toBeCloseTo(1.1, 9);
    expect(figures.cpuSecondsPerGib).toBeCloseTo((2 * 1024 ** 3) / (16 * MB), 9);
  });

  it("has no times when somebody was not done, and says how many were", () => {
    const result = resultOf(measured({ nodes: [node(), node({ seconds: null, isRight: false })] }));
    expect(result).toMatchObject({ succeeded: false, expectedNodes: 2, finishedNodes: 1, rightNodes: 1 });
    expect(result.figures).toMatchObject({ lastSeconds: null, lastOverFluidBound: null, p50Seconds: null });
  });

  it.each([
    ["bytes are wrong", { nodes: [node(), node({ isRight: false })] }],
    ["a node was never reported staged", { stagedNodes: 3 }],
  ])("is no success when %s, however fast it was", (_, changes) => {
    expect(resultOf(measured(changes))).toMatchObject({ succeeded: false });
  });

  it("asks nothing of nodes that were killed, but lets them have helped", () => {
    const killed = node({ seconds: null, wasKilled: true, isRight: false, receivedBytes: null });
    const result = resultOf(measured({ nodes: [node(), node({ seconds: 12 }), killed], stagedNodes: null }));
    expect(result).toMatchObject({ succeeded: true, expectedNodes: 2, rightNodes: 2 });
    expect(result.figures).toMatchObject({ lastSeconds: 12, fluidBoundSeconds: 8, pieceBoundSeconds: null });
  });

  it("holds the fast nodes against a bound of their own", () => {
    const fast = [
      node({ mbit: 32, seconds: 3 }),
      node({ mbit: 32, seconds: 4 }),
      node({ mbit: 32, seconds: 3 }),
    ];
    const slow = node({ mbit: 8, seconds: 9 });
    const { figures } = resultOf(measured({ originMbit: 32, nodes: [...fast, slow] }));
    expect(figures).toMatchObject({
      fluidBoundSeconds: 8,
      lastOverFluidBound: 9 / 8,
      fastP95Seconds: 4,
      fastBoundSeconds: 2,
      fastP95OverBound: 2,
    });
  });

  it("has a rate, but no bound, on links that are not shaped", () => {
    const nodes = [node({ mbit: null, seconds: 2 })];
    expect(resultOf(measured({ originMbit: null, nodes })).figures).toMatchObject({
      megabytesPerSecond: 4,
      fluidBoundSeconds: null,
      lastOverFluidBound: null,
      pieceBoundSeconds: null,
    });
  });
});

describe("the median", () => {
  it.each([
    [[3, 1, 2], 2],
    [[4, 1, 3, 2], 2.5],
    [[7], 7],
  ])("of %j is %d", (values, expected) => {
    expect(median(values)).toBe(expected);
  });

  it("of nothing is nothing", () => {
    expect(median([])).toBeNull();
  });

  it("of runs is taken for each figure by itself, over the runs that have it", () => {
    const run = (lastSeconds: number | null, idleShare: number) =>
      resultOf(measured({ idleShare, nodes: [node({ seconds: lastSeconds })] }));
    const figures = medianFigures([run(12, 0.1), run(null, 0.9), run(10, 0.5)]);
    expect(figures).toMatchObject({ lastSeconds: 11, idleShare: 0.5 });
    expect(medianFigures([])).toBeNull();
  });
});
