// How an origin gets every piece into the fleet once before it sends any twice: it remembers who took each piece
// first, and turns others away from it until every piece is out. Copies beyond the first are the nodes' business,
// unless the origin has nothing better to do and a piece had its time to spread.
import type { Millis } from "../../protocol/ids.ts";
import type { LinkId } from "./geometry.ts";

const NOBODY = -1;
/** Without a request for a first copy in this time, nobody is held up by a second one. */
const IDLE_AFTER_MS = 500;
/**
 * A piece is not sent again before so much of the time has passed that all took to get out: it is on its way through
 * the fleet. 1,000 simulated nodes as fast as the origin end after another 0.09 of it with 512 pieces, 0.05 with 1,000;
 * 16 real ones after 0.07.
 */
const SPREADING_SHARE = 0.1;
/** No longer than this: somebody may lack what nobody else has any more. */
const SPREADING_MS_MAX = 10_000;

export class Injection {
  readonly #takers: Int32Array;
  /** When the first copy of each piece had been sent. */
  readonly #outAt: Float64Array;
  /** Pieces that have not been sent whole to anybody. */
  #inside: number;
  /** What was sent to nodes that are gone may be gone with them. */
  #hasLostNodes = false;
  #firstAt: Millis | null = null;
  /** When a first copy was asked for, or held up. */
  #busyAt: Millis = Number.NEGATIVE_INFINITY;
  /** Known once all is out. */
  #spreadingMs = 0;

  constructor(pieceCount: number) {
    this.#takers = new Int32Array(pieceCount).fill(NOBODY);
    this.#outAt = new Float64Array(pieceCount);
    this.#inside = pieceCount;
  }

  /** Whether a request for this piece is served; the first to ask takes the piece. */
  admits(piece: number, link: LinkId, now: Millis): boolean {
    if (this.#takers[piece] === NOBODY) this.#takers[piece] = link;
    if (this.#takers[piece] !== link) return this.#mayRepeat(piece, now);
    this.#firstAt ??= now;
    this.#busyAt = now;
    return true;
  }

  #mayRepeat(piece: number, now: Millis): boolean {
    if (this.#inside > 0) return now - this.#busyAt > IDLE_AFTER_MS;
    return this.#hasLostNodes || now - (this.#outAt[piece] ?? 0) > this.#spreadingMs;
  }

  /** A whole copy of a piece was sent, for the first time. */
  wentOut(piece: number, now: Millis): void {
    this.#outAt[piece] = now;
    this.#inside -= 1;
    if (this.#inside > 0) return;
    this.#spreadingMs = Math.min(SPREADING_MS_MAX, SPREADING_SHARE * (now - (this.#firstAt ?? now)));
  }

  /** A request waits for a limit of ours: nobody idles who has first copies to send. */
  heldUp(piece: number, link: LinkId, now: Millis): void {
    if (this.#takers[piece] === link) this.#busyAt = now;
  }

  /** A link is gone: what it took and did not get is there to be taken again. */
  linkClosed(link: LinkId, wasSent: (piece: number) => boolean): void {
    for (const [piece, taker] of this.#takers.entries()) {
      if (taker !== link) continue;
      if (wasSent(piece)) this.#hasLostNodes = true;
      else this.#takers[piece] = NOBODY;
    }
  }
}
