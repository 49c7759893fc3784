// Whom a node dials, lets in and drops.
import { describe, expect, it } from "vitest";
import { ORIGIN_SOURCE } from "../../../peer/core/link-roster.ts";
import type { Neighbour } from "../../../protocol/messages.ts";
import { accepted, Bench, HOST, neighbour } from "./roster-bench.ts";

/** One stranger each from many addresses. */
function strangerAddress(index: number): string {
  return `10.9.${index >> 8}.${index & 255}`;
}

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
    const kinds = Array.from(
      { length: 20 },
      (_, link) => bench.arrive(link + 1, null, strangerAddress(link))[0]?.kind,
    );
    expect(kinds.filter((kind) => kind === "accept")).toHaveLength(16);
    expect(bench.arrive(30, "a")).toEqual([accepted(30, "node a")]);
  });

  it("does not count one as unlisted that got listed meanwhile", () => {
    const bench = new Bench();
    bench.list();
    for (let link = 1; link <= 16; link++) bench.arrive(link, `n${link}`, strangerAddress(link));
    bench.list(
      ...Array.from({ length: 16 }, (_, index) => ({
        ...neighbour(`n${index + 1}`, false),
        host: strangerAddress(index + 1),
      })),
    );
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

  it("lets fewer in from one address, with a list and without one", () => {
    const bench = new Bench();
    const count = (first: number, arrivals: number): number =>
      Array.from({ length: arrivals }, (_, index) => bench.arrive(first + index, null)[0]?.kind).filter(
        (kind) => kind === "accept",
      ).length;
    expect(count(1, 300)).toBe(256);
    const listed = new Bench();
    listed.list();
    const kinds = Array.from({ length: 10 }, (_, link) => listed.arrive(link + 1, `n${link}`)[0]);
    expect(kinds.filter((effect) => effect?.kind === "accept")).toHaveLength(4);
    expect(kinds.at(-1)).toMatchObject({ reason: "is one too many from its address" });
    expect(listed.arrive(20, null, "10.0.0.2")[0]?.kind).toBe("accept");
  });

  describe("tells what is in another zone:", () => {
    const [share, other] = [
      { parts: [1], of: 8 },
      { parts: [1, 9], of: 16 },
    ];
    const far = (id: string, dial: boolean, to = share): Neighbour => ({ ...neighbour(id, dial), far: to });

    it("a link that is dialled, and one that comes", () => {
      const bench = new Bench();
      bench.list(far("a", true), far("b", false), neighbour("c", true));
      const dialled = (link: number, id: string) =>
        bench.send({ kind: "dialled", link, neighbourId: id, id });
      expect(dialled(1, "a")).toEqual([{ ...accepted(1, "node a"), far: share }]);
      expect(bench.arrive(2, "b")).toEqual([{ ...accepted(2, "node b"), far: share }]);
      expect(dialled(3, "c")).toEqual([accepted(3, "node c")]);
    });

    it("a link that came before the list, and one whose share is another now", () => {
      const bench = new Bench();
      bench.arrive(1, "a");
      expect(bench.list(far("a", false))).toEqual([{ kind: "far", link: 1, far: share }]);
      expect(bench.list(far("a", false, { ...share }))).toEqual([]);
      expect(bench.list(far("a", false, other))).toEqual([{ kind: "far", link: 1, far: other }]);
      expect(bench.list(neighbour("a", false))).toEqual([{ kind: "far", link: 1, far: null }]);
    });

    it("not of a link that is closed, nor of one that only claims to be that neighbour", () => {
      const bench = new Bench();
      bench.list(far("a", false), far("b", false));
      bench.arrive(1, "a");
      expect(bench.arrive(2, "b", "10.6.6.6")).toEqual([accepted(2, "address 10.6.6.6")]);
      expect(bench.list(far("b", false)).map(({ kind }) => kind)).toEqual(["close"]);
    });
  });

  describe("does not believe an id from another address than its neighbour's:", () => {
    const ELSEWHERE = "10.6.6.6";

    it("what the pretender does is on its own address", () => {
      const bench = new Bench();
      bench.list(neighbour("a", false));
      expect(bench.arrive(1, "a", ELSEWHERE)).toEqual([accepted(1, `address ${ELSEWHERE}`)]);
      bench.send({ kind: "banned", source: `address ${ELSEWHERE}` });
      expect(bench.arrive(2, "a")).toEqual([accepted(2, "node a")]);
    });

    it("the neighbour's link stays", () => {
      const bench = new Bench();
      bench.list(neighbour("a", false));
      bench.arrive(1, "a");
      expect(bench.arrive(2, "a", ELSEWHERE)).toEqual([accepted(2, `address ${ELSEWHERE}`)]);
    });

    it("the neighbour is dialled", () => {
      const bench = new Bench();
      bench.arrive(1, "a", ELSEWHERE);
      expect(bench.list(neighbour("a", true))).toEqual([{ kind: "dial", neighbour: neighbour("a", true) }]);
      bench.arrive(2, "a", ELSEWHERE);
      expect(bench.send({ kind: "dialled", link: 3, neighbourId: "a", id: "a" })).toEqual([
        accepted(3, "node a"),
      ]);
    });

    it("nobody passes for the origin, which dials nobody", () => {
      const bench = new Bench();
      bench.list(neighbour("origin", true));
      expect(bench.arrive(1, "origin")).toEqual([accepted(1, `address ${HOST}`)]);
      expect(bench.send({ kind: "dialled", link: 2, neighbourId: "origin", id: "origin" })).toEqual([
        accepted(2, ORIGIN_SOURCE, true),
      ]);
    });

    it("nobody's link to an origin is replaced", () => {
      const bench = new Bench();
      expect(bench.arrive(1, "a")).toEqual([accepted(1, "node a")]);
      expect(bench.arrive(2, "a", ELSEWHERE)).toEqual([accepted(2, "node a")]);
      expect(bench.arrive(3, "a")).toEqual([
        { kind: "close", link: 1, reason: "replaced by a newer link" },
        accepted(3, "node a"),
      ]);
    });

    it("a neighbour that is listed by name is taken at its word", () => {
      const bench = new Bench();
      bench.list({ ...neighbour("a", false), host: "a.example" });
      expect(bench.arrive(1, "a", ELSEWHERE)).toEqual([accepted(1, "node a")]);
    });
  });

  it("forgets the oldest of very many bans", () => {
    const bench = new Bench();
    bench.list();
    for (let index = 0; index <= 1_024; index++)
      bench.send({ kind: "banned", source: `address ${strangerAddress(index)}` });
    expect(bench.arrive(1, null, strangerAddress(0))[0]?.kind).toBe("accept");
    expect(bench.arrive(2, null, strangerAddress(1))[0]?.kind).toBe("refuse");
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
