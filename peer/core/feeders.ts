// The stripes of a download that come without being asked for: who brings which, and when the trees are given up. A
// node that is fed asks nobody, as what it asked for would share links with what is brought and hold up all below. So
// it is all or nothing: once something is wrong, every neighbour hears of it, tells its own, and all of them ask.
import { bitCount } from "../../protocol/bitfield.ts";
import type { Millis } from "../../protocol/ids.ts";
import {
  hasStripe,
  NO_STRIPES,
  STRIPE_COUNT,
  type StripeSet,
  stripeMask,
  stripeOf,
  TREES_OFF,
  withStripe,
} from "../../protocol/stripes.ts";
import {
  countProductive,
  countUseful,
  type DownloadState,
  type Link,
  recordAsk,
  startPiece,
} from "./download-state.ts";
import type { Turn } from "./download-turn.ts";
import type { PieceProgress } from "./piece-progress.ts";

/** Pieces of a stripe that somebody has before us: twice what the deepest tree of 100,000 members explains. */
const BEHIND_MAX = 32;
/** A stripe has fallen so far behind the other since it began: more than jitter, if its rate is less than half, too. */
const FALLEN_BEHIND_MAX = 8;
/** With fewer, a stripe would be over before it could be seen to be behind. */
const FED_PIECES_MIN = 4 * BEHIND_MAX;
/** Nothing comes of a stripe for so long, and somebody has more of it. */
const SILENCE_MS_MAX = 1_000;
/** The same when nobody is known to have more, or nothing has come yet. */
const IDLE_MS_MAX = 10_000;
/** Nothing comes for as long as so many pieces took before. */
const SILENT_TURNS = 8;
/** Pieces of one link that have begun to come: a feeder sends one after the other, and a cancel may cut one short. */
const COMING_MAX = 4;

export interface FeedState {
  /** By stripe; null where nobody brings it. */
  readonly feeders: (Link | null)[];
  /** By stripe: when it was to begin. */
  readonly since: Millis[];
  /** By stripe: when the last of it came. */
  readonly fedAt: Millis[];
  /** By stripe: pieces that have begun to come. */
  readonly begun: number[];
  /** By stripe: how many of the other had begun before the first of it, as its way here is longer. */
  readonly beforeFirst: number[];
  /** Somebody brings something: nothing is asked for. */
  isFed: boolean;
  /** The trees are given up for good. */
  isOff: boolean;
}

export function newFeedState(): FeedState {
  const zeros = (): number[] => new Array<number>(STRIPE_COUNT).fill(0);
  return {
    feeders: new Array<Link | null>(STRIPE_COUNT).fill(null),
    since: zeros(),
    fedAt: zeros(),
    begun: zeros(),
    beforeFirst: zeros(),
    isFed: false,
    isOff: false,
  };
}

/** Stripes this link brings from now on, and no others; those that another brings come from that one. */
export function setFeeder(turn: Turn, link: Link, stripes: StripeSet): void {
  const { state, now } = turn;
  const { feeds, geometry } = state;
  if (feeds.isOff || state.verified.isFull || geometry.pieceCount < FED_PIECES_MIN) return;
  const before = link.feeds;
  link.feeds = NO_STRIPES;
  for (const [stripe, feeder] of feeds.feeders.entries()) {
    if (feeder !== null && feeder !== link) continue;
    const brings = hasStripe(stripes, stripe);
    feeds.feeders[stripe] = brings ? link : null;
    if (!brings) continue;
    link.feeds = withStripe(link.feeds, stripe);
    feeds.since[stripe] = now;
    feeds.fedAt[stripe] = now;
  }
  setFed(
    state,
    feeds.feeders.some((feeder) => feeder !== null),
  );
  if (!state.paused && link.feeds !== before)
    turn.out.push({ kind: "feed", link: link.id, stripes: link.feeds });
}

function setFed(state: DownloadState, isFed: boolean): void {
  const wasFed = state.feeds.isFed;
  state.feeds.isFed = isFed;
  if (isFed || !wasFed) return;
  for (const link of state.links.values()) {
    countUseful(state, link);
    countProductive(state, link);
  }
}

/** Feeders bring what they are to bring, or nothing while this node stands still. */
export function tellFeeders({ state, now, out }: Turn): void {
  const { feeds } = state;
  if (!feeds.isFed) return;
  feeds.since.fill(now);
  feeds.fedAt.fill(now);
  feeds.begun.fill(0);
  for (const link of state.links.values())
    if (link.feeds !== NO_STRIPES)
      out.push({ kind: "feed", link: link.id, stripes: state.paused ? NO_STRIPES : link.feeds });
}

/** The link brings nothing any more. Before anything is to come, another may take its place. */
export function forgetFeeder(turn: Turn, link: Link): void {
  const { feeds, paused, verified } = turn.state;
  if (!feeds.feeders.includes(link)) return;
  if (paused && verified.count === 0) return setFeeder(turn, link, NO_STRIPES);
  turnOff(turn);
}

/** All neighbours hear of it. What is on its way is taken as it comes. */
export function turnOff({ state, out }: Turn): void {
  const { feeds } = state;
  if (feeds.isOff) return;
  feeds.isOff = true;
  if (!feeds.isFed || state.verified.isFull) return;
  feeds.feeders.fill(null);
  setFed(state, false);
  state.offerGeneration += 1;
  for (const link of state.links.values()) {
    if (!link.isFleetNode) continue;
    out.push({ kind: "feed", link: link.id, stripes: TREES_OFF });
    // Whom they may ask for what they can only know from this.
    if (state.news.takeFor(link).length > 0) out.push({ kind: "have-these", link: link.id });
  }
}

/** To be called now and then. */
export function checkFeeders(turn: Turn): void {
  const { state, now } = turn;
  if (!state.feeds.isFed || state.paused) return;
  // Who may take only so much must be able to ask for only so much.
  let isLate = state.budget.isLimited;
  for (let stripe = 0; stripe < STRIPE_COUNT; stripe += 1) isLate ||= isStripeLate(state, stripe, now);
  if (isLate) turnOff(turn);
}

function isStripeLate(state: DownloadState, stripe: number, now: Millis): boolean {
  const { fedAt, since, begun, beforeFirst } = state.feeds;
  const [last = now, first = now, count = 0] = [fedAt[stripe], since[stripe], begun[stripe]];
  const behindOther = Math.max(...begun) - count;
  const fallenBehind = count === 0 ? 0 : behindOther - (beforeFirst[stripe] ?? 0);
  if (fallenBehind > Math.max(FALLEN_BEHIND_MAX, count)) return true;
  const behind = Math.max(neighboursAhead(state, stripe), behindOther);
  if (behind > BEHIND_MAX) return true;
  const patienceMs = behind > 0 && count > 0 ? SILENCE_MS_MAX : IDLE_MS_MAX;
  const turnsMs = count > 0 ? (SILENT_TURNS * (last - first)) / count : 0;
  return now - last > Math.max(patienceMs, turnsMs) && !hasWhole(state, stripe);
}

/** Pieces of a stripe that a neighbour has and this node lacks; the origin, which has them all, aside. */
function neighboursAhead({ verified, links }: DownloadState, stripe: number): number {
  const theirs: Uint32Array[] = [];
  for (const { has, isOrigin } of links.values()) if (!isOrigin) theirs.push(has.words);
  const mask = stripeMask(stripe);
  let count = 0;
  for (let at = 0; at < verified.words.length; at += 1) {
    let there = 0;
    for (const words of theirs) there |= words[at] ?? 0;
    count += bitCount((there & ~(verified.words[at] ?? 0) & mask) >>> 0);
  }
  return count;
}

function hasWhole({ verified }: DownloadState, stripe: number): boolean {
  for (let piece = stripe; piece < verified.length; piece += STRIPE_COUNT)
    if (!verified.has(piece)) return false;
  return true;
}

/**
 * A block came that was not asked for. When its piece is one this link brings, all of it counts as asked for, so that
 * what is missing of it is missed as anything else.
 */
export function expectFed(turn: Turn, link: Link, piece: number): void {
  const { state, now } = turn;
  const stripe = stripeOf(piece);
  if (!hasStripe(link.feeds, stripe)) return;
  // It came twice: its sender waits to hear that it is here.
  if (state.verified.has(piece)) turn.out.push({ kind: "have", link: link.id, piece });
  if (state.verified.has(piece) || link.filling >= COMING_MAX) return;
  const progress = state.active.get(piece) ?? beginFed(state, link, piece);
  if (progress.exclusive || progress.asked.includes(link.id)) return;
  for (let block = 0; block < progress.blockCount; block += 1)
    if (progress.mayAsk(block)) recordAsk(state, link, { progress, block, now, isFed: true });
}

/** To be called for every block that was fed. */
export function noteFed({ state, now }: Turn, piece: number): void {
  state.feeds.fedAt[stripeOf(piece)] = now;
}

function beginFed(state: DownloadState, link: Link, piece: number): PieceProgress {
  const stripe = stripeOf(piece);
  const { begun, beforeFirst } = state.feeds;
  if (begun[stripe] === 0) beforeFirst[stripe] = Math.max(...begun);
  begun[stripe] = (begun[stripe] ?? 0) + 1;
  return startPiece(state, link, piece);
}
