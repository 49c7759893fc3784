// Tarballs in the state directory, on a real disk.
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { statfs, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ArtifactFiles, DISK_MARGIN_BYTES } from "../../../peer/shell/artifact-files.ts";
import { makeDirectory } from "../../../peer/shell/files.ts";
import { RootPaths, StatePaths } from "../../../peer/shell/state-directory.ts";
import { type Digest, digestSchema } from "../../../protocol/ids.ts";
import { temporaryFolder } from "../../support/folders.ts";
import { manifestOf } from "../releases.ts";

const { signal } = new AbortController();
const NONE: ReadonlySet<string> = new Set();

async function setUp() {
  const folder = await temporaryFolder();
  const state = new StatePaths(join(folder, "state"));
  const root = new RootPaths(join(folder, "root"));
  await makeDirectory(state.artifacts);
  await makeDirectory(root.directory);
  return { state, root, files: new ArtifactFiles(state, root) };
}

function digestOf(text: string): Digest {
  return digestSchema.decode(createHash("sha256").update(text).digest("hex"), "digest");
}

function artifactOf(text: string, change = {}) {
  return { ...manifestOf("v1").artifact, sha256: digestOf(text), length: text.length, ...change };
}

test("a tarball is right only when every byte is", async () => {
  const { files } = await setUp();
  const artifact = artifactOf("the tarball");
  const path = files.tarball(artifact.sha256);
  await expect(files.verify(artifact, signal)).rejects.toThrow();
  await writeFile(path, "the tarball");
  await files.verify(artifact, signal);
  for (const wrong of ["the tarbalL", "the tarball ", "the tarbal", ""]) {
    await writeFile(path, wrong);
    await expect(files.verify(artifact, signal)).rejects.toMatchObject({ code: "artifact-mismatch" });
  }
});

test("checking can be given up", async () => {
  const { files } = await setUp();
  const artifact = artifactOf("the tarball");
  await writeFile(files.tarball(artifact.sha256), "the tarball");
  await expect(files.verify(artifact, AbortSignal.abort())).rejects.toMatchObject({ name: "AbortError" });
});

test("a release that does not fit is refused before anything is fetched, by what is needed and free", async () => {
  const { files, root } = await setUp();
  const { bavail, bsize } = await statfs(root.directory);
  const tooLarge = artifactOf("x", { unpackedLength: bavail * bsize + DISK_MARGIN_BYTES });
  await expect(files.makeRoom(tooLarge, NONE)).rejects.toMatchObject({ code: "disk-full" });
  await expect(files.makeRoom(tooLarge, NONE)).rejects.toThrow(/bytes free; this release needs/);
  await files.makeRoom(artifactOf("x"), NONE);
});

test("unused tarballs go when they pile up, the oldest first, and never one in use", async () => {
  const { state, files } = await setUp();
  const digests = Array.from({ length: 8 }, (_, index) => digestOf(String(index)));
  for (const [index, sha256] of digests.entries()) {
    for (const path of [state.tarball(sha256), state.bitmap(sha256)]) {
      await writeFile(path, "x");
      await utimes(path, 1_000 + index, 1_000 + index);
    }
  }
  const [oldest] = digests;
  await files.makeRoom(artifactOf("new"), new Set(oldest ? [oldest] : []));
  const left = digests.map((sha256) => existsSync(state.tarball(sha256)));
  expect(left).toEqual([true, false, false, false, true, true, true, true]);
  expect(digests.map((sha256) => existsSync(state.bitmap(sha256)))).toEqual(left);
});

test("all unused tarballs go when there is no room otherwise", async () => {
  const { state, root, files } = await setUp();
  const { bavail, bsize } = await statfs(root.directory);
  const sha256 = digestOf("old");
  await writeFile(state.tarball(sha256), "old");
  const tooLarge = artifactOf("x", { unpackedLength: bavail * bsize + DISK_MARGIN_BYTES });
  await expect(files.makeRoom(tooLarge, NONE)).rejects.toMatchObject({ code: "disk-full" });
  expect(existsSync(state.tarball(sha256))).toBe(false);
});
