// What is under way on this node's uplink: what was sent and has not been acknowledged. Keeps enough on the way to
// use the uplink and each path, and no more, so that what is asked for waits here, where it can be put in order and
// taken back. A remote acknowledges a piece by saying that it has it. Never decides whom to serve.
import type { Millis } from "../../protocol/ids.ts";
import { PIECES_MAX } from "../../protocol/limits.ts";
import type { LinkId } from "./geometry.ts";
import { SendWindow, type SendWindowConfig } from "./send-window.ts";

export interface UplinkConfig {
  /** How long a piece may wait in queues of the network. */
  readonly queueMs: number;
  /** Under way at least: one on the line, one behind it. */
  readonly piecesMin: number;
  /** More than any path inside a fleet holds: 10 Gbit/s at 25 ms. */
  readonly bytesMax: number;
}

/**
 * What is brought along a tree comes to each downlink from two sides at once, each half as fast as the link: it waits
 * there more, and must not wait here. One piece on the line and one behind it for each child of two.
 */
const FED_QUEUE_MS = 15;
const FED_PIECES_MIN = 2;
const FEEDING_PIECES_MIN = 4;

export const UPLINK_CONFIG: UplinkConfig = { queueMs: 40, piecesMin: 2, bytesMax: 32 * 1024 * 1024 };

/** A piece may be acknowledged later than usual by this factor before it counts as lost. */
const LOST_AFTER_FACTOR = 4;
const LOST_AFTER_MS_MIN = 2_000;
/**
 * The same where it did not ask for the piece: it gets more whether it is there or not, and must not fill the uplink
 * for as long as others wait before they call us silent (patience.ts).
 */
const FED_LOST_AFTER_MS_MIN = 500;
/** Whoever takes longer weighs next to nothing anyway; what is lost behind it must not be waited for as long. */
const LOST_AFTER_MS_MAX = 30_000;
const NEWEST_WEIGHT = 0.3;
/** To each remote at least. */
const PATH_PIECES_MIN = 1;

interface Path {
  readonly window: SendWindow;
  /** The least a whole piece has taken. */
  baseMs: number;
  /** What it takes now. */
  usualMs: number;
  /** It owed an acknowledgement too long: what it takes does not count for the uplink until it gives one again. */
  silent: boolean;
  /** It is or was sent what it did not ask for. */
  wasFed: boolean;
}

interface Flight {
  readonly link: LinkId;
  readonly sentAt: Millis;
  /** What its bytes count for on our uplink. */
  readonly weight: number;
  bytes: number;
}

export class Uplink {
  readonly #config: UplinkConfig;
  readonly #pieceLength: number;
  readonly #window: SendWindow;
  readonly #paths = new Map<LinkId, Path>();
  /** By link and piece, oldest first. */
  readonly #flights = new Map<number, Flight>();
  #baseMsMin = Number.POSITIVE_INFINITY;

  constructor(pieceLength: number, config: UplinkConfig = UPLINK_CONFIG) {
    this.#config = config;
    this.#pieceLength = pieceLength;
    this.#window = new SendWindow(this.#windowConfig(false, config.piecesMin));
  }

  /** Whether this link, and any, gets what it gets without asking for it. */
  setFed(link: LinkId, { isFed, isAnyFed }: { isFed: boolean; isAnyFed: boolean }): void {
    const path = this.#pathOf(link);
    path.wasFed ||= isFed;
    path.window.retune(this.#windowConfig(isFed, isFed ? FED_PIECES_MIN : PATH_PIECES_MIN));
    this.#window.retune(this.#windowConfig(isAnyFed, isAnyFed ? FEEDING_PIECES_MIN : this.#config.piecesMin));
  }

  /** Whether a further piece may be begun for this remote. Whoever has fallen behind may have one more under way. */
  hasRoom(link: LinkId, isBehind: boolean): boolean {
    const spareBytes = isBehind ? this.#pieceLength : 0;
    return !this.#window.isFull(spareBytes) && !this.#pathOf(link).window.isFull(spareBytes);
  }

  sent(block: { link: LinkId; piece: number; length: number }, now: Millis): void {
    const { link, piece, length } = block;
    const path = this.#pathOf(link);
    const key = flightKey(link, piece);
    const flight = this.#flights.get(key) ?? { link, sentAt: now, bytes: 0, weight: this.#weightOf(path) };
    this.#flights.set(key, flight);
    flight.bytes += length;
    this.#window.use(length * flight.weight);
    path.window.use(length);
  }

  /** The remote has the piece. False when nothing of it was under way there. */
  acknowledged(link: LinkId, piece: number, now: Millis): boolean {
    const flight = this.#land(flightKey(link, piece));
    if (flight === null) return false;
    this.#learn(link, flight, now);
    return true;
  }

  #learn(link: LinkId, flight: Flight, now: Millis): void {
    const path = this.#pathOf(link);
    path.silent = false;
    // Only whole pieces of full length compare.
    if (flight.bytes < this.#pieceLength) return;
    const tookMs = Math.max(1, now - flight.sentAt);
    path.baseMs = Math.min(path.baseMs, tookMs);
    path.usualMs = path.usualMs === 0 ? tookMs : path.usualMs + NEWEST_WEIGHT * (tookMs - path.usualMs);
    this.#baseMsMin = Math.min(this.#baseMsMin, tookMs);
    const took = { baseMs: path.baseMs, queuedMs: tookMs - path.baseMs };
    path.window.arrived(took, now);
    this.#window.arrived(took, now);
  }

  linkClosed(link: LinkId): void {
    for (const [key, flight] of this.#flights) if (flight.link === link) this.#land(key);
    this.#paths.delete(link);
  }

  /** Forgets what nobody will acknowledge any more. */
  expire(now: Millis): void {
    for (const [key, flight] of this.#flights) {
      if (now < flight.sentAt + this.#lostAfterMs(flight.link)) return;
      this.#land(key);
      this.#pathOf(flight.link).silent = true;
    }
  }

  deadline(): Millis | null {
    const [oldest] = this.#flights.values();
    return oldest === undefined ? null : oldest.sentAt + this.#lostAfterMs(oldest.link);
  }

  #pathOf(link: LinkId): Path {
    let path = this.#paths.get(link);
    if (path === undefined) {
      const window = new SendWindow(this.#windowConfig(false, PATH_PIECES_MIN));
      path = { window, baseMs: Number.POSITIVE_INFINITY, usualMs: 0, silent: false, wasFed: false };
      this.#paths.set(link, path);
    }
    return path;
  }

  #windowConfig(feeds: boolean, piecesMin: number): SendWindowConfig {
    const { queueMs, bytesMax } = this.#config;
    return { queueMs: feeds ? FED_QUEUE_MS : queueMs, bytesMin: piecesMin * this.#pieceLength, bytesMax };
  }

  #land(key: number): Flight | null {
    const flight = this.#flights.get(key);
    if (flight === undefined) return null;
    this.#flights.delete(key);
    this.#window.release(flight.bytes * flight.weight);
    this.#paths.get(flight.link)?.window.release(flight.bytes);
    return flight;
  }

  /** A remote with a slow link of its own takes long, but takes little of ours. */
  #weightOf(path: Path): number {
    if (path.silent) return 0;
    if (path.usualMs === 0) return 1;
    return Math.min(1, (this.#baseMsMin + this.#config.queueMs) / path.usualMs);
  }

  #lostAfterMs(link: LinkId): number {
    const { usualMs = 0, wasFed = false } = this.#paths.get(link) ?? {};
    const leastMs = wasFed && usualMs > 0 ? FED_LOST_AFTER_MS_MIN : LOST_AFTER_MS_MIN;
    return Math.max(leastMs, Math.min(LOST_AFTER_MS_MAX, LOST_AFTER_FACTOR * usualMs));
  }
}

function flightKey(link: LinkId, piece: number): number {
  return link * PIECES_MAX + piece;
}
