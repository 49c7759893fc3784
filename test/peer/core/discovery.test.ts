// When a torrent is announced and when others are looked for, in made-up time.
import { describe, expect, it } from "vitest";
import {
  AWAY_AFTER_MS,
  createDiscovery,
  type DiscoveryEffect,
  type DiscoveryEvent,
  PEER_MAX_AGE_MS,
} from "../../../peer/core/discovery.ts";
import { createPrng } from "../../../protocol/prng.ts";

interface Done {
  readonly at: number;
  readonly kind: DiscoveryEffect["kind"];
}

class Bench {
  readonly #machine;
  readonly done: Done[] = [];
  torrent = { links: 0, complete: false };
  now = 0;

  constructor(seed = 1) {
    this.#machine = createDiscovery(createPrng(seed));
    this.send({ kind: "joined" });
  }

  send(event: DiscoveryEvent): readonly DiscoveryEffect[] {
    const effects = this.#machine.handle(event, this.now);
    for (const { kind } of effects) {
      this.done.push({ at: this.now, kind });
      if (kind === "sample") this.send({ kind: "sampled", ...this.torrent });
    }
    return effects;
  }

  /** Lets all happen that is due until then. */
  runTo(until: number): void {
    for (let at = this.#machine.deadline(); at !== null && at <= until; at = this.#machine.deadline()) {
      this.now = at;
      this.send({ kind: "tick" });
    }
    this.now = until;
  }

  timesOf(kind: DiscoveryEffect["kind"]): readonly number[] {
    return this.done.filter((one) => one.kind === kind).map(({ at }) => at);
  }
}

const HOUR = 3_600_000;
const contacts = [{ host: "10.0.0.1", port: 7_000 }];

describe("createDiscovery", () => {
  it("announces as long as a torrent is joined, often enough not to be forgotten", () => {
    const bench = new Bench();
    bench.runTo(6 * HOUR);
    const times = [0, ...bench.timesOf("announce")];
    expect(times.length).toBeGreaterThan(6 * 7);
    for (const [index, at] of times.entries())
      if (index > 0) expect(at - (times[index - 1] ?? 0)).toBeLessThan(PEER_MAX_AGE_MS / 2);
  });

  it("greets its neighbours before it asks them", () => {
    const bench = new Bench();
    bench.runTo(HOUR);
    for (const at of bench.timesOf("announce"))
      expect(bench.timesOf("meet").some((met) => met < at && at - met < 5_000)).toBe(true);
  });

  it("looks for nobody while the coordinator is there, however few links there are", () => {
    const bench = new Bench();
    bench.runTo(6 * HOUR);
    expect(bench.timesOf("look-up")).toEqual([]);
    expect(bench.send({ kind: "found", contacts })).toEqual([]);
  });

  it("waits out a restart of the coordinator, then announces and looks around, less and less often", () => {
    const bench = new Bench();
    bench.runTo(HOUR);
    bench.send({ kind: "coordinator", away: true });
    bench.runTo(2 * HOUR);
    const found = bench.timesOf("look-up");
    expect(found[0]).toBeGreaterThan(HOUR + AWAY_AFTER_MS);
    expect(found[0]).toBeLessThan(HOUR + AWAY_AFTER_MS + 10_000);
    const announced = bench.timesOf("announce").filter((at) => at > HOUR && at < (found[0] ?? 0));
    expect(announced).toHaveLength(1);
    const waits = found.slice(1).map((at, index) => at - (found[index] ?? 0));
    expect(Math.max(...waits)).toBeLessThanOrEqual(62_000);
    for (const wait of waits.slice(8)) expect(wait).toBeGreaterThan(30_000);
  });

  it("does nothing about a coordinator that is back at once", () => {
    const bench = new Bench();
    bench.runTo(60_000);
    bench.send({ kind: "coordinator", away: true });
    bench.runTo(60_000 + AWAY_AFTER_MS - 1);
    bench.send({ kind: "coordinator", away: false });
    bench.runTo(120_000);
    expect(bench.timesOf("look-up")).toEqual([]);
  });

  it("offers what it finds while the coordinator is away, and takes it back afterwards", () => {
    const bench = new Bench();
    bench.send({ kind: "coordinator", away: true });
    expect(bench.send({ kind: "found", contacts })).toEqual([{ kind: "offer", contacts }]);
    expect(bench.send({ kind: "found", contacts: [] })).toEqual([]);
    expect(bench.send({ kind: "coordinator", away: false })).toEqual([{ kind: "forget-found" }]);
    expect(bench.send({ kind: "found", contacts })).toEqual([]);
    expect(bench.send({ kind: "coordinator", away: false })).toEqual([]);
  });

  it("looks around when it has everything only if it has hardly a link", () => {
    const bench = new Bench();
    bench.torrent = { links: 3, complete: true };
    bench.send({ kind: "coordinator", away: true });
    bench.runTo(HOUR);
    expect(bench.timesOf("look-up")).toEqual([]);
    bench.torrent = { links: 2, complete: true };
    bench.runTo(2 * HOUR);
    expect(bench.timesOf("look-up").length).toBeGreaterThan(0);
  });

  it("spreads a fleet that loses its coordinator at once", () => {
    const firsts = Array.from({ length: 1_000 }, (_, seed) => {
      const bench = new Bench(seed);
      bench.send({ kind: "coordinator", away: true });
      bench.runTo(600_000);
      return bench.timesOf("look-up");
    });
    const perSecond = new Map<number, number>();
    for (const at of firsts.flat().filter((time) => time > 300_000)) {
      const second = Math.floor(at / 1_000);
      perSecond.set(second, (perSecond.get(second) ?? 0) + 1);
    }
    expect(Math.max(...perSecond.values())).toBeLessThan(80);
  });
});
