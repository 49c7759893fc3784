// The piece length: a power of two that keeps forwarding cheap and the torrent small.
import fc from "fast-check";
import { expect, test } from "vitest";
import {
  ARTIFACT_BYTES_MAX,
  PIECE_LENGTH_MAX,
  PIECE_LENGTH_MIN,
  PIECES_MAX,
} from "../../../protocol/limits.ts";
import { pieceLengthFor } from "../../../seeder/core/piece-length.ts";

const KIB = 1024;
const MIB = 1024 * KIB;
const GIB = 1024 * MIB;

test.each([
  ["an empty kind of artifact", 1, 1, 16 * KIB],
  ["a small artifact for a large fleet: its hashes would be more than its bytes", 10 * MIB, 1_000, 64 * KIB],
  ["16 MiB for 16 nodes", 16 * MIB, 16, 16 * KIB],
  ["8 MiB for 40 nodes", 8 * MIB, 40, 16 * KIB],
  ["100 MB for 8 nodes", 100_000_000, 8, 32 * KIB],
  ["1 GiB for 20 nodes", GIB, 20, 256 * KIB],
  ["1 GiB for one node, as for sixteen", GIB, 1, 256 * KIB],
  ["1 GiB for a thousand nodes", GIB, 1_000, 512 * KIB],
  ["1 GiB for ten thousand nodes", GIB, 10_000, 2 * MIB],
  ["10 GiB for one node", 10 * GIB, 1, 2 * MIB],
  ["10 GiB for ten thousand nodes", 10 * GIB, 10_000, 4 * MIB],
  ["256 GiB: more than the usual ceiling", 256 * GIB, 100, 8 * MIB],
  ["the largest artifact", ARTIFACT_BYTES_MAX, 100_000, PIECE_LENGTH_MAX],
])("%s", (_, length, nodeCount, pieceLength) => {
  expect(pieceLengthFor(length, nodeCount)).toBe(pieceLength);
});

const length = fc.oneof(
  fc.integer({ min: 1, max: 4 * GIB }),
  fc.integer({ min: 1, max: ARTIFACT_BYTES_MAX }),
);
const nodeCount = fc.integer({ min: 0, max: 100_000 });

test("it is a power of two within the protocol's bounds, with no more pieces than allowed", () => {
  fc.assert(
    fc.property(length, nodeCount, (bytes, nodes) => {
      const pieceLength = pieceLengthFor(bytes, nodes);
      expect(Number.isInteger(Math.log2(pieceLength))).toBe(true);
      expect(pieceLength).toBeGreaterThanOrEqual(PIECE_LENGTH_MIN);
      expect(pieceLength).toBeLessThanOrEqual(PIECE_LENGTH_MAX);
      expect(Math.ceil(bytes / pieceLength)).toBeLessThanOrEqual(PIECES_MAX);
    }),
  );
});

/** What waiting for whole pieces and handing out their hashes cost, in times the origin sends the artifact once. */
function costOf(pieceLength: number, bytes: number, nodes: number): number {
  return (5 * Math.log2(nodes) * pieceLength) / bytes + (20 * nodes) / pieceLength;
}

test("unless a bound stops it, neither half of it nor twice as much would cost less", () => {
  fc.assert(
    fc.property(length, fc.integer({ min: 16, max: 100_000 }), (bytes, nodes) => {
      const pieceLength = pieceLengthFor(bytes, nodes);
      const cost = costOf(pieceLength, bytes, nodes) * (1 + Number.EPSILON * 8);
      const isLongerForTheirNumber = bytes / pieceLength > 4_096 / Math.SQRT2 - 1;
      if (pieceLength < 4 * MIB) expect(cost).toBeLessThanOrEqual(costOf(2 * pieceLength, bytes, nodes));
      if (pieceLength > PIECE_LENGTH_MIN && !isLongerForTheirNumber)
        expect(cost).toBeLessThanOrEqual(costOf(pieceLength / 2, bytes, nodes));
    }),
  );
});

test("a fleet of fewer than sixteen nodes counts as sixteen", () => {
  fc.assert(
    fc.property(length, fc.integer({ min: 0, max: 15 }), (bytes, nodes) => {
      expect(pieceLengthFor(bytes, nodes)).toBe(pieceLengthFor(bytes, 16));
    }),
  );
});

test("it grows with the artifact and with the fleet", () => {
  fc.assert(
    fc.property(length, nodeCount, (bytes, nodes) => {
      const half = Math.ceil(bytes / 2);
      expect(pieceLengthFor(half, nodes)).toBeLessThanOrEqual(pieceLengthFor(bytes, nodes));
      expect(pieceLengthFor(bytes, 2 * nodes)).toBeGreaterThanOrEqual(pieceLengthFor(bytes, nodes));
    }),
  );
});
