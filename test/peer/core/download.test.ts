// The download machine against remotes of every temper: its promises are checked inside the world after every event.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { RemoteSpec } from "./download-world.ts";
import { HONEST, runWorld } from "./run-world.ts";

const remote = fc.record({
  temper: fc.constantFrom(
    "honest" as const,
    "silent" as const,
    "rejecting" as const,
    "corrupt" as const,
    "choking" as const,
    "leaving" as const,
    "hanging" as const,
  ),
  share: fc.constantFrom(0, 0.3, 1),
  bytesPerSecond: fc.constantFrom(1_000, 50_000, 2_000_000, 100_000_000),
  latencyMs: fc.constantFrom(0, 1, 20, 400),
  isOrigin: fc.constant(false),
});

const someFar = fc.option(
  fc.record({ parts: fc.uniqueArray(fc.nat(7), { maxLength: 3 }), of: fc.constant(8) }),
);

const worlds = fc.record({
  seed: fc.nat(),
  pieceCount: fc.integer({ min: 1, max: 60 }),
  blocksPerPiece: fc.integer({ min: 1, max: 8 }),
  shortBy: fc.integer({ min: 0, max: 16_383 }),
  rank: fc.integer({ min: 0, max: 9 }),
  rankCount: fc.integer({ min: 1, max: 10 }),
  // One remote in the world has everything and answers: then the download must end.
  remotes: fc.array(remote, { maxLength: 6 }).map((others) => [HONEST, ...others]),
});

describe("createDownload", () => {
  it("keeps its promises to every remote and completes while one honest remote has everything", () => {
    fc.assert(
      fc.property(worlds, (spec) => {
        runWorld(spec);
      }),
      { numRuns: 150 },
    );
  });

  it("completes while one honest remote has everything, whoever of them is in another zone", () => {
    fc.assert(
      fc.property(worlds, fc.array(someFar, { minLength: 7, maxLength: 7 }), (spec, far) => {
        const remotes = spec.remotes.map((one, index) => ({ ...one, far: far[index] ?? null }));
        runWorld({ ...spec, remotes });
      }),
      { numRuns: 60 },
    );
  });

  it("completes from remotes that each have a part and leave again and again", () => {
    const flighty: RemoteSpec = { ...HONEST, temper: "leaving", share: 0.3, bytesPerSecond: 300_000 };
    runWorld({ remotes: [flighty, flighty, { ...flighty, share: 1 }], pieceCount: 60 });
  });

  // A run must be longer than the patience with a remote that has never answered, or it is asked first every time.
  it("asks for nothing while it is paused, and completes in the time between", () => {
    fc.assert(
      fc.property(worlds, fc.constantFrom(4_000, 9_000), (spec, pausesEachMs) => {
        runWorld({ ...spec, pausesEachMs });
      }),
      { numRuns: 60 },
    );
  });

  it("bans who sends bad blocks, and nobody else", () => {
    fc.assert(
      fc.property(fc.nat(), (seed) => {
        const corrupt: RemoteSpec = { ...HONEST, temper: "corrupt" };
        const world = runWorld({ seed, remotes: [HONEST, corrupt, HONEST], pieceCount: 300 });
        expect([...world.banned].filter((source) => !source.startsWith("corrupt"))).toEqual([]);
        expect(world.banned.size).toBe(1);
      }),
      { numRuns: 40 },
    );
  });

  it("finds the culprit when several sources filled the bad piece", () => {
    // One huge piece: every remote helps with it, so a failure alone does not tell whose block was bad.
    const corrupt: RemoteSpec = { ...HONEST, temper: "corrupt" };
    const world = runWorld({
      seed: 4,
      pieceCount: 1,
      blocksPerPiece: 200,
      remotes: [HONEST, corrupt, HONEST],
    });
    expect([...world.banned]).toEqual(["corrupt 1"]);
  });

  it("gives the origin a second and a third try before it is banned", () => {
    const flaky: RemoteSpec = { ...HONEST, temper: "corrupt", isOrigin: true };
    const world = runWorld({
      seed: 3,
      pieceCount: 12,
      remotes: [flaky, { ...HONEST, bytesPerSecond: 20_000 }],
    });
    expect(world.failedPieces).toBeGreaterThanOrEqual(3);
    expect([...world.banned]).toEqual(["origin"]);
  });

  it("asks the origin for its own share first", () => {
    const origin: RemoteSpec = { ...HONEST, isOrigin: true };
    const { piecesAskedOfOrigin } = runWorld({ remotes: [origin], rank: 3, rankCount: 8, pieceCount: 64 });
    expect(piecesAskedOfOrigin.slice(0, 8).toSorted((a, b) => a - b)).toEqual([
      3, 11, 19, 27, 35, 43, 51, 59,
    ]);
    expect(new Set(piecesAskedOfOrigin).size).toBe(64);
  });

  it("receives hardly more than the artifact from fast and slow remotes alike", () => {
    const mixed = [
      HONEST,
      { ...HONEST, bytesPerSecond: 60_000 },
      { ...HONEST, bytesPerSecond: 400_000, latencyMs: 40 },
    ];
    const world = runWorld({ remotes: mixed, pieceCount: 300, blocksPerPiece: 8 });
    expect(world.receivedBytes / world.geometry.length).toBeLessThan(1.02);
  });

  it("does not wait for a remote that fell silent when another has the piece", () => {
    const silent: RemoteSpec = { ...HONEST, temper: "silent" };
    const world = runWorld({ remotes: [HONEST, silent, silent] });
    // 2.6 MB at 4 MB/s, and the silence that makes a remote a stalled one (3 s).
    expect(world.now).toBeLessThan(5_000);
  });

  it("gets from the origin what was asked of a remote that hangs, and what only that one had passed on", () => {
    const fast = { ...HONEST, bytesPerSecond: 20_000_000, latencyMs: 1 };
    const hanging: RemoteSpec = { ...fast, temper: "hanging", share: 0.9 };
    const origin: RemoteSpec = { ...fast, isOrigin: true };
    for (let seed = 1; seed <= 4; seed++) {
      const world = runWorld({ seed, remotes: [origin, hanging], pieceCount: 2_000, blocksPerPiece: 4 });
      // The origin sends what is left after the first second in 4.6 s; then the patience with one that answered before.
      expect(world.now).toBeLessThan(12_000);
    }
  });

  it("leaves a remote alone for a while that refuses one piece after the other", () => {
    const rejecting: RemoteSpec = { ...HONEST, temper: "rejecting" };
    const slow = { ...HONEST, bytesPerSecond: 100_000 };
    const world = runWorld({ remotes: [slow, rejecting], pieceCount: 200, blocksPerPiece: 1 });
    // At most 8 in half a second, each for another piece.
    expect(world.refusals).toBeGreaterThan(0);
    expect(world.refusals).toBeLessThanOrEqual(9 * Math.ceil(world.now / 500));
  });

  it("closes the link to a remote that never answers", () => {
    const silent: RemoteSpec = { ...HONEST, temper: "silent" };
    const slow = { ...HONEST, bytesPerSecond: 40_000 };
    expect(runWorld({ remotes: [slow, silent] }).closedFor).toContain("does not answer");
  });

  it("does the same again with the same seed", () => {
    const remotes = [HONEST, { ...HONEST, share: 0.3 }];
    const [first, second] = [runWorld({ remotes, seed: 8 }), runWorld({ remotes, seed: 8 })];
    expect(second.trace).toEqual(first.trace);
    expect(runWorld({ remotes, seed: 9 }).trace).not.toEqual(first.trace);
  });
});
