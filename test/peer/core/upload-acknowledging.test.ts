// How remotes are served that say when a piece has arrived: little is under way at a time, and the rest waits here.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { BLOCK_BYTES, geometryOf } from "../../../peer/core/geometry.ts";
import { createUpload } from "../../../peer/core/upload.ts";
import { UPLOAD_CONFIG } from "../../../peer/core/upload-config.ts";
import type { UploadEvent, UploadOrder } from "../../../peer/core/upload-events.ts";
import { Bitfield } from "../../../protocol/bitfield.ts";

const BLOCKS = 4;
const PIECES = 40;
const GEOMETRY = geometryOf({ length: PIECES * BLOCKS * BLOCK_BYTES, pieceLength: BLOCKS * BLOCK_BYTES });

/** Sockets take all they are given at once. */
class Bench {
  now = 0;
  /** Piece and block of every send, by link. */
  readonly sent = new Map<number, string[]>();
  readonly rejected: string[] = [];
  readonly machine = createUpload({ geometry: GEOMETRY, verified: Bitfield.full(PIECES) });
  /** Asked for and neither answered nor taken back. */
  readonly wanted = new Set<string>();

  open(acknowledges: boolean, ...links: number[]): this {
    for (const link of links) this.send({ kind: "link-open", link, fast: true, acknowledges });
    return this;
  }

  send(event: UploadEvent): void {
    for (const effect of this.machine.handle(event, this.now)) {
      if (effect.kind === "close-link") expect.fail(effect.reason);
      if (effect.kind === "unchoke") continue;
      const block = `${effect.piece}/${effect.offset / BLOCK_BYTES}`;
      expect(this.wanted.delete(`${effect.link}:${block}`), "answers what is asked for, once").toBe(true);
      if (effect.kind === "reject") this.rejected.push(block);
      else this.sent.set(effect.link, [...(this.sent.get(effect.link) ?? []), block]);
      if (effect.kind === "send") this.#unsent.push(effect);
    }
    for (let taken = this.#unsent.shift(); taken !== undefined; taken = this.#unsent.shift())
      this.send({ kind: "sent", link: taken.link, bytes: taken.length });
  }

  readonly #unsent: UploadOrder[] = [];

  request(link: number, ...pieces: number[]): void {
    for (const piece of pieces)
      for (let block = 0; block < BLOCKS; block++) this.requestBlock(link, piece, block);
  }

  requestBlock(link: number, piece: number, block: number): void {
    this.wanted.add(`${link}:${piece}/${block}`);
    this.send({ kind: "requested", link, piece, offset: block * BLOCK_BYTES, length: BLOCK_BYTES });
  }

  has(link: number, piece: number): void {
    this.send({ kind: "remote-has", link, piece });
  }

  /** Ticks at every deadline. */
  pass(ms: number): void {
    const until = this.now + ms;
    for (let at = this.machine.deadline(); at !== null && at <= until; at = this.machine.deadline()) {
      this.now = Math.max(this.now, at);
      this.send({ kind: "tick" });
    }
    this.now = until;
  }

  piecesOf(link: number): number[] {
    return (this.sent.get(link) ?? []).map((block) => Number(block.split("/")[0]));
  }
}

const wholePieces = (...pieces: number[]): number[] =>
  pieces.flatMap((piece) => Array<number>(BLOCKS).fill(piece));

describe("createUpload with links that acknowledge", () => {
  it("sends a remote one piece, and the next once it has the first", () => {
    const bench = new Bench().open(true, 1);
    bench.request(1, 5, 3);
    expect(bench.piecesOf(1)).toEqual(wholePieces(5));
    bench.now += 20;
    bench.has(1, 5);
    expect(bench.piecesOf(1)).toEqual(wholePieces(5, 3));
  });

  it("has two pieces under way to remotes that nobody knows yet, however many ask", () => {
    const bench = new Bench().open(true, 1, 2, 3, 4);
    for (const link of [1, 2, 3, 4]) bench.request(link, link);
    expect([...bench.sent.keys()]).toEqual([1, 2]);
    bench.now += 20;
    bench.has(1, 1);
    expect([...bench.sent.keys()]).toContain(3);
  });

  it("puts more on the way to a remote that acknowledges soon, piece by piece", () => {
    const bench = new Bench().open(true, 1);
    const all = Array.from({ length: PIECES }, (_, piece) => piece);
    bench.request(1, ...all);
    let acknowledged = 0;
    let most = 0;
    while (acknowledged < PIECES) {
      const begun = bench.piecesOf(1).length / BLOCKS;
      most = Math.max(most, begun - acknowledged);
      bench.now += 30;
      for (; acknowledged < begun; acknowledged++) bench.has(1, acknowledged);
    }
    expect(most).toBeGreaterThan(4);
    expect(bench.piecesOf(1)).toEqual(wholePieces(...all));
  });

  it("rejects what a remote still asks for of a piece that it has", () => {
    const bench = new Bench().open(true, 1);
    bench.request(1, 0, 1, 2);
    bench.has(1, 1);
    expect(bench.rejected).toEqual(["1/0", "1/1", "1/2", "1/3"]);
    bench.now += 20;
    bench.has(1, 0);
    expect(bench.piecesOf(1)).toEqual(wholePieces(0, 2));
  });

  it("takes back what waits here and was cancelled", () => {
    const bench = new Bench().open(true, 1);
    bench.request(1, 0, 1);
    bench.wanted.delete("1:1/2");
    bench.send({ kind: "cancelled", link: 1, piece: 1, offset: 2 * BLOCK_BYTES, length: BLOCK_BYTES });
    bench.has(1, 0);
    expect(bench.sent.get(1)?.slice(BLOCKS)).toEqual(["1/0", "1/1", "1/3"]);
  });

  it("goes on with others when a remote leaves that owed an acknowledgement", () => {
    const bench = new Bench().open(true, 1, 2, 3);
    for (const link of [1, 2, 3]) bench.request(link, link);
    expect(bench.sent.has(3)).toBe(false);
    bench.send({ kind: "link-closed", link: 1 });
    expect(bench.piecesOf(3)).toEqual(wholePieces(3));
  });

  it("goes on by itself when nobody acknowledges", () => {
    const bench = new Bench().open(true, 1, 2, 3);
    for (const link of [1, 2, 3]) bench.request(link, link, link + 10);
    bench.pass(1_999);
    expect(bench.sent.has(3)).toBe(false);
    bench.pass(1);
    expect(bench.piecesOf(3)).toEqual(wholePieces(3));
    bench.pass(4_000);
    for (const link of [1, 2, 3]) expect(bench.piecesOf(link)).toEqual(wholePieces(link, link + 10));
  });

  it("does not hold up links that never acknowledge, as stock clients", () => {
    const bench = new Bench().open(true, 1, 2).open(false, 3);
    for (const link of [1, 2]) bench.request(link, link, link + 10);
    bench.request(3, 3, 4, 5);
    expect(bench.piecesOf(3)).toEqual(wholePieces(3, 4, 5));
  });

  it("keeps its promises whatever remotes of both kinds ask, cancel, get and leave", () => {
    const step = fc.record({
      kind: fc.constantFrom("request", "request", "request", "cancel", "has", "has", "reopen", "pass"),
      link: fc.integer({ min: 1, max: 6 }),
      piece: fc.nat(PIECES - 1),
      block: fc.nat(BLOCKS - 1),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
        const bench = new Bench().open(true, 1, 2, 3).open(false, 4, 5, 6);
        for (const each of steps) {
          apply(bench, each);
          for (const link of [1, 2, 3, 4, 5, 6])
            expect(bench.machine.waitingOf(link)).toBeLessThanOrEqual(PIECES * BLOCKS);
        }
        // Whoever never acknowledges gets a piece every two seconds at least.
        bench.pass(2_000 * PIECES * 3);
        expect([...bench.wanted], "nobody is forgotten").toEqual([]);
        expect(bench.machine.deadline(), "nothing is waited for in the end").toBeNull();
      }),
    );
  });

  it("never hands a socket more than may wait in it", () => {
    const machine = createUpload({ geometry: GEOMETRY, verified: Bitfield.full(PIECES) });
    machine.handle({ kind: "link-open", link: 1, fast: true, acknowledges: true }, 0);
    let bytes = 0;
    for (let piece = 0; piece < PIECES; piece++)
      for (let offset = 0; offset < BLOCKS * BLOCK_BYTES; offset += BLOCK_BYTES) {
        const order = { link: 1, piece, offset, length: BLOCK_BYTES };
        for (const effect of machine.handle({ kind: "requested", ...order }, piece))
          if (effect.kind === "send") bytes += effect.length;
        // Acknowledged before it can have arrived: the socket is what limits now.
        machine.handle({ kind: "remote-has", link: 1, piece: piece - 1 }, piece);
      }
    expect(bytes).toBeLessThanOrEqual(UPLOAD_CONFIG.aheadBytesMin + BLOCK_BYTES);
    expect(bytes).toBeGreaterThan(0);
  });
});

interface Step {
  readonly kind: string;
  readonly link: number;
  readonly piece: number;
  readonly block: number;
}

function apply(bench: Bench, { kind, link, piece, block }: Step): void {
  const key = `${link}:${piece}/${block}`;
  bench.now += block;
  if (kind === "request") bench.requestBlock(link, piece, block);
  else if (kind === "has") bench.has(link, piece);
  else if (kind === "pass") bench.pass(piece * 100);
  else if (kind === "cancel") {
    bench.wanted.delete(key);
    bench.send({ kind: "cancelled", link, piece, offset: block * BLOCK_BYTES, length: BLOCK_BYTES });
  } else {
    for (const wanted of bench.wanted) if (wanted.startsWith(`${link}:`)) bench.wanted.delete(wanted);
    bench.send({ kind: "link-closed", link });
    bench.open(link <= 3, link);
  }
}
