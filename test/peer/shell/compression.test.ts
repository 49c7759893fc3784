// Decompression: told by content, whole or refused, the same however the bytes are cut, never more than asked for.
import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { constants, gzipSync, zstdCompressSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decompress, detectCompression } from "../../../peer/shell/compression.ts";
import { FleetError } from "../../../protocol/errors.ts";
import { file, rawTar } from "../../support/tar.ts";

async function* cut(bytes: Uint8Array, chunkBytes: number): AsyncGenerator<Uint8Array> {
  for (let offset = 0; offset < bytes.length; offset += chunkBytes)
    yield bytes.subarray(offset, offset + chunkBytes);
}

async function collect(bytes: Uint8Array, compression: "gzip" | "zstd" | "none", chunkBytes = 65_536) {
  const chunks: Uint8Array[] = [];
  for await (const chunk of decompress(cut(bytes, chunkBytes), compression)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

const content = randomBytes(20_000);
const gzip = gzipSync(content);
const zstd = zstdCompressSync(content, { params: { [constants.ZSTD_c_checksumFlag]: 1 } });
const skippable = Buffer.from([0x50, 0x2a, 0x4d, 0x18, 4, 0, 0, 0, 1, 2, 3, 4]);
const chunkSizes = fc.integer({ min: 50, max: 50_000 });

describe("the compression of a file", () => {
  test.each([
    ["gzip", gzip],
    ["zstd", zstd],
    ["zstd", Buffer.concat([skippable, zstd])],
    ["none", rawTar(file("a"))],
    ["none", rawTar(file("BZh is the name of this file"))],
    ["none", rawTar(file("PK\u0003\u0004"))],
    ["none", Buffer.from("anything else")],
    ["none", Buffer.alloc(0)],
  ] as const)("is %s by its content", (compression, bytes) => {
    expect(detectCompression(bytes.subarray(0, 512))).toBe(compression);
  });

  test.each([
    ["an xz file", [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0]],
    ["a bzip2 file", [0x42, 0x5a, 0x68, 0x39]],
    ["a zip file", [0x50, 0x4b, 3, 4]],
    ["a 7z file", [0x37, 0x7a, 0xbc, 0xaf, 0x27]],
    ["an lz4 file", [0x04, 0x22, 0x4d, 0x18]],
  ])("names %s instead of calling it damaged", (name, magic) => {
    const detect = () => detectCompression(Buffer.from(magic));
    expect(detect).toThrow(FleetError);
    expect(detect).toThrow(name);
  });
});

describe.each([
  ["gzip", gzip],
  ["zstd", zstd],
] as const)("a %s stream", (compression, compressed) => {
  test("gives its content however it is cut", () =>
    fc.assert(
      fc.asyncProperty(chunkSizes, async (size) => {
        expect((await collect(compressed, compression, size)).equals(content)).toBe(true);
      }),
      { numRuns: 30 },
    ));

  test("goes on where another one follows, however the two are cut", () =>
    fc.assert(
      fc.asyncProperty(chunkSizes, async (size) => {
        const twice = await collect(Buffer.concat([compressed, compressed]), compression, size);
        expect(twice.equals(Buffer.concat([content, content]))).toBe(true);
      }),
      { numRuns: 30 },
    ));

  test("is refused with anything else behind it, however it is cut", () =>
    fc.assert(
      fc.asyncProperty(chunkSizes, fc.constantFrom("zeros", "text", "zeros and more"), async (size, kind) => {
        const zeros = Buffer.alloc(kind === "text" ? 0 : 900);
        const tail = Buffer.concat([zeros, Buffer.from(kind === "zeros" ? "" : "and then some text")]);
        const reading = collect(Buffer.concat([compressed, tail]), compression, size);
        await expect(reading).rejects.toMatchObject({ code: "archive-corrupt" });
      }),
      { numRuns: 60 },
    ));

  test("is refused with a flipped bit", async () => {
    for (let offset = 40; offset < compressed.length; offset += 997) {
      const damaged = Buffer.from(compressed);
      damaged[offset] = (damaged[offset] ?? 0) ^ 1;
      const reading = collect(damaged, compression);
      await expect(reading, `byte ${offset}`).rejects.toMatchObject({ code: "archive-corrupt" });
    }
  });

  test("closes its source when the reader stops early", async () => {
    let closed = false;
    async function* source() {
      try {
        for (;;) yield compressed;
      } finally {
        closed = true;
      }
    }
    for await (const chunk of decompress(source(), compression)) if (chunk.length > 0) break;
    expect(closed).toBe(true);
  });

  test("passes on what goes wrong in its source, unchanged", async () => {
    const failure = new Error("the disk is gone");
    async function* source() {
      yield compressed.subarray(0, 1_000);
      throw failure;
    }
    const reading = async () => {
      for await (const chunk of decompress(source(), compression)) expect(chunk.length).toBeGreaterThan(0);
    };
    await expect(reading()).rejects.toBe(failure);
  });
});

test("a gzip stream that is cut short anywhere is refused", async () => {
  for (let length = 1; length < gzip.length; length += length < 40 || length > gzip.length - 40 ? 1 : 501) {
    const reading = collect(gzip.subarray(0, length), "gzip");
    await expect(reading, `${length} bytes`).rejects.toMatchObject({ code: "archive-corrupt" });
  }
});

test("skippable zstd frames are skipped, as parallel compressors write them", async () => {
  const bytes = Buffer.concat([skippable, zstd, skippable, zstd, skippable]);
  expect((await collect(bytes, "zstd")).equals(Buffer.concat([content, content]))).toBe(true);
});

test("a bomb is read no further than its reader asks", async () => {
  // 64 MiB of zeros in every member, without end: only a reader that is asked chunk by chunk comes back.
  const bomb = gzipSync(Buffer.alloc(64 * 1024 * 1024));
  async function* source() {
    for (;;) yield bomb;
  }
  let bytes = 0;
  for await (const chunk of decompress(source(), "gzip")) {
    bytes += chunk.length;
    expect(chunk.length).toBeLessThanOrEqual(256 * 1024);
    if (bytes > 1024 * 1024) break;
  }
  expect(bytes).toBeLessThan(2 * 1024 * 1024);
});

test("a zstd frame that wants more memory than allowed is refused", async () => {
  // Frame header: magic, no content size, window descriptor for 2 GiB.
  const frame = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, 21 << 3, 0x01, 0x00, 0x00]);
  await expect(collect(frame, "zstd")).rejects.toMatchObject({ code: "archive-corrupt" });
});

test("what the gzip program writes is read", async () => {
  const bytes = execFileSync("gzip", ["-c"], { input: content });
  expect((await collect(bytes, "gzip")).equals(content)).toBe(true);
});
