// What comes over links into other zones, when, and what does not.
import { describe, expect, it } from "vitest";
import { createDownload } from "../../../peer/core/download.ts";
import { DOWNLOAD_CONFIG } from "../../../peer/core/download-config.ts";
import type { BlockOrder, DownloadEvent } from "../../../peer/core/download-turn.ts";
import { BLOCK_BYTES, geometryOf } from "../../../peer/core/geometry.ts";
import { Bitfield } from "../../../protocol/bitfield.ts";
import type { FarShare } from "../../../protocol/messages.ts";
import { createPrng } from "../../../protocol/prng.ts";

const PIECES = 16;
/** As long as nothing has come. */
const WAIT_MS = 3_000;
/** After a tick the first wait begins. */
const TICK_MS = DOWNLOAD_CONFIG.patienceTickMs;
const EVEN: FarShare = { parts: [0], of: 2 };

/** A download of pieces of one block whose remotes do what the test says. */
class Bench {
  now = 0;
  readonly asked: BlockOrder[] = [];
  readonly cancelled: BlockOrder[] = [];
  readonly #machine = createDownload({
    geometry: geometryOf({ length: PIECES * BLOCK_BYTES, pieceLength: BLOCK_BYTES }),
    verified: new Bitfield(PIECES),
    rank: 0,
    rankCount: 1,
    random: createPrng(1),
    originSource: "origin",
  });

  /** A remote that has these pieces, in this zone or another. */
  open(link: number, pieces: Iterable<number>, far: FarShare | null = null): this {
    this.send({ kind: "link-open", link, source: `remote ${link}`, isOrigin: false, far });
    const has = new Bitfield(PIECES);
    for (const piece of pieces) has.add(piece);
    if (has.count > 0) this.send({ kind: "remote-bitfield", link, has });
    this.send({ kind: "unchoked", link });
    return this;
  }

  send(event: DownloadEvent): void {
    for (const effect of this.#machine.handle(event, this.now)) {
      if (effect.kind === "request") this.asked.push(effect);
      if (effect.kind === "cancel") this.cancelled.push(effect);
    }
  }

  answer({ link, piece, offset, length }: BlockOrder): void {
    this.send({ kind: "block", link, piece, offset, bytes: new Uint8Array(length) });
    this.send({ kind: "piece-verified", piece, digests: [] });
  }

  /** Answers everything that is asked for; what was asked of each link, in order. */
  answerAll(): ReadonlyMap<number, readonly number[]> {
    const pieces = new Map<number, number[]>();
    for (let next = this.asked.shift(); next !== undefined; next = this.asked.shift()) {
      pieces.set(next.link, [...(pieces.get(next.link) ?? []), next.piece]);
      this.answer(next);
    }
    return pieces;
  }

  pass(ms: number): void {
    const until = this.now + ms;
    for (let at = this.#machine.deadline(); at !== null && at <= until; at = this.#machine.deadline()) {
      this.now = Math.max(this.now, at);
      this.send({ kind: "tick" });
    }
    this.now = until;
  }
}

const ALL = Array.from({ length: PIECES }, (_, piece) => piece);
const evenPieces = ALL.filter((piece) => piece % 2 === 0);
const oddPieces = ALL.filter((piece) => piece % 2 === 1);

function sorted(pieces: readonly number[] | undefined): readonly number[] {
  return (pieces ?? []).toSorted((a, b) => a - b);
}

describe("a link into another zone", () => {
  it("is asked for its share, and for nothing else at first", () => {
    const bench = new Bench().open(1, ALL, EVEN);
    expect(sorted(bench.answerAll().get(1))).toEqual(evenPieces);
    bench.pass(WAIT_MS / 2);
    expect(bench.asked).toEqual([]);
  });

  it("is not asked for what somebody near has", () => {
    const bench = new Bench().open(1, [0, 2, 5]).open(2, ALL, EVEN);
    const asked = bench.answerAll();
    expect(sorted(asked.get(1))).toEqual([0, 2, 5]);
    expect(sorted(asked.get(2))).toEqual(evenPieces.filter((piece) => piece > 2));
  });

  it("gives way to who is near as soon as that one has the piece", () => {
    const bench = new Bench().open(1, []).open(2, [4], EVEN);
    expect(bench.asked.map(({ link, piece }) => [link, piece])).toEqual([[2, 4]]);
    bench.send({ kind: "remote-has", link: 1, piece: 4 });
    expect(bench.cancelled.map(({ link, piece }) => [link, piece])).toEqual([[2, 4]]);
    expect(bench.asked.slice(1).map(({ link, piece }) => [link, piece])).toEqual([[1, 4]]);
  });

  it("goes on with its share when a piece was taken from it", () => {
    const bench = new Bench().open(1, []).open(2, ALL, EVEN);
    const open = bench.asked.map(({ piece }) => piece);
    for (const piece of open) bench.send({ kind: "remote-has", link: 1, piece });
    const further = bench.asked.slice(open.length).filter(({ link }) => link === 2);
    expect(further).not.toEqual([]);
    for (const { piece } of further) expect(open).not.toContain(piece);
  });

  it("is asked for the share of another one after a wait, but not while its own is coming", () => {
    const bench = new Bench().open(1, ALL, EVEN).open(2, [], { parts: [1], of: 2 });
    bench.pass(TICK_MS + WAIT_MS);
    expect(bench.asked.every(({ piece }) => piece % 2 === 0)).toBe(true);
    expect(sorted(bench.answerAll().get(1))).toEqual(ALL);
  });

  it("is asked for what others were to bring only when that waits still longer, and one piece at a time", () => {
    const bench = new Bench().open(1, ALL, { parts: [], of: 1 });
    bench.pass(2 * WAIT_MS);
    expect(bench.asked).toEqual([]);
    bench.pass(TICK_MS);
    expect(bench.asked).toHaveLength(1);
    expect(sorted(bench.answerAll().get(1))).toEqual(ALL);
  });

  it("is not asked for what was brought meanwhile", () => {
    const bench = new Bench().open(1, ALL, { parts: [], of: 1 }).open(2, []);
    bench.pass(2 * WAIT_MS);
    for (const piece of oddPieces) bench.send({ kind: "remote-has", link: 2, piece });
    bench.answerAll();
    bench.pass(TICK_MS);
    expect(sorted(bench.answerAll().get(1))).toEqual(evenPieces);
  });

  it("is not asked for anything while somebody near has everything", () => {
    const bench = new Bench().open(1, ALL).open(2, ALL, EVEN);
    const asked = bench.answerAll();
    expect([sorted(asked.get(1)), asked.get(2)]).toEqual([ALL, undefined]);
  });

  it("is asked for what somebody near claims to have and never sends", () => {
    const bench = new Bench().open(1, ALL).open(2, ALL, EVEN);
    bench.send({ kind: "choked", link: 1, dropsRequests: true });
    bench.asked.length = 0;
    bench.pass(2 * WAIT_MS);
    expect(bench.asked).toEqual([]);
    bench.pass(TICK_MS);
    expect(sorted(bench.answerAll().get(2))).toEqual(ALL);
  });

  it("does not count the time of a pause as waiting", () => {
    const bench = new Bench().open(1, ALL, { parts: [], of: 1 });
    bench.pass(2 * WAIT_MS);
    bench.send({ kind: "paused", paused: true });
    bench.pass(10 * WAIT_MS);
    bench.send({ kind: "paused", paused: false });
    bench.pass(2 * WAIT_MS);
    expect(bench.asked).toEqual([]);
    bench.pass(WAIT_MS);
    expect(bench.asked).toHaveLength(1);
  });

  it("is not asked a second time for the last blocks, as one that is near is", () => {
    for (const far of [null, { parts: [0], of: 1 }]) {
      const bench = new Bench().open(1, ALL.slice(1), far);
      bench.answerAll();
      bench.open(2, [0], far);
      bench.send({ kind: "remote-has", link: 1, piece: 0 });
      bench.pass(2_000);
      expect(bench.asked.map(({ link }) => link)).toEqual(far === null ? [2, 1] : [2]);
    }
  });

  it("may become one, and cease to be one", () => {
    const bench = new Bench().open(1, [3, 4]);
    bench.answerAll();
    bench.send({ kind: "link-far", link: 1, far: EVEN });
    bench.open(2, [], null);
    bench.send({ kind: "remote-has", link: 1, piece: 7 });
    expect(bench.asked).toEqual([]);
    bench.send({ kind: "link-far", link: 1, far: null });
    expect(bench.asked.map(({ piece }) => piece)).toEqual([7]);
    // Its copies count again, and are taken back with the link.
    bench.send({ kind: "link-closed", link: 1 });
  });
});

describe("rarity", () => {
  it("is counted within the zone", () => {
    const [common, rare] = [3, 5];
    // Far copies of the one that is rare here.
    const bench = new Bench().open(1, [rare], { parts: [], of: 1 }).open(2, [rare], { parts: [], of: 1 });
    for (const link of [3, 4]) bench.open(link, [common]);
    bench.answerAll();
    bench.send({ kind: "paused", paused: true });
    for (const link of [3, 4]) for (const piece of [7]) bench.send({ kind: "remote-has", link, piece });
    bench.send({ kind: "remote-has", link: 3, piece: rare });
    bench.send({ kind: "paused", paused: false });
    expect(bench.asked[0]).toMatchObject({ link: 3, piece: rare });
  });
});
