// Scenario files: what they mean, and how each mistake in one is told, by line and column.
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { decodeScenario, readScenarioFile } from "../../../cli/sim/scenario-file.ts";
import { SHIPPED_POLICY } from "../../../sim/core/scenario.ts";
import { failure } from "../../support/failure.ts";

const SMALL = `
nodes: 10
size: 1MiB
origin: { up: 1Gbit }
groups:
  - { up: 1Gbit }
`;

function read(source: string) {
  return decodeScenario(source, "folder/site.yaml");
}

describe("a scenario file", () => {
  it("needs little, and is called as its file", () => {
    const { scenario, ceilings } = read(SMALL);
    expect(scenario).toMatchObject({
      ...{ name: "site", artifactBytes: 1_048_576, pieces: 512, sizes: [10], rttMs: 1, zoneRttMs: 20 },
      groups: [{ name: "group 1", share: 1, upBytesPerSecond: 125e6, downBytesPerSecond: 125e6, zone: 0 }],
      zones: [{ bytesPerSecond: null }],
      policy: SHIPPED_POLICY,
    });
    expect(ceilings).toEqual([]);
  });

  it("can say all of it", () => {
    const { scenario, ceilings } = read(`
name: two-sites
nodes: [1000, 10]
size: 1GiB
pieces: 256
blocks: 2
origin: { up: 10Gbit, zone: b }
zones: [{ name: a }, { name: b, link: 2Gbit }]
groups:
  - { name: racks, share: 70%, up: 1Gbit, zone: a }
  - { name: edge, share: 30%, up: 200Mbit, down: 1Gbit, zone: b }
rtt: 500us
zoneRtt: 150ms
messageWait: 8ms
startJitter: 0ms
pieceCost: { fixed: 100us, rate: 4Gbit }
control: { delay: 2ms, service: 50us }
churn: 5%
vanish: 1%
slow: 2%@0.1
late: 10%@30s
flap: 1%@30s/5s
policy: { injection: false, rings: 2, trees: false, picking: in-order, endgame: false }
expect: { lastOverBound: "<= 1.3", p99OverClean: "<1.25" }
sizes:
  1000: { lastOverBound: "<= 1.1" }
`);
    expect(scenario).toEqual({
      ...{
        name: "two-sites",
        artifactBytes: 1_073_741_824,
        pieces: 256,
        blocksPerPiece: 2,
        sizes: [10, 1000],
      },
      origin: { upBytesPerSecond: 1.25e9, zone: 1 },
      groups: [
        { name: "racks", share: 0.7, upBytesPerSecond: 125e6, downBytesPerSecond: 125e6, zone: 0 },
        { name: "edge", share: 0.3, upBytesPerSecond: 25e6, downBytesPerSecond: 125e6, zone: 1 },
      ],
      zones: [
        { name: "a", bytesPerSecond: null },
        { name: "b", bytesPerSecond: 250e6 },
      ],
      ...{ rttMs: 0.5, zoneRttMs: 150, messageWaitMs: 8, startJitterMs: 0 },
      pieceCost: { fixedMs: 0.1, bytesPerSecond: 5e8 },
      control: { delayMs: 2, serviceMs: 0.05 },
      faults: {
        ...{
          leaveShare: 0.05,
          vanishShare: 0.01,
          slowShare: 0.02,
          slowFactor: 0.1,
          lateShare: 0.1,
          lateByMs: 30_000,
        },
        ...{ flapShare: 0.01, flapEveryMs: 30_000, flapForMs: 5_000 },
      },
      policy: { injection: false, rings: 2, trees: false, picking: "in-order", endgame: false },
    });
    expect(ceilings).toEqual([
      { metric: "lastOverBound", operator: "<=", limit: 1.3, nodes: null },
      { metric: "p99OverClean", operator: "<", limit: 1.25, nodes: null },
      { metric: "lastOverBound", operator: "<=", limit: 1.1, nodes: 1000 },
    ]);
  });

  it("shown in the documentation is right", () => {
    const page = readFileSync(path.resolve(import.meta.dirname, "../../../docs/SIMULATION.md"), "utf8");
    const example = /```yaml\n([\s\S]*?)```/.exec(page)?.[1] ?? "";
    expect(read(example).scenario.name).toBe("two-sites");
  });
});

const OURS = path.resolve(import.meta.dirname, "../../../sim/scenarios");

it.each(readdirSync(OURS).filter((name) => name.endsWith(".yaml")))(
  "%s of this repository is right",
  (name) => {
    expect(readScenarioFile(path.join(OURS, name)).scenario.name).toBe(path.basename(name, ".yaml"));
  },
);

describe("a mistake is told with its place:", () => {
  it.each<[string, string, RegExp]>([
    [
      "an unknown key",
      `${SMALL}chrun: 5%`,
      /^folder\/site\.yaml:7:1: unknown key `chrun`; did you mean `churn`\?$/,
    ],
    [
      "an unknown key in a group",
      SMALL.replace("- { up", "- { upp: 1, up"),
      /:6:7: unknown key `upp`; did you mean `up`/,
    ],
    [
      "an unknown figure",
      `${SMALL}expect: { speed: "<= 1" }`,
      /:7:11: unknown key `speed`; known here: lastSeconds, /,
    ],
    ["a key that is missing", "nodes: 10", /^folder\/site\.yaml:1:1: size: expected a size such as/],
    ["a rate", SMALL.replace("up: 1Gbit }\ng", "up: 1GB }\ng"), /:4:15: origin\.up: expected a rate such as/],
    [
      "a size of the fleet",
      SMALL.replace("10", "[10, 0]"),
      /:2:13: nodes\[1\]: expected a whole number from 1/,
    ],
    [
      "an unknown zone",
      SMALL.replace("- { up", "- { zone: x, up"),
      /:6:13: groups\[0\]\.zone: expected a zone, one of all$/,
    ],
    [
      "two zones of one name",
      `${SMALL}zones: [{ name: a }, { name: a }]`,
      /:7:30: zones\[1\]\.name: expected a name that no/,
    ],
    [
      "shares that are not the whole",
      SMALL.replace("- { up", "- { share: 40%, up"),
      /:6:3: groups: .* shares that make 40%/,
    ],
    [
      "a group without its share",
      `${SMALL}  - { share: 50%, up: 1Gbit }`,
      /:6:5: groups\[0\]: expected a share, as other/,
    ],
    [
      "more pieces than bytes",
      SMALL.replace("1MiB", "100B"),
      /: pieces: expected something else than 512 pieces/,
    ],
    ["nobody left", `${SMALL}churn: 100%`, /:7:8: churn: expected something else than 100% of 10 nodes/],
    [
      "a limit without quotes",
      `${SMALL}expect: { lastOverBound: 1.05 }`,
      /:7:26: .* expected a limit such as "<= 1\.05"/,
    ],
    [
      "a limit at a size that is not simulated",
      `${SMALL}sizes: { 20: { lastSeconds: "< 1" } }`,
      /: sizes\.20: .* simulated: 10$/,
    ],
    ["a size that is none", `${SMALL}sizes: { many: {} }`, /: sizes\.many: expected a number of nodes/],
    [
      "a comparison without faults",
      `${SMALL}expect: { p99OverClean: "< 2" }`,
      /: expect: .* there are no faults$/,
    ],
    ["what is no YAML", "nodes: [", /^folder\/site\.yaml:1:9: /],
  ])("%s", (_, source, message) => {
    expect(() => read(source)).toThrow(expect.objectContaining(failure("config-invalid", message)));
  });

  it("and with where to look it up", () => {
    expect(() => read("nodes: [")).toThrow(
      expect.objectContaining({ next: "docs/SIMULATION.md says what a scenario file may hold." }),
    );
  });

  it("a file that is not there", () => {
    expect(() => readScenarioFile("/nowhere/site.yaml")).toThrow(
      expect.objectContaining(failure("file-missing", /^there is no scenario file \/nowhere\/site\.yaml$/)),
    );
  });
});
