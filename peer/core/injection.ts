// How an origin gets every piece into the fleet once before it sends any twice: it remembers who took each piece
// first, and turns others away from it until every piece is out. Copies beyond the first are the nodes' business,
// unless the origin has nothing better to do and a piece had its time to spread.
import type { Millis } from "../../protocol/ids.ts";
import { type Geometry, type LinkId, pieceBytes } from "./geometry.ts";

const NOBODY = -1;
/** Without a request for a first copy in this time, nobody is held up by a second one. */
const IDLE_AFTER_MS = 500;
/**
 * A piece is not sent again before as much time has passed as so many pieces took to get out: it is on its way through
 * the fleet. 1,000 simulated nodes as fast as the origin end 47 piece-times later with 512 pieces, 51 with 1,000.
 */
const SPREADING_PIECES = 50;
/** Of the time that all pieces took. Busy nodes are slower than simulated: 16 real ones take 0.07 of it for 1,024. */
const SPREADING_SHARE_MIN = 0.1;
/** Of fewer, a large part is still spreading when all is out: 12 simulated nodes end 2 % later without help with 64. */
const PIECES_FEW = 200;
/** No longer than this: somebody may lack what nobody else has any more. */
const SPREADING_MS_MAX = 10_000;

export class Injection {
  readonly #geometry: Geometry;
  readonly #takers: Int32Array;
  /** Bytes of each piece, to anybody. */
  readonly #sentBytes: Float64Array;
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

  constructor(geometry: Geometry) {
    const { pieceCount } = geometry;
    this.#geometry = geometry;
    this.#sentBytes = new Float64Array(pieceCount);
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

  /** How many copies of the piece were sent; the last of them may not be whole. */
  copiesOf(piece: number): number {
    return (this.#sentBytes[piece] ?? 0) / pieceBytes(this.#geometry, piece);
  }

  sent(piece: number, bytes: number, now: Millis): void {
    const wasOut = this.copiesOf(piece) >= 1;
    this.#sentBytes[piece] = (this.#sentBytes[piece] ?? 0) + bytes;
    if (!wasOut && this.copiesOf(piece) >= 1) this.#wentOut(piece, now);
  }

  #wentOut(piece: number, now: Millis): void {
    this.#outAt[piece] = now;
    this.#inside -= 1;
    if (this.#inside > 0) return;
    this.#spreadingMs = spreadingMs(this.#takers.length, now - (this.#firstAt ?? now));
  }

  /** A request waits for a limit of ours: nobody idles who has first copies to send. */
  heldUp(piece: number, link: LinkId, now: Millis): void {
    if (this.#takers[piece] === link) this.#busyAt = now;
  }

  /** A link is gone: what it took and did not get is there to be taken again. */
  linkClosed(link: LinkId): void {
    for (const [piece, taker] of this.#takers.entries()) {
      if (taker !== link) continue;
      if (this.copiesOf(piece) >= 1) this.#hasLostNodes = true;
      else this.#takers[piece] = NOBODY;
    }
  }
}

/** For how long a piece is not repeated, from how long all of them took to get out. */
function spreadingMs(pieceCount: number, tookMs: Millis): Millis {
  if (pieceCount < PIECES_FEW) return 0;
  const share = Math.max(SPREADING_SHARE_MIN, SPREADING_PIECES / pieceCount);
  return Math.min(SPREADING_MS_MAX, share * tookMs);
}
