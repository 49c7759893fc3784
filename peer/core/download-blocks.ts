// Requests and their answers: keeps each link's window full, takes blocks in, and takes requests back.
// Never decides which block is next (request-choice.ts) or how long to wait (patience.ts).
import type { Millis } from "../../protocol/ids.ts";
import {
  type DownloadState,
  disown,
  forgetAsk,
  forgetSilence,
  growOpenBlocks,
  keepSilence,
  type Link,
  offerAgain,
  recordAsk,
  rememberCancelled,
  rememberRefusal,
  resizeOpenBlocks,
  stopFilling,
  TRICKLE_MIN,
  windowBlocks,
} from "./download-state.ts";
import { type BlockEvent, cutOff, orderOf, type Turn } from "./download-turn.ts";
import { expectFed, noteFed } from "./feeders.ts";
import { BLOCK_BYTES, blockBytes, blockKey, blockOfKey, pieceOfKey } from "./geometry.ts";
import { recount } from "./link-copies.ts";
import { tellingSilenceMs } from "./patience.ts";
import type { PieceProgress } from "./piece-progress.ts";
import { chooseBlock } from "./request-choice.ts";

/** After a piece had to start over: long enough that another link gets it. */
const FAILED_PAUSE_MS = 500;
/** A piece that was refused is not asked of the same remote again before this. */
const REFUSED_FOR_MS = 500;
/** With so many refusals in that time, and no block between, a remote is left alone: it serves nothing just now. */
const REFUSALS_MAX = 8;
/**
 * A remote that claims pieces and refuses them costs a message each time and holds nothing back, so it may do so for
 * a while: a node that is about to leave does. With three rounds of REFUSALS_MAX and no block to show for them it is
 * cut off and named. The origin refuses by its trade, as others are to have the pieces first, and is never judged by
 * this.
 */
const REFUSAL_SCORE_MAX = 3 * REFUSALS_MAX;
/** One block makes up for this many refusals. */
const REFUSALS_PER_BLOCK = 8;
/** Below 4 kB/s: a block that takes this long since it was asked for, or since the one before it, came late. */
const LATE_BLOCK_MS = 4_000;
/** Blocks nobody asked for: a megabyte may be a race, more is a flood. */
const UNASKED_BYTES_MAX = 1024 * 1024;

/** What comes along trees comes fast and is no news of use: so many pieces, or a 256th of all, are told as a set. */
const HAVES_MAX = 4;
const HAVES_SHARE_MAX = 1 / 256;

/** More would let a fast link run dry between two groups. */
const REFILL_BLOCKS_MAX = 4;

/** Asks for blocks until the link's window is full or it has nothing to offer. */
export function pump(turn: Turn, link: Link): void {
  const { state, now, out } = turn;
  if (state.paused || state.feeds.isFed || link.choked || link.useful === 0 || now < link.pausedUntil) return;
  if (link.refusedInRow >= REFUSALS_MAX) return;
  if (link.open.size > 0 && state.openBlocks >= state.openBlocksMax) return;
  const windowMax = windowBlocks(state, link);
  // Requests leave in groups: each for itself would cost a system call here and one there.
  if (link.open.size > windowMax - refillBlocks(state, windowMax)) return;
  const before = out.length;
  while (link.open.size < windowMax && (state.openBlocks < state.openBlocksMax || link.open.size === 0)) {
    if (!mayAsk(turn)) break;
    const choice = chooseBlock(state, link, now);
    if (choice === null) break;
    recordAsk(state, link, { ...choice, now });
    const key = blockKey(choice.progress.piece, choice.block);
    out.push({ kind: "request", ...orderOf(turn, link, key) });
  }
  if (out.length > before) tell(turn, link);
}

function mayAsk({ state, now }: Turn): boolean {
  if (state.budget.mayTake(now)) return true;
  state.budgetAt = state.budget.readyAt(now);
  return false;
}

/** Half a window, so that a link does not run dry; the smallest is refilled whole, as the others keep us busy. */
function refillBlocks({ geometry, config }: DownloadState, windowMax: number): number {
  const whole = Math.min(REFILL_BLOCKS_MAX, Math.ceil(geometry.pieceLength / BLOCK_BYTES));
  const part = windowMax <= config.windowBlocksMin ? windowMax : Math.floor(windowMax / 2);
  return Math.max(1, Math.min(whole, part));
}

/** Tells a link of the pieces it has not heard of. */
export function tell({ state, out }: Turn, link: Link): void {
  const pieces = state.news.takeFor(link);
  const isMuch = pieces.length >= Math.max(HAVES_MAX, state.geometry.pieceCount * HAVES_SHARE_MAX);
  if (isMuch && state.feeds.isFed && link.isFleetNode) out.push({ kind: "have-these", link: link.id });
  else for (const piece of pieces) out.push({ kind: "have", link: link.id, piece });
}

/** Links that were given up on get what the others leave. */
export function pumpAll(turn: Turn): void {
  const links = turn.state.budget.isLimited ? linksInTurn(turn.state) : turn.state.links;
  for (const link of links.values()) if (link.giveUps === 0) pump(turn, link);
  for (const link of links.values()) if (link.giveUps > 0) pump(turn, link);
}

/** Whoever came first would be asked for all that a limit allows: they take turns, a piece each. */
function linksInTurn({ links, lastAsked }: DownloadState): readonly Link[] {
  const last = lastAsked === null ? undefined : links.get(lastAsked);
  if (last === undefined) return [...links.values()];
  const goesOn = last.own !== null && last.own.missing > 0;
  const isNext = ({ id }: Link): boolean => id > last.id || (goesOn && id === last.id);
  const inOrder = [...links.values()];
  return [...inOrder.filter(isNext), ...inOrder.filter((link) => !isNext(link))];
}

export function onBlock(turn: Turn, link: Link, event: BlockEvent): void {
  const { state, now } = turn;
  const key = keyOf(state, event);
  if (key !== null && !link.open.has(key)) expectFed(turn, link, event.piece);
  const askedAt = key === null ? undefined : link.open.get(key);
  const asked = askedAt !== undefined;
  if (key === null || !(asked || link.cancelled?.has(key) === true)) {
    noteUnasked(turn, link, event.bytes.length);
    return;
  }
  if (asked) {
    notePace(turn, link);
    if (askedAt === null) noteFed(turn, event.piece);
    else link.answerMsMin = Math.min(link.answerMsMin, now - askedAt);
  } else state.budget.take(event.bytes.length);
  link.blocks += 1;
  link.refusedInRow = 0;
  link.refusalScore = Math.max(0, link.refusalScore - REFUSALS_PER_BLOCK);
  if (link.far === null && link.trickled < TRICKLE_MIN) state.far.nearBlockAt = now;
  link.rate.add(event.bytes.length, now);
  noteArrival(state, event.bytes.length, now);
  link.giveUps = 0;
  recount(state, link);
  link.cancelled?.delete(key);
  takeBlock(turn, link, { key, asked, event });
  forgetSilence(link, now);
  pump(turn, link);
}

function noteArrival(state: DownloadState, bytes: number, now: Millis): void {
  if (state.received.add(bytes, now)) resizeOpenBlocks(state);
  // As TCP's slow start: until there is a rate to follow, each arrival lets one more be asked for.
  else if (state.received.bytesPerSecond === 0) growOpenBlocks(state);
}

/** To be called while the block still counts as owed. */
function notePace(turn: Turn, link: Link): void {
  const since = link.owesSince ?? turn.now;
  if (turn.now - since < LATE_BLOCK_MS) link.trickled = 0;
  else noteTrickle(turn, link);
}

/** Told once per trickle: it has to flow in between to be told of again. */
export function noteTrickle(turn: Turn, link: Link): void {
  link.trickled += 1;
  if (link.trickled === TRICKLE_MIN && link.blocks > 0)
    turn.out.push({ kind: "offence", link: link.id, fault: "drip", piece: null });
}

function takeBlock(
  turn: Turn,
  link: Link,
  arrival: { key: number; asked: boolean; event: BlockEvent },
): void {
  const { state, out } = turn;
  const { key, asked, event } = arrival;
  const progress = state.active.get(event.piece);
  const block = blockOfKey(key);
  const wanted = progress !== undefined && !progress.isReceived(block) && (asked || !progress.exclusive);
  if (asked) closeAsk(state, link, key);
  if (!wanted) return;
  const late = progress.receive(block, link.id, link.source);
  if (progress.missing === 0) state.unfilled.delete(progress);
  if (progress.isComplete) stopFilling(state, progress);
  for (const id of late) cancelOn(turn, id, key);
  out.push({ kind: "keep-block", piece: event.piece, offset: event.offset, bytes: event.bytes });
  if (progress.isComplete)
    out.push({ kind: "verify-piece", piece: event.piece, wantDigests: progress.exclusive });
}

/** Removes the request without telling its piece, which hears of it through the block itself. */
function closeAsk(state: DownloadState, link: Link, key: number): void {
  link.open.delete(key);
  state.openBlocks -= 1;
}

function cancelOn(turn: Turn, id: number, key: number): void {
  const link = turn.state.links.get(id);
  if (link === undefined || !link.open.has(key)) return;
  noteRescue(turn, link);
  closeAsk(turn.state, link, key);
  keepSilence(link, turn.now);
  rememberCancelled(link, key);
  const order = orderOf(turn, link, key);
  turn.state.budget.giveBack(order.length);
  turn.out.push({ kind: "cancel", ...order });
}

/**
 * Another sent what a link owes. One that never sent a block in the time in which others send many pieces will not be
 * asked for more than one at a time, and is named. To be called while the block still counts as owed.
 */
function noteRescue(turn: Turn, link: Link): void {
  if (link.isOrigin || link.blocks > 0 || link.giveUps > 0) return;
  const { state, now } = turn;
  const rates = [...state.links.values()]
    .map((other) => other.rate.bytesPerSecond)
    .filter((rate) => rate > 0);
  if (rates.length === 0) return;
  const meanRate = rates.reduce((sum, rate) => sum + rate, 0) / rates.length;
  const silentMs = now - (link.owesSince ?? now);
  if (silentMs < tellingSilenceMs(state.links.size, state.geometry.pieceLength, meanRate)) return;
  link.giveUps = 1;
  recount(state, link);
  turn.out.push({ kind: "offence", link: link.id, fault: "no-answer", piece: null });
}

export function onRejected(turn: Turn, link: Link, at: { piece: number; offset: number }): void {
  const { state, now } = turn;
  if (!forgetAsk(state, link, blockKey(at.piece, Math.floor(at.offset / BLOCK_BYTES)), now)) return;
  if (link.open.size === 0) forgetSilence(link, now);
  if (rememberRefusal(state, link, at.piece)) {
    link.refusals.push({ piece: at.piece, at: now });
    link.refusedInRow += 1;
  }
  noteRefusal(turn, link, at.piece);
  const progress = state.active.get(at.piece);
  if (progress?.exclusive === true) startOver(turn, progress, link, { tell: true });
  else if (progress !== undefined && progress.received === 0 && !progress.isAskedFor)
    giveBack(turn, progress);
  release(turn, link, { tell: true });
  pumpAll(turn);
}

/** A choke takes back every request, and stock clients choke often: only an open hand that gives nothing counts. */
function noteRefusal(turn: Turn, link: Link, piece: number): void {
  if (link.isOrigin || link.choked) return;
  link.refusalScore += 1;
  if (link.refusalScore !== REFUSAL_SCORE_MAX) return;
  turn.out.push({ kind: "offence", link: link.id, fault: "refuses", piece });
  turn.out.push({ kind: "close-link", link: link.id, reason: "refuses the pieces it claims" });
}

/** Refused pieces may be asked for again. */
export function forgetRefusals(link: Link, now: Millis): void {
  while (true) {
    const [oldest] = link.refusals;
    if (oldest === undefined || now - oldest.at < REFUSED_FOR_MS) return;
    link.refusals.shift();
    link.refusedInRow = Math.min(link.refusedInRow, link.refusals.length);
    link.refused?.delete(oldest.piece);
  }
}

/** Takes back everything asked of a link; with `tell` the remote hears of it, as it may still answer. */
export function takeBackAll(turn: Turn, link: Link, how: { tell: boolean }): void {
  for (const key of [...link.open.keys()]) {
    const progress = turn.state.active.get(pieceOfKey(key));
    if (progress?.exclusive === true) startOver(turn, progress, link, how);
    else takeBack(turn, link, key, how);
  }
  release(turn, link, how);
}

/** Somebody near has the piece: what has not come of it need not come from another zone any more. */
export function recallFar(turn: Turn, piece: number): void {
  const { far, active } = turn.state;
  if (far.links.size === 0) return;
  const progress = active.get(piece);
  if (progress === undefined || progress.exclusive) return;
  const recalled = [...far.links].filter(({ id }) => progress.asked.includes(id));
  for (const link of recalled) {
    for (const key of [...link.open.keys()])
      if (pieceOfKey(key) === piece) takeBack(turn, link, key, { tell: true });
    if (link.own === progress) disown(link);
  }
  if (progress.received === 0 && !progress.isAskedFor) giveBack(turn, progress);
  for (const link of recalled) pump(turn, link);
}

/** The piece that a link fills is anybody's now. One that only this source may fill starts over with another. */
export function release(turn: Turn, link: Link, how: { tell: boolean }): void {
  const { own } = link;
  if (own === null) return;
  if (own.exclusive && turn.state.active.get(own.piece) === own && !own.isComplete)
    startOver(turn, own, link, how);
  else disown(link);
}

function startOver(turn: Turn, progress: PieceProgress, link: Link, how: { tell: boolean }): void {
  for (const key of [...link.open.keys()])
    if (pieceOfKey(key) === progress.piece) takeBack(turn, link, key, how);
  if (link.own === progress) disown(link);
  link.pausedUntil = turn.now + FAILED_PAUSE_MS;
  giveBack(turn, progress);
}

function giveBack(turn: Turn, progress: PieceProgress): void {
  offerAgain(turn.state, progress);
  turn.out.push({ kind: "drop-piece", piece: progress.piece });
}

function takeBack(turn: Turn, link: Link, key: number, { tell }: { tell: boolean }): void {
  if (!forgetAsk(turn.state, link, key, turn.now) || !tell) return;
  rememberCancelled(link, key);
  turn.out.push({ kind: "cancel", ...orderOf(turn, link, key) });
}

function noteUnasked(turn: Turn, link: Link, bytes: number): void {
  link.unaskedBytes += bytes;
  if (link.unaskedBytes > UNASKED_BYTES_MAX)
    cutOff(turn, link, { fault: "floods", reason: "sent blocks nobody asked for" });
}

function keyOf(state: DownloadState, event: BlockEvent): number | null {
  const { geometry } = state;
  const block = event.offset / BLOCK_BYTES;
  if (event.piece < 0 || event.piece >= geometry.pieceCount) return null;
  if (block < 0 || !Number.isInteger(block)) return null;
  if (event.bytes.length !== blockBytes(geometry, event.piece, block)) return null;
  return blockKey(event.piece, block);
}
