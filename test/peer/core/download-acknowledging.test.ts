// Who hears when a piece is here, and how much is asked for: as much as arrives in the way there and back.
import { describe, expect, it } from "vitest";
import { createDownload } from "../../../peer/core/download.ts";
import { DOWNLOAD_CONFIG } from "../../../peer/core/download-config.ts";
import type { BlockOrder, DownloadEffect, DownloadEvent } from "../../../peer/core/download-turn.ts";
import { BLOCK_BYTES, geometryOf } from "../../../peer/core/geometry.ts";
import { Bitfield } from "../../../protocol/bitfield.ts";
import { createPrng } from "../../../protocol/prng.ts";
import { World } from "./download-world.ts";

/** A download whose remotes do what the test says. */
class Bench {
  now = 0;
  readonly asked: BlockOrder[] = [];
  readonly cancelled: BlockOrder[] = [];
  /** Link and piece of every HAVE. */
  readonly told: string[] = [];
  readonly #pieces: number;
  readonly #machine;

  constructor(pieces: number, blocksPerPiece: number) {
    const pieceLength = blocksPerPiece * BLOCK_BYTES;
    this.#pieces = pieces;
    this.#machine = createDownload({
      geometry: geometryOf({ length: pieces * pieceLength, pieceLength }),
      verified: new Bitfield(pieces),
      rank: 0,
      rankCount: 1,
      random: createPrng(1),
      originSource: "origin",
    });
  }

  open(...links: number[]): this {
    for (const link of links) {
      this.send({ kind: "link-open", link, source: `remote ${link}`, isOrigin: false });
      this.send({ kind: "remote-bitfield", link, has: Bitfield.full(this.#pieces) });
      this.send({ kind: "unchoked", link });
    }
    return this;
  }

  send(event: DownloadEvent): readonly DownloadEffect[] {
    const effects = this.#machine.handle(event, this.now);
    for (const effect of effects) {
      if (effect.kind === "request") this.asked.push(effect);
      if (effect.kind === "cancel") this.cancelled.push(effect);
      if (effect.kind === "have") this.told.push(`${effect.link}:${effect.piece}`);
    }
    return effects;
  }

  answer({ link, piece, offset, length }: BlockOrder): readonly DownloadEffect[] {
    return this.send({ kind: "block", link, piece, offset, bytes: new Uint8Array(length) });
  }

  /** Lets time go by with its ticks. */
  pass(ms: number): void {
    const until = this.now + ms;
    for (let at = this.#machine.deadline(); at !== null && at <= until; at = this.#machine.deadline()) {
      this.now = Math.max(this.now, at);
      this.send({ kind: "tick" });
    }
    this.now = until;
  }
}

describe("acknowledgements", () => {
  it("go to every remote that was asked for a part of the piece, also when the request was taken back", () => {
    const bench = new Bench(1, 1).open(1, 2, 3);
    expect(bench.asked.map(({ link }) => link)).toEqual([1]);
    // Link 1 is silent, so that link 2 is asked as well; link 3 never is.
    bench.pass(4_000);
    expect(bench.asked.map(({ link }) => link)).toEqual([1, 2]);
    const [, second] = bench.asked;
    if (second === undefined) return expect.fail("asks a second remote");
    bench.answer(second);
    expect(bench.cancelled.map(({ link }) => link)).toEqual([1]);
    expect(bench.told, "not before the piece is on disk").toEqual([]);
    bench.send({ kind: "piece-verified", piece: 0, digests: [] });
    expect(bench.told.toSorted()).toEqual(["1:0", "2:0"]);
  });

  it("are not sent for a piece that failed, and go to whoever was asked the second time", () => {
    const bench = new Bench(1, 1).open(1);
    const [first] = bench.asked;
    if (first === undefined) return expect.fail("asks");
    bench.answer(first);
    bench.send({ kind: "piece-failed", piece: 0, digests: ["bad"] });
    bench.open(2);
    bench.pass(1_000);
    expect(bench.told).toEqual([]);
    const last = bench.asked.at(-1);
    if (last === undefined) return expect.fail("asks again");
    bench.answer(last);
    bench.send({ kind: "piece-verified", piece: 0, digests: [] });
    expect(bench.told).toEqual([`${last.link}:0`]);
  });

  it("are not sent to a remote that has left", () => {
    const bench = new Bench(1, 1).open(1, 2);
    bench.send({ kind: "link-closed", link: 1 });
    const last = bench.asked.at(-1);
    if (last === undefined) return expect.fail("asks the other");
    bench.answer(last);
    bench.send({ kind: "piece-verified", piece: 0, digests: [] });
    expect(bench.told).toEqual(["2:0"]);
  });
});

describe("what all links are asked for together", () => {
  it("is little at first", () => {
    const bench = new Bench(400, 4).open(1, 2, 3, 4);
    const bytes = bench.asked.length * BLOCK_BYTES;
    expect(bytes).toBeLessThanOrEqual(DOWNLOAD_CONFIG.openBytesFirst + 4 * BLOCK_BYTES);
    expect(bytes).toBeGreaterThan(0);
  });

  it.each([
    [200_000, 20],
    [2_000_000, 20],
    [2_000_000, 200],
    [5_000_000, 100],
  ])("is what arrives in the way there and back and a little more, at %i B/s over %i ms", (rate, wayMs) => {
    const open = steadyOpenBytes(rate, wayMs);
    const { openSeconds, openBytesFirst } = DOWNLOAD_CONFIG;
    const wanted = Math.max(openBytesFirst, rate * (wayMs / 1000 + Math.max(openSeconds, wayMs / 1000)));
    expect(open).toBeLessThan(1.6 * wanted + 2 * BLOCK_BYTES);
    expect(open, "the way is covered").toBeGreaterThan(0.9 * Math.min(wanted, (rate * wayMs) / 1000));
  });

  it("fills a fast link over a long way, from a single remote", () => {
    const remote = { temper: "honest", share: 1, isOrigin: false } as const;
    const world = new World({
      seed: 1,
      pieceCount: 200,
      blocksPerPiece: 16,
      shortBy: 0,
      rank: 0,
      rankCount: 1,
      remotes: [{ ...remote, bytesPerSecond: 5_000_000, latencyMs: 100 }],
    });
    world.run();
    // 52 MB at 5 MB/s, and a second or two until the window is open.
    expect(world.now).toBeLessThan(1.25 * 10_500);
  });
});

/** What is open after a while on two links that share a line of this rate. */
function steadyOpenBytes(bytesPerSecond: number, wayMs: number): number {
  const bench = new Bench(4_000, 4).open(1, 2);
  const received = new Map<number, number>();
  let answered = 0;
  let freeAt = 0;
  const arriveAt: number[] = [];
  while (bench.now < 8_000) {
    for (let next = arriveAt.length; next < bench.asked.length; next++) {
      freeAt = Math.max(freeAt, bench.now + wayMs) + (BLOCK_BYTES * 1000) / bytesPerSecond;
      arriveAt.push(freeAt);
    }
    const order = bench.asked[answered];
    const at = arriveAt[answered];
    if (order === undefined || at === undefined) return expect.fail("asks for nothing");
    bench.pass(at - bench.now);
    answered += 1;
    bench.answer(order);
    received.set(order.piece, (received.get(order.piece) ?? 0) + 1);
    if (received.get(order.piece) === 4)
      bench.send({ kind: "piece-verified", piece: order.piece, digests: [] });
  }
  return (bench.asked.length - answered) * BLOCK_BYTES;
}
