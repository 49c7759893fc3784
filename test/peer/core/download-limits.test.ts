// The download machine under a limit: it keeps to it, completes all the same, and holds nobody responsible for waiting.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createDownload } from "../../../peer/core/download.ts";
import { DOWNLOAD_CONFIG } from "../../../peer/core/download-config.ts";
import type { DownloadEffect } from "../../../peer/core/download-turn.ts";
import { BLOCK_BYTES, geometryOf } from "../../../peer/core/geometry.ts";
import { RateBudget } from "../../../peer/core/rate-budget.ts";
import { Bitfield } from "../../../protocol/bitfield.ts";
import { createPrng } from "../../../protocol/prng.ts";
import { HONEST, runWorld } from "./run-world.ts";

/** One link to a remote that has everything, in made-up time. */
function linkedDownload(bytesPerSecondMax: number) {
  const blocks = 16;
  const budget = new RateBudget();
  budget.setRate(bytesPerSecondMax, 0);
  const machine = createDownload({
    geometry: geometryOf({ length: blocks * BLOCK_BYTES, pieceLength: blocks * BLOCK_BYTES }),
    verified: new Bitfield(1),
    rank: 0,
    rankCount: 1,
    random: createPrng(1),
    originSource: "origin",
    budget: budget.claim(),
  });
  const requests = (effects: readonly DownloadEffect[]): number =>
    effects.filter(({ kind }) => kind === "request").length;
  machine.handle({ kind: "link-open", link: 1, source: "one", isOrigin: false }, 0);
  machine.handle({ kind: "remote-bitfield", link: 1, has: Bitfield.full(1) }, 0);
  return { budget, machine, requests };
}

describe("a download under a limit", () => {
  it("completes whoever serves it, and never receives more than the limit", () => {
    const worlds = fc.record({
      seed: fc.nat(),
      pieceCount: fc.integer({ min: 1, max: 40 }),
      blocksPerPiece: fc.integer({ min: 1, max: 8 }),
      bytesPerSecondMax: fc.integer({ min: 100_000, max: 10_000_000 }),
      remotes: fc
        .array(
          fc.record({
            temper: fc.constantFrom(
              "honest" as const,
              "silent" as const,
              "rejecting" as const,
              "choking" as const,
              "leaving" as const,
            ),
            share: fc.constantFrom(0.3, 1),
            bytesPerSecond: fc.constantFrom(1_000, 50_000, 2_000_000, 100_000_000),
            latencyMs: fc.constantFrom(0, 20, 400),
            isOrigin: fc.constant(false),
          }),
          { maxLength: 4 },
        )
        .map((others) => [HONEST, ...others]),
    });
    fc.assert(
      fc.property(worlds, (spec) => {
        const world = runWorld(spec);
        const earned = (spec.bytesPerSecondMax * world.now) / 1000;
        const burst = Math.max(BLOCK_BYTES, spec.bytesPerSecondMax / 20);
        expect(world.receivedBytes - world.lateBytes).toBeLessThanOrEqual(earned + burst);
      }),
      { numRuns: 60 },
    );
  });

  it("uses all of it, from one remote or from several", () => {
    for (const remotes of [[HONEST], [HONEST, HONEST, HONEST, HONEST]]) {
      const bytesPerSecondMax = 200_000;
      const { now, geometry } = runWorld({ remotes, bytesPerSecondMax });
      // What it was allowed while nobody was there yet is not made up for.
      const firstLinkMs = 500;
      expect(now).toBeLessThan(firstLinkMs + (1.05 * geometry.length * 1000) / bytesPerSecondMax);
    }
  });

  it("names nobody and closes no link for the time it waits itself, however long", () => {
    const { offences, closedFor } = runWorld({
      remotes: [HONEST, HONEST, HONEST],
      pieceCount: 6,
      bytesPerSecondMax: 3_000,
    });
    expect(offences).toEqual([]);
    expect(closedFor).toEqual([]);
  });

  it("asks each remote for its part", () => {
    const { trace } = runWorld({ remotes: [HONEST, HONEST, HONEST, HONEST], bytesPerSecondMax: 200_000 });
    for (const link of [1, 2, 3, 4]) {
      const asked = trace.filter((request) => request.startsWith(`${link}:`)).length;
      expect(asked).toBeGreaterThan(trace.length / 8);
    }
  });

  it("asks for nothing before it may, not even one block of an idle remote, and then without an event", () => {
    const { machine, requests } = linkedDownload(BLOCK_BYTES * 5);
    expect(requests(machine.handle({ kind: "unchoked", link: 1 }, 0))).toBe(0);
    expect(requests(machine.handle({ kind: "tick" }, 100))).toBe(0);
    const at = machine.deadline() ?? Number.NaN;
    expect(at).toBeLessThanOrEqual(200);
    expect(requests(machine.handle({ kind: "tick" }, 200))).toBe(1);
  });

  it("asks at once when the limit is lifted and it is told to look", () => {
    const { budget, machine, requests } = linkedDownload(125);
    machine.handle({ kind: "unchoked", link: 1 }, 0);
    budget.setRate(null, 10);
    expect(requests(machine.handle({ kind: "tick" }, 10))).toBe(DOWNLOAD_CONFIG.windowBlocksMin);
  });

  it("may ask anew for what was lost with its link", () => {
    const { machine, requests } = linkedDownload(BLOCK_BYTES);
    machine.handle({ kind: "unchoked", link: 1 }, 0);
    machine.handle({ kind: "tick" }, 500);
    expect(requests(machine.handle({ kind: "tick" }, 1_000))).toBe(1);
    machine.handle({ kind: "link-closed", link: 1 }, 1_001);
    machine.handle({ kind: "link-open", link: 2, source: "two", isOrigin: false }, 1_002);
    machine.handle({ kind: "remote-bitfield", link: 2, has: Bitfield.full(1) }, 1_002);
    expect(requests(machine.handle({ kind: "unchoked", link: 2 }, 1_003))).toBe(1);
  });
});
