// The digest of a run: equal for equal histories, different for the smallest difference, and the same for ever.
import { describe, expect, test } from "vitest";
import { TraceHash } from "../../../sim/core/trace-hash.ts";

function digestOf(...events: readonly (readonly [number, number?, number?, number?])[]): string {
  const hash = new TraceHash();
  for (const event of events) hash.add(...event);
  return hash.digest();
}

describe("the digest of a trace", () => {
  test("is 16 hexadecimal digits, the same on every machine", () => {
    expect(digestOf()).toBe("c610ff712b84253c");
    expect(digestOf([1, 2, 3, 4], [5.25, -6, 2 ** 40, 0])).toBe("2cb354cabb927842");
  });

  test("can be asked for on the way without changing what comes after", () => {
    const hash = new TraceHash();
    hash.add(1);
    hash.digest();
    hash.add(2);
    expect(hash.digest()).toBe(digestOf([1], [2]));
  });

  test("takes what is not given as 0, and -0 as 0", () => {
    expect(digestOf([7])).toBe(digestOf([7, 0, -0, 0]));
  });

  test.each([
    ["the order of events", [[1], [2]], [[2], [1]]],
    ["the place of a number", [[1, 2]], [[2, 1]]],
    ["the last bit of a fraction", [[0.1 + 0.2]], [[0.3]]],
    ["a number beyond 32 bits", [[2 ** 40]], [[2 ** 41]]],
    ["a sign", [[1]], [[-1]]],
    ["one event more, all zeros", [[1]], [[1], [0]]],
  ] as const)("tells %s apart", (_, one, other) => {
    expect(digestOf(...one)).not.toBe(digestOf(...other));
  });

  test("never meets itself among a hundred thousand short histories", () => {
    const hash = new TraceHash();
    const seen = new Set<string>();
    for (let event = 0; event < 100_000; event++) {
      hash.add(event % 7, event % 3);
      seen.add(hash.digest());
    }
    expect(seen.size).toBe(100_000);
  });
});
