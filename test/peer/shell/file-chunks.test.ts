// Reading a file through one buffer: all of it, in order, and no memory besides.
import { randomBytes } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { fileChunks } from "../../../peer/shell/file-chunks.ts";

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "fleet-chunks-"));
});

afterEach(async () => {
  await rm(directory, { recursive: true });
});

async function fileOf(bytes: Uint8Array): Promise<string> {
  const path = join(directory, "file");
  await writeFile(path, bytes);
  return path;
}

describe("fileChunks", () => {
  test.each([0, 1, 256 * 1024, 700_001])("gives a file of %i bytes in order and in full", async (length) => {
    const bytes = randomBytes(length);
    const copies: Uint8Array[] = [];
    for await (const chunk of fileChunks(await fileOf(bytes))) copies.push(Uint8Array.from(chunk));
    expect(Buffer.concat(copies).equals(bytes)).toBe(true);
  });

  test("uses one buffer for the whole file", async () => {
    const memory = new Set<ArrayBufferLike>();
    for await (const chunk of fileChunks(await fileOf(randomBytes(1_000_000)))) memory.add(chunk.buffer);
    expect(memory.size).toBe(1);
  });

  test("stops with the signal's reason", async () => {
    const controller = new AbortController();
    const path = await fileOf(randomBytes(1_000_000));
    const read = async (): Promise<void> => {
      for await (const _ of fileChunks(path, controller.signal)) controller.abort(new Error("stopped"));
    };
    await expect(read()).rejects.toThrow("stopped");
  });

  test("fails for a file that is not there", async () => {
    const read = fileChunks(join(directory, "nothing"));
    await expect(read.next()).rejects.toMatchObject({ code: "ENOENT" });
  });
});
