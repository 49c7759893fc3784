// Which thread writes a piece, and that all of it gets written, against made-up calls and time.
import { describe, expect, it } from "vitest";
import { PieceWriter } from "../../../peer/shell/piece-writer.ts";

const KIB = 1024;

/** A file in memory; each call takes `tookMs` and at most `mostBytes`. */
function bench({ mostBytes = Number.POSITIVE_INFINITY } = {}) {
  const file = Buffer.alloc(512 * KIB);
  const threads: string[] = [];
  const disk = { tookMs: 0 };
  let now = 0;
  const take = (thread: string, bytes: Uint8Array, position: number): number => {
    threads.push(thread);
    now += disk.tookMs;
    const part = bytes.subarray(0, mostBytes);
    file.set(part, position);
    return part.length;
  };
  const writer = new PieceWriter({
    here: (bytes, position) => take("here", bytes, position),
    pooled: async (bytes, position) => take("pool", bytes, position),
    now: () => now,
  });
  return { file, threads, disk, writer };
}

const SHORT = Buffer.alloc(32 * KIB, 7);
const LONG = Buffer.alloc(256 * KIB, 9);

describe("PieceWriter", () => {
  it("has written a short piece when it returns and leaves a long one to the pool", async () => {
    const { writer, threads } = bench();
    expect(writer.write(SHORT, 0)).toBeUndefined();
    expect(threads).toEqual(["here"]);
    await writer.write(LONG, 0);
    expect(threads).toEqual(["here", "pool"]);
  });

  it.each([
    ["here", SHORT],
    ["in the pool", LONG],
  ])("goes on until all of a piece is written %s", async (_where, bytes) => {
    const { writer, file, threads } = bench({ mostBytes: 20 * KIB });
    await writer.write(bytes, 5);
    expect(threads.length).toBe(Math.ceil(bytes.length / (20 * KIB)));
    expect(file.subarray(5, 5 + bytes.length).equals(bytes)).toBe(true);
    expect(file.indexOf(bytes[0] ?? 0)).toBe(5);
  });

  it("leaves short pieces to the pool for a while after one that took long, and tries again then", async () => {
    const { writer, threads, disk } = bench();
    disk.tookMs = 60;
    await writer.write(SHORT, 0);
    for (let count = 0; count < 64; count += 1) await writer.write(SHORT, 0);
    expect(threads).toEqual(["here", ...Array.from({ length: 64 }, () => "pool")]);
    disk.tookMs = 0;
    await writer.write(SHORT, 0);
    await writer.write(SHORT, 0);
    expect(threads.slice(65)).toEqual(["here", "here"]);
  });

  it("hands on what the file system throws", async () => {
    const full = Object.assign(new Error("no space"), { code: "ENOSPC" });
    const refuse = (): never => {
      throw full;
    };
    const writer = new PieceWriter({ here: refuse, pooled: () => Promise.reject(full), now: () => 0 });
    expect(() => writer.write(SHORT, 0)).toThrow(full);
    await expect(writer.write(LONG, 0)).rejects.toBe(full);
  });
});
