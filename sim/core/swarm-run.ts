// One simulated distribution: a fleet on a virtual clock, run by the machines that ship. The same scenario, size and
// seed give the same events, in the same order, on every machine. Reads no clock and never waits.
import { BLOCK_BYTES, type LinkId } from "../../peer/core/geometry.ts";
import type { UploadOrder } from "../../peer/core/upload-events.ts";
import { assert } from "../../protocol/machine.ts";
import { createPrng, type Prng } from "../../protocol/prng.ts";
import { EventQueue } from "./event-queue.ts";
import type { SwarmOutcome } from "./outcome.ts";
import type { Scenario } from "./scenario.ts";
import { aboutOf, blockOf, EVENT, EVENT_NAMES, linkOf } from "./swarm-events.ts";
import { drawFaults, type FaultPlan } from "./swarm-faults.ts";
import { blocksPerPiece, layGraph, makeMembers, type PeerGraph, roughBoundMs } from "./swarm-fleet.ts";
import type { Member, Surroundings, Way } from "./swarm-member.ts";
import { type MakeNetwork, type Network, SerialNetwork } from "./swarm-network.ts";
import { SwarmObserver } from "./swarm-observer.ts";

export interface SwarmRunOptions {
  readonly scenario: Scenario;
  readonly nodeCount: number;
  readonly seed: number;
}

/** One event in words, for people. `to` is the member it happens to. */
export interface TraceEvent {
  readonly atMs: number;
  readonly kind: string;
  readonly to: string;
  readonly from: string | null;
  readonly piece: number | null;
}

export interface SwarmListener {
  /** Now and then; of all pieces of all nodes, 0 to 1. */
  readonly onProgress?: (doneShare: number) => void;
  readonly onEvent?: (event: TraceEvent) => void;
}

/** A dead machine's links are given up on by the kernel after about this long without an answer. */
const DEAD_LINK_MS = 30_000;
/** How far the wait of a message may be from the mean, as a part of it: most real ones are within that. */
const MESSAGE_WAIT_SPREAD = 0.5;
/** Samples of availability on the way to the bound; a run goes on sampling at the same step after it. */
const SAMPLES = 64;
const PROGRESS_EVERY_EVENTS = 200_000;
/** A run that takes so much longer than the bound, and so long, will not end. */
const STUCK_AFTER_BOUNDS = 40;
const STUCK_AFTER_MS = 600_000;

/**
 * Runs to the end: until every node that stays has everything, or nothing will come of it any more. Another network is
 * for comparing this one with.
 */
export function simulateSwarm(
  options: SwarmRunOptions,
  listener: SwarmListener = {},
  makeNetwork: MakeNetwork = (parts) => new SerialNetwork(parts),
): SwarmOutcome {
  const run = new SwarmRun(options, listener, makeNetwork);
  run.begin();
  while (!run.isOver && run.step());
  return run.outcome();
}

class SwarmRun implements Surroundings {
  now = 0;
  readonly #options: SwarmRunOptions;
  readonly #listener: SwarmListener;
  readonly #queue = new EventQueue();
  readonly #network: Network;
  readonly #observer: SwarmObserver;
  /** The origin comes last. */
  readonly #members: readonly Member[];
  /** Who is linked to whom while both are there, by index of member. */
  readonly #graph: PeerGraph;
  readonly #faults: FaultPlan;
  readonly #random: Prng;
  readonly #messageRandom: Prng;
  readonly #realBytesPerByte: number;
  readonly #blocksPerPiece: number;
  readonly #pieceMs: number;
  readonly #sampleMs: number;
  readonly #stuckAtMs: number;
  #unfinished: number;

  constructor(options: SwarmRunOptions, listener: SwarmListener, makeNetwork: MakeNetwork) {
    const { scenario, nodeCount, seed } = options;
    this.#options = options;
    this.#listener = listener;
    this.#random = createPrng(seed);
    this.#messageRandom = this.#random.child("messages");
    this.#unfinished = nodeCount;
    const pieceBytes = scenario.artifactBytes / scenario.pieces;
    this.#blocksPerPiece = blocksPerPiece(scenario);
    this.#realBytesPerByte = pieceBytes / (this.#blocksPerPiece * BLOCK_BYTES);
    this.#pieceMs = scenario.pieceCost.fixedMs + (pieceBytes * 1000) / scenario.pieceCost.bytesPerSecond;
    const boundMs = roughBoundMs(scenario, nodeCount);
    this.#sampleMs = boundMs / SAMPLES;
    this.#stuckAtMs = STUCK_AFTER_BOUNDS * boundMs + STUCK_AFTER_MS;
    this.#observer = new SwarmObserver(scenario.pieces, nodeCount);
    this.#faults = drawFaults(scenario, { nodeCount, boundMs, random: this.#random.child("faults") });
    this.#graph = layGraph(scenario, nodeCount, this.#random.child("graph"));
    this.#members = makeMembers(
      { scenario, nodeCount, realBytesPerByte: this.#realBytesPerByte, graph: this.#graph },
      { random: this.#random.child("members"), isSlow: (index) => this.#faults.isSlow(index), world: this },
    );
    this.#network = makeNetwork({
      scenario,
      queue: this.#queue,
      members: this.#members,
      realBytesPerByte: this.#realBytesPerByte,
    });
  }

  get #nodes(): readonly Member[] {
    return this.#members.slice(0, -1);
  }

  get isOver(): boolean {
    return this.#unfinished === 0 || this.now > this.#stuckAtMs;
  }

  begin(): void {
    const { scenario } = this.#options;
    for (const member of this.#nodes) if (!this.#faults.isLate(member.options.index)) this.#connect(member);
    const random = this.#random.child("start");
    const { delayMs, serviceMs } = scenario.control;
    for (const [place, index] of this.#graph.startOrder.entries()) {
      // The coordinator says GO to one after the other.
      const goAt = delayMs + serviceMs * (place + 1) + random.unit() * scenario.startJitterMs;
      this.#queue.push(Math.max(goAt, this.#faults.lateMs(index)), EVENT.start, index);
    }
    for (const { kind, atMs, index } of this.#faults.events) this.#queue.push(atMs, EVENT[kind], index);
    this.#queue.push(0, EVENT.sample, 0);
  }

  /** False when nothing is left to happen. */
  step(): boolean {
    const queue = this.#queue;
    if (!queue.pop()) return false;
    this.now = queue.at;
    const { kind, subject, detail } = queue;
    this.#observer.event(this.now, kind, subject, detail);
    if (this.#observer.events % PROGRESS_EVERY_EVENTS === 0)
      this.#listener.onProgress?.(this.#observer.doneShare);
    const member = this.#members[subject];
    assert(member !== undefined, "an event is about a member");
    if (kind === EVENT.sample) this.#sample();
    else if (kind === EVENT.drained) this.#network.drain(this.now);
    else if (!member.gone) {
      if (this.#listener.onEvent !== undefined) this.#narrate(kind, member, detail);
      this.#happen(kind, member, linkOf(detail), blockOf(detail));
    }
    return true;
  }

  outcome(): SwarmOutcome {
    const { nodeCount, seed } = this.#options;
    const nodes = this.#nodes;
    const done = nodes.filter(({ gone, completedAt }) => !gone && completedAt !== null);
    const healthy = done.filter(({ options }) => !this.#faults.isSlow(options.index));
    const real = (bytes: number): number => Math.round(bytes * this.#realBytesPerByte);
    return {
      nodes: nodeCount,
      seed,
      unfinished: this.#unfinished,
      completedMs: timesOf(done),
      healthyCompletedMs: timesOf(healthy),
      originBytes: real(this.#members.at(-1)?.sentBytes ?? 0),
      receivedBytes: real(nodes.reduce((sum, { receivedBytes }) => sum + receivedBytes, 0)),
      crossZoneBytes: real(this.#network.crossZoneBytes),
      availability: this.#observer.samples,
      events: this.#observer.events,
      traceHash: this.#observer.traceHash,
    };
  }

  tell(from: Member, link: LinkId, kind: number, block: number): void {
    const way = from.ways.get(link);
    if (way === undefined) return;
    const at = this.#heardAt(way);
    this.#queue.push(at, kind, way.remote.options.index, aboutOf(way.theirs, block));
  }

  tellAll(from: Member, link: LinkId): void {
    const way = from.ways.get(link);
    if (way === undefined) return;
    way.remote.ways.get(way.theirs)?.sets.push(from.verified.copy());
    this.#queue.push(this.#heardAt(way), EVENT.hasThese, way.remote.options.index, aboutOf(way.theirs, 0));
  }

  /** Messages of a link keep their order. */
  #heardAt(way: Way): number {
    const { messageWaitMs = 0 } = this.#options.scenario;
    if (messageWaitMs === 0) return this.now + way.wayMs;
    const factor = 1 + MESSAGE_WAIT_SPREAD * (2 * this.#messageRandom.unit() - 1);
    way.heardAt = Math.max(way.heardAt, this.now + way.wayMs + messageWaitMs * factor);
    return way.heardAt;
  }

  transmit(from: Member, link: LinkId, block: number): void {
    const way = from.ways.get(link);
    if (way !== undefined) this.#network.send(from, way.remote, aboutOf(way.theirs, block), this.now);
  }

  verify(member: Member, piece: number): void {
    member.diskFreeAt = Math.max(this.now, member.diskFreeAt) + this.#pieceMs;
    this.#queue.push(
      member.diskFreeAt,
      EVENT.verified,
      member.options.index,
      aboutOf(0, piece * this.#blocksPerPiece),
    );
  }

  completed(member: Member): void {
    if (member.options.isOrigin || member.completedAt !== null) return;
    member.completedAt = this.now;
    this.#unfinished -= 1;
  }

  wake(member: Member, kind: number, at: number): void {
    this.#queue.push(at, kind, member.options.index);
  }

  cut(member: Member, link: LinkId): void {
    this.#queue.push(this.now, EVENT.noticed, member.options.index, aboutOf(link, 0));
  }

  #happen(kind: number, member: Member, link: LinkId, block: number): void {
    switch (kind) {
      case EVENT.start:
        if (member.ways.size === 0) this.#connect(member);
        return member.start();
      case EVENT.downloadTick:
        return member.tickDownload(this.now);
      case EVENT.uploadTick:
        return member.tickUpload(this.now);
      case EVENT.leave:
        return this.#leave(member, 0);
      case EVENT.vanish:
        return this.#leave(member, DEAD_LINK_MS);
      case EVENT.flap:
        return this.#closeAll(member);
      case EVENT.flapOver:
        return this.#connect(member);
      case EVENT.verified:
        return this.#verified(member, block / this.#blocksPerPiece);
      default:
        // What was under way when its link closed is lost.
        if (member.ways.has(link)) this.#deliver(kind, member, this.#orderOf(link, block));
    }
  }

  #deliver(kind: number, member: Member, order: UploadOrder): void {
    const { link, piece, offset } = order;
    switch (kind) {
      case EVENT.left:
        return this.#cross(member, order);
      case EVENT.arrived:
        if (this.#network.arrive(member, this.#aboutOf(order), this.now)) member.receive(order);
        return;
      case EVENT.received:
        return member.receive(order);
      case EVENT.has:
        return member.hears(link, piece);
      case EVENT.requested:
        return member.upload({ kind: "requested", ...order });
      case EVENT.cancelled:
        return member.upload({ kind: "cancelled", ...order });
      case EVENT.interested:
        return member.upload({ kind: "interested", link });
      case EVENT.unchoked:
        return member.download({ kind: "unchoked", link });
      case EVENT.rejected:
        return member.download({ kind: "rejected", link, piece, offset });
      case EVENT.hasThese:
        return member.hearsAll(link);
      case EVENT.feed:
        return member.fed(link, blockIndexOf(order, this.#blocksPerPiece));
      case EVENT.noticed:
        return this.#closeBoth(member, link);
    }
  }

  #verified(member: Member, piece: number): void {
    if (!member.verified.has(piece)) this.#observer.gained(piece);
    member.verifiedPiece(piece);
  }

  #cross(to: Member, order: UploadOrder): void {
    const from = to.ways.get(order.link)?.remote;
    if (from !== undefined) this.#network.cross(from, to, this.#aboutOf(order), this.now);
  }

  #orderOf(link: LinkId, block: number): UploadOrder {
    const piece = Math.floor(block / this.#blocksPerPiece);
    const offset = (block - piece * this.#blocksPerPiece) * BLOCK_BYTES;
    return { link, piece, offset, length: BLOCK_BYTES };
  }

  #aboutOf(order: UploadOrder): number {
    return aboutOf(order.link, blockIndexOf(order, this.#blocksPerPiece));
  }

  /** Its links stay open for the others until they notice. */
  #leave(member: Member, noticedAfterMs: number): void {
    if (member.gone) return;
    member.gone = true;
    if (member.completedAt === null) this.#unfinished -= 1;
    for (const { remote, theirs, wayMs } of member.ways.values()) {
      const noticedAt = this.now + wayMs + noticedAfterMs;
      this.#queue.push(noticedAt, EVENT.noticed, remote.options.index, aboutOf(theirs, 0));
    }
  }

  /** To whom of its neighbours that are there it is not linked yet. */
  #connect(member: Member): void {
    const linked = new Set<Member>();
    for (const { remote } of member.ways.values()) linked.add(remote);
    for (const index of this.#graph.neighbours[member.options.index] ?? []) {
      const other = this.#members[index];
      if (other === undefined || other.gone || linked.has(other)) continue;
      if (this.#faults.isAway(index, this.now)) continue;
      this.#open(member, other);
    }
  }

  #open(a: Member, b: Member): void {
    const [linkOfA, linkOfB] = [a.newLink(), b.newLink()];
    const wayMs = this.#network.wayMs(a, b);
    const [placeOfA, placeOfB] = [a.options.index, b.options.index];
    const wayFrom = (from: number, to: number) => ({
      wayMs,
      heardAt: 0,
      sets: [],
      far: this.#graph.farOf(from, to),
      feeds: this.#graph.feedsOf(from, to),
    });
    a.open(linkOfA, { ...wayFrom(placeOfA, placeOfB), remote: b, theirs: linkOfB });
    b.open(linkOfB, { ...wayFrom(placeOfB, placeOfA), remote: a, theirs: linkOfA });
  }

  /** What was under way on its links is lost with them, and holds up nothing that comes after. */
  #closeAll(member: Member): void {
    for (const link of [...member.ways.keys()]) this.#closeBoth(member, link);
    member.upFreeAt = Math.min(member.upFreeAt, this.now);
    member.downFreeAt = Math.min(member.downFreeAt, this.now);
  }

  #closeBoth(member: Member, link: LinkId): void {
    const way = member.ways.get(link);
    member.close(link);
    if (way?.remote.gone === false) way.remote.close(way.theirs);
  }

  #sample(): void {
    this.#observer.sample(this.now);
    if (!this.isOver) this.#queue.push(this.now + this.#sampleMs, EVENT.sample, 0);
  }

  #narrate(kind: number, member: Member, about: number): void {
    const link = linkOf(about);
    const isMessage = kind === EVENT.interested || kind === EVENT.unchoked;
    const namesPiece = kind >= EVENT.requested && kind <= EVENT.verified && !isMessage;
    this.#listener.onEvent?.({
      atMs: this.now,
      kind: EVENT_NAMES[kind] ?? "",
      to: member.options.name,
      from: member.ways.get(link)?.remote.options.name ?? null,
      piece: namesPiece ? Math.floor(blockOf(about) / this.#blocksPerPiece) : null,
    });
  }
}

function blockIndexOf({ piece, offset }: UploadOrder, blocksPerPiece: number): number {
  return piece * blocksPerPiece + offset / BLOCK_BYTES;
}

function timesOf(members: readonly Member[]): Float64Array {
  return Float64Array.from(members, ({ completedAt }) => completedAt ?? 0).sort();
}
