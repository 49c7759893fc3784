// A release in stripes: piece p belongs to stripe p mod STRIPE_COUNT. In a large fleet each stripe goes along a tree of
// its own, so that a node passes on one of them only. Sets of stripes travel as numbers, stripe 0 in the lowest bit.

/** A power of two, so that 32 pieces of a bit set show the same stripes as the next 32. */
export const STRIPE_COUNT = 2;

export type StripeSet = number;

export const NO_STRIPES: StripeSet = 0;
export const ALL_STRIPES: StripeSet = (1 << STRIPE_COUNT) - 1;

/** Said in place of stripes: from now on nobody brings anybody anything, and all ask. */
export const TREES_OFF = 0x80;

export function stripeOf(piece: number): number {
  return piece % STRIPE_COUNT;
}

export function hasStripe(stripes: StripeSet, stripe: number): boolean {
  return (stripes & (1 << stripe)) !== 0;
}

export function withStripe(stripes: StripeSet, stripe: number): StripeSet {
  return stripes | (1 << stripe);
}

/** Of 32 pieces of a bit set, the first in the top bit, those of one stripe. */
export function stripeMask(stripe: number): number {
  let mask = 0;
  for (let bit = stripe; bit < 32; bit += STRIPE_COUNT) mask |= 0x8000_0000 >>> bit;
  return mask >>> 0;
}
