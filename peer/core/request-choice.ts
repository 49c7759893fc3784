// Which block to ask a link for next. Inputs: what the link has, the piece it fills, the pieces under way, rarity,
// this node's share towards the origin, and how soon other links should deliver. Changes nothing but ownership.
import type { Millis } from "../../protocol/ids.ts";
import {
  type DownloadState,
  isRefused,
  type Link,
  mayStart,
  openBytes,
  startPiece,
} from "./download-state.ts";
import { isBusy, mayCross, pickFar } from "./far-links.ts";
import { BLOCK_BYTES, blockOfKey, pieceOfKey } from "./geometry.ts";
import { drainMs } from "./patience.ts";
import type { PieceProgress } from "./piece-progress.ts";

export interface Choice {
  readonly progress: PieceProgress;
  readonly block: number;
}

/** A second request is worth its bytes only when it should answer in less than half the time of the first. */
const RIVAL_ADVANTAGE = 2;
/** Estimates closer than this are noise. */
const RIVAL_MARGIN_MS = 50;

/**
 * In this order: finish the piece the link fills; adopt one that lost its link; start the rarest; help with a piece
 * that another link fills; ask again for what a much slower or silent link owes.
 */
export function chooseBlock(state: DownloadState, link: Link, now: Millis): Choice | null {
  return (
    ownBlock(link) ??
    adoptedBlock(state, link) ??
    freshBlock(state, link) ??
    helpingBlock(state, link) ??
    rivalBlock(state, link, now)
  );
}

function ownBlock(link: Link): Choice | null {
  const block = link.own?.firstMissing() ?? null;
  if (link.own === null || block === null) return null;
  return { progress: link.own, block };
}

function adoptedBlock(state: DownloadState, link: Link): Choice | null {
  for (const progress of state.unfilled)
    if (progress.owner === null && mayJoin(state, link, progress)) return own(link, progress);
  return null;
}

function freshBlock(state: DownloadState, link: Link): Choice | null {
  if (link.exhaustedAt === state.offerGeneration || !mayStart(state, link)) return null;
  const piece = rarestFor(state, link);
  if (piece === null) {
    // The origin, and a link into another zone, may be of use again as soon as it has sent what it fills.
    const isSpared = link.far === null ? link.isOrigin : isBusy(state.far);
    if (!isSpared) link.exhaustedAt = state.offerGeneration;
    return null;
  }
  const progress = startPiece(state, link, piece);
  state.unfilled.add(progress);
  return own(link, progress);
}

/**
 * The origin is asked for this node's share first, so that each piece leaves it once before any leaves it twice; then
 * for what none of the others has; last, one piece at a time, for what it will only send with capacity to spare.
 */
function rarestFor(state: DownloadState, link: Link): number | null {
  const { rarity, share } = state;
  const { has, far } = link;
  if (far !== null) return pickFar(state, link, far);
  const except = link.refused;
  if (!link.isOrigin) return rarity.pick(has, { except });
  const first = rarity.pick(has, { within: share, except }) ?? rarity.pick(has, { copiesMax: 0, except });
  return first !== null || link.filling > 0 ? first : rarity.pick(has, { except });
}

/** Whether a link may send blocks of a piece that another one started. The origin keeps out while others have it. */
function mayJoin(state: DownloadState, link: Link, progress: PieceProgress): boolean {
  const { piece } = progress;
  if (!link.has.has(piece) || isRefused(link, piece)) return false;
  if (link.far !== null) return mayCross(state, link.far, piece);
  return !link.isOrigin || state.rarity.copiesOf(piece) === 0 || isEndgame(state);
}

function own(link: Link, progress: PieceProgress): Choice | null {
  const block = progress.firstMissing();
  if (block === null) return null;
  // What the link filled before is fully asked for: it stays owned by nobody, so that a lost block is adopted.
  if (link.own !== null) link.own.owner = null;
  link.own = progress;
  progress.owner = link.id;
  return { progress, block };
}

function helpingBlock(state: DownloadState, link: Link): Choice | null {
  let best: PieceProgress | null = null;
  for (const progress of state.unfilled) {
    if (progress.exclusive || progress.missing <= (best?.missing ?? 0)) continue;
    if (mayJoin(state, link, progress)) best = progress;
  }
  const block = best?.lastMissing() ?? null;
  return best === null || block === null ? null : { progress: best, block };
}

function rivalBlock(state: DownloadState, link: Link, now: Millis): Choice | null {
  if (!state.config.asksRivals) return null;
  // The little that is won at the end is not worth bytes between zones.
  const isNearEndgame = link.far === null && isEndgame(state);
  const ownMs = drainMs(openBytes(link) + BLOCK_BYTES, link.rate.bytesPerSecond);
  for (const debtor of state.links.values()) {
    if (debtor === link || debtor.open.size === 0) continue;
    const worthIt =
      debtor.stalled || (isNearEndgame && owesFor(debtor, now) > RIVAL_ADVANTAGE * ownMs + RIVAL_MARGIN_MS);
    const choice = worthIt ? owedBlock(state, link, debtor) : null;
    if (choice !== null) return choice;
  }
  return null;
}

/** Nothing is left that has not been asked of somebody. */
function isEndgame(state: DownloadState): boolean {
  return state.rarity.size === 0 && state.unfilled.size === 0;
}

/** How much longer a link should need for what it owes, silence so far included. */
function owesFor(debtor: Link, now: Millis): number {
  const silentMs = now - (debtor.owesSince ?? now);
  return silentMs + drainMs(openBytes(debtor), debtor.rate.bytesPerSecond);
}

/** The last block the debtor owes that this link could send: the one it would come to last. */
function owedBlock(state: DownloadState, link: Link, debtor: Link): Choice | null {
  let found: Choice | null = null;
  for (const key of debtor.open.keys()) {
    const progress = state.active.get(pieceOfKey(key));
    if (progress === undefined || progress.exclusive || !link.has.has(progress.piece)) continue;
    if (isRefused(link, progress.piece)) continue;
    if (link.far !== null && !mayCross(state, link.far, progress.piece)) continue;
    const block = blockOfKey(key);
    if (progress.onlyAskedOf(block) === debtor.id) found = { progress, block };
  }
  return found;
}
