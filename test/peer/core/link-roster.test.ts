// Whom a node dials, lets in and drops.
import { describe, expect, it } from "vitest";
import {
  createRoster,
  ORIGIN_SOURCE,
  type RosterEffect,
  type RosterEvent,
} from "../../../peer/core/link-roster.ts";
import type { Neighbour } from "../../../protocol/messages.ts";
import { createPrng } from "../../../protocol/prng.ts";

function neighbour(id: string, dial: boolean, port = 1): Neighbour {
  return { id, host: "10.0.0.1", port, dial };
}

class Bench {
  readonly #machine = createRoster({ ownId: "me", random: createPrng(1) });
  now = 0;

  send(event: RosterEvent): readonly RosterEffect[] {
    return this.#machine.handle(event, this.now);
  }

  list(...neighbours: Neighbour[]): readonly RosterEffect[] {
    return this.send({ kind: "neighbours", neighbours });
  }

  arrive(link: number, id: string | null, address = "10.0.0.9"): readonly RosterEffect[] {
    return this.send({ kind: "arrived", link, id, address });
  }

  get deadline(): number | null {
    return this.#machine.deadline();
  }

  /** Lets time pass to the next deadline and tells the machine. */
  wait(): readonly RosterEffect[] {
    this.now = this.deadline ?? this.now;
    return this.send({ kind: "tick" });
  }
}

const accepted = (link: number, source: string, isOrigin = false): RosterEffect => ({
  kind: "accept",
  link,
  source,
  isOrigin,
});

describe("createRoster", () => {
  it("dials those it is told to dial, at once and each once", () => {
    const bench = new Bench();
    expect(bench.list(neighbour("a", true), neighbour("b", false))).toEqual([
      { kind: "dial", neighbour: neighbour("a", true) },
    ]);
    expect(bench.send({ kind: "tick" })).toEqual([]);
    expect(bench.deadline).toBeNull();
  });

  it("knows the origin by its place in the list", () => {
    const bench = new Bench();
    bench.list(neighbour("origin", true));
    expect(bench.send({ kind: "dialled", link: 1, neighbourId: "origin", id: "origin" })).toEqual([
      accepted(1, ORIGIN_SOURCE, true),
    ]);
  });

  it("lets everybody in until it has a list", () => {
    expect(new Bench().arrive(1, "stranger")).toEqual([accepted(1, "node stranger")]);
  });

  it("waits longer after each failure, within limits, and keeps trying", () => {
    const bench = new Bench();
    bench.list(neighbour("a", true));
    const waits: number[] = [];
    for (let failure = 0; failure < 12; failure++) {
      bench.send({ kind: "dial-failed", neighbourId: "a" });
      const before = bench.now;
      expect(bench.wait()).toEqual([{ kind: "dial", neighbour: neighbour("a", true) }]);
      waits.push(bench.now - before);
    }
    expect(waits[0]).toBeGreaterThanOrEqual(125);
    expect(waits[0]).toBeLessThanOrEqual(250);
    for (const wait of waits.slice(7)) expect(wait).toBeGreaterThanOrEqual(5_000);
    for (const wait of waits) expect(wait).toBeLessThanOrEqual(10_000);
  });

  it("dials again when a link is lost, quickly when it had held", () => {
    const bench = new Bench();
    bench.list(neighbour("a", true));
    for (let failure = 0; failure < 8; failure++) {
      bench.send({ kind: "dial-failed", neighbourId: "a" });
      bench.wait();
    }
    bench.send({ kind: "dialled", link: 1, neighbourId: "a", id: "a" });
    bench.now += 60_000;
    bench.send({ kind: "closed", link: 1 });
    expect((bench.deadline ?? 0) - bench.now).toBeLessThanOrEqual(250);
  });

  it("does not dial one that is linked already, whoever made the link", () => {
    const bench = new Bench();
    bench.arrive(1, "a");
    expect(bench.list(neighbour("a", true))).toEqual([]);
    bench.send({ kind: "closed", link: 1 });
    expect(bench.wait()).toEqual([{ kind: "dial", neighbour: neighbour("a", true) }]);
  });

  it("keeps one link per id: the one it dialled, else the newest", () => {
    const bench = new Bench();
    bench.list(neighbour("a", true), neighbour("b", false));
    bench.send({ kind: "dialled", link: 1, neighbourId: "a", id: "a" });
    expect(bench.arrive(2, "a")).toEqual([{ kind: "refuse", link: 2, reason: "is linked already" }]);
    bench.arrive(3, "b");
    expect(bench.arrive(4, "b")).toEqual([
      { kind: "close", link: 3, reason: "replaced by a newer link" },
      accepted(4, "node b"),
    ]);
  });

  it("refuses another node at a neighbour's address, but not a stock client there", () => {
    const bench = new Bench();
    bench.list(neighbour("a", true), neighbour("b", true, 2));
    expect(bench.send({ kind: "dialled", link: 1, neighbourId: "a", id: "b" })).toEqual([
      { kind: "refuse", link: 1, reason: "is b, not a" },
    ]);
    expect(bench.send({ kind: "dialled", link: 2, neighbourId: "b", id: null })).toEqual([
      accepted(2, "node b"),
    ]);
  });

  it("drops links to nodes that are not listed any more, and only those", () => {
    const bench = new Bench();
    bench.list(neighbour("a", true), neighbour("b", false));
    bench.send({ kind: "dialled", link: 1, neighbourId: "a", id: "a" });
    bench.arrive(2, "b");
    bench.arrive(3, null);
    expect(bench.list(neighbour("b", false))).toEqual([
      { kind: "close", link: 1, reason: "not a neighbour any more" },
    ]);
    bench.send({ kind: "closed", link: 1 });
    expect(bench.deadline).toBeNull();
  });

  it("dials a neighbour at its new address without delay", () => {
    const bench = new Bench();
    bench.list(neighbour("a", true, 1));
    for (let failure = 0; failure < 5; failure++) bench.send({ kind: "dial-failed", neighbourId: "a" });
    expect(bench.list(neighbour("a", true, 2))).toEqual([
      { kind: "dial", neighbour: neighbour("a", true, 2) },
    ]);
  });

  it("lets only a few in that are on no list", () => {
    const bench = new Bench();
    bench.list(neighbour("a", false));
    const kinds = Array.from({ length: 20 }, (_, link) => bench.arrive(link + 1, null)[0]?.kind);
    expect(kinds.filter((kind) => kind === "accept")).toHaveLength(16);
    expect(bench.arrive(30, "a")).toEqual([accepted(30, "node a")]);
  });

  it("does not count one as unlisted that got listed meanwhile", () => {
    const bench = new Bench();
    bench.list();
    for (let link = 1; link <= 16; link++) bench.arrive(link, `n${link}`);
    bench.list(...Array.from({ length: 16 }, (_, index) => neighbour(`n${index + 1}`, false)));
    expect(bench.arrive(17, null)[0]?.kind).toBe("accept");
  });

  it("refuses itself and whoever is banned, and does not dial the banned", () => {
    const bench = new Bench();
    expect(bench.arrive(1, "me")[0]?.kind).toBe("refuse");
    bench.list(neighbour("a", true), neighbour("me", true));
    bench.send({ kind: "banned", source: "node a" });
    bench.send({ kind: "dial-failed", neighbourId: "a" });
    expect(bench.deadline).toBeNull();
    expect(bench.arrive(2, "a")[0]?.kind).toBe("refuse");
  });

  it("bans a stranger by address", () => {
    const bench = new Bench();
    bench.list();
    bench.send({ kind: "banned", source: "address 10.0.0.66" });
    expect(bench.arrive(1, null, "10.0.0.66")[0]?.kind).toBe("refuse");
    expect(bench.arrive(2, "pretender", "10.0.0.66")[0]?.kind).toBe("refuse");
    expect(bench.arrive(3, null, "10.0.0.67")[0]?.kind).toBe("accept");
  });

  it("has few dials under way at a time, and all of them in the end", () => {
    const bench = new Bench();
    const many = Array.from({ length: 40 }, (_, index) => neighbour(`n${index}`, true));
    const dialled = new Set(
      bench.list(...many).map((effect) => (effect.kind === "dial" ? effect.neighbour.id : "")),
    );
    expect(dialled.size).toBe(16);
    for (const { id } of many)
      for (const effect of bench.send({
        kind: "dialled",
        link: Number(id.slice(1)) + 1,
        neighbourId: id,
        id,
      }))
        if (effect.kind === "dial") dialled.add(effect.neighbour.id);
    expect(dialled.size).toBe(40);
  });
});
