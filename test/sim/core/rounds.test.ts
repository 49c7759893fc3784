// The model in rounds: what it must keep to, and the published figures of known policies.
import { describe, expect, it } from "vitest";
import { completeOverlay, type Overlay, shippedOverlay } from "../../../sim/core/overlay.ts";
import { pipelineRounds } from "../../../sim/core/round-bounds.ts";
import { type RoundsOutcome, type RoundsSetup, runRounds } from "../../../sim/core/rounds.ts";

const SEEDS = [1, 2, 3];
const PIECES = 128;

const RANDOM = { picking: "random", superSeeding: false } as const;
const LOCAL_RAREST = { picking: "local-rarest", superSeeding: false } as const;
const SUPER_SEEDING = { picking: "local-rarest", superSeeding: true } as const;
const GLOBAL_RAREST = { picking: "global-rarest", superSeeding: false } as const;

type Policy = Pick<RoundsSetup, "picking" | "superSeeding"> & Partial<RoundsSetup>;

function run(policy: Policy, overlay: Overlay, changes: Partial<RoundsSetup> = {}): RoundsOutcome {
  return runRounds({ overlay, pieceCount: PIECES, downloadsPerRound: 1, seed: 1, ...policy, ...changes });
}

/** Mean rounds over the bound, of three seeds. */
function overBound(policy: Policy, overlayOf: (seed: number) => Overlay): number {
  const ratios = SEEDS.map((seed) => {
    const overlay = overlayOf(seed);
    return run(policy, overlay, { seed }).rounds / pipelineRounds(overlay.length - 1, PIECES);
  });
  return ratios.reduce((sum, ratio) => sum + ratio, 0) / ratios.length;
}

describe("a run", () => {
  it("is the same for the same seed, and another for another", () => {
    const overlay = completeOverlay(40);
    expect(run(RANDOM, overlay)).toEqual(run(RANDOM, overlay));
    expect(run(RANDOM, overlay, { seed: 2 }).doneAfter).not.toEqual(run(RANDOM, overlay).doneAfter);
  });

  it("takes the same rounds on every machine", () => {
    const policies = [RANDOM, LOCAL_RAREST, SUPER_SEEDING, GLOBAL_RAREST];
    const rounds = policies.map((policy) =>
      SEEDS.map((seed) => run(policy, shippedOverlay(100, seed), { seed }).rounds),
    );
    expect(rounds).toEqual([
      [163, 166, 164],
      [151, 151, 153],
      [149, 146, 148],
      [147, 148, 150],
    ]);
  });

  it("says when each node was done and what the origin sent", () => {
    const { rounds, doneAfter, originPieces } = run(RANDOM, completeOverlay(1));
    expect([rounds, [...doneAfter], originPieces]).toEqual([PIECES, [PIECES], PIECES]);
  });

  it("lets a piece be passed on only after the round it came in", () => {
    // The origin sends to 0 only, 0 to 1, 1 to 2.
    const line = [Int32Array.of(1), Int32Array.of(0, 2), Int32Array.of(1), Int32Array.of(0)];
    const { doneAfter } = run(RANDOM, line, { pieceCount: 1 });
    expect([...doneAfter]).toEqual([1, 2, 3]);
  });

  it("lets a node take no more pieces in a round than it may", () => {
    const overlay = shippedOverlay(63, 1);
    const roundsWith = (downloadsPerRound: number): number =>
      run(SUPER_SEEDING, overlay, { downloadsPerRound }).rounds;
    expect(roundsWith(2)).toBeLessThan(0.95 * roundsWith(1));
    expect(() => run(SUPER_SEEDING, overlay, { pieceCount: 1, downloadsPerRound: 0 })).toThrow(
      "has not ended",
    );
  });

  it("that cannot end is found out", () => {
    const apart = [new Int32Array(0), new Int32Array(0), Int32Array.of(0)];
    expect(() => run(RANDOM, apart, { pieceCount: 2 })).toThrow("has not ended");
  });
});

describe("an origin that super-seeds", () => {
  it("sends every piece once before any twice", () => {
    const senders = shippedOverlay(100, 1);
    const once = run(SUPER_SEEDING, senders);
    const freely = run({ ...SUPER_SEEDING, superSeeding: false }, senders);
    expect(once.originPieces).toBeLessThan(freely.originPieces);
  });

  it("gets every piece into the fleet in as many rounds as there are pieces", () => {
    // One node takes whatever another is sent, a round later, and nobody else has anything for it.
    const overlay = [Int32Array.of(1), Int32Array.of(0), Int32Array.of(0, 1)];
    const { rounds } = run({ ...SUPER_SEEDING, downloadsPerRound: 2 }, overlay);
    expect(rounds).toBe(PIECES + 1);
  });
});

describe("in a swarm of 255 nodes and 128 pieces", () => {
  it("random pieces on a complete graph take 1.01 k + 4.4 log2 n + 3.2 rounds, to within 5 %", () => {
    const published = (1.01 * PIECES + 4.4 * 8 + 3.2) / pipelineRounds(255, PIECES);
    const ratio = overBound(RANDOM, () => completeOverlay(255)) / published;
    expect(ratio).toBeGreaterThan(0.95);
    expect(ratio).toBeLessThan(1.05);
  });

  it("the globally rarest on a complete graph is within 2 % of the bound", () => {
    const ratio = overBound({ ...GLOBAL_RAREST, downloadsPerRound: 2 }, () => completeOverlay(255));
    expect(ratio).toBeGreaterThanOrEqual(1);
    expect(ratio).toBeLessThanOrEqual(1.02);
  });

  it("the locally rarest on the shipped graph needs an origin that repeats nothing", () => {
    const overlayOf = (seed: number): Overlay => shippedOverlay(255, seed);
    expect(overBound({ ...SUPER_SEEDING, downloadsPerRound: 2 }, overlayOf)).toBeLessThan(1.06);
    expect(overBound({ ...LOCAL_RAREST, downloadsPerRound: 2 }, overlayOf)).toBeGreaterThan(1.1);
  });
});
