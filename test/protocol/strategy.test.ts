// How a person writes a share of the fleet, and how many nodes that is.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { NODES_MAX } from "../../protocol/limits.ts";
import {
  DEFAULT_STRATEGY,
  parseShare,
  type Share,
  shareOf,
  shareSchema,
  strategySchema,
} from "../../protocol/strategy.ts";
import { arbitraryOf } from "./support/arbitraries.ts";

const share: fc.Arbitrary<Share> = arbitraryOf(shareSchema);
const fleetSize = fc.integer({ min: 1, max: NODES_MAX });

describe("a share is read from", () => {
  test.each<[string, Share]>([
    ["1", { kind: "nodes", value: 1 }],
    ["25", { kind: "nodes", value: 25 }],
    ["100000", { kind: "nodes", value: 100_000 }],
    ["1%", { kind: "percent", value: 1 }],
    ["100%", { kind: "percent", value: 100 }],
    [" 10% ", { kind: "percent", value: 10 }],
  ])("%j", (source, expected) => {
    expect(parseShare(source, "--rolling")).toEqual(expected);
  });
});

describe("a share is not read from", () => {
  test.each([
    "",
    " ",
    "0",
    "0%",
    "101%",
    "150%",
    "abc",
    "-1",
    "+1",
    "1.5",
    "1e3",
    "10 %",
    "%",
    "%10",
    "10%%",
    "1,000",
  ])("%j", (source) => {
    expect(() => parseShare(source, "--rolling")).toThrow(
      expect.objectContaining({
        code: "strategy-invalid",
        exitCode: 2,
        message: expect.stringContaining(`--rolling ${source}`),
      }),
    );
  });

  test.each(["100001", "999999999", "1000000000", "٣", "１０％", "0x10", "10%\n1", "Infinity"])(
    "%j",
    (source) => {
      expect(() => parseShare(source, "--rolling")).toThrow(
        expect.objectContaining({ code: "strategy-invalid" }),
      );
    },
  );
});

test("a share is written as it is read", () => {
  fc.assert(
    fc.property(share, (given) => {
      expect(parseShare(`${given.value}${given.kind === "percent" ? "%" : ""}`, "--rolling")).toEqual(given);
    }),
  );
});

describe("the nodes of a share", () => {
  test.each<[string, number, number]>([
    ["10%", 100, 10],
    ["10%", 19, 1],
    ["10%", 9, 1],
    ["25%", 8, 2],
    ["33%", 10, 3],
    ["99%", 100, 99],
    ["100%", 7, 7],
    ["3", 8, 3],
    ["9", 8, 8],
    ["1", 1, 1],
  ])("%s of %d are %d", (source, nodeCount, expected) => {
    expect(shareOf(parseShare(source, "--rolling"), nodeCount)).toBe(expected);
  });

  test("are at least one and at most all, in whole nodes", () => {
    fc.assert(
      fc.property(share, fleetSize, (given, nodeCount) => {
        const nodes = shareOf(given, nodeCount);
        expect(Number.isSafeInteger(nodes)).toBe(true);
        expect(nodes).toBeGreaterThanOrEqual(1);
        expect(nodes).toBeLessThanOrEqual(nodeCount);
      }),
    );
  });

  test("are never more than the share, but for the one that there must be", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 100 }), fleetSize, (value, nodeCount) => {
        const nodes = shareOf({ kind: "percent", value }, nodeCount);
        if (nodes > 1) expect(nodes * 100).toBeLessThanOrEqual(value * nodeCount);
      }),
    );
  });

  test("do not shrink when the fleet or the share grows", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 99 }), fleetSize, (value, nodeCount) => {
        const nodes = shareOf({ kind: "percent", value }, nodeCount);
        expect(shareOf({ kind: "percent", value }, nodeCount + 1)).toBeGreaterThanOrEqual(nodes);
        expect(shareOf({ kind: "percent", value: value + 1 }, nodeCount)).toBeGreaterThanOrEqual(nodes);
      }),
    );
  });
});

test("the default strategy is one that may be asked for", () => {
  expect(strategySchema.decode(DEFAULT_STRATEGY, "strategy")).toEqual(DEFAULT_STRATEGY);
});
