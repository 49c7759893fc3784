// The numbers a rollout comes to: percentiles, ratios, the fluid bound, progress and who is slow.
import { describe, expect, it } from "vitest";
import { fluidBoundSeconds } from "../../../cli/follow/fluid-bound.ts";
import { laggards } from "../../../cli/follow/laggards.ts";
import {
  percentile,
  rolloutResultOf,
  rolloutResultSchema,
  stageResultOf,
  stageResultSchema,
} from "../../../cli/follow/result.ts";
import { wavesText } from "../../../cli/follow/summary.ts";
import { fetchProgress, firstState, nextState } from "../../../cli/follow/view-state.ts";
import { event, rollout, rolloutNodes, STARTED_AT } from "../support/fixtures.ts";

const MBIT = 125_000;

describe("the fluid bound", () => {
  it.each([
    // F = 100 MB. One uplink feeds a thousand nodes that also feed each other: each direction takes the same time.
    { nodes: 1_000, node: 800, origin: 800, seconds: 1 },
    // The origin's uplink is the narrowest: F / u_s.
    { nodes: 10, node: 800, origin: 80, seconds: 10 },
    // The node's downlink is: F / d.
    { nodes: 10, node: 80, origin: 8_000, seconds: 10 },
    // All uplinks together are: N·F / (u_s + N·u), here 100 · 100 MB / (10 MB/s + 100 · 10 MB/s) = 9.9 s < F/d = 10 s.
    { nodes: 100, node: 80, origin: 80, seconds: 10 },
    { nodes: 1, node: 800, origin: 800, seconds: 1 },
  ])(
    "of $nodes nodes at $node Mbit/s from $origin Mbit/s is $seconds s",
    ({ nodes, node, origin, seconds }) => {
      const rates = { nodeBytesPerSecond: node * MBIT, originBytesPerSecond: origin * MBIT };
      expect(fluidBoundSeconds(100_000_000, nodes, rates)).toBeCloseTo(seconds, 10);
    },
  );
});

describe("the result of a stage", () => {
  it("takes percentiles by nearest rank", () => {
    expect(percentile([], 0.5)).toBeNull();
    expect(percentile([7], 0.95)).toBe(7);
    expect(percentile([1, 2, 3, 4], 0.5)).toBe(2);
    expect(percentile([1, 2, 3, 4, 5], 0.5)).toBe(3);
    const hundred = Array.from({ length: 100 }, (_, index) => index + 1);
    expect([percentile(hundred, 0.5), percentile(hundred, 0.95), percentile(hundred, 1)]).toEqual([
      50, 95, 100,
    ]);
  });

  it("counts seconds of those that verified it, and bytes of all", () => {
    const nodes = rolloutNodes(4, (index) => ({
      seconds: index === 4 ? null : 4 - index,
      receivedBytes: 100_000_000,
      phase: index === 4 ? "stage-failed" : "staged",
    }));
    const view = rollout({ lane: "stage", phase: "failed", nodes, originUploadedBytes: 150_000_000 });
    const result = stageResultOf(view, { nodeBytesPerSecond: 1e8, originBytesPerSecond: 1e8 });
    expect(result).toMatchObject({
      ...{ minSeconds: 1, p50Seconds: 2, p95Seconds: 3, lastSeconds: 3, boundSeconds: 1 },
      ...{ receivedBytes: 400_000_000, receivedBytesOverSize: 4, originBytesOverSize: 1.5 },
    });
    expect(stageResultSchema.decode(result, "")).toEqual(result);
  });

  it("has no seconds when nobody verified it", () => {
    const result = stageResultOf(rollout({ lane: "stage", nodes: rolloutNodes(2), artifactBytes: 0 }), null);
    expect(result).toMatchObject({
      minSeconds: null,
      p50Seconds: null,
      lastSeconds: null,
      boundSeconds: null,
      originBytesOverSize: 0,
    });
  });
});

it("the result of a rollout is its last view and how long it took", () => {
  const view = rollout({ phase: "succeeded", finishedAt: STARTED_AT + 12_500, nodes: rolloutNodes(1) });
  const result = rolloutResultOf(view);
  expect(result).toEqual({ kind: "rollout-result", elapsedSeconds: 12.5, ...view });
  expect(rolloutResultSchema.decode(result, "")).toEqual(result);
});

describe("progress", () => {
  const at = (megabytes: number) =>
    rollout({ nodes: rolloutNodes(2, () => ({ verifiedBytes: megabytes * 1_000_000 })) });
  const watched = (...views: readonly [atMs: number, megabytes: number][]) =>
    views.reduce(
      (state, [now, megabytes]) => nextState(state, { kind: "rollout", rollout: at(megabytes) }, now),
      firstState(at(0), 0),
    );

  it("estimates the end from what was verified lately and what is left", () => {
    expect(fetchProgress(watched([1_000, 10], [2_000, 20]))).toEqual({
      ...{ verifiedBytes: 40_000_000, totalBytes: 200_000_000 },
      ...{ bytesPerSecond: 20_000_000, etaSeconds: 8 },
    });
  });

  it("forgets how fast it was a while ago", () => {
    const state = watched([1_000, 50], [4_500, 50], [9_000, 50], [10_000, 50]);
    expect(fetchProgress(state)).toMatchObject({ bytesPerSecond: 0, etaSeconds: null });
    expect(state.samples.length).toBeLessThanOrEqual(3);
  });

  it("says nothing before there is something to say, and no nonsense when figures go down", () => {
    expect(fetchProgress(watched([999, 10]))).toMatchObject({ bytesPerSecond: null, etaSeconds: null });
    expect(fetchProgress(watched([1_000, 50], [4_500, 20]))).toMatchObject({
      bytesPerSecond: expect.any(Number) as number,
    });
    expect(fetchProgress(watched([500, 50], [5_000, 20], [6_000, 10]))).toMatchObject({ bytesPerSecond: 0 });
    const lost = nextState(watched([1_000, 10], [2_000, 20]), { kind: "connection", isUp: false }, 2_000);
    expect(fetchProgress(lost)).toMatchObject({ bytesPerSecond: null, etaSeconds: null });
    expect(fetchProgress(watched([2_000, 100]))).toMatchObject({ bytesPerSecond: null, etaSeconds: null });
  });

  it("does not wait for nodes that dropped out", () => {
    const nodes = rolloutNodes(3, (index) =>
      index === 3 ? { phase: "deferred" } : { verifiedBytes: 100_000_000, phase: "staged" },
    );
    expect(fetchProgress(firstState(rollout({ nodes }), 0))).toEqual({
      verifiedBytes: 200_000_000,
      totalBytes: 200_000_000,
      bytesPerSecond: null,
      etaSeconds: null,
    });
  });

  it("remembers since when a node has been switching, and whether there is a connection", () => {
    const started = event(3, "node-activating", { node: "node-1" });
    let state = nextState(firstState(rollout(), 0), { kind: "history", event: started }, 0);
    expect(state.switchingSince.get("node-1")).toBe(started.at);
    state = nextState(state, { kind: "connection", isUp: false }, 0);
    expect(state.isConnected).toBe(false);
  });
});

describe("slow nodes", () => {
  const slow = (megabytes: readonly number[]) =>
    laggards(
      rollout({
        nodes: rolloutNodes(megabytes.length, (index) => ({
          verifiedBytes: (megabytes[index - 1] ?? 0) * 1e6,
          phase: megabytes[index - 1] === 100 ? "verified" : "staging",
        })),
      }),
    ).map(({ name }) => name);

  it.each([
    ["nobody is slow at the start", [0, 1, 9], []],
    ["less than half of the median is", [60, 20, 70, 80, 29], ["node-2", "node-5"]],
    ["whoever still fetches when most have all is", [100, 100, 90, 40, 100], ["node-4", "node-3"]],
    ["nobody is when all have it", [100, 100], []],
  ])("%s", (_, megabytes, names) => {
    expect(slow(megabytes)).toEqual(names);
  });
});

it("many equal waves are told once", () => {
  expect(wavesText([])).toBe("");
  expect(wavesText([1, 2, 2, 2, 1])).toBe("1, 2, 2, 2, 1");
  expect(wavesText([1, ...Array<number>(48).fill(2), 1])).toBe("1, 48 waves of 2, 1");
});
