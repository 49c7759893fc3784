// The overlays of the model in rounds are the graphs they claim to be.
import { describe, expect, it } from "vitest";
import { buildGraph, linksToOrigin } from "../../../coordinator/core/graph.ts";
import { completeOverlay, shippedOverlay } from "../../../sim/core/overlay.ts";

describe("overlays", () => {
  it("link everyone to everyone but themselves, and the origin to all", () => {
    expect(completeOverlay(3).map((neighbours) => [...neighbours])).toEqual([
      [1, 2],
      [0, 2],
      [0, 1],
      [0, 1, 2],
    ]);
  });

  it("have the edges of the shipped graph and its links to the origin", () => {
    const overlay = shippedOverlay(100, 5);
    const graph = buildGraph(100, 5);
    for (let rank = 0; rank < 100; rank++) expect(new Set(overlay[rank])).toEqual(graph.get(rank));
    const linked = [...graph.keys()].filter((rank) => linksToOrigin(rank, 100));
    expect([...(overlay[100] ?? [])]).toEqual(linked);
  });
});
