// Links of a download: what each remote has, whether it is of use to us, and what happens when it falls silent.
import { type Bitfield, bitCount, nthSetBit } from "../../protocol/bitfield.ts";
import { NO_STRIPES } from "../../protocol/stripes.ts";
import {
  forgetRefusals,
  noteTrickle,
  pump,
  pumpAll,
  recallFar,
  release,
  takeBackAll,
} from "./download-blocks.ts";
import {
  countProductive,
  countUseful,
  type DownloadState,
  disown,
  forgetSilence,
  type Link,
  newLink,
  openBytes,
} from "./download-state.ts";
import { cutOff, type DownloadEvent, type Turn } from "./download-turn.ts";
import { endWait, forgetFar, setFar } from "./far-links.ts";
import { checkFeeders, forgetFeeder, setFeeder } from "./feeders.ts";
import { recount } from "./link-copies.ts";
import { giveUpAfterMs, stallAfterMs } from "./patience.ts";

/** A remote that stalls this often without a block in between gets its connection closed; the dialler tries anew. */
const GIVE_UPS_MAX = 3;

export function onLinkOpen(turn: Turn, event: Extract<DownloadEvent, { kind: "link-open" }>): void {
  const { state, out } = turn;
  const link = newLink(event.link, state, event);
  state.links.set(event.link, link);
  if (event.far !== undefined && event.far !== null) setFar(state, link, event.far);
  if (state.culprits.isBanned(event.source))
    out.push({ kind: "close-link", link: event.link, reason: "banned" });
  else if (event.feeds !== undefined && event.feeds !== NO_STRIPES) setFeeder(turn, link, event.feeds);
}

export function onLinkClosed(turn: Turn, link: Link): void {
  const { state } = turn;
  takeBackAll(turn, link, { tell: false });
  state.links.delete(link.id);
  countProductive(state, link);
  if (link.counted) for (const piece of piecesOf(link.has)) state.rarity.loseCopy(piece);
  forgetFar(state, link);
  forgetFeeder(turn, link);
  pumpAll(turn);
}

/** Later ones come in place of many HAVEs, as aria2 sends them; each must tell something new and take nothing back. */
export function onBitfield(turn: Turn, link: Link, has: Bitfield): void {
  const { state } = turn;
  const isFirst = !link.announced && link.has.count === 0;
  // A node of a fleet may have acknowledged what was new in it.
  const countMin = link.isFleetNode ? link.has.count : link.has.count + 1;
  if (!isFirst && (has.count < countMin || !holds(has, link.has)))
    return cutOff(turn, link, { fault: "breaks-rules", reason: "announces pieces twice or takes them back" });
  link.announced = true;
  if (has.isFull && !link.counted) link.has.fill();
  else {
    recount(state, link);
    for (const [at, word] of has.words.entries()) {
      const added = (word & ~(link.has.words[at] ?? 0)) >>> 0;
      for (let nth = 0; nth < bitCount(added); nth += 1)
        addPiece(state, link, at * 32 + nthSetBit(added, nth));
    }
  }
  countUseful(state, link);
  link.exhaustedAt = -1;
  updateInterest(turn, link);
  pump(turn, link);
}

export function onHave(turn: Turn, link: Link, piece: number): void {
  const { state } = turn;
  if (piece < 0 || piece >= state.geometry.pieceCount)
    return cutOff(turn, link, { fault: "breaks-rules", reason: "has a piece that does not exist" });
  if (link.has.has(piece)) return;
  recount(state, link);
  addPiece(state, link, piece);
  if (state.verified.has(piece)) return;
  if (link.far === null) recallFar(turn, piece);
  link.useful += 1;
  updateInterest(turn, link);
  // A piece that is under way from elsewhere gives this link nothing to do, until little else is left.
  if (state.rarity.isCandidate(piece)) link.exhaustedAt = -1;
  else if (state.rarity.size > 0) return;
  pump(turn, link);
}

export function onChoked(turn: Turn, link: Link, dropsRequests: boolean): void {
  link.choked = true;
  countProductive(turn.state, link);
  if (dropsRequests) {
    takeBackAll(turn, link, { tell: false });
    forgetSilence(link, turn.now);
  } else release(turn, link, { tell: true });
  pumpAll(turn);
}

/** Looks at every link that owes blocks: silent ones lose their piece to others, then their requests, then the link. */
export function checkPatience(turn: Turn): void {
  for (const link of turn.state.links.values()) {
    forgetRefusals(link, turn.now);
    checkLink(turn, link);
  }
  endWait(turn.state, turn.now);
  checkFeeders(turn);
  // Links that had nothing to do, or had to pause, may help now.
  pumpAll(turn);
}

function checkLink(turn: Turn, link: Link): void {
  if (link.owesSince === null) return;
  const silentMs = turn.now - link.owesSince;
  const rate = link.rate.bytesPerSecond;
  if (silentMs > stallAfterMs(openBytes(link), rate) && !link.stalled) {
    link.stalled = true;
    link.stalls += 1;
    // A piece for one source only would start over with another: that waits until this one is given up on.
    if (link.own?.exclusive === false) disown(link);
  }
  if (silentMs > giveUpAfterMs(openBytes(link), rate)) giveUpOn(turn, link);
}

function giveUpOn(turn: Turn, link: Link): void {
  link.giveUps += 1;
  link.rate.forget();
  noteTrickle(turn, link);
  takeBackAll(turn, link, { tell: true });
  forgetSilence(link, turn.now);
  recount(turn.state, link);
  forgetFeeder(turn, link);
  // One that never sent a block is named at once. One that did may be busy, and is named when its link is cut.
  if (link.giveUps >= GIVE_UPS_MAX) cutOff(turn, link, { fault: "no-answer", reason: "does not answer" });
  else if (link.blocks === 0 && link.giveUps === 1)
    turn.out.push({ kind: "offence", link: link.id, fault: "no-answer", piece: null });
}

export function updateInterest(turn: Turn, link: Link): void {
  // While pieces come along trees, who is of use changes with each; a change of mind costs two messages.
  const interested = link.useful > 0 || (link.interested && turn.state.feeds.isFed);
  countProductive(turn.state, link);
  if (interested === link.interested) return;
  link.interested = interested;
  turn.out.push({ kind: "interest", link: link.id, interested });
}

function addPiece(state: DownloadState, link: Link, piece: number): void {
  link.has.add(piece);
  if (link.counted) state.rarity.gainCopy(piece);
}

function holds(field: Bitfield, pieces: Bitfield): boolean {
  return pieces.words.every((word, at) => (word & ~(field.words[at] ?? 0)) === 0);
}

function* piecesOf(field: Bitfield): Generator<number> {
  for (let piece = 0; piece < field.length; piece++) if (field.has(piece)) yield piece;
}
