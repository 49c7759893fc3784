// A piece that has been started: which blocks are asked for, of whom, and who sent those that are here.
// Owns the rule that a block is asked for at most twice at a time and never twice of one link; never holds data.
import { assert } from "../../protocol/machine.ts";
import type { LinkId } from "./geometry.ts";

const NOBODY = -1;

export class PieceProgress {
  readonly piece: number;
  readonly blockCount: number;
  /** The link that fills this piece; others only help. Null when it is anybody's. */
  owner: LinkId | null = null;
  /** The link it was started on; it counts against what that link may have under way. */
  readonly startedBy: LinkId;
  isFilled = false;
  /** Only one source may fill it, so that a wrong hash names the culprit. */
  readonly exclusive: boolean;
  readonly #askedOf: LinkId[];
  readonly #alsoAskedOf: LinkId[];
  /** By block: the source of the bytes that are here, null while they are not. */
  readonly #sources: (string | null)[];
  /** Every link that was asked for a block of it, also when the request was taken back: it may have been answered. */
  readonly asked: LinkId[] = [];
  #missing: number;
  #received = 0;
  /** No block before this one is missing. */
  #lowestMissing = 0;

  constructor(options: { piece: number; blockCount: number; startedBy: LinkId; exclusive: boolean }) {
    const { piece, blockCount, startedBy, exclusive } = options;
    this.piece = piece;
    this.blockCount = blockCount;
    this.startedBy = startedBy;
    this.exclusive = exclusive;
    this.#missing = blockCount;
    this.#askedOf = new Array<LinkId>(blockCount).fill(NOBODY);
    this.#alsoAskedOf = new Array<LinkId>(blockCount).fill(NOBODY);
    this.#sources = new Array<string | null>(blockCount).fill(null);
  }

  /** Blocks that are neither here nor asked for. */
  get missing(): number {
    return this.#missing;
  }

  get received(): number {
    return this.#received;
  }

  get isComplete(): boolean {
    return this.#received === this.blockCount;
  }

  /** Some of its blocks are asked for and not here. */
  get isAskedFor(): boolean {
    return this.#missing + this.#received < this.blockCount;
  }

  isReceived(block: number): boolean {
    return this.#sources[block] !== null;
  }

  isMissing(block: number): boolean {
    return !this.isReceived(block) && this.#askedOf[block] === NOBODY;
  }

  /** Sources by block; only whole once the piece is complete. */
  sources(): readonly (string | null)[] {
    return this.#sources;
  }

  firstMissing(): number | null {
    if (this.#missing === 0) return null;
    while (!this.isMissing(this.#lowestMissing)) this.#lowestMissing += 1;
    return this.#lowestMissing;
  }

  /** For helpers: far from where the owner works. */
  lastMissing(): number | null {
    if (this.#missing === 0) return null;
    let block = this.blockCount - 1;
    while (!this.isMissing(block)) block -= 1;
    return block;
  }

  /** The one link that was asked for this block, when there is exactly one; else null. */
  onlyAskedOf(block: number): LinkId | null {
    const first = this.#askedOf[block] ?? NOBODY;
    return this.#alsoAskedOf[block] === NOBODY && first !== NOBODY ? first : null;
  }

  /** Whether one more link may be asked for the block. */
  mayAsk(block: number): boolean {
    return !this.isReceived(block) && this.#alsoAskedOf[block] === NOBODY;
  }

  ask(block: number, link: LinkId): void {
    assert(!this.isReceived(block), "a block that is here is not asked for");
    assert(this.#askedOf[block] !== link, "a link is asked for a block once");
    if (!this.asked.includes(link)) this.asked.push(link);
    if (this.#askedOf[block] === NOBODY) {
      this.#askedOf[block] = link;
      this.#missing -= 1;
      return;
    }
    assert(this.#alsoAskedOf[block] === NOBODY, "a block is asked for twice at most");
    this.#alsoAskedOf[block] = link;
  }

  /** The link will not send the block after all. */
  giveUp(block: number, link: LinkId): void {
    if (this.#alsoAskedOf[block] === link) {
      this.#alsoAskedOf[block] = NOBODY;
      return;
    }
    if (this.#askedOf[block] !== link) return;
    this.#askedOf[block] = this.#alsoAskedOf[block] ?? NOBODY;
    this.#alsoAskedOf[block] = NOBODY;
    if (this.#askedOf[block] !== NOBODY || this.isReceived(block)) return;
    this.#missing += 1;
    this.#lowestMissing = Math.min(this.#lowestMissing, block);
  }

  /** The block is here. Returns the links that were asked for it and have not sent it. */
  receive(block: number, link: LinkId, source: string): readonly LinkId[] {
    assert(!this.isReceived(block), "a block is received once");
    if (this.#askedOf[block] === NOBODY) this.#missing -= 1;
    const late = [this.#askedOf[block] ?? NOBODY, this.#alsoAskedOf[block] ?? NOBODY].filter(
      (asked) => asked !== NOBODY && asked !== link,
    );
    this.#sources[block] = source;
    this.#received += 1;
    this.#askedOf[block] = NOBODY;
    this.#alsoAskedOf[block] = NOBODY;
    return late;
  }
}
