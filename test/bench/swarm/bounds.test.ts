// The least times a swarm can take: each bound against cases that can be worked out by hand, and against a search.
import { describe, expect, it } from "vitest";
import { fluidBound, pieceBound, type SwarmShape } from "../../../bench/swarm/bounds.ts";

const MB = 1_000_000;

function shape(
  changes: Partial<SwarmShape> & { readonly nodes?: number; readonly rate?: number } = {},
): SwarmShape {
  const { nodes = 4, rate = MB, ...rest } = changes;
  return {
    artifactBytes: 8 * MB,
    pieceLength: MB,
    originBytesPerSecond: MB,
    nodeBytesPerSecond: Array<number>(nodes).fill(rate),
    ...rest,
  };
}

describe("the fluid bound", () => {
  it("is what the origin needs to send everything once, when it is slow", () => {
    expect(fluidBound(shape({ originBytesPerSecond: MB / 2 }))).toBe(16);
  });

  it("is what the slowest node needs to receive everything", () => {
    expect(
      fluidBound(shape({ nodeBytesPerSecond: [4 * MB, MB, MB / 4], originBytesPerSecond: 9 * MB })),
    ).toBe(32);
  });

  it("is what all together need to send everything to everybody, when receiving is no limit", () => {
    // Three nodes that receive 24 MB between them, from an origin and three uplinks of together 6 MB/s.
    expect(fluidBound(shape({ nodes: 3, originBytesPerSecond: 3 * MB }))).toBe(8);
    expect(fluidBound(shape({ nodes: 3, rate: MB, originBytesPerSecond: MB }))).toBe(8);
    const uneven = shape({ nodeBytesPerSecond: [2 * MB, 2 * MB, 2 * MB, 2 * MB], originBytesPerSecond: MB });
    expect(fluidBound(uneven)).toBe(8);
  });

  it("counts what others send, but not what they receive, for those who are to finish", () => {
    const slow = shape({ nodeBytesPerSecond: [MB, MB, MB / 4], originBytesPerSecond: MB });
    expect(fluidBound(slow)).toBe(32);
    expect(fluidBound(slow, [MB, MB])).toBe(8);
  });
});

describe("the bound of whole pieces", () => {
  it("adds one piece per doubling of the nodes to the fluid bound, when all links are equal", () => {
    expect(pieceBound(shape({ nodes: 4 }))).toEqual({ kind: "exact", seconds: 8 + 2 });
    expect(pieceBound(shape({ nodes: 7 }))).toEqual({ kind: "exact", seconds: 8 + 2 });
    expect(pieceBound(shape({ nodes: 8 }))).toEqual({ kind: "exact", seconds: 8 + 3 });
    expect(pieceBound(shape({ nodes: 1 }))).toEqual({ kind: "exact", seconds: 8 });
  });

  it.each([2, 3.5, 4])(
    "is the first tick at which enough can have been sent by an origin %s times as fast",
    (speedup) => {
      for (const nodes of [1, 2, 5, 16, 40]) {
        const bound = pieceBound(shape({ nodes, originBytesPerSecond: speedup * MB }));
        expect(bound).toEqual({ kind: "reference", seconds: firstTick(8, nodes, speedup) });
      }
    },
  );

  it.each([1, 1.5, 4, 300])(
    "is never below what all uplinks can carry, the origin %s times as fast",
    (speedup) => {
      for (const nodes of [1, 3, 16, 200]) {
        const bound = pieceBound(shape({ nodes, originBytesPerSecond: speedup * MB }));
        expect(bound?.seconds).toBeGreaterThanOrEqual((8 * nodes) / (speedup + nodes));
      }
    },
  );

  it("says nothing of nodes with different rates, nor of an origin slower than they are", () => {
    expect(pieceBound(shape({ nodeBytesPerSecond: [MB, MB / 2] }))).toBeNull();
    expect(pieceBound(shape({ originBytesPerSecond: MB / 2 }))).toBeNull();
  });
});

/** The definition itself, term by term. */
function firstTick(pieces: number, nodes: number, speedup: number): number {
  let sent = 0;
  for (let tick = 1; ; tick += 1) {
    sent += speedup + Math.min(nodes, speedup * (2 ** (tick - 1) - 1));
    if (sent >= pieces * nodes) return tick;
  }
}
