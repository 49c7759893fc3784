// The kinds of events of a simulated swarm, as the numbers that the event queue keeps. What the other fields of an
// event mean stands beside each kind; never decides what an event does.

export const EVENT = {
  /** a: member. It has heard GO. */
  start: 0,
  /** a: member. */
  downloadTick: 1,
  uploadTick: 2,
  /** To a: member, on b: link. */
  requested: 3,
  cancelled: 4,
  interested: 5,
  has: 6,
  unchoked: 7,
  rejected: 8,
  /** a: member to which c: piece, d: block, of b: link comes; its last byte has left the sender. */
  left: 9,
  /** The same, at the receiver's downlink. */
  arrived: 10,
  /** The same, through it. */
  received: 11,
  /** a: member has hashed and written c: piece. */
  verified: 12,
  /** a: member is gone for good, without a word. */
  leave: 13,
  /** a: member notices that b: link is dead. */
  noticed: 14,
  /** a: member loses its links for a while, and gets them back. */
  flap: 15,
  flapOver: 16,
  /** What the swarm has is written down. */
  sample: 17,
} as const;

export type EventKind = (typeof EVENT)[keyof typeof EVENT];

export const EVENT_NAMES: readonly string[] = Object.keys(EVENT);
