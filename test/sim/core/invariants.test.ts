// What no run may do is found, one broken rule at a time; a run that keeps all of them is let be.
import { describe, expect, it } from "vitest";
import { findViolations } from "../../../sim/core/invariants.ts";
import type { SwarmOutcome } from "../../../sim/core/outcome.ts";
import { boundsOfRun } from "../../../sim/core/run-bounds.ts";
import { fakeOutcome, scenario } from "../support/fake-swarm.ts";

const group = { upBytesPerSecond: 1e6, downBytesPerSecond: 1e6 };
const world = scenario({
  zones: [
    { name: "a", bytesPerSecond: null },
    { name: "b", bytesPerSecond: 2e6 },
  ],
  groups: [
    { name: "a", share: 0.5, zone: 0, ...group },
    { name: "b", share: 0.5, zone: 1, ...group },
  ],
});
const run = { scenario: world, nodeCount: 10, seed: 1 };
const bounds = boundsOfRun(run);
const good = fakeOutcome(run);

function violations(changes: Partial<SwarmOutcome>): readonly string[] {
  return findViolations({ ...good, ...changes }, bounds, world.artifactBytes);
}

function scaled(factor: number): Float64Array {
  return good.completedMs.map((at) => at * factor);
}

it("a run that keeps every rule has none against it", () => {
  expect(violations({})).toEqual([]);
});

it("a run that meets its bound to the last bit does not beat it", () => {
  const last = bounds.hardSeconds * 1000;
  expect(violations({ completedMs: good.completedMs.map(() => last) })).toEqual([]);
});

describe("found is", () => {
  it.each<[string, Partial<SwarmOutcome>, RegExp]>([
    ["a run faster than its bound", { completedMs: scaled(0.9) }, /last node .* before bound B2/],
    [
      "a node faster than its downlink",
      { completedMs: good.completedMs.with(0, 1) },
      /^node 1 to finish .* its downlink needs 64 s$/,
    ],
    ["nodes left behind", { unfinished: 2 }, /^2 of 10 nodes that stayed/],
    ["nobody finished", { completedMs: new Float64Array() }, /^no node had everything$/],
    ["too many finished", { completedMs: Float64Array.of(...good.completedMs, 1e9) }, /^11 nodes finished/],
    ["times out of order", { completedMs: good.completedMs.toReversed() }, /do not ascend/],
    ["an origin that sent too little", { originBytes: 63_999_990 }, /^the origin sent 63999990 bytes/],
    ["nodes that received too little", { receivedBytes: 639_999_990 }, /^the nodes received/],
    ["a zone that got its copy from nowhere", { crossZoneBytes: 0 }, /^between zones went 0 bytes/],
    [
      "more holders than nodes",
      { availability: [{ atMs: 0, copiesMin: 1, copiesMedian: 2, copiesMax: 11, doneShare: 1 }] },
      /more holders/,
    ],
  ])("%s", (_, changes, sentence) => {
    const found = violations(changes);
    expect(found.filter((each) => sentence.test(each))).toHaveLength(1);
  });
});
