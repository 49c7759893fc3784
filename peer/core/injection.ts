// How an origin gets every piece into the fleet once before it sends any twice: it remembers who took each piece
// first, and turns others away from it until every piece is out. Copies beyond the first are the nodes' business,
// unless the origin has nothing better to do.
import type { Millis } from "../../protocol/ids.ts";
import type { LinkId } from "./geometry.ts";

const NOBODY = -1;
/** Without a request for a first copy in this time, nobody is held up by a second one. */
const IDLE_AFTER_MS = 500;

export class Injection {
  readonly #takers: Int32Array;
  /** Pieces that have not been sent whole to anybody. */
  #inside: number;
  #lastFirstAt: Millis = Number.NEGATIVE_INFINITY;

  constructor(pieceCount: number) {
    this.#takers = new Int32Array(pieceCount).fill(NOBODY);
    this.#inside = pieceCount;
  }

  /** Whether a request for this piece is served; the first to ask takes the piece. */
  admits(piece: number, link: LinkId, now: Millis): boolean {
    if (this.#takers[piece] === NOBODY) this.#takers[piece] = link;
    if (this.#takers[piece] === link) {
      this.#lastFirstAt = now;
      return true;
    }
    return this.#inside === 0 || now - this.#lastFirstAt > IDLE_AFTER_MS;
  }

  /** A whole copy of a piece was sent, for the first time. */
  wentOut(): void {
    this.#inside -= 1;
  }

  /** A request waits for a limit of ours: nobody idles who has first copies to send. */
  heldUp(piece: number, link: LinkId, now: Millis): void {
    if (this.#takers[piece] === link) this.#lastFirstAt = now;
  }

  /** A link is gone: what it took and did not get is there to be taken again. */
  linkClosed(link: LinkId, wasSent: (piece: number) => boolean): void {
    for (const [piece, taker] of this.#takers.entries())
      if (taker === link && !wasSent(piece)) this.#takers[piece] = NOBODY;
  }
}
