// The kinds of events of a simulated swarm, as the numbers that the event queue keeps: each happens to one member, and
// many are about a link and a block, which travel as one number. Never decides what an event does.
import type { LinkId } from "../../peer/core/geometry.ts";
import { PIECES_MAX } from "../../protocol/limits.ts";

/** Blocks that a piece may travel in here: enough to see what finer ones are worth. */
export const BLOCKS_PER_PIECE_MAX = 16;
const BLOCKS_MAX = PIECES_MAX * BLOCKS_PER_PIECE_MAX;

export const EVENT = {
  /** It has heard GO. */
  start: 0,
  downloadTick: 1,
  uploadTick: 2,
  /** Messages, on a link. */
  requested: 3,
  cancelled: 4,
  interested: 5,
  has: 6,
  unchoked: 7,
  rejected: 8,
  /** A block for it: its last byte has left a sender in another zone. */
  left: 9,
  /** … is at its downlink. */
  arrived: 10,
  /** … is through it. */
  received: 11,
  /** It has hashed and written the piece that begins with the block. */
  verified: 12,
  /** It is gone for good: its links close. */
  leave: 13,
  /** It is gone for good, without a word. */
  vanish: 14,
  /** It notices that a link is dead. */
  noticed: 15,
  /** It loses its links for a while, and gets them back. */
  flap: 16,
  flapOver: 17,
  /** Nobody's: what the swarm has is written down. */
  sample: 18,
  /** The network's own: somewhere in it a block may be through. */
  drained: 19,
  /** Of which stripes somebody wants to be brought, as a message. */
  feed: 20,
  /** All that somebody has, as a message. */
  hasThese: 21,
} as const;

export type EventKind = (typeof EVENT)[keyof typeof EVENT];

export const EVENT_NAMES: readonly string[] = Object.keys(EVENT);

/** A link and a block of the artifact as one number. */
export function aboutOf(link: LinkId, block: number): number {
  return link * BLOCKS_MAX + block;
}

export function linkOf(about: number): LinkId {
  return Math.floor(about / BLOCKS_MAX);
}

/** Counted through the whole artifact. */
export function blockOf(about: number): number {
  return about % BLOCKS_MAX;
}
