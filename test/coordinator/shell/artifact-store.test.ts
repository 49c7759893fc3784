// A file under a digest's name is complete and right, whatever an upload does; nothing else stays on the disk.
import { createHash } from "node:crypto";
import { readdir, readFile, statfs, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { ArtifactStore } from "../../../coordinator/shell/artifact-store.ts";
import { SHELL_LIMITS, type ShellLimits } from "../../../coordinator/shell/limits.ts";
import { type Digest, digestSchema } from "../../../protocol/ids.ts";
import { captureLogs } from "./support/logs.ts";
import { scratchFolders } from "./support/scratch.ts";

const newFolder = scratchFolders();
const BYTES = Buffer.alloc(100_000, "artifact");
const SHA256 = digestOf(BYTES);
let folder: string;
let store: ArtifactStore;

beforeEach(() => {
  folder = newFolder();
  store = newStore();
});

function newStore(limits: Partial<ShellLimits> = {}): ArtifactStore {
  return new ArtifactStore(folder, { ...SHELL_LIMITS, ...limits }, captureLogs().logger);
}

function digestOf(bytes: Buffer): Digest {
  return digestSchema.decode(createHash("sha256").update(bytes).digest("hex"), "digest");
}

async function* chunks(
  bytes: Buffer,
  end: () => Promise<void> = async () => undefined,
): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += 30_000) yield bytes.subarray(at, at + 30_000);
  await end();
}

describe("an upload", () => {
  it("is kept under its digest", async () => {
    await store.put({ sha256: SHA256, length: BYTES.length, source: chunks(BYTES) });
    expect(await readdir(folder)).toEqual([SHA256]);
    expect((await readFile(store.pathOf(SHA256))).equals(BYTES)).toBe(true);
    expect(await store.lengthOf(SHA256)).toBe(BYTES.length);
  });

  it.each([
    ["is too short", BYTES.length + 1, SHA256, BYTES],
    ["is too long", BYTES.length - 1, SHA256, BYTES],
    ["has other bytes", BYTES.length, SHA256, Buffer.alloc(BYTES.length, "other")],
  ])("that %s leaves nothing", async (_, length, sha256, bytes) => {
    const put = store.put({ sha256, length, source: chunks(bytes) });
    await expect(put).rejects.toMatchObject({ code: "artifact-mismatch" });
    expect(await readdir(folder)).toEqual([]);
    expect(await store.lengthOf(sha256)).toBeNull();
  });

  it("that breaks off leaves nothing", async () => {
    const source = chunks(BYTES, () => Promise.reject(new Error("the line is dead")));
    await expect(store.put({ sha256: SHA256, length: BYTES.length + 1, source })).rejects.toThrow(
      "the line is dead",
    );
    expect(await readdir(folder)).toEqual([]);
  });

  it("is refused before a byte is read when the disk is too small", async () => {
    let isRead = false;
    async function* source(): AsyncGenerator<Buffer> {
      isRead = true;
      yield BYTES;
    }
    const put = store.put({ sha256: SHA256, length: 2 ** 50, source: source() });
    await expect(put).rejects.toMatchObject({ code: "disk-full" });
    expect(isRead).toBe(false);
    expect(await readdir(folder)).toEqual([]);
  });

  it("counts the room that other uploads have been promised", async () => {
    const { bavail, bsize } = await statfs(folder);
    const freeBytes = bavail * bsize;
    const roomy = newStore({ diskReserveBytes: 0 });
    const { promise: release, resolve } = Promise.withResolvers<void>();
    const large = Math.floor(freeBytes * 0.6);
    const first = roomy.put({ sha256: SHA256, length: large, source: chunks(BYTES, () => release) });
    const second = roomy.put({ sha256: SHA256, length: large, source: chunks(BYTES) });
    await expect(second).rejects.toMatchObject({ code: "disk-full" });
    resolve();
    await expect(first).rejects.toMatchObject({ code: "artifact-mismatch" });
  });

  it("is turned away while too many others are under way", async () => {
    const busy = newStore({ uploadsMax: 1 });
    const { promise: release, resolve } = Promise.withResolvers<void>();
    const first = busy.put({ sha256: SHA256, length: BYTES.length, source: chunks(BYTES, () => release) });
    const second = busy.put({ sha256: SHA256, length: BYTES.length, source: chunks(BYTES) });
    await expect(second).rejects.toMatchObject({ code: "overloaded" });
    resolve();
    await first;
    await busy.put({ sha256: SHA256, length: BYTES.length, source: chunks(BYTES) });
  });

  it("of the same artifact twice at once ends well for both", async () => {
    const upload = () => store.put({ sha256: SHA256, length: BYTES.length, source: chunks(BYTES) });
    await Promise.all([upload(), upload()]);
    expect(await readdir(folder)).toEqual([SHA256]);
  });
});

describe("a start", () => {
  const DAY_MS = 24 * 60 * 60_000;

  it("removes what a crash has left, and old artifacts that no release needs", async () => {
    const [used, old, young] = [
      digestOf(Buffer.from("1")),
      digestOf(Buffer.from("2")),
      digestOf(Buffer.from("3")),
    ];
    for (const name of [used, old, young, "incoming-0123456789abcdef", "a-persons-note"])
      await writeFile(join(folder, name), "x");
    const now = Date.now();
    const longAgo = new Date(now - DAY_MS - 60_000);
    for (const name of [used, old]) await utimes(join(folder, name), longAgo, longAgo);
    await store.removeLeftovers(new Set([used]), now);
    expect((await readdir(folder)).toSorted()).toEqual([used, young, "a-persons-note"].toSorted());
  });
});
