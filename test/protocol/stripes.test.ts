// Sets of stripes, and which pieces they are of.
import { describe, expect, it } from "vitest";
import {
  ALL_STRIPES,
  hasStripe,
  NO_STRIPES,
  STRIPE_COUNT,
  stripeMask,
  stripeOf,
  TREES_OFF,
  withStripe,
} from "../../protocol/stripes.ts";

describe("stripes", () => {
  it("take turns over the pieces", () => {
    expect(Array.from({ length: 5 }, (_, piece) => stripeOf(piece))).toEqual([0, 1, 0, 1, 0]);
  });

  it("are all in the whole set, and none in the empty one", () => {
    for (let stripe = 0; stripe < STRIPE_COUNT; stripe += 1) {
      expect(hasStripe(ALL_STRIPES, stripe)).toBe(true);
      expect(hasStripe(NO_STRIPES, stripe)).toBe(false);
      expect(hasStripe(withStripe(NO_STRIPES, stripe), stripe)).toBe(true);
    }
  });

  it("are none of them meant by the word that ends all feeding", () => {
    expect(TREES_OFF & ALL_STRIPES).toBe(NO_STRIPES);
  });

  it("share out the bits of a word of a bit set, the first piece in the top bit", () => {
    expect(stripeMask(0)).toBe(0xaaaa_aaaa);
    expect(stripeMask(1)).toBe(0x5555_5555);
  });
});
