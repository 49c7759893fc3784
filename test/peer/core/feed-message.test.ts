// The message by which a node says what it wants as it comes.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FEED_KIND, feedMessage, readFeed } from "../../../peer/core/feed-message.ts";
import { ALL_STRIPES, TREES_OFF } from "../../../protocol/stripes.ts";

describe("the message that asks to be fed", () => {
  it("is read as it was written", () => {
    for (let stripes = 0; stripes <= ALL_STRIPES; stripes += 1)
      expect(readFeed(feedMessage(stripes).subarray(4))).toEqual({ kind: "feed", stripes });
    expect(readFeed(feedMessage(TREES_OFF).subarray(4))).toEqual({ kind: "trees-off" });
  });

  it("has its length in front", () => {
    const message = feedMessage(ALL_STRIPES);
    expect(Buffer.from(message).readUInt32BE()).toBe(message.length - 4);
  });

  it("is nothing when a byte is missing, or too many, or it names stripes that there are not", () => {
    for (const bytes of [
      [],
      [FEED_KIND],
      [FEED_KIND, 1, 1],
      [FEED_KIND, ALL_STRIPES + 1],
      [FEED_KIND - 1, 1],
    ])
      expect(readFeed(Uint8Array.from(bytes))).toBeNull();
  });

  it("never trips over bytes that are something else", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 6 }), (bytes) => {
        const wish = readFeed(bytes);
        if (wish?.kind === "feed") expect(wish.stripes).toBeLessThanOrEqual(ALL_STRIPES);
      }),
    );
  });
});
