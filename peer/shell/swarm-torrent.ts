// One artifact in the swarm: joins links, download and upload machines and the disk. Carries out, never decides.
// A piece is hashed, written, then marked; only marked pieces are announced and served.

import type { Logger } from "pino";
import type { Bitfield } from "../../protocol/bitfield.ts";
import { FleetError } from "../../protocol/errors.ts";
import { assertNever } from "../../protocol/machine.ts";
import type { Artifact } from "../../protocol/manifest.ts";
import { type FarShare, type Neighbour, ORIGIN_ID } from "../../protocol/messages.ts";
import type { Fault, Offence } from "../../protocol/offence.ts";
import { createPrng } from "../../protocol/prng.ts";
import { haveMessage, pieceHead, requestMessage } from "../core/data-messages.ts";
import { createDownload, type Download } from "../core/download.ts";
import type { DownloadEffect, DownloadEvent } from "../core/download-turn.ts";
import { feedMessage } from "../core/feed-message.ts";
import { bytesOf, type LinkId, pieceBytes } from "../core/geometry.ts";
import { nameOfSource, ORIGIN_SOURCE } from "../core/link-roster.ts";
import type { BudgetShare, SwarmBudgets } from "../core/rate-budget.ts";
import { createUpload, type Uploading } from "../core/upload.ts";
import type { UploadEffect, UploadEvent, UploadOrder } from "../core/upload-events.ts";
import type { Lease } from "./extent-cache.ts";
import { type MachineRunner, runMachine } from "./machine-runner.ts";
import { Meter } from "./meter.ts";
import { PieceIntake } from "./piece-intake.ts";
import { PieceLedger } from "./piece-ledger.ts";
import type { PieceStore } from "./piece-store.ts";
import { type OpenedLink, SwarmLinks } from "./swarm-links.ts";
import { snapshotOf, type TorrentSnapshot } from "./torrent-inspection.ts";
import type { EngineTorrent, WireListener } from "./webtorrent-adapter.ts";
import { wireListener } from "./wire-listener.ts";

export interface SwarmStats {
  /** Bytes of pieces that are on disk and fit their hash. */
  readonly verifiedBytes: number;
  /** Payload received, duplicates and bad pieces included. */
  readonly receivedBytes: number;
  /** Payload the operating system has taken for others. */
  readonly uploadedBytes: number;
  readonly receiveBytesPerSecond: number;
  /** Connections on which both ends have said hello. */
  readonly links: number;
}

export interface TorrentSessionOptions {
  readonly artifact: Artifact;
  readonly engine: EngineTorrent;
  readonly store: PieceStore;
  /** Pieces known to be on disk; the session adds to it. */
  readonly verified: Bitfield;
  readonly bitmapPath: string | null;
  /** Nothing is fetched or written. */
  readonly complete: boolean;
  readonly budgets: SwarmBudgets;
  readonly ownId: string | null;
  readonly rank: number;
  readonly rankCount: number;
  readonly seed: number;
  readonly paused?: boolean;
  /** What a remote did that people should know of; once per time. */
  readonly onOffence?: (offence: Offence) => void;
  readonly logger: Logger;
}

interface Link extends Pick<OpenedLink, "source" | "wire" | "stream"> {
  readonly meter: Meter;
  /** Blocks on their way into the socket, and where each ends in the stream. */
  readonly unsent: { readonly endsAt: number; readonly lease: Lease }[];
}

export class TorrentSession {
  readonly links: SwarmLinks;
  readonly #options: TorrentSessionOptions;
  readonly #open = new Map<LinkId, Link>();
  readonly #download: MachineRunner<DownloadEvent>;
  readonly #upload: MachineRunner<UploadEvent>;
  readonly #intake: PieceIntake;
  readonly #ledger: PieceLedger;
  readonly #shares: { readonly upload: BudgetShare; readonly download: BudgetShare };
  readonly #meter = new Meter(performance.now());
  readonly #inspect: (now: number) => TorrentSnapshot;
  readonly #completion = Promise.withResolvers<void>();
  #neighbours: readonly Neighbour[] = [];
  #verifiedBytes: number;
  #closed = false;

  constructor(options: TorrentSessionOptions) {
    this.#options = options;
    const { artifact, store, verified } = options;
    const random = createPrng(options.seed);
    // Who does not wait for the end of a download need not handle its failure either.
    this.#completion.promise.catch(() => undefined);
    this.#verifiedBytes = bytesOf(store.geometry, verified);
    this.#intake = new PieceIntake(store);
    const onError = (error: unknown): void => this.#fail(error);
    // Pieces found on disk after a crash were perhaps never synced.
    const unflushed = options.complete ? 0 : verified.count;
    this.#ledger = new PieceLedger({ ...options, unflushed, onError });
    const now = (): number => performance.now();
    this.#shares = { upload: options.budgets.upload.claim(), download: options.budgets.download.claim() };
    const download = createDownload({
      ...options,
      geometry: store.geometry,
      random: random.child("download"),
      originSource: ORIGIN_SOURCE,
      budget: this.#shares.download,
    });
    this.#download = runMachine(download, { now, apply: (effect) => this.#applyDownload(effect) });
    const injects = options.complete && options.ownId === ORIGIN_ID;
    const budget = this.#shares.upload;
    const upload = createUpload({ geometry: store.geometry, verified, injects, budget });
    this.#upload = runMachine(upload, { now, apply: (effect) => this.#applyUpload(effect) });
    this.#inspect = (at) => this.#snapshot(at, { download, upload });
    this.links = new SwarmLinks({
      ...options,
      infoHash: artifact.infoHash,
      pieceCount: store.geometry.pieceCount,
      random: random.child("links"),
      onOpen: (opened) => this.#onOpen(opened),
      onClose: (link) => this.#onClose(link),
      onFar: (link, far) => this.#onFar(link, far),
      onFeeds: (link, feeds) => this.#download.send({ kind: "link-feeds", link, feeds }),
      onFault: (source, fault) => options.onOffence?.({ source, fault, piece: null }),
    });
    if (verified.isFull) void this.#complete();
  }

  get completed(): Promise<void> {
    return this.#completion.promise;
  }

  setNeighbours(neighbours: readonly Neighbour[]): void {
    if (this.#closed) return;
    this.#neighbours = neighbours;
    this.links.setNeighbours(neighbours);
  }

  setPaused(paused: boolean): void {
    if (!this.#closed) this.#download.send({ kind: "paused", paused });
  }

  /** Whoever waits for what a limit allows looks again. */
  limitsChanged(): void {
    if (this.#closed) return;
    this.#download.send({ kind: "tick" });
    this.#upload.send({ kind: "tick" });
  }

  stats(): SwarmStats {
    return {
      verifiedBytes: this.#verifiedBytes,
      receivedBytes: this.#meter.receivedBytes,
      uploadedBytes: this.#meter.sentBytes,
      receiveBytesPerSecond: this.#meter.receiveBytesPerSecond(performance.now()),
      links: this.links.count,
    };
  }

  /** For people who ask why it is slow. */
  inspect(): TorrentSnapshot {
    return this.#inspect(performance.now());
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.links.close();
    this.#download.stop();
    this.#upload.stop();
    this.#shares.download.leave();
    this.#shares.upload.leave();
    await this.#options.engine.close();
    await this.#intake.idle();
    try {
      await this.#ledger.flush();
    } finally {
      await this.#options.store.close();
    }
  }

  #snapshot(now: number, machines: { download: Download; upload: Uploading }): TorrentSnapshot {
    const { store, verified } = this.#options;
    return snapshotOf({
      now,
      pieceCount: store.geometry.pieceCount,
      verifiedPieces: verified.count,
      verifiedBytes: this.#verifiedBytes,
      meter: this.#meter,
      intake: this.#intake.load,
      download: machines.download.inspect(now),
      neighbours: this.#neighbours,
      meterOf: (link) => this.#open.get(link)?.meter,
      requestsWaiting: (link) => machines.upload.waitingOf(link),
    });
  }

  #onOpen(opened: OpenedLink): WireListener {
    const { link, source, isOrigin, far, feeds, isFleetNode, wire, stream } = opened;
    const { verified } = this.#options;
    this.#open.set(link, { source, wire, stream, meter: new Meter(performance.now()), unsent: [] });
    if (wire.hasFast && verified.isFull) wire.haveAll();
    else if (wire.hasFast && verified.count === 0) wire.haveNone();
    else wire.bitfield(verified.toBytes());
    const fast = wire.hasFast;
    this.#download.send({ kind: "link-open", link, source, isOrigin, far, feeds, isFleetNode });
    this.#upload.send({ kind: "link-open", link, fast, acknowledges: isFleetNode, isFar: far !== null });
    return this.#listenerOf(link, fast);
  }

  #onFar(link: LinkId, far: FarShare | null): void {
    this.#download.send({ kind: "link-far", link, far });
    this.#upload.send({ kind: "link-far", link, isFar: far !== null });
  }

  #onClose(link: LinkId): void {
    // The socket is gone, so nobody reads these bytes any more.
    for (const { lease } of this.#open.get(link)?.unsent ?? []) lease.release();
    this.#open.delete(link);
    this.#download.send({ kind: "link-closed", link });
    this.#upload.send({ kind: "link-closed", link });
  }

  #listenerOf(link: LinkId, fast: boolean): WireListener {
    return wireListener({
      link,
      pieceCount: this.#options.store.geometry.pieceCount,
      fast,
      // A parser may still hold messages of a link that is closed.
      tell: (event) => {
        if (this.#open.has(link)) this.#download.send(event);
      },
      ask: (event) => {
        if (this.#open.has(link)) this.#upload.send(event);
      },
      onReceived: (bytes) => {
        const now = performance.now();
        this.#meter.noteReceived(bytes, now);
        this.#open.get(link)?.meter.noteReceived(bytes, now);
      },
      onFlushed: () => this.#noteSent(link),
      onNonsense: (reason) => this.#cutOff(link, "breaks-rules", reason),
    });
  }

  #applyDownload(effect: DownloadEffect): void {
    switch (effect.kind) {
      case "request":
        return this.#send(effect.link, requestMessage(effect.piece, effect.offset, effect.length));
      case "cancel":
        return this.#open.get(effect.link)?.wire.cancel(effect.piece, effect.offset, effect.length);
      case "interest":
        return this.#showInterest(effect.link, effect.interested);
      case "have-these":
        return this.#open.get(effect.link)?.wire.bitfield(this.#options.verified.toBytes());
      case "feed":
        return this.#send(effect.link, feedMessage(effect.stripes));
      case "have":
        return this.#send(effect.link, haveMessage(effect.piece));
      case "keep-block":
        return this.#intake.keep(effect.piece, effect.offset, effect.bytes);
      case "verify-piece":
        void this.#settlePiece(effect.piece, effect.wantDigests);
        return;
      case "drop-piece":
        return this.#intake.drop(effect.piece);
      case "close-link":
        return this.links.closeLink(effect.link, effect.reason);
      case "ban":
        this.#options.logger.warn({ source: effect.source, piece: effect.piece }, "banned for bad data");
        this.#tellOffence(effect.source, "bad-data", effect.piece);
        return this.links.ban(effect.source);
      case "offence":
        return this.#noteOffence(effect);
      case "complete":
        void this.#complete();
        return;
      default:
        assertNever(effect);
    }
  }

  #send(link: LinkId, message: Uint8Array): void {
    this.#open.get(link)?.stream.send(message);
  }

  #applyUpload(effect: UploadEffect): void {
    const link = this.#open.get(effect.link);
    if (link === undefined) return;
    switch (effect.kind) {
      case "send":
        return this.#sendBlock(link, effect);
      case "reject":
        if (link.wire.hasFast) link.wire.reject(effect.piece, effect.offset, effect.length);
        return;
      case "unchoke":
        return link.wire.unchoke();
      case "close-link":
        return this.#cutOff(effect.link, effect.fault, effect.reason);
      default:
        assertNever(effect);
    }
  }

  #noteOffence({ link: id, fault, piece }: Extract<DownloadEffect, { kind: "offence" }>): void {
    const link = this.#open.get(id);
    if (link === undefined) return;
    // The core sees whole blocks only; one that has been arriving for all that time is a trickle, not silence.
    const trickles = fault === "no-answer" && link.stream.isMidMessage;
    this.#tellOffence(link.source, trickles ? "drip" : fault, piece);
  }

  #cutOff(id: LinkId, fault: Fault, reason: string): void {
    const link = this.#open.get(id);
    if (link !== undefined) this.#tellOffence(link.source, fault, null);
    this.links.closeLink(id, reason);
  }

  #tellOffence(source: string, fault: Fault, piece: number | null): void {
    this.#options.onOffence?.({ source: nameOfSource(source), fault, piece });
  }

  #showInterest(link: LinkId, interested: boolean): void {
    const wire = this.#open.get(link)?.wire;
    if (interested) wire?.interested();
    else wire?.uninterested();
  }

  #sendBlock(link: Link, order: UploadOrder): void {
    const lease = this.#options.store.read(order.piece, order.offset, order.length);
    if (!(lease instanceof Promise)) return this.#pushBlock(link, order, lease);
    lease.then(
      (read) => this.#pushBlock(link, order, read),
      (error: unknown) => this.#failRead(order, error),
    );
  }

  #pushBlock(link: Link, order: UploadOrder, lease: Lease): void {
    if (!this.#open.has(order.link)) return lease.release();
    const head = pieceHead(order.piece, order.offset, lease.bytes.length);
    link.unsent.push({ endsAt: link.stream.sendBlock(head, lease.bytes), lease });
  }

  #failRead(order: UploadOrder, error: unknown): void {
    if (this.#closed) return;
    this.#options.logger.error({ err: error, piece: order.piece }, "cannot read a piece to serve it");
    this.links.closeLink(order.link, "cannot be served");
  }

  #noteSent(id: LinkId): void {
    const link = this.#open.get(id);
    if (link === undefined) return;
    let bytes = 0;
    for (let next = link.unsent[0]; next !== undefined; next = link.unsent[0]) {
      if (next.endsAt > link.stream.flushedBytes) break;
      bytes += next.lease.bytes.length;
      next.lease.release();
      link.unsent.shift();
    }
    if (bytes === 0) return;
    const now = performance.now();
    this.#meter.noteSent(bytes, now);
    link.meter.noteSent(bytes, now);
    this.#upload.send({ kind: "sent", link: id, bytes });
  }

  async #settlePiece(piece: number, wantDigests: boolean): Promise<void> {
    try {
      const { fits, digests } = await this.#intake.settle(piece, { wantDigests });
      this.#download.send({ kind: fits ? "piece-verified" : "piece-failed", piece, digests });
      if (!fits) return;
      this.#upload.send({ kind: "gained", piece });
      this.#verifiedBytes += pieceBytes(this.#options.store.geometry, piece);
      this.#ledger.note();
    } catch (error) {
      this.#fail(error);
    }
  }

  async #complete(): Promise<void> {
    try {
      await this.#ledger.flush();
      this.#completion.resolve();
    } catch (error) {
      this.#fail(error);
    }
  }

  /** The disk does not take any more: nothing new is fetched, what is here is still served. */
  #fail(error: unknown): void {
    if (this.#closed) return;
    this.#download.stop();
    this.#completion.reject(error);
    const code = error instanceof FleetError ? error.code : null;
    this.#options.logger.error({ err: error, code }, "download stopped");
  }
}
