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
import { onBlock, onRejected, pump, pumpAll, takeBackAll } from "./download-blocks.ts";
import { DOWNLOAD_CONFIG, type DownloadConfig } from "./download-config.ts";
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
import { activePiecesMax, type DownloadState, offerAgain } from "./download-state.ts";
import type { DownloadEffect, DownloadEvent, LinkEvent, Turn } from "./download-turn.ts";
import type { Geometry } from "./geometry.ts";
import { Rarity } from "./rarity.ts";

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
  readonly config?: DownloadConfig;
}

export interface Download extends Machine<DownloadEvent, DownloadEffect> {
  /** For people who ask; may look at every piece. */
  inspect(now: Millis): DownloadInspection;
}

export function createDownload(options: DownloadOptions): Download {
  const state = newState(options);
  return {
    handle(event, now) {
      const turn: Turn = { state, now, out: [] };
      handle(turn, event);
      finishOnce(turn);
      schedulePatience(turn);
      return turn.out;
    },
    deadline: () => deadlineOf(state),
    inspect: (now) => inspectDownload(state, now),
  };
}

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
  assert(link !== undefined, `link ${event.link} is not open`);
  switch (event.kind) {
    case "link-closed":
      return onLinkClosed(turn, link);
    case "remote-bitfield":
      return onBitfield(turn, link, event.has);
    case "remote-has":
      return onHave(turn, link, event.piece);
    case "choked":
      return onChoked(turn, link, event.dropsRequests);
    case "unchoked":
      link.choked = false;
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
  state.active.delete(piece);
  state.verified.add(piece);
  if (state.culprits.isSuspect(piece)) ban(turn, piece, state.culprits.pieceHolds(piece, digests));
  state.news.push(piece);
  state.newsSince ??= turn.now;
  for (const link of state.links.values()) {
    if (!link.has.has(piece)) continue;
    link.useful -= 1;
    updateInterest(turn, link);
  }
  if (wasFull) pumpAll(turn);
}

function onFailed(turn: Turn, piece: number, digests: readonly string[]): void {
  const { state, out } = turn;
  const progress = state.active.get(piece);
  assert(progress !== undefined, `piece ${piece} failed but was never started`);
  const banned = state.culprits.pieceFailed(piece, progress.sources(), digests);
  offerAgain(state, progress);
  out.push({ kind: "drop-piece", piece });
  ban(turn, piece, banned);
  pumpAll(turn);
}

function ban(turn: Turn, piece: number, sources: readonly string[]): void {
  for (const source of sources) {
    turn.out.push({ kind: "ban", source, piece });
    for (const link of turn.state.links.values()) {
      if (link.source !== source) continue;
      link.choked = true;
      turn.out.push({ kind: "close-link", link: link.id, reason: `sent a bad piece ${piece}` });
    }
  }
}

function onPaused(turn: Turn, paused: boolean): void {
  turn.state.paused = paused;
  if (paused) for (const link of turn.state.links.values()) takeBackAll(turn, link, { tell: true });
  else pumpAll(turn);
}

function onTick(turn: Turn): void {
  const { state, now } = turn;
  if (state.newsSince !== null && now >= state.newsSince + state.config.haveDelayMs) spreadNews(turn);
  if (state.nextPatienceAt === null || now < state.nextPatienceAt) return;
  state.nextPatienceAt = null;
  checkPatience(turn);
}

/** Remotes that have a piece do not need to hear that we have it too. */
function spreadNews(turn: Turn): void {
  const { state, out } = turn;
  for (const link of state.links.values()) {
    if (link.has.isFull) continue;
    for (const piece of state.news)
      if (!link.has.has(piece)) out.push({ kind: "have", link: link.id, piece });
  }
  state.news.length = 0;
  state.newsSince = null;
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
  const newsAt = state.newsSince === null ? null : state.newsSince + state.config.haveDelayMs;
  if (newsAt === null || state.nextPatienceAt === null) return newsAt ?? state.nextPatienceAt;
  return Math.min(newsAt, state.nextPatienceAt);
}

function newState(options: DownloadOptions): DownloadState {
  const { geometry, verified, rank, rankCount } = options;
  const { pieceCount } = geometry;
  const share = new Bitfield(pieceCount);
  for (let piece = rank % rankCount; piece < pieceCount; piece += rankCount) share.add(piece);
  const rarity = new Rarity(pieceCount, options.random.child("rarity"));
  for (let piece = 0; piece < pieceCount; piece++) if (!verified.has(piece)) rarity.offer(piece);
  return {
    geometry,
    config: options.config ?? DOWNLOAD_CONFIG,
    verified,
    share,
    rarity,
    culprits: new Culprits(options.originSource),
    links: new Map(),
    active: new Map(),
    unfilled: new Set(),
    openBlocks: 0,
    offerGeneration: 0,
    news: [],
    newsSince: null,
    nextPatienceAt: null,
    paused: options.paused ?? false,
    finished: verified.isFull,
  };
}
