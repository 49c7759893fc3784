// How the window follows the waits it is told of, and that it fills a bottleneck of any rate without flooding it.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SendWindow, type SendWindowConfig } from "../../../peer/core/send-window.ts";

const CONFIG: SendWindowConfig = { queueMs: 40, bytesMin: 2_000, bytesMax: 1_000_000 };

/** Rounds in which every answer takes the same. */
function rounds(window: SendWindow, options: { count: number; queuedMs: number; limits: boolean }): void {
  const baseMs = 50;
  for (let round = 0; round < options.count; round++) {
    if (options.limits) {
      window.use(window.bytes);
      window.isFull();
      window.release(window.bytes);
    }
    clock += baseMs + options.queuedMs;
    window.arrived({ baseMs, queuedMs: options.queuedMs }, clock);
  }
}

let clock = 0;

describe("SendWindow", () => {
  it("is full when as much as it allows is under way, and no longer after some of it has arrived", () => {
    const window = new SendWindow(CONFIG);
    window.use(CONFIG.bytesMin - 1);
    expect(window.isFull()).toBe(false);
    window.use(1);
    expect(window.isFull()).toBe(true);
    window.release(1);
    expect(window.isFull()).toBe(false);
  });

  it("grows while it limits and waits stay below the target, and no further than it may", () => {
    const window = new SendWindow(CONFIG);
    rounds(window, { count: 1, queuedMs: 5, limits: true });
    expect(window.bytes).toBeGreaterThan(CONFIG.bytesMin);
    rounds(window, { count: 100, queuedMs: 5, limits: true });
    expect(window.bytes).toBe(CONFIG.bytesMax);
  });

  it("does not grow when nobody was held up by it", () => {
    const window = new SendWindow(CONFIG);
    rounds(window, { count: 100, queuedMs: 0, limits: false });
    expect(window.bytes).toBe(CONFIG.bytesMin);
  });

  it("shrinks when waits exceed the target, whether it limits or not, and no further than it may", () => {
    for (const limits of [true, false]) {
      const window = new SendWindow(CONFIG);
      rounds(window, { count: 100, queuedMs: 0, limits: true });
      rounds(window, { count: 1, queuedMs: 200, limits });
      expect(window.bytes).toBeLessThan(CONFIG.bytesMax);
      expect(window.bytes).toBeGreaterThan(CONFIG.bytesMax / 2);
      rounds(window, { count: 100, queuedMs: 200, limits });
      expect(window.bytes).toBe(CONFIG.bytesMin);
    }
  });

  it("judges a round by its least wait, and only once it is over", () => {
    const window = new SendWindow(CONFIG);
    rounds(window, { count: 100, queuedMs: 0, limits: true });
    // One answer in the middle of the round did not wait: what the others waited for is not shared by all.
    window.arrived({ baseMs: 50, queuedMs: 40 }, clock + 10);
    window.arrived({ baseMs: 50, queuedMs: 900 }, clock + 20);
    expect(window.bytes).toBe(CONFIG.bytesMax);
    window.arrived({ baseMs: 50, queuedMs: 900 }, clock + 60);
    expect(window.bytes).toBe(CONFIG.bytesMax);
    window.arrived({ baseMs: 50, queuedMs: 900 }, clock + 160);
    expect(window.bytes).toBeLessThan(CONFIG.bytesMax);
  });

  it("stays within its bounds whatever it is told", () => {
    const answer = fc.record({
      baseMs: fc.integer({ min: 1, max: 60_000 }),
      queuedMs: fc.integer({ min: 0, max: 60_000 }),
      passMs: fc.nat(1_000),
      use: fc.nat(2_000_000),
    });
    fc.assert(
      fc.property(fc.array(answer, { maxLength: 200 }), (answers) => {
        const window = new SendWindow(CONFIG);
        let now = 0;
        for (const { baseMs, queuedMs, passMs, use } of answers) {
          now += passMs;
          window.use(use);
          window.isFull();
          window.release(use);
          window.arrived({ baseMs, queuedMs }, now);
          expect(window.bytes).toBeGreaterThanOrEqual(CONFIG.bytesMin);
          expect(window.bytes).toBeLessThanOrEqual(CONFIG.bytesMax);
        }
      }),
    );
  });

  it("keeps a bottleneck of any rate and distance busy, with a queue near the target", () => {
    const path = fc.record({
      // A piece takes from a tenth of a millisecond, as 256 KiB at twenty gigabits, to half a second.
      serviceMs: fc.integer({ min: -100, max: 270 }).map((exponent) => 10 ** (exponent / 100)),
      baseMs: fc.integer({ min: 0, max: 150 }),
    });
    fc.assert(
      fc.property(path, ({ serviceMs, baseMs }) => {
        const bottleneck = new Bottleneck({ serviceMs, baseMs });
        bottleneck.run(50);
        const { busyShare, queuedMsMean } = bottleneck.run(50);
        expect(busyShare).toBeGreaterThan(0.95);
        // Two pieces are under way at least, and the last that fits may begin a piece early.
        expect(queuedMsMean).toBeLessThan(2 * CONFIG.queueMs + 2 * serviceMs);
      }),
      { numRuns: 60 },
    );
  });
});

const PIECE_BYTES = 64 * 1024;

/** One line in order of arrival; the sender always has more. What no buffer takes waits in its socket. */
class Bottleneck {
  readonly #path: { readonly serviceMs: number; readonly baseMs: number };
  readonly #window: SendWindow;
  readonly #underWay: { readonly sentAt: number; readonly backAt: number }[] = [];
  #now = 0;
  #freeAt = 0;
  #leastMs = Number.POSITIVE_INFINITY;

  constructor(path: { serviceMs: number; baseMs: number }) {
    this.#path = path;
    const bytesMin = 2 * PIECE_BYTES;
    this.#window = new SendWindow({ queueMs: CONFIG.queueMs, bytesMin, bytesMax: 1024 * 1024 * 1024 });
  }

  /** Runs for so many times the way there and back. */
  run(wayCount: number): { busyShare: number; queuedMsMean: number } {
    const { serviceMs, baseMs } = this.#path;
    const from = this.#now;
    const until = from + wayCount * Math.max(20, baseMs + serviceMs);
    let arrived = 0;
    let queuedMs = 0;
    while (this.#now < until) {
      while (!this.#window.isFull()) this.#sendOne();
      const next = this.#underWay.shift();
      if (next === undefined) return expect.fail("the window is shut and nothing is under way");
      this.#now = next.backAt;
      const tookMs = this.#now - next.sentAt;
      this.#leastMs = Math.min(this.#leastMs, tookMs);
      arrived += 1;
      queuedMs += tookMs - this.#leastMs;
      this.#window.release(PIECE_BYTES);
      this.#window.arrived({ baseMs: this.#leastMs, queuedMs: tookMs - this.#leastMs }, this.#now);
    }
    return { busyShare: (arrived * serviceMs) / (this.#now - from), queuedMsMean: queuedMs / arrived };
  }

  #sendOne(): void {
    this.#window.use(PIECE_BYTES);
    this.#freeAt = Math.max(this.#now, this.#freeAt) + this.#path.serviceMs;
    this.#underWay.push({ sentAt: this.#now, backAt: this.#freeAt + this.#path.baseMs });
  }
}
