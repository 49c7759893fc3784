// Who hears when of pieces that have come: scarce ones soon, the others late, nobody twice, and nobody of what it has.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Listener, News, type NewsConfig } from "../../../peer/core/news.ts";
import { Bitfield } from "../../../protocol/bitfield.ts";

const CONFIG: NewsConfig = { scarceDelayMs: 10, plentyDelayMs: 150, plentyCopies: 3, scarceListenersMax: 99 };
const PIECES = 64;
const SCARCE = CONFIG.plentyCopies - 1;
const PLENTY = CONFIG.plentyCopies;

function listener(...pieces: number[]): Listener {
  const has = new Bitfield(PIECES);
  for (const piece of pieces) has.add(piece);
  return { has, told: 0 };
}

/** As a download does on a tick. */
function spread(news: News, listeners: readonly Listener[], now: number): Map<Listener, readonly number[]> {
  const told = new Map<Listener, readonly number[]>();
  for (const each of news.due(listeners, now)) told.set(each, news.takeFor(each));
  news.forget(listeners, now);
  return told;
}

describe("News", () => {
  it("tells a few of a scarce piece at once, others of the next, and everybody in the end", () => {
    const news = new News({ ...CONFIG, scarceListenersMax: 2 });
    const listeners = [listener(), listener(), listener(), listener()];
    news.add(1, SCARCE, 0);
    const first = spread(news, listeners, CONFIG.scarceDelayMs);
    expect(first.size).toBe(2);
    news.add(2, SCARCE, CONFIG.scarceDelayMs);
    const second = spread(news, listeners, 2 * CONFIG.scarceDelayMs);
    expect([...second.keys()].filter((each) => first.has(each))).toEqual([]);
    expect([...second.values()]).toEqual([
      [1, 2],
      [1, 2],
    ]);
    expect(
      [...spread(news, listeners, CONFIG.plentyDelayMs).values()].filter(({ length }) => length > 0),
    ).toEqual([[2], [2]]);
  });

  it("wants a tick soon for a scarce piece, late for others, and none without news", () => {
    const news = new News(CONFIG);
    expect(news.deadline()).toBeNull();
    news.add(1, PLENTY, 1_000);
    expect(news.deadline()).toBe(1_150);
    news.add(2, SCARCE, 1_020);
    expect(news.deadline()).toBe(1_030);
    // Pieces that come together travel together: a second one does not put the first off.
    news.add(3, SCARCE, 1_025);
    expect(news.deadline()).toBe(1_030);
  });

  it("tells of a scarce piece whoever lacks it, once it is due and not before", () => {
    const news = new News(CONFIG);
    const [lacks, has] = [listener(), listener(7)];
    news.add(7, SCARCE, 0);
    expect(spread(news, [lacks, has], 9).size).toBe(0);
    expect([...spread(news, [lacks, has], 10)]).toEqual([[lacks, [7]]]);
    expect(news.deadline(), "nobody is left who must hear of it").toBeNull();
  });

  it("tells the others with everything else when only some heard of it at once", () => {
    const news = new News({ ...CONFIG, scarceListenersMax: 1 });
    const listeners = [listener(), listener()];
    news.add(7, SCARCE, 0);
    expect(spread(news, listeners, 10).size).toBe(1);
    expect(news.deadline()).toBe(150);
    expect([...spread(news, listeners, 150).values()].flat()).toEqual([7]);
    expect(news.deadline()).toBeNull();
  });

  it("tells with a scarce piece all that the listener has not heard", () => {
    const news = new News(CONFIG);
    const lacks = listener(5);
    for (const piece of [4, 5, 6]) news.add(piece, PLENTY, 0);
    news.add(7, SCARCE, 3);
    expect(spread(news, [lacks], 13).get(lacks)).toEqual([4, 6, 7]);
  });

  it("tells nobody again who was told with another message", () => {
    const news = new News(CONFIG);
    const [talked, other] = [listener(), listener()];
    news.add(1, PLENTY, 0);
    news.add(2, SCARCE, 0);
    expect(news.takeFor(talked)).toEqual([1, 2]);
    expect([...spread(news, [talked, other], 10).keys()]).toEqual([other]);
    news.add(3, PLENTY, 20);
    const late = spread(news, [talked, other], 150);
    expect([late.get(talked), late.get(other)]).toEqual([[3], [3]]);
  });

  it("tells who comes later only of what comes later", () => {
    const news = new News(CONFIG);
    news.add(1, PLENTY, 0);
    const late = { ...listener(), told: news.length };
    news.add(2, PLENTY, 50);
    expect(spread(news, [late], 150).get(late)).toEqual([2]);
  });

  it("tells everybody of everything they lack exactly once and in time, whatever happens", () => {
    const step = fc.oneof(
      { weight: 3, arbitrary: fc.record({ kind: fc.constant("add"), at: fc.nat(5), ms: fc.nat(60) }) },
      { weight: 2, arbitrary: fc.record({ kind: fc.constant("talk"), at: fc.nat(3), ms: fc.nat(60) }) },
      { weight: 2, arbitrary: fc.record({ kind: fc.constant("gain"), at: fc.nat(3), ms: fc.nat(60) }) },
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: PIECES }), (steps) => {
        const world = new World();
        for (const { kind, at, ms } of steps) {
          world.pass(ms);
          if (kind === "add") world.add(at);
          else if (kind === "talk") world.talk(at);
          else world.gain(at);
        }
        world.pass(CONFIG.plentyDelayMs);
        world.checkEnd();
      }),
    );
  });
});

/** Four neighbours who get pieces elsewhere too, and what each of them was told when. */
class World {
  readonly #news = new News(CONFIG);
  readonly #listeners = [listener(), listener(), listener(), listener()];
  readonly #told = this.#listeners.map(() => new Map<number, number>());
  readonly #added = new Map<number, { at: number; scarce: boolean }>();
  #now = 0;

  /** Ticks whenever the news want one. */
  pass(ms: number): void {
    const until = this.#now + ms;
    for (let at = this.#news.deadline(); at !== null && at <= until; at = this.#news.deadline()) {
      expect(at, "wants no tick in the past").toBeGreaterThanOrEqual(this.#now);
      this.#now = at;
      for (const [each, pieces] of spread(this.#news, this.#listeners, at))
        this.#note(this.#listeners.indexOf(each), pieces);
    }
    this.#now = until;
  }

  add(copies: number): void {
    const piece = this.#added.size;
    this.#added.set(piece, { at: this.#now, scarce: copies < CONFIG.plentyCopies });
    this.#news.add(piece, copies, this.#now);
  }

  talk(index: number): void {
    const each = this.#listeners[index];
    if (each !== undefined) this.#note(index, this.#news.takeFor(each));
  }

  /** The neighbour gets the newest piece from somebody else. */
  gain(index: number): void {
    if (this.#added.size > 0) this.#listeners[index]?.has.add(this.#added.size - 1);
  }

  checkEnd(): void {
    for (const [index, { has }] of this.#listeners.entries())
      for (const piece of this.#added.keys())
        if (!has.has(piece)) expect(this.#told[index]?.has(piece), `${index} heard of ${piece}`).toBe(true);
    expect(this.#news.length, "keeps no old news").toBe(0);
  }

  #note(index: number, pieces: readonly number[]): void {
    for (const piece of pieces) {
      const added = this.#added.get(piece);
      const delayMs = added?.scarce === true ? CONFIG.scarceDelayMs : CONFIG.plentyDelayMs;
      expect(this.#listeners[index]?.has.has(piece), "tells nobody of what it has").toBe(false);
      expect(this.#told[index]?.has(piece), "tells nobody twice").toBe(false);
      expect(this.#now - (added?.at ?? 0), "tells in time").toBeLessThanOrEqual(delayMs);
      this.#told[index]?.set(piece, this.#now);
    }
  }
}
