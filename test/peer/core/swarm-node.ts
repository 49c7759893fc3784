// One member of a made-up swarm: both machines, its sockets, its uplink and downlink. Checks after every event what
// its machines promise. Who is linked to whom, and who leaves, is swarm-world.ts.
import { expect } from "vitest";
import { createDownload } from "../../../peer/core/download.ts";
import { DOWNLOAD_CONFIG } from "../../../peer/core/download-config.ts";
import type { DownloadEffect, DownloadEvent } from "../../../peer/core/download-turn.ts";
import { BLOCK_BYTES, blockKey, type Geometry } from "../../../peer/core/geometry.ts";
import { createUpload } from "../../../peer/core/upload.ts";
import { UPLOAD_CONFIG } from "../../../peer/core/upload-config.ts";
import type { UploadEffect, UploadEvent, UploadOrder } from "../../../peer/core/upload-events.ts";
import { Bitfield } from "../../../protocol/bitfield.ts";
import type { Prng } from "../../../protocol/prng.ts";
import {
  ALL_STRIPES,
  hasStripe,
  NO_STRIPES,
  type StripeSet,
  stripeOf,
  TREES_OFF,
} from "../../../protocol/stripes.ts";
import type { VirtualClock } from "./virtual-clock.ts";

/** What the kernel keeps for each socket, and how long it takes to hash and write a piece. */
const KERNEL_BYTES = 64 * 1024;
const VERIFY_MS = 3;

export interface NodeOptions {
  readonly geometry: Geometry;
  readonly clock: VirtualClock;
  readonly name: string;
  readonly isOrigin: boolean;
  readonly rank: number;
  readonly rankCount: number;
  readonly random: Prng;
  readonly bytesPerSecond: number;
  readonly latencyMs: number;
  /** Hears of every block that leaves. */
  readonly onSend: (order: UploadOrder, to: SwarmNode) => void;
}

/** One end of a connection. */
interface Socket {
  readonly remote: SwarmNode;
  /** What the upload handed over and the kernel has no room for yet. */
  readonly unsent: UploadOrder[];
  readonly kernel: UploadOrder[];
  /** Requests made here that are neither answered nor taken back. */
  readonly open: Set<number>;
  /** Requests of the remote that have come and are neither answered nor taken back. */
  readonly owed: Set<number>;
  /** Stripes the remote wants without asking, or wanted: what is on its way to it then still comes. */
  wanted: StripeSet;
}

export class SwarmNode {
  readonly verified: Bitfield;
  readonly sockets = new Map<number, Socket>();
  readonly options: NodeOptions;
  /** It has left: nothing reaches it, nothing leaves it. */
  gone = false;
  complete: boolean;
  receivedBytes = 0;
  /** Blocks it sent to those who want stripes. */
  fedBlocks = 0;
  /** When it last got nearer to its end. */
  movedAt = 0;
  readonly #download;
  readonly #upload;
  readonly #ticksAt = new Set<number>();
  /** Links whose kernel holds something, in turns. */
  readonly #line: number[] = [];
  #uplinkBusy = false;
  #downlinkFreeAt = 0;
  #openCount = 0;

  constructor(options: NodeOptions) {
    const { geometry, isOrigin, rank, rankCount, random } = options;
    this.options = options;
    this.complete = isOrigin;
    this.verified = isOrigin ? Bitfield.full(geometry.pieceCount) : new Bitfield(geometry.pieceCount);
    const { verified } = this;
    this.#upload = createUpload({ geometry, verified, injects: isOrigin });
    this.#download = createDownload({ geometry, verified, rank, rankCount, random, originSource: "origin" });
  }

  open(link: number, remote: SwarmNode, feeds: StripeSet = NO_STRIPES): void {
    const { name, isOrigin } = remote.options;
    const wanted = NO_STRIPES;
    this.sockets.set(link, { remote, unsent: [], kernel: [], open: new Set(), owed: new Set(), wanted });
    this.#up({ kind: "link-open", link, fast: true, acknowledges: true });
    this.#down({ kind: "link-open", link, source: name, isOrigin, feeds, isFleetNode: true });
    this.#tellAll(link);
  }

  #tellAll(link: number): void {
    const has = this.verified.copy();
    this.#tell(link, (there) => {
      there.#down({ kind: "remote-bitfield", link, has });
      there.#up({ kind: "remote-bitfield", link, has });
    });
  }

  close(link: number): void {
    const socket = this.sockets.get(link);
    if (socket === undefined || this.gone) return;
    this.sockets.delete(link);
    this.#openCount -= socket.open.size;
    this.#down({ kind: "link-closed", link });
    this.#up({ kind: "link-closed", link });
  }

  #down(event: DownloadEvent): void {
    for (const effect of this.#download.handle(event, this.options.clock.now)) this.#applyDown(effect);
    this.#arm();
    const { openBytesMax } = DOWNLOAD_CONFIG;
    // Each link may have one request beyond the common bound, so that none is starved.
    expect(this.#openCount, "bounds what it asks for").toBeLessThanOrEqual(
      openBytesMax / BLOCK_BYTES + this.sockets.size,
    );
  }

  #up(event: UploadEvent): void {
    for (const effect of this.#upload.handle(event, this.options.clock.now)) this.#applyUp(effect);
    this.#arm();
    if (event.kind !== "tick" && event.kind !== "gained") this.#checkQueue(event.link);
  }

  #checkQueue(link: number): void {
    const socket = this.sockets.get(link);
    if (socket === undefined) return;
    const { windowBlocksMax } = DOWNLOAD_CONFIG;
    expect(this.#upload.waitingOf(link), "queues few requests").toBeLessThanOrEqual(windowBlocksMax);
    const unsentBytes = socket.unsent.length * BLOCK_BYTES;
    expect(unsentBytes, "stays close ahead of the socket").toBeLessThanOrEqual(UPLOAD_CONFIG.aheadBytesMax);
  }

  /** One tick at each deadline; one too many does no harm. */
  #arm(): void {
    this.#tickAt(this.#download.deadline(), () => this.#down({ kind: "tick" }));
    this.#tickAt(this.#upload.deadline(), () => this.#up({ kind: "tick" }));
  }

  #tickAt(at: number | null, tick: () => void): void {
    const { clock } = this.options;
    if (at === null || this.#ticksAt.has(at)) return;
    this.#ticksAt.add(at);
    clock.after(at - clock.now, () => {
      this.#ticksAt.delete(at);
      if (this.gone) return;
      this.#down({ kind: "tick" });
      tick();
    });
  }

  /** Reaches the other end after the way there, if the connection still stands. */
  #tell(link: number, run: (there: SwarmNode, socket: Socket) => void): void {
    const remote = this.sockets.get(link)?.remote;
    this.options.clock.after(this.options.latencyMs, () => {
      const socket = remote?.sockets.get(link);
      if (remote !== undefined && socket !== undefined && !remote.gone) run(remote, socket);
    });
  }

  #applyDown(effect: DownloadEffect): void {
    const { clock, name } = this.options;
    switch (effect.kind) {
      case "request":
        return this.#request(effect);
      case "cancel":
        this.#forget(effect.link, keyOf(effect));
        return this.#tell(effect.link, (there, { owed }) => {
          owed.delete(keyOf(effect));
          there.#up({ ...effect, kind: "cancelled" });
        });
      case "interest":
        if (effect.interested)
          this.#tell(effect.link, (there) => there.#up({ kind: "interested", link: effect.link }));
        return;
      case "have":
        expect(this.verified.has(effect.piece), "announces only what is here").toBe(true);
        return this.#tell(effect.link, (there) => {
          there.#down({ ...effect, kind: "remote-has" });
          there.#up({ ...effect, kind: "remote-has" });
        });
      case "have-these":
        return this.#tellAll(effect.link);
      case "feed":
        return this.#tell(effect.link, (there, socket) => there.#feed(effect, socket));
      case "verify-piece":
        return clock.after(VERIFY_MS, () => this.#verified(effect.piece));
      case "complete":
        this.complete = true;
        return;
      case "close-link": {
        const remote = this.sockets.get(effect.link)?.remote;
        expect(remote?.gone, `${name} cuts off ${remote?.options.name}: ${effect.reason}`).toBe(true);
        return clock.after(0, () => this.close(effect.link));
      }
      case "offence":
        expect(this.sockets.get(effect.link)?.remote.gone, `${name} names a good node`).toBe(true);
        return;
      case "ban":
        return expect.fail("nobody sends bad bytes");
      default:
        // What is kept and dropped of pieces is download-world.ts.
        return;
    }
  }

  #verified(piece: number): void {
    this.movedAt = this.options.clock.now;
    if (this.gone) return;
    this.#down({ kind: "piece-verified", piece, digests: [] });
    this.#up({ kind: "gained", piece });
  }

  #feed({ link, stripes }: { link: number; stripes: StripeSet }, socket: Socket): void {
    socket.wanted |= stripes & ALL_STRIPES;
    this.#up({ kind: "feed", link, stripes: stripes & ALL_STRIPES });
    if (stripes === TREES_OFF) this.#down({ kind: "trees-off", link });
  }

  #request(order: UploadOrder): void {
    const socket = this.sockets.get(order.link);
    if (socket === undefined) return expect.fail("asks open links only");
    const key = keyOf(order);
    expect(socket.open.has(key), "never two identical requests on one wire").toBe(false);
    expect(socket.remote.verified.has(order.piece), "never asks for a piece the remote lacks").toBe(true);
    expect(this.verified.has(order.piece), "never asks for what is here").toBe(false);
    socket.open.add(key);
    this.#openCount += 1;
    this.#tell(order.link, (there, { owed }) => {
      owed.add(key);
      there.#up({ ...order, kind: "requested" });
    });
  }

  #forget(link: number, key: number): void {
    if (this.sockets.get(link)?.open.delete(key) === true) this.#openCount -= 1;
  }

  #applyUp(effect: UploadEffect): void {
    const { link } = effect;
    const socket = this.sockets.get(link);
    if (socket === undefined) return;
    if (effect.kind === "unchoke") this.#tell(link, (there) => there.#down({ kind: "unchoked", link }));
    else if (effect.kind === "reject") {
      socket.owed.delete(keyOf(effect));
      this.#tell(link, (there) => {
        there.#forget(link, keyOf(effect));
        there.#down({ ...effect, kind: "rejected" });
      });
    } else if (effect.kind === "send") {
      const isOwed = socket.owed.delete(keyOf(effect)) || hasStripe(socket.wanted, stripeOf(effect.piece));
      expect(isOwed, "sends what is asked for, and once, or what is wanted unasked").toBe(true);
      this.fedBlocks += socket.wanted === NO_STRIPES ? 0 : 1;
      socket.unsent.push(effect);
      this.options.onSend(effect, socket.remote);
      this.#fillKernel(link, socket);
    } else expect.fail(`${this.options.name} closes a link: ${effect.reason}`);
  }

  #fillKernel(link: number, { unsent, kernel }: Socket): void {
    while (kernel.length * BLOCK_BYTES < KERNEL_BYTES) {
      const next = unsent.shift();
      if (next === undefined) break;
      kernel.push(next);
      if (kernel.length === 1) this.#line.push(link);
      this.options.clock.after(0, () => {
        if (this.sockets.has(link) && !this.gone) this.#up({ kind: "sent", link, bytes: next.length });
      });
    }
    if (!this.#uplinkBusy) this.#sendNext();
  }

  /** One block at a time, from each socket in turn. */
  #sendNext(): void {
    const link = this.#line.shift();
    const socket = link === undefined ? undefined : this.sockets.get(link);
    if (link === undefined) return;
    const [block] = socket?.kernel ?? [];
    if (socket === undefined || block === undefined) return this.#sendNext();
    this.#uplinkBusy = true;
    this.options.clock.after(this.#transferMs(block), () => {
      this.#uplinkBusy = false;
      socket.kernel.shift();
      if (this.gone) return;
      this.#tell(link, (there) => there.#receive(block));
      if (socket.kernel.length > 0) this.#line.push(link);
      this.#fillKernel(link, socket);
    });
  }

  #receive(block: UploadOrder): void {
    const { clock } = this.options;
    this.#downlinkFreeAt = Math.max(clock.now, this.#downlinkFreeAt) + this.#transferMs(block);
    clock.after(this.#downlinkFreeAt - clock.now, () => {
      if (this.gone || !this.sockets.has(block.link)) return;
      this.receivedBytes += block.length;
      this.#forget(block.link, keyOf(block));
      this.#down({ ...block, kind: "block", bytes: new Uint8Array(block.length) });
    });
  }

  #transferMs(block: UploadOrder): number {
    return (block.length * 1000) / this.options.bytesPerSecond;
  }
}

function keyOf(order: UploadOrder): number {
  return blockKey(order.piece, order.offset / BLOCK_BYTES);
}
