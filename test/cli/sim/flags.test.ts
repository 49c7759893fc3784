// The fleet that flags describe, what flags a scenario file goes with, and how mistakes are told.
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { planFromFlags, type ScenarioFlags, seedsFromFlags } from "../../../cli/sim/flags.ts";
import { NO_FAULTS, SHIPPED_POLICY } from "../../../sim/core/scenario.ts";
import { failure } from "../../support/failure.ts";
import { temporaryFolder } from "../../support/folders.ts";

function plan(flags: ScenarioFlags) {
  return planFromFlags(flags, { resolve: (file) => file });
}

describe("without flags", () => {
  it("it is one site of equal nodes and an origin as fast as one of them", () => {
    const { scenario, ceilings } = plan({});
    expect(scenario).toMatchObject({
      artifactBytes: 1_073_741_824,
      pieces: 512,
      sizes: [10, 100, 1000],
      origin: { upBytesPerSecond: 125e6, zone: 0 },
      zones: [{ bytesPerSecond: null }],
      faults: NO_FAULTS,
      policy: SHIPPED_POLICY,
    });
    expect(scenario.groups).toEqual([
      { name: "all", share: 1, upBytesPerSecond: 125e6, downBytesPerSecond: 125e6, zone: 0 },
    ]);
    expect(ceilings).toEqual([]);
    expect(seedsFromFlags({})).toEqual([1, 2, 3]);
  });
});

describe("flags", () => {
  it("say all of it", () => {
    const { scenario } = plan({
      ...{
        nodes: "500,50",
        size: "64MiB",
        pieces: "256",
        blocks: "4",
        up: "100Mbit",
        down: "1Gbit",
        origin: "10Gbit",
      },
      ...{ zones: "2", zoneLink: "2Gbit", rtt: "500us", zoneRtt: "80ms" },
      ...{ churn: "5%", vanish: "1%", slow: "2%@0.5", late: "10%@30s", flap: "1%@30s/5s" },
    });
    expect(scenario).toMatchObject({
      ...{
        artifactBytes: 67_108_864,
        pieces: 256,
        blocksPerPiece: 4,
        sizes: [50, 500],
        rttMs: 0.5,
        zoneRttMs: 80,
      },
      origin: { upBytesPerSecond: 1_250_000_000 },
      faults: {
        ...{
          leaveShare: 0.05,
          vanishShare: 0.01,
          slowShare: 0.02,
          slowFactor: 0.5,
          lateShare: 0.1,
          lateByMs: 30_000,
        },
        ...{ flapShare: 0.01, flapEveryMs: 30_000, flapForMs: 5_000 },
      },
    });
    expect(scenario.zones.map(({ bytesPerSecond }) => bytesPerSecond)).toEqual([250e6, 250e6]);
    expect(
      scenario.groups.map(({ share, zone, upBytesPerSecond, downBytesPerSecond }) => [
        share,
        zone,
        upBytesPerSecond,
        downBytesPerSecond,
      ]),
    ).toEqual([
      [0.5, 0, 12.5e6, 125e6],
      [0.5, 1, 12.5e6, 125e6],
    ]);
  });

  it("for the rate up say the other rates too", () => {
    const { scenario } = plan({ up: "200Mbit" });
    expect(scenario.groups[0]?.downBytesPerSecond).toBe(25e6);
    expect(scenario.origin.upBytesPerSecond).toBe(25e6);
  });

  it("for seeds say which and how many", () => {
    expect(seedsFromFlags({ seed: "7", seeds: "2" })).toEqual([7, 8]);
  });

  it.each<[ScenarioFlags, RegExp]>([
    [{ nodes: "0" }, /^--nodes 0: expected a whole number from 1 to 100000, or several/],
    [{ size: "1GB/s" }, /^--size 1GB\/s: expected a size/],
    [{ pieces: "0" }, /^--pieces 0: expected a whole number from 1/],
    [{ up: "5" }, /^--up 5: expected a rate such as/],
    [{ zoneLink: "fast", zones: "2" }, /^--zone-link fast: expected a rate/],
    [{ zoneLink: "1Gbit" }, /^--zone-link needs --zones/],
    [{ rtt: "1" }, /^--rtt 1: expected a time/],
    [{ slow: "5%" }, /^--slow 5%: expected a share and a part of the rates/],
    [{ size: "100B", pieces: "200" }, /^--pieces: 200 pieces, of an artifact of 100 bytes$/],
    [{ nodes: "2,100", churn: "80%" }, /^--churn: 80% of 2 nodes is all of them/],
    [{ nodes: "10", vanish: "100%" }, /^--vanish: 100% of 10 nodes is all of them/],
    [{ blocks: "17" }, /^--blocks 17: expected a whole number from 1 to 16$/],
    [{ scenario: "x.yaml", up: "1Gbit" }, /^--scenario goes without --up$/],
    [{ scenario: "x.yaml", zoneRtt: "1ms" }, /^--scenario goes without --zone-rtt$/],
  ])("%j is refused", (flags, message) => {
    expect(() => plan(flags)).toThrow(expect.objectContaining(failure("usage", message)));
  });

  it("for too many seeds are refused", () => {
    expect(() => seedsFromFlags({ seeds: "11" })).toThrow("--seeds 11: expected a whole number from 1 to 10");
  });
});

describe("with a scenario file, --nodes", () => {
  async function file(): Promise<string> {
    const name = path.join(await temporaryFolder(), "site.yaml");
    const limits = 'expect: { lastOverBound: "<= 2" }\nsizes: { 10: { lastSeconds: "<= 9" } }';
    await writeFile(
      name,
      `nodes: [10, 20]\nsize: 1MiB\norigin: { up: 1Gbit }\ngroups: [{ up: 1Gbit }]\n${limits}\n`,
    );
    return name;
  }

  it("chooses other sizes, and drops what was expected of those left away", async () => {
    const { scenario, ceilings } = plan({ scenario: await file(), nodes: "30" });
    expect(scenario.sizes).toEqual([30]);
    expect(ceilings.map(({ metric }) => metric)).toEqual(["lastOverBound"]);
  });

  it("may be left away", async () => {
    const { scenario, ceilings } = plan({ scenario: await file() });
    expect(scenario.sizes).toEqual([10, 20]);
    expect(ceilings).toHaveLength(2);
  });
});
