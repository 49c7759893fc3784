// The upload machine under a limit, in made-up time.
import { describe, expect, it } from "vitest";
import { BLOCK_BYTES, geometryOf } from "../../../peer/core/geometry.ts";
import { RateBudget } from "../../../peer/core/rate-budget.ts";
import { createUpload } from "../../../peer/core/upload.ts";
import type { UploadEffect, UploadEvent } from "../../../peer/core/upload-events.ts";
import { Bitfield } from "../../../protocol/bitfield.ts";

const BLOCKS = 8;
const PIECES = 20;
const GEOMETRY = geometryOf({ length: PIECES * BLOCKS * BLOCK_BYTES, pieceLength: BLOCKS * BLOCK_BYTES });

/** Sockets take everything at once; time passes only where a test says so. */
class LimitedUpload {
  readonly budget = new RateBudget();
  readonly sent: { readonly at: number; readonly link: number; readonly piece: number }[] = [];
  now = 0;
  readonly #machine: ReturnType<typeof createUpload>;

  constructor(bytesPerSecondMax: number, options: { injects?: boolean } = {}) {
    this.budget.setRate(bytesPerSecondMax, 0);
    const verified = Bitfield.full(PIECES);
    this.#machine = createUpload({ geometry: GEOMETRY, verified, budget: this.budget.claim(), ...options });
  }

  get deadline(): number | null {
    return this.#machine.deadline();
  }

  open(...links: number[]): this {
    for (const link of links) this.handle({ kind: "link-open", link, fast: true, acknowledges: false });
    return this;
  }

  handle(event: UploadEvent): readonly UploadEffect[] {
    const effects = this.#machine.handle(event, this.now);
    for (const effect of effects) {
      if (effect.kind !== "send") continue;
      this.sent.push({ at: this.now, link: effect.link, piece: effect.piece });
      this.handle({ kind: "sent", link: effect.link, bytes: effect.length });
    }
    return effects;
  }

  requestPiece(link: number, piece: number): readonly UploadEffect[] {
    return Array.from({ length: BLOCKS }, (_, block) =>
      this.handle({ kind: "requested", link, piece, offset: block * BLOCK_BYTES, length: BLOCK_BYTES }),
    ).flat();
  }

  /** Ticks when the machine wants to. */
  runUntil(end: number): void {
    for (let at = this.deadline; at !== null && at <= end; at = this.deadline) {
      this.now = Math.max(this.now, at);
      this.handle({ kind: "tick" });
    }
    this.now = end;
  }
}

describe("an upload under a limit", () => {
  it("sends blocks as they are allowed, by itself, and wants no timer when all are out", () => {
    const upload = new LimitedUpload(10 * BLOCK_BYTES).open(1);
    upload.requestPiece(1, 0);
    expect(upload.sent).toEqual([]);
    upload.runUntil(10_000);
    expect(upload.sent.map(({ at }) => Math.round(at / 100))).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect(upload.deadline).toBeNull();
  });

  it("sends whole pieces one after the other, whoever asks meanwhile", () => {
    const upload = new LimitedUpload(10 * BLOCK_BYTES).open(1, 2);
    upload.requestPiece(1, 0);
    upload.runUntil(350);
    upload.requestPiece(2, 1);
    upload.runUntil(10_000);
    expect(upload.sent.map(({ link }) => link)).toEqual([...Array(BLOCKS).fill(1), ...Array(BLOCKS).fill(2)]);
  });

  it("goes on at once when the limit is lifted and it is told to look", () => {
    const upload = new LimitedUpload(125).open(1);
    upload.requestPiece(1, 0);
    upload.runUntil(5_000);
    expect(upload.sent).toEqual([]);
    upload.budget.setRate(null, upload.now);
    upload.handle({ kind: "tick" });
    expect(upload.sent).toHaveLength(BLOCKS);
  });

  it("does not keep a place for what was cancelled while it waited", () => {
    const upload = new LimitedUpload(10 * BLOCK_BYTES).open(1);
    upload.handle({ kind: "requested", link: 1, piece: 0, offset: 0, length: BLOCK_BYTES });
    upload.handle({ kind: "cancelled", link: 1, piece: 0, offset: 0, length: BLOCK_BYTES });
    expect(upload.deadline).toBeNull();
    upload.runUntil(1_000);
    expect(upload.sent).toEqual([]);
  });

  it("as the origin repeats no piece while first copies wait for the limit, and does when they are out", () => {
    const upload = new LimitedUpload(4 * BLOCK_BYTES, { injects: true }).open(1, 2);
    upload.requestPiece(1, 0);
    // A piece takes two seconds; an origin that is asked for nothing in half a second counts as idle.
    upload.runUntil(1_500);
    expect(upload.requestPiece(2, 0).map(({ kind }) => kind)).toEqual(Array(BLOCKS).fill("reject"));
    upload.runUntil(4_000);
    upload.requestPiece(2, 0);
    upload.runUntil(8_000);
    expect(upload.sent.filter(({ link }) => link === 2)).toHaveLength(BLOCKS);
  });
});
