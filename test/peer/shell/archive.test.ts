// Inspecting an archive: what honest ones measure, and that every hostile one is refused by name.
import { gzipSync, zstdCompressSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { inspectArchive, walkArchive } from "../../../peer/shell/archive.ts";
import { failure } from "../../support/failure.ts";
import { HOSTILE_ARCHIVES } from "../../support/hostile-archives.ts";
import { dir, file, pax, rawTar } from "../../support/tar.ts";

async function* chunksOf(bytes: Uint8Array, chunkBytes = 60_000): AsyncGenerator<Uint8Array> {
  for (let offset = 0; offset < bytes.length; offset += chunkBytes)
    yield bytes.subarray(offset, offset + chunkBytes);
}

const tar = rawTar(dir("./"), pax({ comment: "no entry of its own" }), file("a", "x".repeat(5_000)));

describe("an honest archive", () => {
  test.each([
    ["none", tar],
    ["gzip", gzipSync(tar)],
    ["zstd", zstdCompressSync(tar)],
  ] as const)("measures the same with compression %s", async (compression, bytes) => {
    const totals = await inspectArchive(chunksOf(bytes), compression);
    expect(totals).toEqual({ unpackedLength: tar.length, entryCount: 2 });
  });
});

describe("refused with a reason is", () => {
  test.each(HOSTILE_ARCHIVES)("$name", async ({ tar: bytes, code, message }) => {
    const inspecting = inspectArchive(chunksOf(bytes), "none");
    await expect(inspecting).rejects.toMatchObject(failure(code, message));
  });

  test("a compressed file with nothing in it", async () => {
    const inspecting = inspectArchive(chunksOf(gzipSync("")), "gzip");
    await expect(inspecting).rejects.toMatchObject({ code: "archive-not-tar" });
  });

  test("an archive of more than the caps, before the rest is read", async () => {
    const ignore = { entry: () => {}, content: () => {}, entryEnd: () => {} };
    const code = "archive-unsafe";
    const walk = (unpackedLength: number, entryCount: number) =>
      walkArchive(chunksOf(tar, 512), ignore, {
        compression: "none",
        caps: { unpackedLength, entryCount, code },
      });
    await expect(walk(tar.length - 1, 2)).rejects.toMatchObject(failure(code, /more than \d+ bytes/));
    await expect(walk(tar.length, 1)).rejects.toMatchObject(failure(code, /more than 1 entries/));
    await expect(walk(tar.length, 2)).resolves.toEqual({ unpackedLength: tar.length, entryCount: 2 });
  });
});

test("an aborted inspection ends with the reason and closes its source", async () => {
  const stop = new AbortController();
  let closed = false;
  async function* source() {
    try {
      for (let offset = 0; ; offset += 512) {
        if (offset === 1024) stop.abort(new Error("enough"));
        yield tar.subarray(offset, offset + 512);
      }
    } finally {
      closed = true;
    }
  }
  await expect(inspectArchive(source(), "none", stop.signal)).rejects.toThrow("enough");
  expect(closed).toBe(true);
});
