// A download to which stripes are brought: what it says to whom, what it takes, and when it gives the trees up.
import { beforeEach, describe, expect, it } from "vitest";
import { createDownload, type Download } from "../../../peer/core/download.ts";
import type { DownloadEffect, DownloadEvent } from "../../../peer/core/download-turn.ts";
import { BLOCK_BYTES, geometryOf } from "../../../peer/core/geometry.ts";
import { RateBudget } from "../../../peer/core/rate-budget.ts";
import { Bitfield } from "../../../protocol/bitfield.ts";
import { createPrng } from "../../../protocol/prng.ts";
import { ALL_STRIPES, NO_STRIPES, TREES_OFF } from "../../../protocol/stripes.ts";

const PIECES = 200;
const EVEN = 1;
const ODD = 2;
/** Links: who brings the even pieces, who the odd ones, and a neighbour who brings nothing. */
const [LEFT, RIGHT, OTHER] = [1, 2, 3];

interface Options {
  readonly pieces?: number;
  readonly blocksPerPiece?: number;
  readonly paused?: boolean;
  readonly limited?: boolean;
}

class Fed {
  now = 0;
  readonly verified: Bitfield;
  readonly #download: Download;

  constructor({ pieces = PIECES, blocksPerPiece = 1, paused = false, limited = false }: Options = {}) {
    const pieceLength = blocksPerPiece * BLOCK_BYTES;
    this.verified = new Bitfield(pieces);
    const budget = new RateBudget();
    if (limited) budget.setRate(1_000_000, 0);
    this.#download = createDownload({
      geometry: geometryOf({ length: pieces * pieceLength, pieceLength }),
      verified: this.verified,
      rank: 0,
      rankCount: 3,
      random: createPrng(1),
      originSource: "origin",
      paused,
      budget: budget.claim(),
    });
  }

  send(event: DownloadEvent): readonly DownloadEffect[] {
    return [...this.#download.handle(event, this.now)];
  }

  open(link: number, feeds: number): readonly DownloadEffect[] {
    const source = `node ${link}`;
    return this.send({ kind: "link-open", link, source, isOrigin: false, feeds, isFleetNode: true });
  }

  openAll(): void {
    this.open(LEFT, EVEN);
    this.open(RIGHT, ODD);
    this.open(OTHER, NO_STRIPES);
    for (const link of [LEFT, RIGHT, OTHER]) this.send({ kind: "unchoked", link });
  }

  block(link: number, piece: number, offset = 0): readonly DownloadEffect[] {
    return this.send({ kind: "block", link, piece, offset, bytes: new Uint8Array(BLOCK_BYTES) });
  }

  /** Comes, fits its hash, and is on disk. */
  piece(link: number, piece: number): readonly DownloadEffect[] {
    return [...this.block(link, piece), ...this.send({ kind: "piece-verified", piece, digests: [] })];
  }

  evenPieces(from: number, count: number): readonly DownloadEffect[] {
    return Array.from({ length: count }, (_, n) => this.piece(LEFT, from + 2 * n)).flat();
  }

  /** The remote has its first pieces, each of them. */
  has(link: number, count: number): readonly DownloadEffect[] {
    const has = new Bitfield(this.verified.length);
    for (let piece = 0; piece < count; piece += 1) has.add(piece);
    return this.send({ kind: "remote-bitfield", link, has });
  }

  /** Ticks until then, as often as the machine looks at silence. */
  waitUntil(now: number): readonly DownloadEffect[] {
    const effects: DownloadEffect[] = [];
    while (this.now < now) {
      this.now += 100;
      effects.push(...this.send({ kind: "tick" }));
    }
    return effects;
  }
}

const saysOff = (effects: readonly DownloadEffect[]) =>
  effects.filter((effect) => effect.kind === "feed" && effect.stripes === TREES_OFF).length;
const requests = (effects: readonly DownloadEffect[]) => effects.filter(({ kind }) => kind === "request");

let fed: Fed;
beforeEach(() => {
  fed = new Fed();
  fed.openAll();
});

describe("a download that is fed", () => {
  it("says what it wants as soon as a link opens, and nothing to others", () => {
    const other = new Fed();
    expect(other.open(LEFT, EVEN)).toContainEqual({ kind: "feed", link: LEFT, stripes: EVEN });
    expect(other.open(OTHER, NO_STRIPES).filter(({ kind }) => kind === "feed")).toEqual([]);
  });

  it("asks nobody for anything", () => {
    expect(requests([...fed.has(OTHER, 20), ...fed.has(LEFT, 20), ...fed.waitUntil(500)])).toEqual([]);
  });

  it("takes what its feeders bring, and tells them at once that it is here", () => {
    const effects = fed.piece(LEFT, 4);
    expect(effects).toContainEqual(expect.objectContaining({ kind: "keep-block", piece: 4 }));
    expect(effects).toContainEqual({ kind: "verify-piece", piece: 4, wantDigests: false });
    expect(effects).toContainEqual({ kind: "have", link: LEFT, piece: 4 });
    expect(fed.verified.has(4)).toBe(true);
  });

  it("drops what somebody brings who is not to", () => {
    for (const [link, piece] of [
      [LEFT, 5],
      [RIGHT, 4],
      [OTHER, 6],
    ] as const)
      expect(fed.block(link, piece).filter(({ kind }) => kind === "keep-block")).toEqual([]);
  });

  it("cuts off whoever begins ever more pieces and ends none", () => {
    fed = new Fed({ blocksPerPiece: 4 });
    fed.openAll();
    const kept = Array.from({ length: 100 }, (_, n) => fed.block(LEFT, 2 * n)).flat();
    expect(kept.filter(({ kind }) => kind === "keep-block")).toHaveLength(4);
    expect(kept).toContainEqual(expect.objectContaining({ kind: "close-link", link: LEFT }));
  });

  it("acknowledges again what comes twice", () => {
    fed.piece(LEFT, 4);
    expect(fed.block(LEFT, 4)).toContainEqual({ kind: "have", link: LEFT, piece: 4 });
  });

  it("tells its neighbours once a second how far it is, in one message", () => {
    const effects = [0, 2, 4, 6, 8, 10].flatMap((piece) => fed.piece(LEFT, piece));
    expect(effects.filter((effect) => effect.kind === "have" && effect.link !== LEFT)).toEqual([]);
    expect(fed.waitUntil(900).filter(({ kind }) => kind === "have-these")).toEqual([]);
    expect(fed.waitUntil(1_000)).toContainEqual({ kind: "have-these", link: OTHER });
  });

  it("wants nothing while it stands still, and everything again after", () => {
    const feeds = (effects: readonly DownloadEffect[]) =>
      effects.flatMap((effect) => (effect.kind === "feed" ? [[effect.link, effect.stripes]] : []));
    expect(feeds(fed.send({ kind: "paused", paused: true }))).toEqual([
      [LEFT, NO_STRIPES],
      [RIGHT, NO_STRIPES],
    ]);
    expect(feeds(fed.send({ kind: "paused", paused: false }))).toEqual([
      [LEFT, EVEN],
      [RIGHT, ODD],
    ]);
  });

  it("says nothing of what it wants before it may begin", () => {
    fed = new Fed({ paused: true });
    expect(fed.open(LEFT, EVEN)).toEqual([]);
    expect(fed.open(RIGHT, ODD)).toEqual([]);
    const effects = fed.send({ kind: "paused", paused: false });
    expect(effects).toContainEqual({ kind: "feed", link: LEFT, stripes: EVEN });
    expect(effects).toContainEqual({ kind: "feed", link: RIGHT, stripes: ODD });
  });

  it("is brought nothing twice when two are named for the same stripe", () => {
    expect(fed.open(4, ALL_STRIPES).filter(({ kind }) => kind === "feed")).toEqual([]);
    expect(fed.block(4, 4).filter(({ kind }) => kind === "keep-block")).toEqual([]);
  });

  it("gets another feeder when one goes before anything was to come", () => {
    fed = new Fed({ paused: true });
    fed.open(LEFT, EVEN);
    fed.open(RIGHT, ODD);
    expect(saysOff(fed.send({ kind: "link-closed", link: LEFT }))).toBe(0);
    fed.open(4, EVEN);
    expect(fed.send({ kind: "paused", paused: false })).toContainEqual({
      kind: "feed",
      link: 4,
      stripes: EVEN,
    });
  });
});

describe("a download that is fed gives the trees up, tells everybody and asks", () => {
  const asksAfter = (effects: readonly DownloadEffect[]): void => {
    expect(saysOff(effects)).toBeGreaterThan(0);
    expect(requests(fed.has(OTHER, PIECES)).length + requests(effects).length).toBeGreaterThan(0);
  };

  it("when a feeder is lost", () => {
    asksAfter(fed.send({ kind: "link-closed", link: LEFT }));
  });

  it("when a neighbour says so", () => {
    asksAfter(fed.send({ kind: "trees-off", link: OTHER }));
  });

  it("when a neighbour is far ahead of it in one stripe", () => {
    expect(saysOff([...fed.has(OTHER, 64), ...fed.waitUntil(100)])).toBe(0);
    asksAfter([...fed.has(OTHER, 66), ...fed.waitUntil(200)]);
  });

  it("when one stripe comes and the other does not", () => {
    expect(saysOff([...fed.evenPieces(0, 32), ...fed.waitUntil(100)])).toBe(0);
    asksAfter([...fed.piece(LEFT, 64), ...fed.waitUntil(200)]);
  });

  it("when one stripe comes at less than half the rate of the other", () => {
    fed.piece(RIGHT, 1);
    expect(saysOff([...fed.evenPieces(0, 9), ...fed.waitUntil(100)])).toBe(0);
    asksAfter([...fed.piece(LEFT, 18), ...fed.waitUntil(200)]);
  });

  it("when one stripe stays behind later on", () => {
    for (let piece = 0; piece < 80; piece += 1) fed.piece(piece % 2 === 0 ? LEFT : RIGHT, piece);
    expect(saysOff([...fed.evenPieces(80, 32), ...fed.waitUntil(100)])).toBe(0);
    asksAfter([...fed.piece(LEFT, 144), ...fed.waitUntil(200)]);
  });

  it("when a stripe falls silent and somebody has more of it", () => {
    for (const piece of [0, 1, 2, 3]) fed.piece(piece % 2 === 0 ? LEFT : RIGHT, piece);
    fed.has(OTHER, 6);
    expect(saysOff(fed.waitUntil(900))).toBe(0);
    asksAfter(fed.waitUntil(1_200));
  });

  it("when nothing comes at all, though nobody is known to have more", () => {
    expect(saysOff(fed.waitUntil(9_900))).toBe(0);
    asksAfter(fed.waitUntil(10_200));
  });

  it("when a piece does not fit its hash, as nobody brings it again", () => {
    fed.block(LEFT, 4);
    asksAfter(fed.send({ kind: "piece-failed", piece: 4, digests: [] }));
  });

  it("when it may take only so much", () => {
    fed = new Fed({ limited: true });
    fed.openAll();
    expect(saysOff(fed.waitUntil(100))).toBeGreaterThan(0);
  });

  it("for good, and says it once", () => {
    fed.send({ kind: "trees-off", link: OTHER });
    expect(saysOff(fed.send({ kind: "trees-off", link: RIGHT }))).toBe(0);
    expect(fed.open(4, ALL_STRIPES).filter(({ kind }) => kind === "feed")).toEqual([]);
  });

  it("and still takes what is on its way", () => {
    fed.send({ kind: "trees-off", link: OTHER });
    expect(fed.block(LEFT, 4)).toContainEqual(expect.objectContaining({ kind: "keep-block", piece: 4 }));
  });
});

describe("a download that is fed does not give the trees up", () => {
  it("when it has everything and a feeder goes", () => {
    for (let piece = 0; piece < PIECES; piece += 1) fed.piece(piece % 2 === 0 ? LEFT : RIGHT, piece);
    expect(saysOff(fed.send({ kind: "link-closed", link: LEFT }))).toBe(0);
  });

  it("when one stripe begins later and then comes as fast as the other", () => {
    const effects = [...fed.evenPieces(0, 25)];
    for (let n = 0; n < 70; n += 1) {
      effects.push(
        ...fed.piece(RIGHT, 1 + 2 * n),
        ...fed.piece(LEFT, 50 + 2 * n),
        ...fed.waitUntil(fed.now + 100),
      );
    }
    expect(saysOff(effects)).toBe(0);
  });

  it("when pieces are slow to come on both sides", () => {
    const effects = [0, 1, 2, 3].flatMap((piece) => {
      const ticks = fed.waitUntil(fed.now + 2_000);
      return [...ticks, ...fed.piece(piece % 2 === 0 ? LEFT : RIGHT, piece)];
    });
    expect(saysOff(effects)).toBe(0);
  });
});

it("a download of few pieces is not fed, as it would be over before anybody could be seen to be behind", () => {
  const short = new Fed({ pieces: 100 });
  expect(short.open(LEFT, EVEN).filter(({ kind }) => kind === "feed")).toEqual([]);
});
