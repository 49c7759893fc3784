// The network of fluid flows: blocks take as long as max-min fair shares say, and whole runs keep to what is possible.
import { describe, expect, it } from "vitest";
import { BLOCK_BYTES } from "../../../peer/core/geometry.ts";
import { EventQueue } from "../../../sim/core/event-queue.ts";
import { FluidNetwork } from "../../../sim/core/fluid-network.ts";
import { findViolations } from "../../../sim/core/invariants.ts";
import { boundsOfRun } from "../../../sim/core/run-bounds.ts";
import type { Scenario } from "../../../sim/core/scenario.ts";
import { aboutOf, blockOf, EVENT } from "../../../sim/core/swarm-events.ts";
import { simulateSwarm } from "../../../sim/core/swarm-run.ts";
import { scenarioOf } from "../support/scenarios.ts";

/** A block takes this long on a link that it has for itself. */
const BLOCK_MS = 8;
const BYTES_PER_SECOND = (BLOCK_BYTES * 1000) / BLOCK_MS;

interface Sending {
  readonly from: number;
  readonly to: number;
  readonly at: number;
}

function scenarioWith(changes: Partial<Scenario>): Scenario {
  const links = { upBytesPerSecond: BYTES_PER_SECOND, downBytesPerSecond: BYTES_PER_SECOND };
  return scenarioOf({
    artifactBytes: 4 * BLOCK_BYTES,
    pieces: 4,
    rttMs: 0,
    zoneRttMs: 0,
    origin: { upBytesPerSecond: BYTES_PER_SECOND, zone: 0 },
    groups: [{ name: "nodes", share: 1, ...links, zone: 0 }],
    ...changes,
  });
}

/** When each block comes, in the order in which they were sent; the origin is member 4. */
function arrivals(sendings: readonly Sending[], changes: Partial<Scenario> = {}): readonly number[] {
  const scenario = scenarioWith(changes);
  const queue = new EventQueue();
  const perMs = BYTES_PER_SECOND / 1000;
  const members = [0, 1, 2, 3, 4].map((index) => ({
    // Where there are two zones, nodes 2 and 3 are in the second one.
    options: {
      index,
      upBytesPerMs: perMs,
      downBytesPerMs: perMs,
      zone: index === 2 || index === 3 ? scenario.zones.length - 1 : 0,
    },
  }));
  const network = new FluidNetwork({ scenario, queue, members, realBytesPerByte: 1 });
  const times = sendings.map(() => Number.NaN);
  for (const [index, { at }] of sendings.entries()) queue.push(at, EVENT.requested, index);
  while (queue.pop()) {
    const { at, kind, subject, detail } = queue;
    if (kind === EVENT.drained) network.drain(at);
    else if (kind === EVENT.arrived) times[blockOf(detail)] = Number(at.toFixed(6));
    else {
      const [from, to] = [members[sendings[subject]?.from ?? 0], members[sendings[subject]?.to ?? 0]];
      if (from !== undefined && to !== undefined) network.send(from, to, aboutOf(1, subject), at);
    }
  }
  return times;
}

describe("a block", () => {
  it("has a link for itself when nobody else sends", () => {
    expect(arrivals([{ from: 4, to: 0, at: 5 }])).toEqual([13]);
  });

  it("arrives later by the way there", () => {
    expect(arrivals([{ from: 4, to: 0, at: 0 }], { rttMs: 20 })).toEqual([18]);
  });

  it("shares its sender's uplink with those to other nodes", () => {
    expect(
      arrivals([
        { from: 4, to: 0, at: 0 },
        { from: 4, to: 1, at: 0 },
      ]),
    ).toEqual([16, 16]);
  });

  it("shares its receiver's downlink with those of other nodes, from when they begin until they end", () => {
    expect(
      arrivals([
        { from: 4, to: 0, at: 0 },
        { from: 1, to: 0, at: 4 },
      ]),
    ).toEqual([12, 16]);
  });

  it("waits for those before it on the same connection", () => {
    expect(
      arrivals([
        { from: 4, to: 0, at: 0 },
        { from: 4, to: 0, at: 0 },
      ]),
    ).toEqual([8, 16]);
  });

  it("is held to the link of a zone, and leaves the rest of its uplink to others", () => {
    const zones = ["a", "b"].map((name) => ({ name, bytesPerSecond: BYTES_PER_SECOND / 4 }));
    const times = arrivals(
      [0, 1, 2, 3].map((to) => ({ from: 4, to, at: 0 })),
      { zones },
    );
    // Two are in the other zone and have an eighth each; three eighths each are left for the two that are not.
    expect(times).toEqual([21.333333, 21.333333, 64, 64]);
  });
});

describe("a whole run over it", () => {
  const run = { scenario: scenarioOf({ pieces: 64 }), nodeCount: 20, seed: 1 };
  const outcome = simulateSwarm(run, {}, (parts) => new FluidNetwork(parts));

  it("brings everything to everybody and beats no bound", () => {
    expect(outcome).toMatchObject({ unfinished: 0, nodes: 20 });
    expect(findViolations(outcome, boundsOfRun(run), run.scenario.artifactBytes)).toEqual([]);
  });

  it("is the same again", () => {
    expect(simulateSwarm(run, {}, (parts) => new FluidNetwork(parts))).toEqual(outcome);
  });

  it("takes about as long as over the network that carries one block after the other, and is another run", () => {
    const serial = simulateSwarm(run);
    const ratio = (serial.completedMs.at(-1) ?? 0) / (outcome.completedMs.at(-1) ?? 1);
    expect(ratio).toBeGreaterThan(0.9);
    expect(ratio).toBeLessThan(1.05);
    expect(serial.traceHash).not.toBe(outcome.traceHash);
  });
});
