// A world for the download machine: remotes of every temper on a virtual clock, and the promises the machine makes,
// checked after every event.
import { expect } from "vitest";
import { createDownload } from "../../../peer/core/download.ts";
import type { DownloadConfig } from "../../../peer/core/download-config.ts";
import { DOWNLOAD_CONFIG } from "../../../peer/core/download-config.ts";
import type { BlockOrder, DownloadEffect, DownloadEvent } from "../../../peer/core/download-turn.ts";
import { BLOCK_BYTES, blockCount, blockKey, type Geometry, geometryOf } from "../../../peer/core/geometry.ts";
import { RateBudget } from "../../../peer/core/rate-budget.ts";
import { Bitfield } from "../../../protocol/bitfield.ts";
import type { Machine } from "../../../protocol/machine.ts";
import type { FarShare } from "../../../protocol/messages.ts";
import type { Fault } from "../../../protocol/offence.ts";
import { createPrng, type Prng } from "../../../protocol/prng.ts";

export interface RemoteSpec {
  /** `honest` answers; the others let the download down in their own way. */
  readonly temper: "honest" | "silent" | "rejecting" | "corrupt" | "choking" | "leaving" | "hanging";
  /** Share of the pieces it starts with; a remote that starts with less gets one more now and then. */
  readonly share: number;
  readonly bytesPerSecond: number;
  readonly latencyMs: number;
  readonly isOrigin: boolean;
  /** It is in another zone. */
  readonly far?: FarShare | null;
}

export interface WorldSpec {
  readonly seed: number;
  readonly pieceCount: number;
  readonly blocksPerPiece: number;
  /** Bytes that the last piece lacks. */
  readonly shortBy: number;
  readonly rank: number;
  readonly rankCount: number;
  readonly remotes: readonly RemoteSpec[];
  readonly config?: Partial<DownloadConfig>;
  /** Paused from the start, then running and paused in turn, each for this long. */
  readonly pausesEachMs?: number;
  /** What may be asked for. */
  readonly bytesPerSecondMax?: number;
}

interface Remote {
  readonly link: number;
  readonly spec: RemoteSpec;
  readonly source: string;
  readonly has: Bitfield;
  choking: boolean;
  open: boolean;
  /** Requests it has not answered, in order. */
  readonly asked: Map<number, BlockOrder>;
  busyUntil: number;
}

interface Sent {
  readonly digest: string;
}

const GOOD = "good";

/** From then on a hanging remote does and says nothing; its links stay. */
const HANGS_AT_MS = 1_000;

/** Virtual time after which a world that has not finished is stuck. */
const PATIENCE_MS = 10 * 60_000;

export class World {
  readonly geometry: Geometry;
  readonly verified: Bitfield;
  readonly banned = new Set<string>();
  readonly closedFor: string[] = [];
  /** Who did what, in order: `silent at 1000 B/s: no-answer`. */
  readonly offences: string[] = [];
  complete = false;
  now = 0;
  receivedBytes = 0;
  /** Of these, what was cancelled and came all the same. */
  lateBytes = 0;
  failedPieces = 0;
  refusals = 0;
  /** Every request in order. */
  readonly trace: string[] = [];
  readonly piecesAskedOfOrigin: number[] = [];
  readonly #spec: WorldSpec;
  readonly #machine: Machine<DownloadEvent, DownloadEffect>;
  readonly #random: Prng;
  readonly #remotes = new Map<number, Remote>();
  readonly #queue: { at: number; order: number; run: () => void }[] = [];
  readonly #sent = new WeakMap<Uint8Array, Sent>();
  /** What is kept of each piece, by block. */
  readonly #kept = new Map<number, Map<number, Sent>>();
  readonly #inFlight = new Map<number, Set<number>>();
  #paused = false;
  /** Link and piece: whoever was asked for a part of a piece hears when it is here. */
  readonly #owedAcknowledgements = new Set<string>();
  #scheduled = 0;
  #nextLink = 1;

  constructor(spec: WorldSpec) {
    const length = spec.pieceCount * spec.blocksPerPiece * BLOCK_BYTES - spec.shortBy;
    this.geometry = geometryOf({ length, pieceLength: spec.blocksPerPiece * BLOCK_BYTES });
    this.verified = new Bitfield(spec.pieceCount);
    this.#spec = spec;
    const budget = new RateBudget();
    budget.setRate(spec.bytesPerSecondMax ?? null, 0);
    this.#random = createPrng(spec.seed).child("world");
    this.#machine = createDownload({
      geometry: this.geometry,
      verified: this.verified,
      rank: spec.rank,
      rankCount: spec.rankCount,
      random: createPrng(spec.seed).child("machine"),
      originSource: "origin",
      paused: spec.pausesEachMs !== undefined,
      budget: budget.claim(),
      config: { ...DOWNLOAD_CONFIG, ...spec.config },
    });
    this.#paused = spec.pausesEachMs !== undefined;
    if (spec.pausesEachMs !== undefined) this.#takeTurns(spec.pausesEachMs);
    for (const remote of spec.remotes) this.#at(this.#random.below(500), () => this.#connect(remote));
  }

  /** Runs until the download is complete; fails when time runs out or a promise is broken. */
  run(): void {
    while (!this.complete) {
      const step = this.#takeNext();
      const deadline = this.#machine.deadline();
      if (deadline !== null && (step === null || deadline <= step.at)) {
        if (step !== null) this.#queue.push(step);
        this.now = Math.max(this.now, deadline);
        this.#send({ kind: "tick" });
      } else if (step !== null) {
        this.now = step.at;
        step.run();
      } else expect.fail("nothing more will happen, and the download is not complete");
      if (this.now > PATIENCE_MS)
        expect.fail(`not complete: ${this.verified.count} of ${this.verified.length}`);
    }
  }

  #takeNext(): { at: number; order: number; run: () => void } | null {
    let best: number | null = null;
    for (const [index, step] of this.#queue.entries()) {
      const other = best === null ? undefined : this.#queue[best];
      if (other === undefined || step.at < other.at || (step.at === other.at && step.order < other.order))
        best = index;
    }
    return best === null ? null : (this.#queue.splice(best, 1)[0] ?? null);
  }

  #at(delayMs: number, run: () => void): void {
    this.#scheduled += 1;
    this.#queue.push({ at: this.now + delayMs, order: this.#scheduled, run });
  }

  #send(event: DownloadEvent): void {
    for (const effect of this.#machine.handle(event, this.now)) this.#apply(effect);
    this.#checkBounds();
  }

  #takeTurns(eachMs: number): void {
    this.#at(eachMs, () => {
      this.#paused = !this.#paused;
      this.#send({ kind: "paused", paused: this.#paused });
      if (this.#paused) expect(this.#openRequests(), "asks for nothing while paused").toBe(0);
      this.#takeTurns(eachMs);
    });
  }

  #openRequests(): number {
    let count = 0;
    for (const links of this.#inFlight.values()) count += links.size;
    return count;
  }

  #connect(spec: RemoteSpec): void {
    const link = this.#nextLink;
    const source = spec.isOrigin ? "origin" : `${spec.temper} ${this.#spec.remotes.indexOf(spec)}`;
    this.#nextLink += 1;
    if (this.banned.has(source)) return;
    const has = new Bitfield(this.geometry.pieceCount);
    for (let piece = 0; piece < has.length; piece++) if (this.#random.unit() < spec.share) has.add(piece);
    const remote: Remote = {
      link,
      spec,
      source,
      has,
      choking: true,
      open: true,
      asked: new Map(),
      busyUntil: 0,
    };
    this.#remotes.set(link, remote);
    this.#send({ kind: "link-open", link, source, isOrigin: spec.isOrigin, far: spec.far ?? null });
    if (!remote.open) return;
    if (has.count > 0) this.#tell(remote, { kind: "remote-bitfield", link, has: copyOf(has) });
    this.#setChoking(remote, false);
    this.#grow(remote);
    if (spec.temper === "choking") this.#at(300, () => this.#flipChoke(remote));
    if (spec.temper === "leaving") this.#at(400, () => this.#leave(remote));
  }

  #tell(remote: Remote, event: DownloadEvent): void {
    if (remote.open) this.#send(event);
  }

  /** A remote that is still downloading itself. */
  #grow(remote: Remote): void {
    if (!remote.open || remote.has.isFull || this.#hangs(remote)) return;
    const missing = Array.from({ length: remote.has.length }, (_, piece) => piece).filter(
      (piece) => !remote.has.has(piece),
    );
    const piece = missing[this.#random.below(missing.length)] ?? 0;
    remote.has.add(piece);
    this.#tell(remote, { kind: "remote-has", link: remote.link, piece });
    this.#at(200, () => this.#grow(remote));
  }

  #flipChoke(remote: Remote): void {
    if (!remote.open) return;
    this.#setChoking(remote, !remote.choking);
    this.#at(300, () => this.#flipChoke(remote));
  }

  #setChoking(remote: Remote, choking: boolean): void {
    remote.choking = choking;
    if (choking) {
      for (const key of [...remote.asked.keys()]) this.#forget(remote, key);
      this.#tell(remote, { kind: "choked", link: remote.link, dropsRequests: true });
    } else this.#tell(remote, { kind: "unchoked", link: remote.link });
  }

  #leave(remote: Remote): void {
    this.#close(remote);
    this.#at(1_000, () => this.#connect(remote.spec));
  }

  #close(remote: Remote): void {
    if (!remote.open) return;
    remote.open = false;
    for (const key of [...remote.asked.keys()]) this.#forget(remote, key);
    this.#send({ kind: "link-closed", link: remote.link });
  }

  #apply(effect: DownloadEffect): void {
    if (effect.kind === "request") this.#onRequest(effect);
    else if (effect.kind === "cancel") this.#onCancel(effect);
    else if (effect.kind === "keep-block") this.#keep(effect.piece, effect.offset, effect.bytes);
    else if (effect.kind === "verify-piece") this.#verify(effect.piece);
    else if (effect.kind === "drop-piece") this.#kept.delete(effect.piece);
    else if (effect.kind === "ban") this.banned.add(effect.source);
    else if (effect.kind === "close-link") this.#closeSoon(effect.link, effect.reason);
    else if (effect.kind === "have") this.#checkNews(effect.link, effect.piece);
    else if (effect.kind === "offence") this.#note(effect.link, effect.fault);
    else if (effect.kind === "complete") this.complete = true;
  }

  #note(link: number, fault: Fault): void {
    const remote = this.#remotes.get(link);
    this.offences.push(`${remote?.spec.temper} at ${remote?.spec.bytesPerSecond} B/s: ${fault}`);
  }

  #checkNews(link: number, piece: number): void {
    expect(this.verified.has(piece), "announces only what is verified").toBe(true);
    if (this.#owedAcknowledgements.delete(`${link}:${piece}`)) return;
    expect(this.#remotes.get(link)?.has.has(piece), "tells nobody of what it has as well").toBe(false);
  }

  #closeSoon(link: number, reason: string): void {
    this.closedFor.push(reason);
    const remote = this.#remotes.get(link);
    this.#at(0, () => {
      if (remote === undefined) return;
      this.#close(remote);
      this.#at(2_000, () => this.#connect(remote.spec));
    });
  }

  #onRequest(order: BlockOrder): void {
    const remote = this.#remotes.get(order.link);
    const key = blockKey(order.piece, order.offset / BLOCK_BYTES);
    expect(remote?.open, "asks open links only").toBe(true);
    if (remote === undefined) return;
    expect(this.#paused, "never asks while paused").toBe(false);
    expect(remote.choking, "never asks a remote that chokes").toBe(false);
    expect(remote.has.has(order.piece), "never asks for a piece the remote lacks").toBe(true);
    expect(this.verified.has(order.piece), "never asks for what is here").toBe(false);
    expect(remote.asked.has(key), "never the same request twice on one link").toBe(false);
    const holders = this.#inFlight.get(key) ?? new Set();
    expect(holders.size, "never more than two requests for one block").toBeLessThan(2);
    this.#inFlight.set(key, holders.add(order.link));
    remote.asked.set(key, order);
    this.#owedAcknowledgements.add(`${order.link}:${order.piece}`);
    this.trace.push(`${order.link}:${key}`);
    if (remote.spec.isOrigin && this.piecesAskedOfOrigin.at(-1) !== order.piece)
      this.piecesAskedOfOrigin.push(order.piece);
    this.#answer(remote, key, order);
  }

  #answer(remote: Remote, key: number, order: BlockOrder): void {
    const { temper, bytesPerSecond, latencyMs } = remote.spec;
    if (temper === "silent") return;
    if (temper === "rejecting") {
      this.#at(latencyMs, () => {
        this.refusals += 1;
        if (this.#forget(remote, key))
          this.#tell(remote, {
            kind: "rejected",
            link: remote.link,
            piece: order.piece,
            offset: order.offset,
          });
      });
      return;
    }
    const start = Math.max(this.now + latencyMs, remote.busyUntil);
    remote.busyUntil = start + (order.length * 1000) / bytesPerSecond;
    this.#at(remote.busyUntil - this.now, () => {
      if (this.#hangs(remote)) return;
      // A cancelled request may be answered all the same: it was under way.
      const wanted = this.#forget(remote, key);
      if (!remote.open || remote.choking || (!wanted && this.#random.unit() < 0.5)) return;
      this.receivedBytes += order.length;
      if (!wanted) this.lateBytes += order.length;
      const bytes = new Uint8Array(order.length);
      const bad = temper === "corrupt" && this.#random.unit() < 0.2;
      this.#sent.set(bytes, { digest: bad ? `bad from ${remote.source}` : GOOD });
      this.#send({ kind: "block", link: remote.link, piece: order.piece, offset: order.offset, bytes });
    });
  }

  #hangs({ spec }: Remote): boolean {
    return spec.temper === "hanging" && this.now > HANGS_AT_MS;
  }

  #onCancel(order: BlockOrder): void {
    const remote = this.#remotes.get(order.link);
    const key = blockKey(order.piece, order.offset / BLOCK_BYTES);
    expect(remote?.asked.has(key), "cancels only what was asked").toBe(true);
    if (remote !== undefined) this.#forget(remote, key);
  }

  #forget(remote: Remote, key: number): boolean {
    this.#inFlight.get(key)?.delete(remote.link);
    return remote.asked.delete(key);
  }

  #keep(piece: number, offset: number, bytes: Uint8Array): void {
    const kept = this.#kept.get(piece) ?? new Map<number, Sent>();
    const block = offset / BLOCK_BYTES;
    expect(kept.has(block), "keeps a block once").toBe(false);
    const sent = this.#sent.get(bytes);
    if (sent === undefined) return expect.fail("keeps only what was sent");
    kept.set(block, sent);
    this.#kept.set(piece, kept);
  }

  #verify(piece: number): void {
    const kept = this.#kept.get(piece);
    const blocks = blockCount(this.geometry, piece);
    expect(kept?.size, "verifies a piece when every block is here").toBe(blocks);
    const digests = Array.from({ length: blocks }, (_, block) => kept?.get(block)?.digest ?? "");
    const fits = digests.every((digest) => digest === GOOD);
    this.#at(1 + this.#random.below(5), () => {
      if (fits) this.#kept.delete(piece);
      else this.failedPieces += 1;
      this.#send({ kind: fits ? "piece-verified" : "piece-failed", piece, digests });
    });
  }

  #checkBounds(): void {
    let open = 0;
    for (const { asked } of this.#remotes.values()) {
      open += asked.size;
      expect(asked.size, "keeps each window bounded").toBeLessThanOrEqual(
        this.#spec.config?.windowBlocksMax ?? DOWNLOAD_CONFIG.windowBlocksMax,
      );
    }
    const { openBytesMin, openShareMax, activePiecesMin, activeBytesMin, activeShareMax, settlingPieces } =
      DOWNLOAD_CONFIG;
    const { length, pieceLength } = this.geometry;
    // Each link may have one request beyond the common bound, so that none is starved.
    const openMax = Math.max(openBytesMin, length * openShareMax) / BLOCK_BYTES + this.#remotes.size;
    expect(open, "keeps all requests together bounded").toBeLessThanOrEqual(openMax);
    const piecesPerLink = Math.ceil(DOWNLOAD_CONFIG.windowBlocksMin / this.#spec.blocksPerPiece);
    const needed = this.#remotes.size * piecesPerLink + settlingPieces;
    // These artifacts are so small that the most which is allowed of large ones does not matter.
    const crashBytes = Math.max(activeBytesMin, length * activeShareMax);
    const keptMax = Math.max(activePiecesMin, needed, Math.floor(crashBytes / pieceLength));
    expect(this.#kept.size, "keeps few pieces in memory").toBeLessThanOrEqual(keptMax);
  }
}

function copyOf(field: Bitfield): Bitfield {
  return Bitfield.fromBytes(field.toBytes(), field.length) ?? new Bitfield(field.length);
}
