// Whom to send what next: a queue of requests per link, served piece by piece on a few links at a time, so that
// whole pieces get out early and can be passed on. Owns the queues and the room left in each socket; never bytes.
//
// Bounded: requests per link, bytes handed to a socket that has not taken them, links that send at once.
import type { Bitfield } from "../../protocol/bitfield.ts";
import type { Millis } from "../../protocol/ids.ts";
import { assert, assertNever, type Machine } from "../../protocol/machine.ts";
import type { StripeSet } from "../../protocol/stripes.ts";
import { Feeding } from "./feeding.ts";
import { type Geometry, type LinkId, pieceBytes } from "./geometry.ts";
import { Injection } from "./injection.ts";
import { type BudgetShare, RateBudget } from "./rate-budget.ts";
import { Uplink } from "./uplink.ts";
import { UPLOAD_CONFIG, type UploadConfig, type UploadOptions } from "./upload-config.ts";
import type { UploadEffect, UploadEvent, UploadOrder } from "./upload-events.ts";
import {
  aheadBytes,
  isInside,
  newQueue,
  orderKey,
  orderPiece,
  slotShare,
  type Turn,
  type UploadQueue,
} from "./upload-queue.ts";

/** What the greediest stock client keeps open (libtorrent: 500). */
const QUEUE_MAX = 512;
/** Requests that had to be refused: a race costs a few, a flood this many. */
const REFUSED_MAX = 4_096;

/** The fastest drain seen is forgotten over about a thousand blocks. */
const FASTEST_DECAY = 0.001;
/** A socket that took nothing for this long is stuck: it leaves the uplink to others. */
const STUCK_AFTER_MS = 500;
/** A remote that reads nothing for this long is not there any more. */
const DEAD_AFTER_MS = 60_000;
const SWEEP_MS = 10_000;

export interface Uploading extends Machine<UploadEvent, UploadEffect> {
  /** Requests of this link that have not been served. */
  waitingOf(link: LinkId): number;
}

export function createUpload(options: UploadOptions): Uploading {
  const upload = new Upload(options);
  return {
    handle: (event, now) => upload.handle(event, now),
    deadline: () => upload.deadline(),
    waitingOf: (link) => upload.waitingOf(link),
  };
}

class Upload {
  readonly #geometry: Geometry;
  readonly #verified: Bitfield;
  readonly #config: UploadConfig;
  readonly #queues = new Map<LinkId, UploadQueue>();
  // A link with requests is in exactly one of these.
  /** In the middle of a piece and with room in the socket, in the order their turns came. */
  readonly #ready = new Set<UploadQueue>();
  /** In the middle of a piece, the socket full. */
  readonly #blocked = new Set<UploadQueue>();
  /** Blocked, and the socket takes nothing: not worth a slot. */
  readonly #stuck = new Set<UploadQueue>();
  /** Waiting for a turn, longest first. */
  readonly #waiting = new Set<UploadQueue>();
  readonly #injection: Injection | null;
  readonly #feeding: Feeding;
  readonly #uplink: Uplink;
  readonly #budget: BudgetShare;
  /** A block waits for the budget until then. */
  #budgetAt: Millis | null = null;
  #nextSweepAt: Millis | null = null;
  #fastestDrain = 0;
  #out: UploadEffect[] = [];

  constructor(options: UploadOptions) {
    this.#geometry = options.geometry;
    this.#verified = options.verified;
    this.#config = options.config ?? UPLOAD_CONFIG;
    this.#feeding = new Feeding(options.verified);
    this.#uplink = new Uplink(options.geometry.pieceLength);
    this.#budget = options.budget ?? new RateBudget().claim();
    this.#injection = options.injects === true ? new Injection(options.geometry) : null;
  }

  handle(event: UploadEvent, now: Millis): readonly UploadEffect[] {
    // Most news is of pieces that nobody asks us for: it frees nothing, and there are many of them.
    if (event.kind === "remote-has" && !this.#concerns(event.link, event.piece, now)) return NOTHING;
    this.#out = [];
    if (event.kind === "link-open") this.#open(event);
    else if (event.kind === "tick") this.#onTick(now);
    else if (event.kind === "gained") this.#onGained(event.piece, now);
    else this.#onQueueEvent(event, now);
    this.#serve(now);
    return this.#out;
  }

  deadline(): Millis | null {
    let soonest = this.#nextSweepAt;
    const lost = this.#uplink.deadline();
    if (lost !== null) soonest = Math.min(soonest ?? lost, lost);
    if (this.#budgetAt !== null) soonest = Math.min(soonest ?? this.#budgetAt, this.#budgetAt);
    if (this.#ready.size + this.#waiting.size === 0) return soonest;
    for (const { movedAt } of this.#blocked)
      soonest = Math.min(soonest ?? Number.POSITIVE_INFINITY, movedAt + STUCK_AFTER_MS);
    return soonest;
  }

  waitingOf(link: LinkId): number {
    return this.#queues.get(link)?.orders.size ?? 0;
  }

  #queueOf(link: LinkId): UploadQueue {
    const queue = this.#queues.get(link);
    assert(queue !== undefined, "an event names a link that is open");
    return queue;
  }

  #onQueueEvent(event: Exclude<UploadEvent, { kind: "link-open" | "tick" | "gained" }>, now: Millis): void {
    const queue = this.#queueOf(event.link);
    switch (event.kind) {
      case "link-closed":
        return this.#close(queue);
      case "interested":
        // Everybody is served: in a fleet there is nothing to barter for, and the turns keep order.
        this.#out.push({ kind: "unchoke", link: queue.link });
        return;
      case "requested":
        return this.#onRequest(queue, event, now);
      case "cancelled":
        return this.#onCancel(queue, event, now);
      case "sent":
        return this.#onSent(queue, event.bytes, now);
      case "remote-has":
        return this.#onRemoteHas(queue, event.piece, now);
      case "remote-bitfield":
        return this.#feeding.remoteHasThese(event.link, event.has);
      case "feed":
        return this.#onFeed(queue, event.stripes, now);
      case "link-far":
        queue.isFar = event.isFar;
        return;
      default:
        assertNever(event);
    }
  }

  #open(event: Extract<UploadEvent, { kind: "link-open" }>): void {
    const { link, fast, acknowledges, isFar = false } = event;
    this.#queues.set(link, newQueue({ link, fast, acknowledges, isFar }));
    // Without acknowledgements nothing would keep what is on its way within bounds.
    if (acknowledges) this.#feeding.open(link);
  }

  #onFeed(queue: UploadQueue, stripes: StripeSet, now: Millis): void {
    const { link } = queue;
    if (!this.#feeding.want(link, stripes))
      this.#out.push({
        kind: "close-link",
        link,
        fault: "floods",
        reason: "changes what it wants too often",
      });
    this.#uplink.setFed(link, { isFed: this.#feeding.isFed(link), isAnyFed: this.#feeding.isAnyFed() });
    this.#feed(queue, now);
  }

  #onGained(piece: number, now: Millis): void {
    for (const link of this.#feeding.gained(piece)) this.#feed(this.#queueOf(link), now);
  }

  #feed(queue: UploadQueue, now: Millis): void {
    if (queue.orders.size === 0 && this.#refill(queue, now))
      (queue.turn === null ? this.#waiting : this.#ready).add(queue);
  }

  /** The next piece of what it wants as it comes, as if it had asked for it. False when there is none. */
  #refill(queue: UploadQueue, now: Millis): boolean {
    const piece = this.#feeding.take(queue.link);
    if (piece === null) return false;
    this.#injection?.admits(piece, queue.link, now);
    orderPiece(queue, this.#geometry, piece);
    return true;
  }

  #close(queue: UploadQueue): void {
    this.#queues.delete(queue.link);
    this.#feeding.close(queue.link);
    this.#rest(queue);
    this.#uplink.linkClosed(queue.link);
    this.#injection?.linkClosed(queue.link);
  }

  #onRequest(queue: UploadQueue, order: UploadOrder, now: Millis): void {
    const { link, piece, offset, length } = order;
    const key = orderKey(order);
    if (!isInside(this.#geometry, order)) {
      const reason = "asked for bytes that do not exist";
      this.#out.push({ kind: "close-link", link, fault: "breaks-rules", reason });
    } else if (queue.orders.has(key)) {
      // The first of two equal requests answers both.
      return;
    } else if (queue.orders.size >= QUEUE_MAX || !this.#mayHave(queue, piece, now)) {
      this.#refuse(queue, order);
    } else {
      queue.orders.set(key, { link, piece, offset, length });
      if (queue.orders.size === 1) (queue.turn === null ? this.#waiting : this.#ready).add(queue);
    }
  }

  #mayHave(queue: UploadQueue, piece: number, now: Millis): boolean {
    if (!this.#verified.has(piece)) return false;
    // A stock client that cannot be told no would wait for ever.
    return this.#injection === null || !queue.fast || this.#injection.admits(piece, queue.link, now);
  }

  #refuse(queue: UploadQueue, order: UploadOrder): void {
    const { link, piece, offset, length } = order;
    queue.refused += 1;
    this.#out.push(
      queue.refused > REFUSED_MAX
        ? { kind: "close-link", link, fault: "floods", reason: "floods with requests" }
        : { kind: "reject", link, piece, offset, length },
    );
  }

  /** Whether a piece was under way to the link or is asked for by it. Takes note of the acknowledgement. */
  #concerns(link: LinkId, piece: number, now: Millis): boolean {
    const landed = this.#uplink.acknowledged(link, piece, now);
    const queue = this.#queueOf(link);
    this.#feeding.remoteHas(link, piece);
    if (landed || queue.orders.size === 0) return landed;
    for (const order of queue.orders.values()) if (order.piece === piece) return true;
    return false;
  }

  /** It will not be sent any more. */
  #onRemoteHas(queue: UploadQueue, piece: number, now: Millis): void {
    for (const [key, order] of queue.orders) {
      if (order.piece !== piece) continue;
      queue.orders.delete(key);
      if (piece !== queue.fedPiece) this.#out.push({ kind: "reject", ...order });
    }
    if (queue.orders.size === 0) this.#goOn(queue, now);
  }

  #onCancel(queue: UploadQueue, order: UploadOrder, now: Millis): void {
    const key = orderKey(order);
    if (queue.orders.get(key)?.length === order.length) queue.orders.delete(key);
    if (queue.orders.size === 0) this.#goOn(queue, now);
  }

  /** Nothing is left of what it waited for. */
  #goOn(queue: UploadQueue, now: Millis): void {
    this.#rest(queue);
    this.#feed(queue, now);
  }

  #onSent(queue: UploadQueue, bytes: number, now: Millis): void {
    queue.unsentBytes -= bytes;
    queue.movedAt = now;
    queue.drain.add(bytes, now);
    const rate = queue.drain.bytesPerSecond;
    this.#fastestDrain = Math.max(rate, this.#fastestDrain - this.#fastestDrain * FASTEST_DECAY);
    if (this.#blocked.delete(queue) || this.#stuck.delete(queue)) this.#ready.add(queue);
  }

  #onTick(now: Millis): void {
    this.#uplink.expire(now);
    for (const queue of this.#blocked) {
      if (now - queue.movedAt < STUCK_AFTER_MS) continue;
      this.#blocked.delete(queue);
      this.#stuck.add(queue);
      this.#nextSweepAt ??= now + SWEEP_MS;
    }
    if (this.#nextSweepAt === null || now < this.#nextSweepAt) return;
    this.#nextSweepAt = this.#stuck.size > 0 ? now + SWEEP_MS : null;
    for (const { link, movedAt } of this.#stuck)
      if (now - movedAt >= DEAD_AFTER_MS)
        this.#out.push({ kind: "close-link", link, fault: "does-not-read", reason: "does not read" });
  }

  #serve(now: Millis): void {
    let busy = 0;
    this.#budgetAt = null;
    for (const queue of this.#blocked) busy += slotShare(queue, this.#fastestDrain);
    for (const queue of this.#ready) {
      if (busy >= this.#config.slots || this.#budgetAt !== null) return;
      busy += this.#sendTo(queue, now);
    }
    while (busy < this.#config.slots && this.#budgetAt === null) {
      const next = this.#nextTurn();
      if (next === null) return;
      busy += this.#sendTo(next, now);
    }
  }

  /**
   * Whoever has waited longest; at an origin first of all who waits for the piece that has been sent least, so that
   * every piece leaves once before any leaves twice. A node must not do the same: whoever lags lacks what was sent to
   * others before, would get ever less, and hold up the end.
   */
  #nextTurn(): UploadQueue | null {
    if (this.#waiting.size === 0) return null;
    let best: UploadQueue | null = null;
    let fewestCopies = Number.POSITIVE_INFINITY;
    for (const queue of this.#waiting) {
      const { link, acknowledges } = queue;
      if (acknowledges && !this.#uplink.hasRoom(link, this.#feeding.isBehind(link))) continue;
      const copies = this.#copiesSent(queue);
      if (copies >= fewestCopies) continue;
      fewestCopies = copies;
      best = queue;
      if (copies === 0) break;
    }
    return best;
  }

  /** Of the piece that is next for this link; a copy under way counts as whole. */
  #copiesSent(queue: UploadQueue): number {
    // Nobody else has sent it into that zone, as far as is known.
    if (queue.isFar) return 0;
    // At a node all count the same.
    if (this.#injection === null) return 1;
    const [first] = queue.orders.values();
    return first === undefined ? 0 : Math.ceil(this.#injection.copiesOf(first.piece));
  }

  /** Fills the socket with the piece whose turn it is. Returns the share of a slot that this link keeps busy. */
  #sendTo(queue: UploadQueue, now: Millis): number {
    const [first] = queue.orders.values();
    assert(first !== undefined, "whoever has a turn has a request");
    queue.turn ??= { piece: first.piece, bytesLeft: pieceBytes(this.#geometry, first.piece) };
    if (queue.unsentBytes === 0) queue.movedAt = now;
    const aheadMax = aheadBytes(queue, this.#config);
    for (const order of queue.orders.values()) {
      if (queue.unsentBytes >= aheadMax) break;
      if (order.piece !== queue.turn.piece) continue;
      if (!this.#maySend(order, now)) return this.#holdUp(queue);
      this.#send(queue, order, queue.turn, now);
    }
    return this.#settle(queue, queue.unsentBytes >= aheadMax, now);
  }

  #maySend({ piece, link }: UploadOrder, now: Millis): boolean {
    if (this.#budget.mayTake(now)) return true;
    this.#budgetAt = this.#budget.readyAt(now);
    this.#injection?.heldUp(piece, link, now);
    return false;
  }

  /** It goes on with its piece, before others, when the budget allows. */
  #holdUp(queue: UploadQueue): number {
    this.#waiting.delete(queue);
    this.#ready.add(queue);
    return 0;
  }

  #send(queue: UploadQueue, order: UploadOrder, turn: Turn, now: Millis): void {
    if (queue.acknowledges) this.#uplink.sent(order, now);
    this.#budget.take(order.length);
    queue.orders.delete(orderKey(order));
    queue.unsentBytes += order.length;
    queue.refused = 0;
    turn.bytesLeft -= order.length;
    this.#injection?.sent(order.piece, order.length, now);
    this.#out.push({ kind: "send", ...order });
  }

  /** Puts the link where it belongs after sending: on with its piece, to the back of the line, or at rest. */
  #settle(queue: UploadQueue, full: boolean, now: Millis): number {
    const pieceOver = (queue.turn?.bytesLeft ?? 0) <= 0;
    const asksForMore = queue.orders.size > 0 || this.#refill(queue, now);
    this.#rest(queue);
    // A link that is merely slow to ask keeps its turn: it goes on with its piece before others start theirs.
    if (pieceOver || (asksForMore && !full)) queue.turn = null;
    if (asksForMore) (queue.turn === null ? this.#waiting : this.#blocked).add(queue);
    return full ? slotShare(queue, this.#fastestDrain) : 0;
  }

  #rest(queue: UploadQueue): void {
    this.#ready.delete(queue);
    this.#blocked.delete(queue);
    this.#stuck.delete(queue);
    this.#waiting.delete(queue);
  }
}

const NOTHING: readonly UploadEffect[] = [];
