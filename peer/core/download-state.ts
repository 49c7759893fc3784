// What a download knows: its links, what it has asked of them, and the pieces under way. Shared by the machine
// (download.ts) and its policy (request-choice.ts); owns the bookkeeping that keeps both views of a request equal.
import { Bitfield, bitCount } from "../../protocol/bitfield.ts";
import type { Millis } from "../../protocol/ids.ts";
import { NO_STRIPES, type StripeSet } from "../../protocol/stripes.ts";
import type { Culprits } from "./culprits.ts";
import type { DownloadConfig } from "./download-config.ts";
import type { FarSide, FarState } from "./far-links.ts";
import type { FeedState } from "./feeders.ts";
import {
  BLOCK_BYTES,
  blockBytes,
  blockCount,
  blockKey,
  blockOfKey,
  type Geometry,
  type LinkId,
  pieceOfKey,
} from "./geometry.ts";
import type { News } from "./news.ts";
import { PieceProgress } from "./piece-progress.ts";
import type { Rarity } from "./rarity.ts";
import { BurstRate, type SampledRate } from "./rate.ts";
import type { BudgetShare } from "./rate-budget.ts";

/** Cancelled requests whose answer may still be under way; beyond that an answer counts as unasked for. */
const CANCELLED_MAX = 1_024;

export interface Link {
  readonly id: LinkId;
  /** Who answers for the bytes it sends. */
  readonly source: string;
  readonly isOrigin: boolean;
  /** Null unless it leads into another zone. */
  far: FarSide | null;
  /** What the remote has said it has. */
  readonly has: Bitfield;
  /** Whether its pieces are in the rarity count (link-copies.ts). */
  counted: boolean;
  announced: boolean;
  /** It understands what only nodes of a fleet say, such as many pieces at once. */
  readonly isFleetNode: boolean;
  choked: boolean;
  interested: boolean;
  /** Pieces it has and we lack. Not kept while pieces are brought: nobody is asked then. */
  useful: number;
  /** Block key → when it was asked for, oldest first; null when it comes without being asked for. */
  readonly open: Map<number, Millis | null>;
  /** Stripes it brings without being asked. */
  feeds: StripeSet;
  /** Counted in `productiveLinks`. */
  productive: boolean;
  /** How many of the news it has heard. */
  told: number;
  cancelled: Set<number> | null;
  own: PieceProgress | null;
  /** Pieces it started that still lack blocks. */
  filling: number;
  readonly rate: BurstRate;
  /** The least time from a request to its block: the way there and back, without queues. Infinite until the first. */
  answerMsMin: number;
  /** Since when it has owed blocks without sending one; null while it owes none. */
  owesSince: Millis | null;
  /** How long it was silent so far when others had sent all that it owed: it goes on from there when asked again. */
  silentMs: number;
  /** Silent for longer than can be a turn that has not come; until it answers or is given up on. */
  stalled: boolean;
  /** Times it became so. */
  stalls: number;
  /** Times its requests were taken back since it last sent a block. */
  giveUps: number;
  /** Blocks it has sent. */
  blocks: number;
  /** Blocks in a row that came one by one and late, and times it was given up on meanwhile. */
  trickled: number;
  /** Grows with each piece it claims and refuses, shrinks with each block it sends. */
  refusalScore: number;
  pausedUntil: Millis;
  /** Pieces it would not send just now, and since when; asked for again after a while. Few links refuse any. */
  refused: Bitfield | null;
  readonly refusals: { readonly piece: number; readonly at: Millis }[];
  /** Of these, since it last sent a block. */
  refusedInRow: number;
  /** The offer generation at which no piece could be started on it. */
  exhaustedAt: number;
  unaskedBytes: number;
}

export interface DownloadState {
  readonly geometry: Geometry;
  readonly config: DownloadConfig;
  readonly verified: Bitfield;
  /** Pieces this node asks the origin for first. */
  readonly share: Bitfield;
  readonly rarity: Rarity;
  readonly culprits: Culprits;
  readonly links: Map<LinkId, Link>;
  /** Started pieces, until they are verified or given back. */
  readonly active: Map<number, PieceProgress>;
  /** Those of them with blocks that nobody was asked for; about one per link. */
  readonly unfilled: Set<PieceProgress>;
  /** Blocks asked for on all links. */
  openBlocks: number;
  /** Grows whenever a piece can be started again. */
  offerGeneration: number;
  readonly news: News;
  nextPatienceAt: Millis | null;
  /** What may be asked for. */
  readonly budget: BudgetShare;
  /** A link would ask for more, and waits for the budget until then. */
  budgetAt: Millis | null;
  /** The link that was asked last. */
  lastAsked: LinkId | null;
  paused: boolean;
  /** What all links bring together. */
  readonly received: SampledRate;
  /** Requests that may be open on all links together; follows the rate. */
  openBlocksMax: number;
  /** Links that could send something now; each gets its part of what all may ask for. */
  productiveLinks: number;
  finished: boolean;
  readonly far: FarState;
  readonly feeds: FeedState;
}

export function newLink(
  id: LinkId,
  state: DownloadState,
  { source, isOrigin, isFleetNode = false }: { source: string; isOrigin: boolean; isFleetNode?: boolean },
): Link {
  return {
    id,
    source,
    isOrigin,
    far: null,
    has: new Bitfield(state.geometry.pieceCount),
    counted: false,
    announced: false,
    isFleetNode,
    choked: true,
    interested: false,
    useful: 0,
    open: new Map(),
    feeds: NO_STRIPES,
    productive: false,
    told: state.news.length,
    cancelled: null,
    own: null,
    filling: 0,
    rate: new BurstRate(),
    answerMsMin: Number.POSITIVE_INFINITY,
    owesSince: null,
    silentMs: 0,
    stalled: false,
    stalls: 0,
    giveUps: 0,
    blocks: 0,
    trickled: 0,
    refusalScore: 0,
    pausedUntil: 0,
    refused: null,
    refusals: [],
    refusedInRow: 0,
    exhaustedAt: -1,
    unaskedBytes: 0,
  };
}

/**
 * Started pieces that may be in memory at once: what each link needs for the smallest window, and some on their way
 * to the disk; more, to fill wide windows, only within the share that a crash may cost.
 */
export function activePiecesMax(state: DownloadState): number {
  const { activeShareMax, activePiecesMin, activeBytesMin, activeBytesMax, settlingPieces } = state.config;
  const { length, pieceLength } = state.geometry;
  const needed = state.links.size * piecesPerLinkMin(state) + settlingPieces;
  const toFillWindows = needed + Math.ceil((state.openBlocksMax * BLOCK_BYTES) / pieceLength);
  const affordable = Math.floor(Math.max(activeBytesMin, length * activeShareMax) / pieceLength);
  const wanted = Math.max(needed, Math.min(toFillWindows, affordable));
  return Math.max(activePiecesMin, Math.min(wanted, Math.floor(activeBytesMax / pieceLength)));
}

/** Pieces that hold the smallest window of one link. */
function piecesPerLinkMin(state: DownloadState): number {
  return Math.ceil((state.config.windowBlocksMin * BLOCK_BYTES) / state.geometry.pieceLength);
}

/**
 * Follows the rate at which blocks arrive: what all links together are asked for arrives within the way there and
 * back, which hides the way, and `openSeconds` more, which is what may wait in queues. On a long way as much more as
 * the way takes: windows are refilled in groups, and with less to spare the rate would never show that more could come.
 */
export function resizeOpenBlocks(state: DownloadState): void {
  const { openSeconds, openBytesFirst } = state.config;
  const waySeconds = answerMsMean(state) / 1000;
  const wanted = state.received.bytesPerSecond * (waySeconds + Math.max(openSeconds, waySeconds));
  state.openBlocksMax = Math.ceil(
    Math.max(openBytesFirst, Math.min(openBytesMost(state), wanted)) / BLOCK_BYTES,
  );
}

/** One more request may be open. */
export function growOpenBlocks(state: DownloadState): void {
  if (state.openBlocksMax * BLOCK_BYTES < openBytesMost(state)) state.openBlocksMax += 1;
}

function openBytesMost({ config, geometry }: DownloadState): number {
  const { openBytesMin, openShareMax, openBytesMax } = config;
  return Math.max(openBytesMin, Math.min(openBytesMax, geometry.length * openShareMax));
}

function answerMsMean(state: DownloadState): number {
  let sum = 0;
  let count = 0;
  for (const { answerMsMin } of state.links.values()) {
    if (answerMsMin === Number.POSITIVE_INFINITY) continue;
    sum += answerMsMin;
    count += 1;
  }
  return count === 0 ? 0 : sum / count;
}

export function openBytes(link: Link): number {
  return link.open.size * BLOCK_BYTES;
}

/** Anew: what it has and is not here. */
export function countUseful({ verified }: DownloadState, link: Link): void {
  const { words } = link.has;
  link.useful = 0;
  for (let at = 0; at < words.length; at += 1)
    link.useful += bitCount(((words[at] ?? 0) & ~(verified.words[at] ?? 0)) >>> 0);
}

/** To be called whenever a link may have become able to send something, or unable. */
export function countProductive(state: DownloadState, link: Link): void {
  const productive = !link.choked && link.useful > 0 && state.links.get(link.id) === link;
  if (productive === link.productive) return;
  link.productive = productive;
  state.productiveLinks += productive ? 1 : -1;
}

/**
 * So many in a row make a trickle. A remote that is busy with others sends several blocks at once when our turn comes,
 * all but the first of them quickly; one that never does is not busy but slow.
 */
export const TRICKLE_MIN = 3;

/**
 * How many requests this link should have open. One that stalls, had to be given up on, or trickles, is probed with
 * one: what it holds back then is a single block, which others are asked for as well.
 */
export function windowBlocks(state: DownloadState, link: Link): number {
  if (link.stalled || link.giveUps > 0 || link.trickled >= TRICKLE_MIN) return 1;
  const { windowSeconds, windowBlocksMin, windowBlocksMax } = state.config;
  // A rate that was measured through a small window is the window's own: only one that covers the way can grow.
  const waySeconds = Number.isFinite(link.answerMsMin) ? link.answerMsMin / 1000 : 0;
  const wanted = Math.ceil(((windowSeconds + waySeconds) * link.rate.bytesPerSecond) / BLOCK_BYTES);
  const part = Math.ceil(state.openBlocksMax / Math.max(1, state.productiveLinks));
  return Math.max(windowBlocksMin, Math.min(windowBlocksMax, wanted, part));
}

/** Whether a link may start one more piece, so that the first to ask does not take all that may be started. */
export function mayStart(state: DownloadState, link: Link): boolean {
  const piecesMax = activePiecesMax(state);
  if (state.active.size >= piecesMax) return false;
  return (
    link.filling <
    Math.max(piecesPerLinkMin(state), Math.floor(piecesMax / Math.max(1, state.productiveLinks)))
  );
}

export function recordAsk(
  state: DownloadState,
  link: Link,
  ask: { progress: PieceProgress; block: number; now: Millis; isFed?: boolean },
): void {
  ask.progress.ask(ask.block, link.id);
  if (ask.progress.missing === 0) state.unfilled.delete(ask.progress);
  link.open.set(blockKey(ask.progress.piece, ask.block), ask.isFed === true ? null : ask.now);
  link.owesSince ??= ask.now - link.silentMs;
  state.openBlocks += 1;
  state.lastAsked = link.id;
  state.budget.take(blockBytes(state.geometry, ask.progress.piece, ask.block));
}

/** The remote has nothing to answer any more, though it did not answer. To be called whenever a request was removed. */
export function keepSilence(link: Link, now: Millis): void {
  if (link.open.size > 0 || link.owesSince === null) return;
  link.silentMs = now - link.owesSince;
  link.owesSince = null;
}

/** The silence is over, or counts from now on. */
export function forgetSilence(link: Link, now: Millis): void {
  link.stalled = false;
  link.silentMs = 0;
  link.owesSince = link.open.size > 0 ? now : null;
}

/** The request is over: refused, cancelled or lost with its link. False when there was none. */
export function forgetAsk(state: DownloadState, link: Link, key: number, now: Millis): boolean {
  if (!link.open.delete(key)) return false;
  keepSilence(link, now);
  state.openBlocks -= 1;
  state.budget.giveBack(blockBytes(state.geometry, pieceOfKey(key), blockOfKey(key)));
  const progress = state.active.get(pieceOfKey(key));
  progress?.giveUp(blockOfKey(key), link.id);
  if (progress !== undefined && progress.missing > 0) state.unfilled.add(progress);
  return true;
}

/** The remote would not send it just now. False when that is known. */
export function rememberRefusal(state: DownloadState, link: Link, piece: number): boolean {
  link.refused ??= new Bitfield(state.geometry.pieceCount);
  return link.refused.add(piece);
}

export function isRefused(link: Link, piece: number): boolean {
  return link.refused?.has(piece) === true;
}

export function rememberCancelled(link: Link, key: number): void {
  link.cancelled ??= new Set();
  const [oldest] = link.cancelled;
  if (link.cancelled.size >= CANCELLED_MAX && oldest !== undefined) link.cancelled.delete(oldest);
  link.cancelled.add(key);
}

/** The piece it was filling is anybody's now. */
export function disown(link: Link): void {
  if (link.own !== null) link.own.owner = null;
  link.own = null;
}

/** From now on the link fills it, and nobody else starts it. */
export function startPiece(state: DownloadState, link: Link, piece: number): PieceProgress {
  const progress = new PieceProgress({
    piece,
    blockCount: blockCount(state.geometry, piece),
    startedBy: link.id,
    exclusive: state.culprits.isSuspect(piece),
  });
  link.filling += 1;
  state.rarity.withdraw(piece);
  state.active.set(piece, progress);
  return progress;
}

/** All blocks of the piece are here, or none is wanted any more: its starter may start another. */
export function stopFilling(state: DownloadState, progress: PieceProgress): void {
  state.unfilled.delete(progress);
  const starter = state.links.get(progress.startedBy);
  if (starter !== undefined && !progress.isFilled) starter.filling -= 1;
  progress.isFilled = true;
}

/** The piece has to be fetched from the start. */
export function offerAgain(state: DownloadState, progress: PieceProgress): void {
  const { piece } = progress;
  stopFilling(state, progress);
  state.active.delete(piece);
  state.rarity.offer(piece);
  state.offerGeneration += 1;
}
