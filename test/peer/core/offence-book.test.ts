// What a node tells of those who spoil the exchange: once, then seldom, never without bound, and again when asked.
import { describe, expect, it } from "vitest";
import { OffenceBook } from "../../../peer/core/offence-book.ts";
import { OFFENCES_PER_RELEASE_MAX } from "../../../protocol/limits.ts";
import { releaseRefSchema } from "../../../protocol/manifest.ts";
import type { Offence } from "../../../protocol/offence.ts";

const release = releaseRefSchema.decode({ app: "shop", version: "v2", sha256: "a".repeat(64) }, "release");
const about = { release, generation: 3 };
const offence: Offence = { source: "b".repeat(32), fault: "bad-data", piece: 7 };

describe("the book of offences", () => {
  it("reports the first, then only when the count has doubled", () => {
    const book = new OffenceBook();
    const counts = Array.from(
      { length: 20 },
      (_, index) => book.note(about, offence, index * 1_000)?.count ?? null,
    );
    expect(counts.filter((count) => count !== null)).toEqual([1, 2, 4, 8, 16]);
  });

  it("tells faults and sources apart, and keeps the piece of the first time", () => {
    const book = new OffenceBook();
    expect(book.note(about, offence, 0)).toEqual({ kind: "offender", ...about, ...offence, count: 1 });
    expect(book.note(about, { ...offence, fault: "drip", piece: null }, 0)?.count).toBe(1);
    expect(book.note(about, { ...offence, source: "origin" }, 0)?.count).toBe(1);
    expect(book.note(about, { ...offence, piece: 9 }, 0)).toMatchObject({ count: 2, piece: 7 });
  });

  it("repeats all of it with the present count, for a coordinator that was away", () => {
    const book = new OffenceBook();
    for (let time = 0; time < 3; time += 1) book.note(about, offence, 0);
    expect(book.reports()).toEqual([{ kind: "offender", ...about, ...offence, count: 3 }]);
  });

  it("forgets what nobody asks for any more", () => {
    const book = new OffenceBook();
    book.note(about, offence, 0);
    book.forget({ ...release, version: "v3" as never });
    expect(book.reports()).toHaveLength(1);
    book.forget(release);
    expect(book.reports()).toEqual([]);
  });

  it("remembers no more than its bound, and forgets the oldest first", () => {
    const book = new OffenceBook();
    for (let index = 0; index < 500; index += 1)
      book.note(about, { ...offence, source: `10.0.0.${index}` }, index);
    const sources = book.reports().map(({ source }) => source);
    expect(sources).toHaveLength(OFFENCES_PER_RELEASE_MAX);
    expect(sources.at(-1)).toBe("10.0.0.499");
  });

  it("sends no more than a burst and one a second, whatever a stranger does, and tells the rest later", () => {
    const book = new OffenceBook();
    const notedAt = (now: number, from: number, count: number) =>
      Array.from({ length: count }, (_, index) =>
        book.note(about, { ...offence, source: `10.0.${from + index}` }, now),
      ).filter((report) => report !== null).length;
    expect(notedAt(0, 0, 40)).toBe(16);
    expect(notedAt(0, 0, 40)).toBe(0);
    expect(notedAt(3_000, 0, 40)).toBe(3);
    expect(book.reports()).toHaveLength(40);
  });
});
