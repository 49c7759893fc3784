// Scenarios, command lines and events in words.
import { describe, expect, it } from "vitest";
import { commandLine } from "../../../cli/sim/command-line.ts";
import { scenarioFacts } from "../../../cli/sim/facts.ts";
import { narrate } from "../../../cli/sim/narrate.ts";
import { NO_FAULTS, SHIPPED_POLICY } from "../../../sim/core/scenario.ts";
import { EVENT_NAMES } from "../../../sim/core/swarm-events.ts";
import { scenario } from "../../sim/support/fake-swarm.ts";

function factsOf(changes: Parameters<typeof scenario>[0]): Readonly<Record<string, string>> {
  const facts = scenarioFacts(scenario(changes), [1, 2]);
  return Object.fromEntries(facts.map(({ label, value }) => [label, value]));
}

describe("the facts of a scenario", () => {
  it("are few when it is plain", () => {
    expect(factsOf({})).toEqual({
      artifact: "64MB in 64 pieces",
      origin: "100 Mbit/s",
      nodes: "100 Mbit/s up and down",
      "round trip": "1 ms",
      seeds: "1, 2",
    });
  });

  it("name the wait of messages where there is one", () => {
    expect(factsOf({ messageWaitMs: 8 })).toMatchObject({ messages: "wait 8 ms each way" });
  });

  it("name groups and zones where they differ", () => {
    const facts = factsOf({
      zones: [
        { name: "a", bytesPerSecond: null },
        { name: "b", bytesPerSecond: 250e6 },
      ],
      groups: [
        { name: "racks", share: 0.7, upBytesPerSecond: 125e6, downBytesPerSecond: 125e6, zone: 0 },
        { name: "edge", share: 0.3, upBytesPerSecond: 25e6, downBytesPerSecond: 125e6, zone: 1 },
      ],
    });
    expect(facts).toMatchObject({
      origin: "100 Mbit/s, in a",
      racks: "70% of the nodes, 1 Gbit/s up and down, in a",
      edge: "30% of the nodes, 200 Mbit/s up, 1 Gbit/s down, in b",
      zones: "a no limit, b 2 Gbit/s",
      "round trip": "1 ms within a zone, 20 ms between zones",
    });
  });

  it("put equal zones into one line", () => {
    const group = { upBytesPerSecond: 125e6, downBytesPerSecond: 125e6 };
    const facts = factsOf({
      zones: [
        { name: "zone 1", bytesPerSecond: 250e6 },
        { name: "zone 2", bytesPerSecond: 250e6 },
      ],
      groups: [
        { name: "zone 1", share: 0.5, zone: 0, ...group },
        { name: "zone 2", share: 0.5, zone: 1, ...group },
      ],
    });
    expect(facts).toMatchObject({ nodes: "1 Gbit/s up and down", zones: "2, links of 2 Gbit/s" });
  });

  it("say what goes wrong, and what is not as it ships", () => {
    const faults = {
      ...NO_FAULTS,
      leaveShare: 0.05,
      vanishShare: 0.01,
      slowShare: 0.02,
      slowFactor: 0.1,
      lateShare: 0.1,
      lateByMs: 30_000,
    };
    const policy = {
      ...SHIPPED_POLICY,
      injection: false,
      rings: 1,
      picking: "in-order",
      endgame: false,
    } as const;
    expect(factsOf({ faults, policy })).toMatchObject({
      faults: "5% leave for good, 1% vanish without a word, 2% at 0.1 of their rates, 10% up to 30 s late",
      policy:
        "not as it ships: the origin repeats pieces freely, graph of 1 ring, pieces in order, no endgame",
    });
  });
});

describe("the command line that gives the same numbers", () => {
  it("has what was given, and nothing that changes no number", () => {
    const flags = { nodes: "10,100", zoneLink: "1Gbit", seeds: "2", out: "report", json: true, all: false };
    expect(commandLine("sim run", flags)).toBe("fleet sim run --nodes 10,100 --zone-link 1Gbit --seeds 2");
  });

  it("quotes what a shell would take apart", () => {
    expect(commandLine("sim run", { scenario: "it's mine.yaml" })).toBe(
      "fleet sim run --scenario 'it'\\''s mine.yaml'",
    );
  });
});

describe("an event in words", () => {
  const event = { atMs: 1234.5678, to: "node 1", from: "node 2", piece: 7 };

  it("begins with the seconds since GO", () => {
    expect(narrate({ ...event, kind: "arrived" }, false)).toBe(
      "    1.234568  node 1 is reached by piece 7 from node 2",
    );
  });

  it("is left away unless asked for when it is only chatter", () => {
    expect(narrate({ ...event, kind: "has" }, false)).toBeNull();
    expect(narrate({ ...event, kind: "has" }, true)).toMatch(/node 1 hears that node 2 has piece 7$/);
  });

  it("is never a timer of a machine", () => {
    expect(narrate({ ...event, kind: "downloadTick" }, true)).toBeNull();
  });

  it.each(EVENT_NAMES.filter((name) => !/Tick$|^sample$|^drained$/.test(name)))(
    "is a sentence for %s",
    (kind) => {
      const told = narrate({ ...event, kind }, true) ?? "";
      expect(told).toMatch(/^ +1\.234568 {2}node 1 [a-z ]+/);
      expect(told).not.toContain(`node 1 ${kind} `);
    },
  );
});
