// The piece length: a power of two that keeps forwarding cheap and the torrent small.
import fc from "fast-check";
import { expect, test } from "vitest";
import { ARTIFACT_BYTES_MAX, PIECE_LENGTH_MAX, PIECES_MAX } from "../../../protocol/limits.ts";
import { pieceLengthFor } from "../../../seeder/core/piece-length.ts";

const KIB = 1024;
const MIB = 1024 * KIB;
const GIB = 1024 * MIB;
const FLOOR = 32 * KIB;

test.each([
  ["an empty kind of artifact", 1, 1, 32 * KIB],
  ["a small artifact for a large fleet", 10 * MIB, 1_000, 32 * KIB],
  ["16 MiB for 16 nodes", 16 * MIB, 16, 32 * KIB],
  ["8 MiB for 40 nodes", 8 * MIB, 40, 32 * KIB],
  ["100 MB for 8 nodes", 100_000_000, 8, 128 * KIB],
  ["1 GiB for 20 nodes", GIB, 20, MIB],
  ["1 GiB for 60 nodes", GIB, 60, 512 * KIB],
  ["1 GiB for one node, as for sixteen", GIB, 1, 2 * MIB],
  ["10 GiB for one node", 10 * GIB, 1, 4 * MIB],
  ["10 GiB for ten thousand nodes: as many pieces as there may be", 10 * GIB, 10_000, 512 * KIB],
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
      expect(pieceLength).toBeGreaterThanOrEqual(FLOOR);
      expect(pieceLength).toBeLessThanOrEqual(PIECE_LENGTH_MAX);
      expect(Math.ceil(bytes / pieceLength)).toBeLessThanOrEqual(PIECES_MAX);
    }),
  );
});

test("unless a bound stops it, forwarding costs at most 1/32 and half as many pieces would cost more", () => {
  fc.assert(
    fc.property(length, fc.integer({ min: 16, max: 100_000 }), (bytes, nodes) => {
      const pieceLength = pieceLengthFor(bytes, nodes);
      const fewestAllowed = bytes / PIECES_MAX > pieceLength / 2;
      if (pieceLength > FLOOR && !fewestAllowed) {
        expect((nodes * pieceLength) / bytes).toBeLessThanOrEqual(1 / 32);
        expect(bytes / pieceLength).toBeGreaterThanOrEqual(20 * Math.log2(nodes));
      }
      if (pieceLength < 4 * MIB)
        expect((Math.max(16, nodes) * 2 * pieceLength) / bytes).toBeGreaterThan(1 / 32);
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

test("it grows with the artifact and shrinks with the fleet", () => {
  fc.assert(
    fc.property(length, nodeCount, (bytes, nodes) => {
      const half = Math.ceil(bytes / 2);
      expect(pieceLengthFor(half, nodes)).toBeLessThanOrEqual(pieceLengthFor(bytes, nodes));
      expect(pieceLengthFor(bytes, 2 * nodes)).toBeLessThanOrEqual(pieceLengthFor(bytes, nodes));
    }),
  );
});
