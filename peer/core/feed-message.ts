// The one message between nodes that BitTorrent does not know: which stripes a node wants as they come. A kind that no
// extension uses, and a set of stripes in one byte.
import { ALL_STRIPES, type StripeSet, TREES_OFF } from "../../protocol/stripes.ts";

export const FEED_KIND = 64;
/** Its kind and the set. */
export const FEED_BYTES = 2;

export type FeedWish =
  /** Bring these as they come, and no others. */
  | { readonly kind: "feed"; readonly stripes: StripeSet }
  /** Something is wrong with the trees: everybody asks from now on. */
  | { readonly kind: "trees-off" };

/** With its length in front, as it goes onto the wire. */
export function feedMessage(stripes: StripeSet | typeof TREES_OFF): Uint8Array {
  return Uint8Array.of(0, 0, 0, FEED_BYTES, FEED_KIND, stripes);
}

/** From its kind on; null when it is something else, or names stripes that there are not. */
export function readFeed(message: Uint8Array): FeedWish | null {
  const [kind, stripes] = message;
  if (message.length !== FEED_BYTES || kind !== FEED_KIND || stripes === undefined) return null;
  if (stripes === TREES_OFF) return { kind: "trees-off" };
  return stripes <= ALL_STRIPES ? { kind: "feed", stripes } : null;
}
