// The simplest model of a swarm: in each round every uplink carries one piece, nothing is lost and nothing takes time
// besides. It has a known optimum and published figures, which the model of events must agree with as delays go to 0.
// Its policies are textbook ones, written for comparison; the shipped ones run in the model of events.
import { Bitfield, nthSetBit } from "../../protocol/bitfield.ts";
import { assert } from "../../protocol/machine.ts";
import { createPrng, type Prng } from "../../protocol/prng.ts";
import type { Overlay } from "./overlay.ts";

export interface RoundsSetup {
  readonly overlay: Overlay;
  readonly pieceCount: number;
  /** Among the pieces of use to a receiver: any, one that fewest of its neighbours have, or fewest of all nodes. */
  readonly picking: "random" | "local-rarest" | "global-rarest";
  /** The origin sends what it has sent least often, instead of picking as nodes do. */
  readonly superSeeding: boolean;
  /** Pieces a node can take in one round. */
  readonly downloadsPerRound: number;
  readonly seed: number;
}

export interface RoundsOutcome {
  /** Until the last node had everything. */
  readonly rounds: number;
  /** The round by whose end each node had everything. */
  readonly doneAfter: Int32Array;
  /** Pieces the origin sent. */
  readonly originPieces: number;
}

/** Sending to one node after another would be done by then: a run that is not will never be. */
const ROUNDS_MAX_PER_COPY = 2;

/**
 * Each round, senders take turns in random order. Each draws among its neighbours that want something it has and can
 * take another piece, and sends it one piece, which counts from the next round on.
 */
export function runRounds(setup: RoundsSetup): RoundsOutcome {
  const swarm = new RoundsRun(setup);
  const roundsMax = ROUNDS_MAX_PER_COPY * setup.pieceCount * setup.overlay.length;
  while (!swarm.isDone) {
    assert(swarm.rounds < roundsMax, `a swarm in rounds has not ended after ${roundsMax}`);
    swarm.playRound();
  }
  return { rounds: swarm.rounds, doneAfter: swarm.doneAfter, originPieces: swarm.originPieces };
}

interface Sending {
  readonly receiver: number;
  readonly piece: number;
}

class RoundsRun {
  rounds = 0;
  originPieces = 0;
  readonly doneAfter: Int32Array;
  readonly #setup: RoundsSetup;
  readonly #random: Prng;
  readonly #origin: number;
  #unfinished: number;
  /** By rank, the origin's last. */
  readonly #have: readonly Bitfield[];
  /** What each node has or is being sent in this round. */
  readonly #claimed: readonly Bitfield[];
  readonly #downloads: Uint8Array;
  /** Holders of each piece: among each node's neighbours, or one count for all. */
  readonly #copies: readonly Uint16Array[];
  /** How often the origin has sent each piece. */
  readonly #sent: Uint16Array;
  readonly #turns: Int32Array;
  /** Each one's neighbours, in whatever order earlier draws have left them. */
  readonly #draws: readonly Int32Array[];
  readonly #useful: Int32Array;
  #sendings: Sending[] = [];

  constructor(setup: RoundsSetup) {
    const { overlay, pieceCount, picking } = setup;
    const nodeCount = overlay.length - 1;
    this.#setup = setup;
    this.#random = createPrng(setup.seed).child("rounds");
    this.#origin = nodeCount;
    this.#unfinished = nodeCount;
    this.doneAfter = new Int32Array(nodeCount);
    this.#have = overlay.map(() => new Bitfield(pieceCount));
    this.#have[nodeCount]?.fill();
    this.#claimed = overlay.map(() => new Bitfield(pieceCount));
    this.#downloads = new Uint8Array(nodeCount);
    const views = picking === "local-rarest" ? nodeCount : 1;
    this.#copies = Array.from({ length: views }, () => new Uint16Array(pieceCount));
    this.#sent = new Uint16Array(pieceCount);
    this.#turns = Int32Array.from(overlay, (_, rank) => rank);
    this.#draws = overlay.map((neighbours) => neighbours.slice());
    this.#useful = new Int32Array(pieceCount);
  }

  get isDone(): boolean {
    return this.#unfinished === 0;
  }

  playRound(): void {
    this.rounds += 1;
    this.#downloads.fill(0);
    for (let left = this.#turns.length; left > 0; left--) this.#takeTurn(this.#draw(this.#turns, left));
    for (const sending of this.#sendings) this.#arrive(sending);
    this.#sendings = [];
  }

  #takeTurn(sender: number): void {
    const receiver = this.#findReceiver(sender);
    if (receiver === null) return;
    const piece = this.#choosePiece(sender, receiver);
    this.#claimed[receiver]?.add(piece);
    this.#downloads[receiver] = (this.#downloads[receiver] ?? 0) + 1;
    this.#sendings.push({ receiver, piece });
    if (sender !== this.#origin) return;
    this.originPieces += 1;
    this.#sent[piece] = (this.#sent[piece] ?? 0) + 1;
  }

  #arrive({ receiver, piece }: Sending): void {
    const have = fieldOf(this.#have, receiver);
    have.add(piece);
    if (have.isFull) {
      this.doneAfter[receiver] = this.rounds;
      this.#unfinished -= 1;
    }
    if (this.#setup.picking === "local-rarest") {
      for (const neighbour of this.#draws[receiver] ?? []) countOne(this.#copies[neighbour], piece);
    } else countOne(this.#copies[0], piece);
  }

  #findReceiver(sender: number): number | null {
    if (fieldOf(this.#have, sender).count === 0) return null;
    const neighbours = this.#draws[sender] ?? new Int32Array(0);
    for (let left = neighbours.length; left > 0; left--) {
      const neighbour = this.#draw(neighbours, left);
      const isFree = (this.#downloads[neighbour] ?? 0) < this.#setup.downloadsPerRound;
      if (isFree && this.#hasUseful(sender, neighbour)) return neighbour;
    }
    return null;
  }

  /** One of the first `left` at random; it changes places with the last of them. */
  #draw(values: Int32Array, left: number): number {
    const place = this.#random.below(left);
    const drawn = values[place] ?? 0;
    values[place] = values[left - 1] ?? 0;
    values[left - 1] = drawn;
    return drawn;
  }

  #hasUseful(sender: number, receiver: number): boolean {
    const { words } = fieldOf(this.#have, sender);
    const claimed = fieldOf(this.#claimed, receiver).words;
    for (let at = 0; at < words.length; at++) if (((words[at] ?? 0) & ~(claimed[at] ?? 0)) !== 0) return true;
    return false;
  }

  #choosePiece(sender: number, receiver: number): number {
    const count = this.#gatherUseful(sender, receiver);
    const { picking, superSeeding } = this.#setup;
    if (superSeeding && sender === this.#origin) return this.#drawFewest(this.#sent, count);
    if (picking === "random") return this.#draw(this.#useful, count);
    const copies = this.#copies[picking === "local-rarest" ? receiver : 0];
    assert(copies !== undefined, `no counts for node ${receiver}`);
    return this.#drawFewest(copies, count);
  }

  /** Lists the pieces that the sender has and the receiver neither has nor is being sent; how many. */
  #gatherUseful(sender: number, receiver: number): number {
    const { words } = fieldOf(this.#have, sender);
    const claimed = fieldOf(this.#claimed, receiver).words;
    let count = 0;
    for (let at = 0; at < words.length; at++) {
      let word = (words[at] ?? 0) & ~(claimed[at] ?? 0);
      for (; word !== 0; word &= ~(0x8000_0000 >>> Math.clz32(word))) {
        this.#useful[count] = 32 * at + nthSetBit(word, 0);
        count += 1;
      }
    }
    return count;
  }

  /** One of the listed pieces with the smallest count, ties at random. */
  #drawFewest(counts: Uint16Array, listed: number): number {
    let fewest = Number.POSITIVE_INFINITY;
    let ties = 0;
    for (let place = 0; place < listed; place++) {
      const piece = this.#useful[place] ?? 0;
      const count = counts[piece] ?? 0;
      if (count > fewest) continue;
      if (count < fewest) ties = 0;
      fewest = count;
      this.#useful[ties] = piece;
      ties += 1;
    }
    return this.#draw(this.#useful, ties);
  }
}

function fieldOf(fields: readonly Bitfield[], rank: number): Bitfield {
  const field = fields[rank];
  assert(field !== undefined, `no pieces of node ${rank}`);
  return field;
}

function countOne(counts: Uint16Array | undefined, piece: number): void {
  if (counts !== undefined) counts[piece] = (counts[piece] ?? 0) + 1;
}
