// Which links hear when of the pieces that have come. Every message costs a system call here and one there, and most
// news is of no use: a piece that many neighbours have needs no further source at once, and whoever gets it in the
// meantime need not hear of it. So scarce pieces are told promptly, others with the next message to a link anyway.
import type { Bitfield } from "../../protocol/bitfield.ts";
import type { Millis } from "../../protocol/ids.ts";

/** Each time costs a message per link, and who falls behind sees that by itself sooner, but for who is slow in all. */
const FED_DELAY_MS = 1_000;

export interface NewsConfig {
  /** Short against the time a piece takes on a slow link; pieces that come together travel together. */
  readonly scarceDelayMs: number;
  /** About the time in which a neighbour has asked for something, so that news rarely travels alone. */
  readonly plentyDelayMs: number;
  /** A piece that so many neighbours have is not scarce. */
  readonly plentyCopies: number;
  /** So many hear of scarce pieces at once, in turns; by the time the others would, most have them from those. */
  readonly scarceListenersMax: number;
}

/** One link's view. */
export interface Listener {
  readonly has: Bitfield;
  /** How many of the news it has heard. */
  told: number;
}

export class News {
  readonly #config: NewsConfig;
  /** Since everybody was told. */
  readonly #pieces: number[] = [];
  /** Those of them that are scarce, since somebody was told of them. */
  readonly #scarce: number[] = [];
  #scarceAt: Millis | null = null;
  #allAt: Millis | null = null;
  /** Nobody is left who must hear of any of them. */
  #allKnow = false;
  /** Where in the list of listeners the next few begin. */
  #turn = 0;

  constructor(config: NewsConfig) {
    this.#config = config;
  }

  /** `copies`: how many neighbours have it. */
  add(piece: number, copies: number, now: Millis): void {
    this.#pieces.push(piece);
    this.#allAt ??= now + this.#config.plentyDelayMs;
    this.#allKnow = false;
    if (copies >= this.#config.plentyCopies) return;
    this.#scarce.push(piece);
    this.#scarceAt ??= now + this.#config.scarceDelayMs;
  }

  /** One that goes its way through the fleet by itself: others only need to see how far it is. */
  addFed(piece: number, now: Millis): void {
    this.#pieces.push(piece);
    this.#allAt = Math.min(this.#allAt ?? Number.POSITIVE_INFINITY, now + FED_DELAY_MS);
    this.#allKnow = false;
  }

  deadline(): Millis | null {
    if (this.#scarceAt === null || this.#allAt === null) return this.#scarceAt ?? this.#allAt;
    return Math.min(this.#scarceAt, this.#allAt);
  }

  get length(): number {
    return this.#pieces.length;
  }

  /** What a link should hear now that it is talked to: not of pieces that the remote has as well. */
  takeFor(listener: Listener): readonly number[] {
    const { told, has } = listener;
    listener.told = this.#pieces.length;
    if (told === this.#pieces.length || has.isFull) return NOTHING;
    return this.#pieces.slice(told).filter((piece) => !has.has(piece));
  }

  /** Of these listeners, those that must hear something now; to be followed by {@link takeFor} for each. */
  due<T extends Listener>(listeners: Iterable<T>, now: Millis): readonly T[] {
    if (this.#allAt !== null && now >= this.#allAt) return [...listeners];
    if (this.#scarceAt === null || now < this.#scarceAt) return [];
    const lacking: T[] = [];
    for (const listener of listeners) if (this.#lacksScarce(listener)) lacking.push(listener);
    this.#allKnow =
      this.#scarce.length === this.#pieces.length && lacking.length <= this.#config.scarceListenersMax;
    this.#scarce.length = 0;
    this.#scarceAt = null;
    return this.#takeTurns(lacking);
  }

  #lacksScarce({ has, told }: Listener): boolean {
    if (told === this.#pieces.length) return false;
    for (const piece of this.#scarce) if (!has.has(piece)) return true;
    return false;
  }

  #takeTurns<T>(listeners: readonly T[]): readonly T[] {
    const most = this.#config.scarceListenersMax;
    if (listeners.length <= most) return listeners;
    const first = this.#turn % listeners.length;
    this.#turn += most;
    return [...listeners.slice(first), ...listeners.slice(0, first)].slice(0, most);
  }

  /** After everybody who is due was told. */
  forget(listeners: Iterable<Listener>, now: Millis): void {
    if (this.#allAt === null || (now < this.#allAt && !this.#allKnow)) return;
    for (const listener of listeners) listener.told = 0;
    this.#pieces.length = 0;
    this.#scarce.length = 0;
    this.#scarceAt = null;
    this.#allAt = null;
  }
}

const NOTHING: readonly number[] = [];
