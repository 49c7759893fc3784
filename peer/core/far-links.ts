// Links into other zones, and what may come over them. Each piece should enter a zone once: such a link is asked for
// its share of what nobody near has, and for more only when those whose share that is seem to be gone.
// Owns that waiting; never asks for anything itself.
import { Bitfield } from "../../protocol/bitfield.ts";
import type { Millis } from "../../protocol/ids.ts";
import type { FarShare } from "../../protocol/messages.ts";
import type { DownloadState, Link } from "./download-state.ts";
import { recount } from "./link-copies.ts";

/** One link into another zone. */
export interface FarSide {
  /** Pieces it is asked for first. */
  readonly share: Bitfield;
  /** What the remote had when the last wait began, and the one before, and the one before that. */
  recent: Bitfield;
  ripe: Bitfield;
  old: Bitfield;
}

/** All of them together. */
export interface FarState {
  readonly links: Set<Link>;
  /** Pieces that are to come into the zone through this node: the shares of all its links. */
  share: Bitfield;
  waitsUntil: Millis;
  /** When a link within the zone that is no trickle last sent a block. */
  nearBlockAt: Millis;
  /** That was longer ago than a wait when the last one ended. */
  nearSilent: boolean;
}

/** In the time in which so many pieces come in, one that is there gets around the zone, hop by hop. */
const WAIT_PIECES = 8;
/** A request waits its turn at a busy remote for some tenths of a second: less would take that for a loss. */
const WAIT_MS_MIN = 750;
const WAIT_MS_MAX = 60_000;
/** As long as nothing has come nobody knows how long a piece takes. */
const WAIT_MS_UNKNOWN = 3_000;

export function newFarState(pieceCount: number): FarState {
  return {
    links: new Set(),
    share: new Bitfield(pieceCount),
    waitsUntil: 0,
    nearBlockAt: 0,
    nearSilent: false,
  };
}

/** The link leads into another zone, with this share; or, when that is null, not any more. */
export function setFar(state: DownloadState, link: Link, share: FarShare | null): void {
  const { pieceCount } = state.geometry;
  link.far = share === null ? null : newFarSide(pieceCount, share);
  link.exhaustedAt = -1;
  recount(state, link);
  if (share === null) state.far.links.delete(link);
  else state.far.links.add(link);
  joinShares(state.far, pieceCount);
}

export function forgetFar({ far, geometry }: DownloadState, link: Link): void {
  if (far.links.delete(link)) joinShares(far, geometry.pieceCount);
}

function joinShares(far: FarState, pieceCount: number): void {
  far.share = new Bitfield(pieceCount);
  for (const { far: side } of far.links)
    for (let piece = 0; piece < pieceCount; piece++) if (side?.share.has(piece)) far.share.add(piece);
}

function newFarSide(pieceCount: number, { parts, of }: FarShare): FarSide {
  const share = new Bitfield(pieceCount);
  for (const part of parts) for (let piece = part % of; piece < pieceCount; piece += of) share.add(piece);
  const nothing = new Bitfield(pieceCount);
  return { share, recent: nothing, ripe: nothing, old: nothing };
}

/**
 * What to ask a far link for, of what nobody near has: its share; when no far link brings anything, what has waited for
 * another one of this node; then what has waited longer, which others were to bring. When nothing comes from near
 * either, also what is said to be there.
 */
export function pickFar(state: DownloadState, link: Link, side: FarSide): number | null {
  const { far, rarity } = state;
  const { has, refused: except } = link;
  if (isNearComplete(state)) return far.nearSilent && !isBusy(far) ? rarity.pick(side.old, { except }) : null;
  const first = rarity.pick(has, { within: side.share, copiesMax: 0, except });
  if (first !== null || isBusy(far)) return first;
  const own = rarity.pick(side.ripe, { within: far.share, copiesMax: 0, except });
  if (own !== null) return own;
  return rarity.pick(side.old, far.nearSilent ? { except } : { copiesMax: 0, except });
}

/** Somebody near came with everything, and is not in the count of copies. */
function isNearComplete({ links }: DownloadState): boolean {
  for (const { far, has, counted, giveUps } of links.values())
    if (far === null && !counted && giveUps === 0 && has.isFull) return true;
  return false;
}

/** Something comes over one of them. */
export function isBusy({ links }: FarState): boolean {
  for (const { filling } of links) if (filling > 0) return true;
  return false;
}

/** Whether blocks of a piece that is under way may come over this link. */
export function mayCross(state: DownloadState, side: FarSide, piece: number): boolean {
  const { far, rarity } = state;
  if (side.old.has(piece) && far.nearSilent) return true;
  if (rarity.copiesOf(piece) > 0 || isNearComplete(state)) return false;
  return side.share.has(piece) || side.old.has(piece) || (side.ripe.has(piece) && far.share.has(piece));
}

/** A wait begins: nothing has been there for long. */
export function restartWaits({ far }: DownloadState, now: Millis): void {
  far.waitsUntil = now + WAIT_MS_MIN;
  far.nearBlockAt = now;
  far.nearSilent = false;
  for (const { far: side } of far.links) {
    if (side === null) continue;
    const nothing = new Bitfield(side.share.length);
    Object.assign(side, { recent: nothing, ripe: nothing, old: nothing });
  }
}

/** To be called often: when a wait is over, what was there is a wait older, and the next one begins. */
export function endWait(state: DownloadState, now: Millis): void {
  const { far } = state;
  if (state.paused || now < far.waitsUntil) return;
  const waitMs = waitMsOf(state);
  far.waitsUntil = now + waitMs;
  far.nearSilent = now - far.nearBlockAt > waitMs;
  for (const link of far.links) {
    if (link.far === null) continue;
    link.far.old = link.far.ripe;
    link.far.ripe = link.far.recent;
    link.far.recent = link.has.copy();
    link.exhaustedAt = -1;
  }
}

function waitMsOf({ received, geometry }: DownloadState): number {
  const rate = received.bytesPerSecond;
  if (rate === 0) return WAIT_MS_UNKNOWN;
  const pieceMs = (geometry.pieceLength * 1000) / rate;
  return Math.max(WAIT_MS_MIN, Math.min(WAIT_MS_MAX, WAIT_PIECES * pieceMs));
}
