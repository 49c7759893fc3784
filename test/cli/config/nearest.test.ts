// What a mistyped key was meant to be.
// Which right word is offered for a mistyped one.
import { describe, expect, it } from "vitest";
import { editDistance, nearest } from "../../../cli/config/nearest.ts";

const KEYS = ["rolling", "canary", "allAtOnce", "healthTimeout"];

describe("the nearest right word", () => {
  it.each([
    ["rollng", "rolling"],
    ["Rolling", "rolling"],
    ["canray", "canary"],
    ["all-at-once", "allAtOnce"],
    ["health_timeout", "healthTimeout"],
    ["healthtimout", "healthTimeout"],
    ["health", "healthTimeout"],
  ])("%s was meant to be %s", (word, meant) => {
    expect(nearest(word, KEYS)).toBe(meant);
  });

  it.each(["zzz", "x", "", "he", "completelyDifferent"])("makes no guess for %j", (word) => {
    expect(nearest(word, KEYS)).toBeNull();
  });

  it("counts insertions, deletions, substitutions and swaps of neighbours as one edit each", () => {
    expect(editDistance("", "abc")).toBe(3);
    expect(editDistance("abc", "abc")).toBe(0);
    expect(editDistance("abc", "abd")).toBe(1);
    expect(editDistance("abc", "acb")).toBe(1);
    expect(editDistance("kitten", "sitting")).toBe(3);
  });
});
