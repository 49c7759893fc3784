// What the download machine makes of single remotes: how they may say what they have, and when silence is told.
import { describe, expect, it } from "vitest";
import { createDownload } from "../../../peer/core/download.ts";
import type { DownloadEffect, DownloadEvent } from "../../../peer/core/download-turn.ts";
import { BLOCK_BYTES, geometryOf } from "../../../peer/core/geometry.ts";
import { Bitfield } from "../../../protocol/bitfield.ts";
import { createPrng } from "../../../protocol/prng.ts";

const PIECES = 400;

function fieldOf(...pieces: readonly number[]): Bitfield {
  const field = new Bitfield(PIECES);
  for (const piece of pieces) field.add(piece);
  return field;
}

class Bench {
  readonly #machine;
  now = 0;

  constructor() {
    const geometry = geometryOf({ length: PIECES * BLOCK_BYTES, pieceLength: BLOCK_BYTES });
    const verified = new Bitfield(PIECES);
    const random = createPrng(1);
    this.#machine = createDownload({
      geometry,
      verified,
      rank: 0,
      rankCount: 1,
      random,
      originSource: "origin",
    });
  }

  send(event: DownloadEvent): readonly DownloadEffect[] {
    return this.#machine.handle(event, this.now);
  }

  open(link: number): void {
    this.send({ kind: "link-open", link, source: `node ${link}`, isOrigin: false });
  }

  /** Says what a remote has, and why it was cut off, if it was. */
  announce(link: number, has: Bitfield): string | null {
    const closed = this.send({ kind: "remote-bitfield", link, has }).find(
      ({ kind }) => kind === "close-link",
    );
    return closed?.kind === "close-link" ? closed.reason : null;
  }

  /** Answers what is asked of `link`, a block each `everyMs`, for five seconds. Returns what is held against others. */
  serve(link: number, effects: readonly DownloadEffect[], everyMs: number): readonly string[] {
    const asked: { piece: number; offset: number }[] = [];
    const faults: string[] = [];
    const take = (news: readonly DownloadEffect[]): void => {
      for (const effect of news) {
        if (effect.kind === "request" && effect.link === link) asked.push(effect);
        if (effect.kind === "offence") faults.push(`${effect.link} ${effect.fault}`);
        if (effect.kind === "verify-piece")
          take(this.send({ kind: "piece-verified", piece: effect.piece, digests: [] }));
      }
    };
    take(effects);
    for (const until = this.now + 5_000; this.now < until; this.now += 1) {
      const next = this.now % everyMs === 0 ? asked.shift() : undefined;
      const bytes = new Uint8Array(BLOCK_BYTES);
      if (next !== undefined)
        take(this.send({ kind: "block", link, piece: next.piece, offset: next.offset, bytes }));
      take(this.send({ kind: "tick" }));
    }
    return faults;
  }
}

describe("a remote that says again what it has", () => {
  function announced(...fields: readonly Bitfield[]): readonly (string | null)[] {
    const bench = new Bench();
    bench.open(1);
    return fields.map((field) => bench.announce(1, field));
  }

  it("may do so each time it has more", () => {
    expect(announced(fieldOf(), fieldOf(1, 2), fieldOf(1, 2, 7))).toEqual([null, null, null]);
  });

  it("may do so after single pieces", () => {
    const bench = new Bench();
    bench.open(1);
    bench.send({ kind: "remote-has", link: 1, piece: 3 });
    expect(bench.announce(1, fieldOf(3, 4))).toBeNull();
    expect(bench.announce(1, Bitfield.full(PIECES))).toBeNull();
  });

  it("is cut off when it says nothing new, or takes something back", () => {
    for (const second of [fieldOf(1, 2), fieldOf(1), fieldOf(), fieldOf(3, 4, 5)])
      expect(announced(fieldOf(1, 2), second)[1]).toContain("twice");
  });

  it("is asked for what it has by then, and forgotten whole when it leaves", () => {
    const bench = new Bench();
    bench.open(1);
    bench.send({ kind: "unchoked", link: 1 });
    bench.announce(1, fieldOf());
    const asked = bench.send({ kind: "remote-bitfield", link: 1, has: fieldOf(5) });
    expect(asked).toContainEqual(expect.objectContaining({ kind: "request", piece: 5 }));
    bench.announce(1, fieldOf(5, 6, 7));
    // The counts of copies would fail an assertion were one of them not taken back.
    bench.send({ kind: "link-closed", link: 1 });
    bench.open(2);
    expect(bench.announce(2, fieldOf(5))).toBeNull();
  });
});

describe("a remote that never answers", () => {
  /** One mute remote and one that sends a block each so many milliseconds; both have all of the 400 pieces. */
  function faultsWith(everyMs: number): readonly string[] {
    const bench = new Bench();
    for (const link of [1, 2]) {
      bench.open(link);
      bench.announce(link, Bitfield.full(PIECES));
    }
    bench.send({ kind: "unchoked", link: 1 });
    return bench.serve(2, bench.send({ kind: "unchoked", link: 2 }), everyMs);
  }

  it("is named once others have sent what it owes, long before it would be given up on", () => {
    expect(faultsWith(6)).toEqual(["1 no-answer"]);
  });

  it("is not named while its silence could be a turn that has not come", () => {
    expect(faultsWith(1)).toEqual([]);
  });
});
