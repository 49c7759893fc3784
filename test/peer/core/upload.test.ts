// Whom the upload queue serves next, and what it never does whatever remotes ask for.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { BLOCK_BYTES, geometryOf, pieceBytes } from "../../../peer/core/geometry.ts";
import { createUpload } from "../../../peer/core/upload.ts";
import { UPLOAD_CONFIG } from "../../../peer/core/upload-config.ts";
import type { UploadEffect, UploadEvent } from "../../../peer/core/upload-events.ts";
import { Bitfield } from "../../../protocol/bitfield.ts";
import type { Machine } from "../../../protocol/machine.ts";

const BLOCKS = 8;
const GEOMETRY = geometryOf({ length: 40 * BLOCKS * BLOCK_BYTES - 5_000, pieceLength: BLOCKS * BLOCK_BYTES });

class Bench {
  readonly verified = Bitfield.full(GEOMETRY.pieceCount);
  readonly effects: UploadEffect[] = [];
  /** Bytes that each socket still holds. */
  readonly unsent = new Map<number, number>();
  readonly #machine: Machine<UploadEvent, UploadEffect>;
  #now = 0;

  constructor(options: { injects?: boolean } = {}) {
    this.#machine = createUpload({ geometry: GEOMETRY, verified: this.verified, ...options });
  }

  pass(ms: number): void {
    this.#now += ms;
  }

  send(event: UploadEvent): readonly UploadEffect[] {
    this.#now += 1;
    const effects = this.#machine.handle(event, this.#now);
    for (const effect of effects)
      if (effect.kind === "send")
        this.unsent.set(effect.link, (this.unsent.get(effect.link) ?? 0) + effect.length);
    this.effects.push(...effects);
    return effects;
  }

  open(...links: number[]): this {
    for (const link of links) this.send({ kind: "link-open", link, fast: true, acknowledges: false });
    return this;
  }

  requestBlock(link: number, piece: number, block: number): readonly UploadEffect[] {
    const offset = block * BLOCK_BYTES;
    const length = Math.min(BLOCK_BYTES, pieceBytes(GEOMETRY, piece) - offset);
    return this.send({ kind: "requested", link, piece, offset, length });
  }

  requestPiece(link: number, piece: number): void {
    for (let block = 0; block < BLOCKS; block++) this.requestBlock(link, piece, block);
  }

  /** The socket takes what it holds, block by block. */
  drain(link: number, bytes = BLOCK_BYTES): void {
    this.unsent.set(link, (this.unsent.get(link) ?? 0) - bytes);
    this.send({ kind: "sent", link, bytes });
  }

  /** Every socket takes a block in turn, so many times. */
  drainAll(rounds: number): void {
    for (let round = 0; round < rounds; round++)
      for (const [link, unsent] of this.unsent) if (unsent >= BLOCK_BYTES) this.drain(link);
  }

  sentTo(link: number): string[] {
    return this.effects.flatMap((effect) =>
      effect.kind === "send" && effect.link === link
        ? [`${effect.piece}/${effect.offset / BLOCK_BYTES}`]
        : [],
    );
  }

  kinds(): string[] {
    return this.effects.map((effect) => effect.kind);
  }
}

const AHEAD_BLOCKS = UPLOAD_CONFIG.aheadBytesMin / BLOCK_BYTES;

describe("createUpload", () => {
  it("unchokes whoever is interested, and nobody before", () => {
    const bench = new Bench().open(1, 2);
    expect(bench.effects).toEqual([]);
    bench.send({ kind: "interested", link: 2 });
    expect(bench.effects).toEqual([{ kind: "unchoke", link: 2 }]);
  });

  it("answers in the order of the requests, no further ahead than the socket drains", () => {
    const bench = new Bench().open(1);
    bench.requestPiece(1, 0);
    bench.requestPiece(1, 1);
    expect(bench.sentTo(1)).toHaveLength(AHEAD_BLOCKS);
    bench.drain(1);
    expect(bench.sentTo(1)).toHaveLength(AHEAD_BLOCKS + 1);
    expect(bench.sentTo(1).slice(0, 9)).toEqual([
      "0/0",
      "0/1",
      "0/2",
      "0/3",
      "0/4",
      "0/5",
      "0/6",
      "0/7",
      "1/0",
    ]);
  });

  it("finishes pieces on a few links before it starts others", () => {
    const bench = new Bench().open(1, 2, 3, 4, 5, 6);
    // Full sockets, as on a busy uplink: each has sent a piece and asks for two more.
    for (const link of [1, 2, 3, 4, 5, 6]) {
      bench.requestPiece(link, link);
      bench.requestPiece(link, link + 10);
      bench.requestPiece(link, link + 20);
    }
    const started = [1, 2, 3, 4, 5, 6].filter((link) => bench.sentTo(link).length > 0);
    expect(started).toHaveLength(UPLOAD_CONFIG.slots);
  });

  it("serves everybody in the end, one piece after the other", () => {
    const bench = new Bench().open(1, 2, 3, 4, 5, 6);
    for (const link of [1, 2, 3, 4, 5, 6])
      for (const piece of [link, link + 10]) bench.requestPiece(link, piece);
    bench.drainAll(100);
    for (const link of [1, 2, 3, 4, 5, 6]) {
      const pieces = bench.sentTo(link).map((block) => Number(block.split("/")[0]));
      expect(pieces).toEqual([...Array(BLOCKS).fill(link), ...Array(BLOCKS).fill(link + 10)]);
    }
  });

  it("gives the next turn to who has waited longest, however often its piece was sent already", () => {
    const bench = new Bench().open(1, 2, 3, 4, 5, 6);
    // Two pieces each keep all slots busy; then one wants a piece that is out already, one a piece that nobody has.
    for (const link of [1, 2, 3, 4]) for (const piece of [link, link + 10]) bench.requestPiece(link, piece);
    bench.requestPiece(5, 1);
    bench.requestPiece(6, 30);
    bench.drainAll(3 * BLOCKS);
    const order = bench.effects.flatMap((effect) => (effect.kind === "send" ? [effect.link] : []));
    expect([...new Set(order)].slice(4)).toEqual([5, 6]);
  });

  it.each([true, false])("serves another zone before its own, as nobody else may be about to", (isFar) => {
    const bench = new Bench().open(1, 2, 3, 4, 6);
    bench.send({ kind: "link-open", link: 5, fast: true, acknowledges: false, isFar });
    bench.send({ kind: "link-far", link: 5, isFar: true });
    bench.open(7);
    for (const link of [1, 2, 3, 4]) for (const piece of [link, link + 10]) bench.requestPiece(link, piece);
    // The last to ask is in another zone.
    bench.requestPiece(6, 30);
    bench.requestPiece(7, 2);
    bench.requestPiece(5, 1);
    bench.drainAll(3 * BLOCKS);
    const order = bench.effects.flatMap((effect) => (effect.kind === "send" ? [effect.link] : []));
    expect([...new Set(order)].slice(4)).toEqual([5, 6, 7]);
  });

  it("as the origin sends every piece once before any twice, and whatever is asked for a while later", () => {
    const bench = new Bench({ injects: true }).open(1, 2);
    const kindsOf = (link: number, piece: number): Set<string> => {
      bench.drain(link, bench.unsent.get(link) ?? 0);
      const { length } = bench.effects;
      bench.requestPiece(link, piece);
      return new Set(bench.effects.slice(length).map(({ kind }) => kind));
    };
    expect(kindsOf(1, 0)).toEqual(new Set(["send"]));
    for (let piece = 1; piece < GEOMETRY.pieceCount; piece++) {
      expect(kindsOf(2, 0), `while piece ${piece} is inside`).toEqual(new Set(["reject"]));
      expect(kindsOf(2, piece)).toEqual(new Set(["send"]));
    }
    expect(kindsOf(2, GEOMETRY.pieceCount - 1)).toEqual(new Set(["send"]));
    bench.pass(1_000);
    expect(kindsOf(2, 0)).toEqual(new Set(["send"]));
  });

  it("as the origin repeats a piece when nobody asks for a first one, or whoever had it is gone", () => {
    const bench = new Bench({ injects: true }).open(1, 2);
    bench.requestBlock(1, 0, 0);
    bench.requestBlock(1, 1, 0);
    bench.send({ kind: "link-closed", link: 1 });
    expect(bench.requestBlock(2, 0, 0).at(-1)?.kind).toBe("send");
    bench.open(3);
    expect(bench.requestBlock(3, 0, 0).at(-1)?.kind).toBe("reject");
    bench.pass(600);
    expect(bench.requestBlock(3, 0, 0).at(-1)?.kind).toBe("send");
  });

  it("as the origin never says no to a client that would not understand", () => {
    const bench = new Bench({ injects: true });
    bench.send({ kind: "link-open", link: 1, fast: false, acknowledges: false });
    bench.send({ kind: "link-open", link: 2, fast: false, acknowledges: false });
    for (const link of [1, 2]) expect(bench.requestBlock(link, 0, 0).at(-1)?.kind).toBe("send");
  });

  it("never sends a block that was cancelled in time", () => {
    const bench = new Bench().open(1);
    bench.requestPiece(1, 0);
    bench.requestPiece(1, 1);
    bench.send({ kind: "cancelled", link: 1, piece: 1, offset: 3 * BLOCK_BYTES, length: BLOCK_BYTES });
    for (let block = 0; block < 15; block++) bench.drain(1);
    expect(bench.sentTo(1)).toHaveLength(15);
    expect(bench.sentTo(1)).not.toContain("1/3");
  });

  it("answers a request once that is made twice", () => {
    const bench = new Bench().open(1);
    bench.requestPiece(1, 0);
    bench.requestBlock(1, 1, 0);
    bench.requestBlock(1, 1, 0);
    for (let block = 0; block < 9; block++) bench.drain(1);
    expect(bench.sentTo(1).filter((block) => block === "1/0")).toHaveLength(1);
  });

  it("lets links that drain slowly share a slot, so that they do not keep a fast one waiting", () => {
    const bench = new Bench().open(1, 2, 3, 4, 5, 6);
    const request = (link: number, first: number): void => {
      for (let piece = first; piece < first + 10; piece++) bench.requestPiece(link, piece);
    };
    request(6, 0);
    // Link 6 drains a block a millisecond for a while, the others one in 200.
    for (let block = 0; block < 80; block++) bench.drain(6);
    for (const link of [1, 2, 3, 4]) request(link, 10);
    for (let round = 0; round < 1_000; round++) {
      bench.send({ kind: "tick" });
      if (round % 200 === 0) for (const link of [1, 2, 3, 4]) bench.drain(link);
    }
    request(5, 20);
    expect(bench.sentTo(5).length).toBeGreaterThan(0);
  });

  it("refuses what is not verified", () => {
    const bench = new Bench().open(1);
    bench.verified.delete(7);
    expect(bench.requestBlock(1, 7, 0)).toEqual([
      { kind: "reject", link: 1, piece: 7, offset: 0, length: BLOCK_BYTES },
    ]);
  });

  it.each([
    [-1, 0, 10],
    [40, 0, 10],
    [0, -1, 10],
    [0, 0, 0],
    [0, 0, -5],
    [0, BLOCKS * BLOCK_BYTES - 10, 11],
    [0, 0, 128 * 1024 + 1],
    [39, BLOCKS * BLOCK_BYTES - 5_000, 1],
  ])("cuts off who asks for piece %i from %i with %i bytes", (piece, offset, length) => {
    const bench = new Bench().open(1);
    const effects = bench.send({ kind: "requested", link: 1, piece, offset, length });
    const reason = "asked for bytes that do not exist";
    expect(effects).toEqual([{ kind: "close-link", link: 1, fault: "breaks-rules", reason }]);
  });

  it("accepts the largest request that clients may make", () => {
    const bench = new Bench().open(1);
    bench.send({ kind: "requested", link: 1, piece: 0, offset: 0, length: BLOCKS * BLOCK_BYTES });
    expect(bench.kinds()).toContain("send");
  });

  it("refuses requests beyond the longest honest queue, and cuts off who goes on", () => {
    const bench = new Bench().open(1);
    bench.requestPiece(1, 0);
    const piece = { kind: "requested" as const, link: 1, piece: 1, length: 1 };
    for (let offset = 0; offset < 6_000; offset++) bench.send({ ...piece, offset });
    const refused = bench.kinds().filter((kind) => kind === "reject").length;
    expect(refused).toBeGreaterThan(4_000);
    expect(refused).toBeLessThan(5_000);
    expect(bench.kinds()).toContain("close-link");
  });

  it("keeps its promises whatever is asked, cancelled, drained and closed", () => {
    const link = fc.integer({ min: 1, max: 4 });
    const step = fc.oneof(
      {
        weight: 6,
        arbitrary: fc.record({ kind: fc.constant("request"), link, piece: fc.nat(39), block: fc.nat(7) }),
      },
      {
        weight: 1,
        arbitrary: fc.record({ kind: fc.constant("cancel"), link, piece: fc.nat(39), block: fc.nat(7) }),
      },
      {
        weight: 4,
        arbitrary: fc.record({
          kind: fc.constant("drain"),
          link,
          piece: fc.constant(0),
          block: fc.constant(0),
        }),
      },
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 400 }), (steps) => {
        const watched = new WatchedBench();
        for (const change of steps) watched.apply(change);
        watched.drainAll();
        expect([...watched.wanted], "nobody is forgotten").toEqual([]);
      }),
    );
  });
});

interface Step {
  readonly kind: string;
  readonly link: number;
  readonly piece: number;
  readonly block: number;
}

/** Knows what is asked for and not answered, and checks every send against it. */
class WatchedBench {
  readonly wanted = new Set<string>();
  readonly #bench = new Bench().open(1, 2, 3, 4);
  #seen = 0;

  apply({ kind, link, piece, block }: Step): void {
    const offset = block * BLOCK_BYTES;
    const length = Math.min(BLOCK_BYTES, pieceBytes(GEOMETRY, piece) - offset);
    const key = `${link}:${piece}/${block}`;
    if (kind === "request") {
      this.wanted.add(key);
      this.#bench.requestBlock(link, piece, block);
    } else if (kind === "cancel") {
      this.wanted.delete(key);
      this.#bench.send({ kind: "cancelled", link, piece, offset, length });
    } else if ((this.#bench.unsent.get(link) ?? 0) >= BLOCK_BYTES) this.#bench.drain(link);
    this.#check();
  }

  drainAll(): void {
    for (let round = 0; round < 2_000; round++)
      for (const [link, unsent] of this.#bench.unsent) {
        if (unsent > 0) this.#bench.drain(link, Math.min(unsent, BLOCK_BYTES));
        this.#check();
      }
  }

  #check(): void {
    for (const effect of this.#bench.effects.slice(this.#seen)) {
      if (effect.kind !== "send") continue;
      const key = `${effect.link}:${effect.piece}/${effect.offset / BLOCK_BYTES}`;
      expect(this.wanted.delete(key), "sends only what is asked for and not answered yet").toBe(true);
    }
    this.#seen = this.#bench.effects.length;
    for (const unsent of this.#bench.unsent.values())
      expect(unsent, "stays close ahead of the socket").toBeLessThan(
        UPLOAD_CONFIG.aheadBytesMax + BLOCK_BYTES,
      );
  }
}
