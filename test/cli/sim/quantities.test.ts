// What a fleet is described with: what is read, and what is refused.
import { describe, expect, it } from "vitest";
import {
  FLAP,
  fileQuantity,
  LATE,
  LATENCY,
  listQuantity,
  NODE_COUNT,
  parseFlag,
  type Quantity,
  SEED,
  SHARE,
  SLOW,
} from "../../../cli/sim/quantities.ts";
import { failure } from "../../support/failure.ts";

const counts = listQuantity(NODE_COUNT, "10,100");

describe.each<[string, Quantity<unknown>, readonly (readonly [string, unknown])[], readonly string[]]>([
  [
    "a latency",
    LATENCY,
    [
      ["100us", 0.1],
      ["0.2ms", 0.2],
      ["1ms", 1],
      ["2s", 2000],
      ["0ms", 0],
    ],
    ["", "1", "ms", "-1ms", "1d", "11m", "1 ms"],
  ],
  [
    "a share",
    SHARE,
    [
      ["5%", 0.05],
      ["0%", 0],
      ["100%", 1],
      ["33.3%", 0.333],
    ],
    ["5", "101%", "-5%", "%", "5 %", "0.05"],
  ],
  [
    "a count of nodes",
    NODE_COUNT,
    [
      ["1", 1],
      ["100000", 100_000],
    ],
    ["0", "100001", "1.5", "1e3", "", "ten"],
  ],
  [
    "a list of counts",
    counts,
    [
      ["10", [10]],
      ["1000,10,100,10", [10, 100, 1000]],
      ["10, 20", [10, 20]],
    ],
    ["", "10,", "10;20", "10,0"],
  ],
  ["a seed", SEED, [["0", 0]], ["-1", "1.5", "x"]],
  [
    "slow nodes",
    SLOW,
    [
      ["5%@0.1", { share: 0.05, factor: 0.1 }],
      ["5%@1", { share: 0.05, factor: 1 }],
    ],
    ["5%", "5%@0", "5%@2", "5@0.1", "5%@0.1@0.1", "@"],
  ],
  ["late nodes", LATE, [["10%@30s", { share: 0.1, byMs: 30_000 }]], ["10%", "10%@30", "30s@10%", "10%@25h"]],
  [
    "flapping nodes",
    FLAP,
    [["2%@30s/5s", { share: 0.02, everyMs: 30_000, forMs: 5_000 }]],
    ["2%@30s", "2%@5s/30s", "2%@5s/5s", "2%/5s", "2%@30s/"],
  ],
])("%s", (_, quantity, right, wrong) => {
  it.each(right)("is read from %j", (source, value) => {
    expect(quantity.parse(source)).toEqual(value);
  });

  it.each(wrong)("is not read from %j", (source) => {
    expect(quantity.parse(source)).toBeNull();
  });
});

it("a flag that is wrong is named, with what would be right", () => {
  expect(() => parseFlag("--churn", "5", SHARE)).toThrow(
    expect.objectContaining(failure("usage", /^--churn 5: expected a share from 0% to 100%$/)),
  );
});

describe("in a file", () => {
  it("a count may be a number or text", () => {
    expect(fileQuantity(NODE_COUNT).decode(10, "nodes")).toBe(10);
    expect(fileQuantity(NODE_COUNT).decode("10", "nodes")).toBe(10);
  });

  it("anything else is named by its path", () => {
    expect(() => fileQuantity(NODE_COUNT).decode([], "nodes")).toThrow(
      "nodes: expected a whole number from 1",
    );
    expect(() => fileQuantity(SHARE).decode(0.05, "churn")).toThrow("churn: expected a share");
  });
});
