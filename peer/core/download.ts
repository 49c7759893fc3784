// The download of one artifact as a machine: what links say and send goes in, requests and news come out.
// Owns no bytes, no clock and no sockets. What to ask for next is request-choice.ts.
//
// Kept at all times: a block is asked for at most once of one link and at most of two links, only of remotes that
// have its piece and do not choke us; a piece counts as here after `piece-verified`, when it is on disk.
import { Bitfield } from "../../protocol/bitfield.ts";
import type { Millis } from "../../protocol/ids.ts";
import { assert, assertNever, type Machine } from "../../protocol/machine.ts";
import type { Prng } from "../../protocol/prng.ts";
import { Culprits } from "./culprits.ts";
import { onBlock, onRejected, pump, pumpAll, takeBackAll, tell } from "./download-blocks.ts";
import { type DownloadConfig, downloadConfigFor } from "./download-config.ts";
import { type DownloadInspection, inspectDownload } from "./download-inspection.ts";
import {
  checkPatience,
  onBitfield,
  onChoked,
  onHave,
  onLinkClosed,
  onLinkOpen,
  updateInterest,
} from "./download-links.ts";
import { activePiecesMax, countProductive, type DownloadState, offerAgain } from "./download-state.ts";
import type { DownloadEffect, DownloadEvent, LinkEvent, Turn } from "./download-turn.ts";
import { newFarState, restartWaits, setFar } from "./far-links.ts";
import { newFeedState, setFeeder, tellFeeders, turnOff } from "./feeders.ts";
import { BLOCK_BYTES, type Geometry } from "./geometry.ts";
import { recount } from "./link-copies.ts";
import { News } from "./news.ts";
import { Rarity } from "./rarity.ts";
import { SampledRate } from "./rate.ts";
import { type BudgetShare, RateBudget } from "./rate-budget.ts";

/** Long enough to average over the turns of remotes, short enough for windows to open with the rate. */
const RATE_SAMPLE_MS = 200;

export interface DownloadOptions {
  readonly geometry: Geometry;
  /** Pieces that are on disk and verified. The machine adds to it; others only read. */
  readonly verified: Bitfield;
  readonly rank: number;
  readonly rankCount: number;
  readonly random: Prng;
  /** The source name of the origin, which is banned less readily than a node. */
  readonly originSource: string;
  /** Nothing is asked for until an event says otherwise. */
  readonly paused?: boolean;
  /** What may be asked for; without one there is no limit. */
  readonly budget?: BudgetShare;
  readonly config?: DownloadConfig;
}

export interface Download extends Machine<DownloadEvent, DownloadEffect> {
  /** For people who ask; may look at every piece. */
  inspect(now: Millis): DownloadInspection;
}

export function createDownload(options: DownloadOptions): Download {
  const state = newState(options);
  // Most events lead to nothing: then the same turn serves the next one.
  let turn: Turn = { state, now: 0, out: [] };
  return {
    handle(event, now) {
      turn.now = now;
      handle(turn, event);
      finishOnce(turn);
      schedulePatience(turn);
      const { out } = turn;
      if (out.length === 0) return NOTHING;
      turn = { state, now, out: [] };
      return out;
    },
    deadline: () => deadlineOf(state),
    inspect: (now) => inspectDownload(state, now),
  };
}

const NOTHING: readonly DownloadEffect[] = [];

function handle(turn: Turn, event: DownloadEvent): void {
  switch (event.kind) {
    case "link-open":
      return onLinkOpen(turn, event);
    case "piece-verified":
      return onVerified(turn, event.piece, event.digests);
    case "piece-failed":
      return onFailed(turn, event.piece, event.digests);
    case "paused":
      return onPaused(turn, event.paused);
    case "tick":
      return onTick(turn);
    default:
      return onLinkEvent(turn, event);
  }
}

function onLinkEvent(turn: Turn, event: LinkEvent): void {
  const link = turn.state.links.get(event.link);
  assert(link !== undefined, "an event names a link that is open");
  switch (event.kind) {
    case "link-closed":
      return onLinkClosed(turn, link);
    case "link-far":
      setFar(turn.state, link, event.far);
      return pumpAll(turn);
    case "link-feeds":
      setFeeder(turn, link, event.feeds);
      return pumpAll(turn);
    case "trees-off":
      turnOff(turn);
      return pumpAll(turn);
    case "remote-bitfield":
      return onBitfield(turn, link, event.has);
    case "remote-has":
      return onHave(turn, link, event.piece);
    case "choked":
      return onChoked(turn, link, event.dropsRequests);
    case "unchoked":
      link.choked = false;
      countProductive(turn.state, link);
      return pump(turn, link);
    case "block":
      return onBlock(turn, link, event);
    case "rejected":
      return onRejected(turn, link, event);
    default:
      assertNever(event);
  }
}

function onVerified(turn: Turn, piece: number, digests: readonly string[]): void {
  const { state } = turn;
  const wasFull = state.active.size >= activePiecesMax(state);
  const progress = state.active.get(piece);
  state.active.delete(piece);
  state.verified.add(piece);
  if (state.culprits.isSuspect(piece)) ban(turn, piece, state.culprits.pieceHolds(piece, digests));
  // The last pieces are what neighbours may wait for.
  if (state.feeds.isFed) state.news.addFed(piece, turn.now);
  else state.news.add(piece, state.rarity.size === 0 ? 0 : state.rarity.copiesOf(piece), turn.now);
  for (const id of progress?.asked ?? []) {
    const link = state.links.get(id);
    if (link !== undefined) turn.out.push({ kind: "have", link: id, piece });
  }
  if (!state.feeds.isFed) loseUse(turn, piece);
  if (wasFull) pumpAll(turn);
}

/** Nobody who has the piece is of use for it any more. */
function loseUse(turn: Turn, piece: number): void {
  for (const link of turn.state.links.values()) {
    if (!link.has.has(piece)) continue;
    link.useful -= 1;
    updateInterest(turn, link);
  }
}

function onFailed(turn: Turn, piece: number, digests: readonly string[]): void {
  const { state, out } = turn;
  const progress = state.active.get(piece);
  assert(progress !== undefined, `piece ${piece} failed but was never started`);
  const banned = state.culprits.pieceFailed(piece, progress.sources(), digests);
  offerAgain(state, progress);
  out.push({ kind: "drop-piece", piece });
  // Nobody brings it again.
  turnOff(turn);
  ban(turn, piece, banned);
  pumpAll(turn);
}

function ban(turn: Turn, piece: number, sources: readonly string[]): void {
  for (const source of sources) {
    turn.out.push({ kind: "ban", source, piece });
    for (const link of turn.state.links.values()) {
      if (link.source !== source) continue;
      link.choked = true;
      countProductive(turn.state, link);
      turn.out.push({ kind: "close-link", link: link.id, reason: `sent a bad piece ${piece}` });
    }
  }
}

function onPaused(turn: Turn, paused: boolean): void {
  turn.state.paused = paused;
  tellFeeders(turn);
  if (!paused) {
    restartWaits(turn.state, turn.now);
    return pumpAll(turn);
  }
  for (const link of turn.state.links.values()) {
    // Who was silent until the pause would be asked first again after each.
    if (link.stalled) link.giveUps += 1;
    takeBackAll(turn, link, { tell: true });
    recount(turn.state, link);
  }
}

function onTick(turn: Turn): void {
  const { state, now } = turn;
  spreadNews(turn);
  askAfterWait(turn);
  if (state.nextPatienceAt === null || now < state.nextPatienceAt) return;
  state.nextPatienceAt = null;
  checkPatience(turn);
}

/** Who finds the budget empty again says until when. */
function askAfterWait(turn: Turn): void {
  if (turn.state.budgetAt === null) return;
  turn.state.budgetAt = null;
  pumpAll(turn);
}

function spreadNews(turn: Turn): void {
  const { state, now } = turn;
  for (const link of state.news.due(state.links.values(), now)) tell(turn, link);
  state.news.forget(state.links.values(), now);
}

function finishOnce(turn: Turn): void {
  const { state } = turn;
  if (state.finished || !state.verified.isFull) return;
  state.finished = true;
  turn.out.push({ kind: "complete" });
}

function schedulePatience(turn: Turn): void {
  const { state, now } = turn;
  if (state.finished) state.nextPatienceAt = null;
  else if (state.links.size > 0) state.nextPatienceAt ??= now + state.config.patienceTickMs;
}

function deadlineOf(state: DownloadState): Millis | null {
  return sooner(sooner(state.news.deadline(), state.nextPatienceAt), state.budgetAt);
}

function sooner(a: Millis | null, b: Millis | null): Millis | null {
  if (a === null || b === null) return a ?? b;
  return Math.min(a, b);
}

function newState(options: DownloadOptions): DownloadState {
  const { geometry, verified, rank, rankCount } = options;
  const config = options.config ?? downloadConfigFor(geometry.pieceLength);
  const { pieceCount } = geometry;
  const share = new Bitfield(pieceCount);
  for (let piece = rank % rankCount; piece < pieceCount; piece += rankCount) share.add(piece);
  const rarity = new Rarity(pieceCount, options.random.child("rarity"), config.pickOrder);
  for (let piece = 0; piece < pieceCount; piece++) if (!verified.has(piece)) rarity.offer(piece);
  return {
    geometry,
    config,
    verified,
    share,
    rarity,
    culprits: new Culprits(options.originSource),
    links: new Map(),
    active: new Map(),
    unfilled: new Set(),
    openBlocks: 0,
    offerGeneration: 0,
    news: new News(config),
    nextPatienceAt: null,
    budget: options.budget ?? new RateBudget().claim(),
    budgetAt: null,
    lastAsked: null,
    paused: options.paused ?? false,
    received: new SampledRate(RATE_SAMPLE_MS),
    openBlocksMax: Math.ceil(config.openBytesFirst / BLOCK_BYTES),
    productiveLinks: 0,
    finished: verified.isFull,
    far: newFarState(pieceCount),
    feeds: newFeedState(),
  };
}
