// Who accuses whom of what, with a real coordinator core: what is told, what is counted, and what a liar cannot do.
import { describe, expect, it } from "vitest";
import type { FleetEvent } from "../../../protocol/api.ts";
import { OFFENCES_PER_RELEASE_MAX } from "../../../protocol/limits.ts";
import type { OffenderReport } from "../../../protocol/offence.ts";
import type { Strategy } from "../../../protocol/strategy.ts";
import { ModelFleet } from "./model-fleet.ts";

const allAtOnce: Strategy = { canary: 0, rolling: { kind: "percent", value: 100 }, healthTimeoutMs: 30_000 };

/** In the middle of staging v1 on so many nodes, and what it takes to accuse somebody there. */
function staging(count = 8) {
  const fleet = new ModelFleet();
  fleet.addNodes(count, () => ({ stageMs: 60_000, activateMs: 500 }));
  fleet.run();
  fleet.publish("v1");
  const id = fleet.release("v1", allAtOnce);
  fleet.run(20_000);
  const { swarm } = onlySwarm(fleet);
  const node = (index: number) => fleet.nodes[index] ?? fail();
  const accuse = (by: number, change: Partial<OffenderReport>): void => {
    const { generation, release } = swarm;
    const about = { source: node(7).id, fault: "bad-data", piece: 12, count: 1 } as const;
    const message = { kind: "offender", generation, release, ...about, ...change } as const;
    fleet.feed({ kind: "node-message", nodeId: node(by).id, message });
  };
  const told = (): readonly FleetEvent[] => fleet.history.filter(({ kind }) => kind === "offender-named");
  return { fleet, id, node, accuse, told, release: swarm.release };
}

function onlySwarm(fleet: ModelFleet) {
  const record = [...fleet.saved.values()].find(({ kind, body }) => kind === "swarm" && body !== null);
  return { swarm: record?.body as unknown as Pick<OffenderReport, "generation" | "release"> };
}

describe("a node that is accused", () => {
  it("is named once in the history of its rollout, with who says so", () => {
    const { fleet, id, accuse, told } = staging();
    for (const by of [0, 1, 0]) accuse(by, {});
    expect(told()).toMatchObject([
      {
        rolloutId: id,
        node: "node-08",
        message:
          "node node-08 sent bad data for piece 12 to 1 node (node-01 says so); it is banned there for this release",
      },
    ]);
    expect(fleet.view(id).offences).toMatchObject([
      {
        name: "node-08",
        fault: "bad-data",
        piece: 12,
        accuserCount: 2,
        accusers: ["node-01", "node-02"],
        message: expect.stringContaining("piece 12 to 2 nodes (node-01, node-02 say so); it is") as string,
      },
    ]);
  });

  it("is told of again for another fault, not for the same one after a crash of the coordinator", () => {
    const { fleet, id, accuse, told } = staging();
    accuse(0, {});
    fleet.killCoordinator(100);
    fleet.run(1_000);
    accuse(1, {});
    accuse(0, { fault: "drip", piece: null });
    expect(told().map(({ message }) => message.split(" (")[0])).toEqual([
      "node node-08 sent bad data for piece 12 to 1 node",
      "node node-08 sends only a trickle to 1 node",
    ]);
    expect(fleet.view(id).offences).toHaveLength(2);
  });

  it("still shows when the rollout has ended", () => {
    const { fleet, id, accuse } = staging();
    accuse(0, {});
    fleet.run();
    expect(fleet.view(id)).toMatchObject({ phase: "succeeded", offences: [{ name: "node-08" }] });
  });

  it("changes nothing about the rollout", () => {
    const { fleet, id, accuse } = staging();
    for (let by = 0; by < 7; by += 1) accuse(by, {});
    fleet.run();
    expect(fleet.view(id).nodes.map(({ phase }) => phase)).toEqual(Array(8).fill("healthy"));
  });

  it("hears of it when it is explained, and so does its accuser", () => {
    const { fleet, node, accuse } = staging();
    accuse(0, {});
    const explained = (index: number) => fleet.core.explain(node(index).id, null, fleet.now).stages[0];
    expect(explained(7)).toMatchObject({
      accused: [{ fault: "bad-data", accusers: ["node-01"] }],
      accuses: [],
    });
    expect(explained(0)).toMatchObject({ accused: [], accuses: [{ name: "node-08" }] });
    expect(explained(1)).toMatchObject({ accused: [], accuses: [] });
  });
});

describe("what is no node of the fleet", () => {
  it.each([
    ["origin", "the origin"],
    ["10.0.0.9", "a client at 10.0.0.9"],
    ["f".repeat(32), `a client that calls itself ${"f".repeat(32)}`],
  ])("%s is called %s", (source, name) => {
    const { accuse, told } = staging();
    accuse(0, { source });
    expect(told()[0]).toMatchObject({
      node: null,
      message: expect.stringContaining(`${name} sent`) as string,
    });
  });

  it("may be accused by the origin", () => {
    const { fleet, told, release } = staging();
    const offence = { source: "10.0.0.9", fault: "floods", piece: null } as const;
    fleet.feed({ kind: "origin-offence", sha256: release.sha256, offence });
    expect(told()[0]?.message).toBe(
      "a client at 10.0.0.9 floods the origin with what was not asked for (the origin says so); its link there was cut",
    );
  });
});

describe("an accuser", () => {
  it("must take part in the release, name its present swarm, and be another than the accused", () => {
    const { fleet, node, accuse, told } = staging();
    accuse(7, {});
    accuse(0, { generation: 99 });
    fleet.addNodes(1, () => ({ stageMs: 1, activateMs: 1 }));
    fleet.run(1_000);
    accuse(8, {});
    expect(node(8).online).toBe(true);
    expect(told()).toEqual([]);
  });

  it("that lies about everybody fills only its own part of the record", () => {
    const { fleet, id, accuse, told } = staging();
    for (let index = 0; index < 1_000; index += 1) accuse(0, { source: `10.0.${index >> 8}.${index & 255}` });
    const before = fleet.view(id).offences.length;
    expect(before).toBeLessThan(OFFENCES_PER_RELEASE_MAX / 2);
    accuse(1, {});
    expect(fleet.view(id).offences).toHaveLength(before + 1);
    expect(told()).toHaveLength(before + 1);
  });

  it("together with others cannot make the record grow without end", () => {
    const { fleet, id, accuse } = staging();
    for (let index = 0; index < 200; index += 1) accuse(index % 7, { source: `10.0.0.${index}` });
    expect(fleet.view(id).offences).toHaveLength(OFFENCES_PER_RELEASE_MAX);
  });
});

function fail(): never {
  throw new Error("the fixture is too small");
}
