// The baseline file, and the name that tells which world its figures are of.
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { baselineText, readBaseline } from "../../../cli/sim/baseline.ts";
import { scenarioHash } from "../../../cli/sim/scenario-hash.ts";
import { GATE_SEEDS } from "../../../sim/core/gate.ts";
import { SHIPPED_POLICY } from "../../../sim/core/scenario.ts";
import { PLAIN, scenario } from "../../sim/support/fake-swarm.ts";
import { failure } from "../../support/failure.ts";
import { temporaryFolder } from "../../support/folders.ts";

const TEN = GATE_SEEDS.map((seed) => seed / 8);
const ENTRY = {
  scenarioHash: "0123456789abcdef",
  seeds: GATE_SEEDS,
  sizes: { 10: { lastSeconds: TEN, p99Seconds: TEN } },
};

async function fileWith(content: string): Promise<string> {
  const file = path.join(await temporaryFolder(), "baseline.json");
  await writeFile(file, content);
  return file;
}

describe("a baseline", () => {
  it("comes back as it was written", async () => {
    const file = await fileWith(baselineText({ b: ENTRY, a: ENTRY }));
    expect(readBaseline(file)?.scenarios).toEqual({ a: ENTRY, b: ENTRY });
  });

  it("is written for a diff: scenarios in order, a figure's seeds on one line", () => {
    const text = baselineText({ b: ENTRY, a: ENTRY });
    expect(text.indexOf('"a"')).toBeLessThan(text.indexOf('"b"'));
    expect(text).toContain(
      '"lastSeconds": [ 0.125, 0.25, 0.375, 0.5, 0.625, 0.75, 0.875, 1, 1.125, 1.25 ],\n',
    );
  });

  it("that is not there is none", () => {
    expect(readBaseline("/nowhere/baseline.json")).toBeNull();
  });

  it.each([
    ["no JSON", "{", /is no baseline: /],
    ["of another kind", '{"kind":"x"}', /is no baseline: kind: expected "sim-baseline"/],
    [
      "with nine seeds",
      baselineText({ a: { ...ENTRY, sizes: { 10: { lastSeconds: TEN.slice(1) } } } }),
      /scenarios\.a\.sizes\.10\.lastSeconds: expected a list of 10 to 10 items/,
    ],
    [
      "with a figure nobody knows",
      baselineText({ a: ENTRY }).replace("lastSeconds", "speed"),
      /scenarios\.a\.sizes\.10 key: expected "p50Seconds" or /,
    ],
  ])("%s is refused", async (_, content, message) => {
    const file = await fileWith(content);
    expect(() => readBaseline(file)).toThrow(expect.objectContaining(failure("baseline-unusable", message)));
  });
});

describe("the hash of a scenario", () => {
  const plain = scenarioHash(PLAIN);

  it("is the same for the same world, whatever it is called", () => {
    expect(plain).toMatch(/^[0-9a-f]{16}$/);
    const groups = PLAIN.groups.map((group) => ({ ...group, name: "other" }));
    const zones = PLAIN.zones.map((zone) => ({ ...zone, name: "other" }));
    expect(scenarioHash(scenario({ name: "other", groups, zones }))).toBe(plain);
  });

  it("does not depend on what the gate is to judge", () => {
    const policy = { ...SHIPPED_POLICY, picking: "in-order" } as const;
    const control = { ...PLAIN.control, serviceMs: 5 };
    expect(scenarioHash(scenario({ policy, control }))).toBe(plain);
  });

  it.each([
    ["size", { artifactBytes: 1 }],
    ["pieces", { pieces: 65 }],
    ["blocks", { blocksPerPiece: 2 }],
    ["fleet sizes", { sizes: [10] }],
    ["origin", { origin: { ...PLAIN.origin, upBytesPerSecond: 1 } }],
    ["rates", { groups: PLAIN.groups.map((group) => ({ ...group, downBytesPerSecond: 1 })) }],
    ["zones", { zones: [{ name: "all", bytesPerSecond: 1 }] }],
    ["round trip", { rttMs: 2 }],
    ["round trip between zones", { zoneRttMs: 2 }],
    ["wait of messages", { messageWaitMs: 2 }],
    ["start", { startJitterMs: 2 }],
    ["cost of a piece", { pieceCost: { ...PLAIN.pieceCost, fixedMs: 2 } }],
    ["delay of messages", { control: { ...PLAIN.control, delayMs: 2 } }],
    ["faults", { faults: { ...PLAIN.faults, leaveShare: 0.1 } }],
  ])("changes with its %s", (_, changes) => {
    expect(scenarioHash(scenario(changes))).not.toBe(plain);
  });
});
