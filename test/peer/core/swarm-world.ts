// A small whole swarm in made-up time: an origin and nodes that run the real machines, over links with a latency and
// rates. Nodes come late, leave and vanish. Fails when a promise is broken or somebody does not get on.
// Messages overtake blocks here, as they do not on a real connection: each side hears of things a little early.
import { expect } from "vitest";
import { ORIGIN_RANK } from "../../../coordinator/core/stripe-trees.ts";
import { BLOCK_BYTES, blockCount, blockKey, type Geometry, geometryOf } from "../../../peer/core/geometry.ts";
import type { UploadOrder } from "../../../peer/core/upload-events.ts";
import { createPrng } from "../../../protocol/prng.ts";
import type { StripeSet } from "../../../protocol/stripes.ts";
import { SwarmNode } from "./swarm-node.ts";
import { VirtualClock } from "./virtual-clock.ts";

export interface MemberSpec {
  readonly bytesPerSecond: number;
  readonly joinsAtMs: number;
  /** From then on it leaves as soon as the others hold every piece without it; null: it stays. */
  readonly leavesAtMs: number | null;
  /** It leaves without a word: the others notice after a while. */
  readonly vanishes: boolean;
}

export interface SwarmSpec {
  readonly seed: number;
  readonly pieceCount: number;
  readonly blocksPerPiece: number;
  readonly shortBy: number;
  readonly latencyMs: number;
  readonly origin: MemberSpec;
  readonly nodes: readonly MemberSpec[];
  /** Whether two nodes are linked, by rank; without it all are. */
  readonly linked?: (rank: number, other: number) => boolean;
  readonly linkedToOrigin?: (rank: number) => boolean;
  /** Stripes that one brings another, by rank, the origin's being ORIGIN_RANK; without it everything is asked for. */
  readonly feeds?: (from: number, to: number) => StripeSet;
}

/** How long it takes to notice that a remote has vanished. */
const NOTICE_MS = 5_000;
/** A node that could get on must within this: longer than a vanished remote is waited for. */
const STUCK_AFTER_MS = 30_000;
const ORIGIN = "origin";

export class SwarmWorld {
  readonly geometry: Geometry;
  readonly origin: SwarmNode;
  readonly nodes: readonly SwarmNode[];
  /** Blocks that the origin sent a second time while another had not left it once. */
  earlyRepeats = 0;
  /** What the origin had sent when one whole copy had left it, of the length. */
  firstCopyShare: number | null = null;
  originBytes = 0;
  readonly #clock = new VirtualClock();
  readonly #spec: SwarmSpec;
  /** By block: to whom the origin sent it. */
  readonly #holders = new Map<number, Set<SwarmNode>>();
  readonly #blockCount: number;
  #nextLink = 1;

  constructor(spec: SwarmSpec) {
    const pieceLength = spec.blocksPerPiece * BLOCK_BYTES;
    this.geometry = geometryOf({ length: spec.pieceCount * pieceLength - spec.shortBy, pieceLength });
    this.#spec = spec;
    this.#blockCount = Array.from({ length: spec.pieceCount }, (_, piece) =>
      blockCount(this.geometry, piece),
    ).reduce((sum, count) => sum + count, 0);
    this.origin = this.#newNode(spec.origin, ORIGIN, 0);
    this.nodes = spec.nodes.map((member, rank) => this.#newNode(member, `node ${rank}`, rank));
    this.#schedule();
  }

  get now(): number {
    return this.#clock.now;
  }

  /** Until everybody who stays has everything. */
  run(): void {
    while (this.nodes.some((node) => !node.gone && !node.complete))
      if (!this.#clock.step()) expect.fail("nothing more will happen, and somebody lacks something");
  }

  /** Further, to see who leaves after all is done. */
  runFor(ms: number): void {
    let over = false;
    this.#clock.after(ms, () => {
      over = true;
    });
    while (!over) this.#clock.step();
  }

  #newNode(member: MemberSpec, name: string, rank: number): SwarmNode {
    const { seed, latencyMs, nodes } = this.#spec;
    const isOrigin = name === ORIGIN;
    return new SwarmNode({
      geometry: this.geometry,
      clock: this.#clock,
      name,
      isOrigin,
      rank,
      rankCount: nodes.length,
      random: createPrng(seed).child(name),
      bytesPerSecond: member.bytesPerSecond,
      latencyMs,
      onSend: (order, to) => {
        if (isOrigin) this.#noteOriginSend(order, to);
      },
    });
  }

  #schedule(): void {
    const { nodes, origin } = this.#spec;
    const joined: SwarmNode[] = [];
    for (const [rank, member] of nodes.entries())
      this.#clock.after(member.joinsAtMs, () => {
        const node = this.nodes[rank];
        if (node === undefined) return;
        node.movedAt = this.now;
        if (this.#spec.linkedToOrigin?.(rank) !== false) this.#connect(node, this.origin);
        for (const other of joined)
          if (this.#spec.linked?.(rank, other.options.rank) !== false) this.#connect(node, other);
        joined.push(node);
      });
    for (const [index, member] of [origin, ...nodes].entries())
      if (member.leavesAtMs !== null)
        this.#clock.after(member.leavesAtMs, () =>
          this.#leave(index === 0 ? this.origin : this.nodes[index - 1], member),
        );
    this.#watch();
  }

  #connect(a: SwarmNode, b: SwarmNode): void {
    if (a.gone || b.gone) return;
    const link = this.#nextLink++;
    const rankOf = ({ options }: SwarmNode): number => (options.isOrigin ? ORIGIN_RANK : options.rank);
    const { feeds } = this.#spec;
    a.open(link, b, feeds?.(rankOf(b), rankOf(a)));
    b.open(link, a, a.options.isOrigin || b.options.isOrigin ? undefined : feeds?.(rankOf(a), rankOf(b)));
  }

  #leave(node: SwarmNode | undefined, member: MemberSpec): void {
    if (node === undefined || node.gone) return;
    if (!this.#holdAll(this.#members().filter((other) => other !== node))) {
      this.#clock.after(100, () => this.#leave(node, member));
      return;
    }
    node.gone = true;
    for (const [link, { remote }] of node.sockets)
      this.#clock.after(member.vanishes ? NOTICE_MS : this.#spec.latencyMs, () => remote.close(link));
    for (const holders of this.#holders.values()) holders.delete(node);
  }

  #members(): SwarmNode[] {
    return [this.origin, ...this.nodes].filter(({ gone }) => !gone);
  }

  #holdAll(members: readonly SwarmNode[]): boolean {
    if (!members.some(({ options }) => !options.isOrigin)) return false;
    for (let piece = 0; piece < this.geometry.pieceCount; piece++)
      if (!members.some(({ verified }) => verified.has(piece))) return false;
    return true;
  }

  #noteOriginSend(order: UploadOrder, to: SwarmNode): void {
    this.originBytes += order.length;
    const key = blockKey(order.piece, order.offset / BLOCK_BYTES);
    const holders = this.#holders.get(key) ?? new Set();
    const isRepeat = holders.size > 0;
    this.#holders.set(key, holders.add(to));
    const held = [...this.#holders.values()].filter(({ size }) => size > 0).length;
    if (isRepeat && held < this.#blockCount) this.earlyRepeats += 1;
    if (held === this.#blockCount) this.firstCopyShare ??= this.originBytes / this.geometry.length;
  }

  /** Whoever lacks a piece that a neighbour has gets on. */
  #watch(): void {
    this.#clock.after(1_000, () => {
      for (const node of this.#members()) {
        if (node.complete || !this.#canGetOn(node)) node.movedAt = this.now;
        const stuckMs = this.now - node.movedAt;
        const { name } = node.options;
        expect(stuckMs, `${name} gets on (${node.verified.count} pieces)`).toBeLessThan(STUCK_AFTER_MS);
      }
      this.#watch();
    });
  }

  #canGetOn({ verified, sockets }: SwarmNode): boolean {
    for (const { remote } of sockets.values())
      for (let piece = 0; piece < verified.length && !remote.gone; piece++)
        if (remote.verified.has(piece) && !verified.has(piece)) return true;
    return false;
  }
}
