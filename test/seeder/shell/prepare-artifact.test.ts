// Making an artifact: directories pack the same everywhere, tarballs are taken as they are, nothing bad gets through.
import { execFile, execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { appendFileSync, truncateSync, writeFileSync } from "node:fs";
import {
  chmod,
  cp,
  lutimes,
  mkdir,
  open,
  readdir,
  readFile,
  rm,
  stat,
  statfs,
  symlink,
  truncate,
  utimes,
  writeFile,
} from "node:fs/promises";
import { createServer } from "node:net";
import path from "node:path";
import { promisify } from "node:util";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { checkTorrentInfo, unpackArchive } from "../../../peer/index.ts";
import { ARTIFACT_BYTES_MAX } from "../../../protocol/limits.ts";
import { prepareArtifact } from "../../../seeder/index.ts";
import { failure } from "../../support/failure.ts";
import { listTree, temporaryFolder } from "../../support/folders.ts";
import { HOSTILE_ARCHIVES } from "../../support/hostile-archives.ts";
import { dir, file, rawEntry, rawTar } from "../../support/tar.ts";

let folder: string;
let work: string;

beforeEach(async () => {
  folder = await temporaryFolder();
  work = path.join(folder, "work");
});

function prepare(
  name: string,
  options: { nodeCount?: number; pieceLength?: number; signal?: AbortSignal } = {},
) {
  return prepareArtifact({ path: path.join(folder, name), nodeCount: 8, workDirectory: work, ...options });
}

async function put(name: string, content: string | Uint8Array = name, mode = 0o644): Promise<void> {
  const place = path.join(folder, name);
  await mkdir(path.dirname(place), { recursive: true });
  await writeFile(place, content);
  await chmod(place, mode);
}

async function makeSampleTree(): Promise<void> {
  await put("app/bin/run", "#!/bin/sh\n", 0o755);
  await put("app/.env", "A=1\n", 0o600);
  await put("app/.git/config", "");
  await put(`app/${"long-directory-name/".repeat(6)}${"f".repeat(200)}`, "deep");
  await put("app/grün/日本語", "unicode");
  await put("app/b-file", "sorts by bytes");
  await put("app/b/file", "sorts by bytes");
  await put("app/two-blocks", Buffer.alloc(700_001, "abc"));
  await mkdir(path.join(folder, "app/empty/below"), { recursive: true });
  await symlink("bin/run", path.join(folder, "app/run"));
  await symlink("../grün/日本語", path.join(folder, "app/b/link"));
  await symlink("dangling", path.join(folder, "app/nowhere"));
}

describe("a directory", () => {
  test("comes out on a node as it went in, read-only", async () => {
    await makeSampleTree();
    const prepared = await prepare("app");
    const directory = path.join(folder, "out");
    await unpackArchive({ ...prepared.artifact, tarball: prepared.tarballPath, directory });
    const [before, after] = await Promise.all([listTree(path.join(folder, "app")), listTree(directory)]);
    expect(Object.keys(after)).toEqual(Object.keys(before));
    for (const [name, { kind, content, mode }] of Object.entries(before)) {
      const installedMode = kind === "directory" ? 0o555 : kind === "symlink" ? 0o777 : mode & 0o555;
      expect(after[name], name).toMatchObject({ kind, content, mode: installedMode });
    }
    // Every entry but the folder itself, which every release has anyway.
    expect(prepared.artifact.entryCount).toBe(Object.keys(before).length - 1);
  });

  test("gives the same bytes whenever, wherever and in whatever order it was made", async () => {
    await makeSampleTree();
    const first = await prepare("app");
    await first.dispose();
    // Same names and contents, created in the opposite order, with other times and another owner.
    const items = Object.entries(await listTree(path.join(folder, "app"))).reverse();
    for (const [name, item] of items) {
      const [from, to] = [path.join(folder, "app", name), path.join(folder, "other", name)];
      await mkdir(item.kind === "directory" ? to : path.dirname(to), { recursive: true });
      if (item.kind === "directory") await chmod(to, item.mode);
      if (item.kind === "file") await cp(from, to);
      if (item.kind === "symlink") await symlink(item.content, to);
      await (item.kind === "symlink" ? lutimes : utimes)(to, 12_345, 67_890);
    }
    const second = await prepare("other");
    expect(second.artifact).toEqual(first.artifact);
    expect(Buffer.from(second.torrentInfo).equals(Buffer.from(first.torrentInfo))).toBe(true);
  });

  test("gives other bytes for another mode, content or name", async () => {
    await put("app/a", "1");
    const digests = new Set([(await prepare("app")).artifact.sha256]);
    await chmod(path.join(folder, "app/a"), 0o755);
    digests.add((await prepare("app")).artifact.sha256);
    await put("app/a", "2");
    digests.add((await prepare("app")).artifact.sha256);
    await put("app/b", "2");
    digests.add((await prepare("app")).artifact.sha256);
    expect(digests.size).toBe(4);
  });

  test("is read by tar programs as it was", async () => {
    await makeSampleTree();
    const { tarballPath } = await prepare("app");
    await mkdir(path.join(folder, "out"));
    execFileSync("tar", ["-C", path.join(folder, "out"), "-xpf", tarballPath]);
    execFileSync("diff", ["-r", "--no-dereference", path.join(folder, "app"), path.join(folder, "out")]);
  });

  test("is packed parents first, siblings by the bytes of their names", async () => {
    for (const name of ["z", "b-file", "b/file", "a", "C", "ä", ".x", "b/a"]) await put(`app/${name}`);
    const { tarballPath } = await prepare("app");
    const listed = execFileSync("tar", ["--quoting-style=literal", "-tf", tarballPath]).toString();
    expect(listed.trimEnd().split("\n")).toEqual([".x", "C", "a", "b/", "b/a", "b/file", "b-file", "z", "ä"]);
  });

  test("reports its progress up to the end, and leaves nothing once disposed of", async () => {
    await makeSampleTree();
    const progress: (readonly [number, number])[] = [];
    const onProgress = (done: number, total: number) => void progress.push([done, total]);
    const prepared = await prepareArtifact({
      path: `${folder}/app`,
      nodeCount: 1,
      workDirectory: work,
      onProgress,
    });
    const { length } = prepared.artifact;
    expect(progress.at(-1)).toEqual([length, length]);
    expect(progress.length).toBeGreaterThan(1);
    expect(await readdir(work)).toHaveLength(1);
    await prepared.dispose();
    await prepared.dispose();
    expect(await readdir(work)).toEqual([]);
  });

  test("may hold hardlinks, which become files of their own", async () => {
    await put("app/a", "same");
    execFileSync("ln", [path.join(folder, "app/a"), path.join(folder, "app/b")]);
    expect((await prepare("app")).artifact.entryCount).toBe(2);
  });

  describe("is refused", () => {
    test("when it is empty", async () => {
      await mkdir(path.join(folder, "app"));
      await expect(prepare("app")).rejects.toMatchObject(failure("archive-not-tar", /app: .*is empty/));
    });

    test.each([
      ["a fifo", "pipe", /"d\/pipe" is a fifo/],
      ["a symlink out", "link", /"..\/..\/out" of symlink "d\/link" lies outside/],
      ["an absolute symlink", "absolute", /is absolute/],
      ["a socket", "socket", /"d\/socket" is a socket/],
      ["a backslash", "back\\slash", /backslash/],
      ["two names that differ in case", "FILE", /letter case/],
      ["a name that is not UTF-8", "bytes", /not UTF-8/],
    ])("with %s in it, by name", async (_, name, message) => {
      await put("app/d/file");
      await makeRefused(path.join(folder, "app/d"), name);
      await expect(prepare("app")).rejects.toMatchObject(failure("archive-unsafe", message));
      await expect(readdir(work)).rejects.toThrow("ENOENT");
    });

    test("when the disk has no room for its tarball, before anything is written", async () => {
      const { bavail, bsize } = await statfs(folder);
      const size = bavail * bsize + 2 ** 30;
      // A sparse file takes no room itself; a machine with a disk this large has none to spare for the test.
      if (size > ARTIFACT_BYTES_MAX) return;
      await put("app/huge", "");
      await truncate(path.join(folder, "app/huge"), size);
      await expect(prepare("app")).rejects.toMatchObject({ code: "disk-full" });
      expect(await readdir(work)).toEqual([]);
    });

    test("when a file in it grows while it is packed, with nothing left behind", async () => {
      await put("app/a", Buffer.alloc(600_000));
      await put("app/b", "short");
      const growing = prepareArtifact({
        ...{ path: path.join(folder, "app"), nodeCount: 1, workDirectory: work },
        onProgress: () => writeFileSync(path.join(folder, "app/b"), "longer than before"),
      });
      await expect(growing).rejects.toMatchObject(failure("archive-corrupt", /"b" changed/));
      expect(await readdir(work)).toEqual([]);
    });

    test("when it is aborted, with nothing left behind", async () => {
      await put("app/a", Buffer.alloc(3_000_000));
      const stop = new AbortController();
      const aborted = prepareArtifact({
        ...{ path: path.join(folder, "app"), nodeCount: 1, workDirectory: work, signal: stop.signal },
        onProgress: () => stop.abort(new Error("enough")),
      });
      await expect(aborted).rejects.toThrow("enough");
      expect(await readdir(work)).toEqual([]);
    });
  });
});

async function makeRefused(directory: string, name: string): Promise<void> {
  const place = path.join(directory, name);
  if (name === "pipe") execFileSync("mkfifo", [place]);
  else if (name === "link") await symlink("../../out", place);
  else if (name === "absolute") await symlink("/etc/passwd", place);
  else if (name === "bytes")
    await writeFile(Buffer.concat([Buffer.from(`${place}-`), Buffer.from([0xff])]), "");
  else if (name === "socket") {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(place, resolve));
    onTestFinished(() => void server.close());
  } else await writeFile(place, "");
}

describe("a tarball", () => {
  const tar = rawTar(dir("./"), { ...file("a"), content: Buffer.alloc(100_000, "content ") });

  test.each([
    ["none", tar],
    ["gzip", gzipSync(tar)],
    ["zstd", zstdCompressSync(tar)],
  ] as const)("is taken as it is, by content and not by name (%s)", async (compression, bytes) => {
    await put("release.bin", bytes);
    const prepared = await prepare("release.bin");
    expect(prepared.tarballPath).toBe(path.join(folder, "release.bin"));
    expect(prepared.artifact).toMatchObject({
      ...{
        length: bytes.length,
        compression,
        unpackedLength: tar.length,
        entryCount: 2,
        pieceLength: 16_384,
      },
      sha256: createHash("sha256").update(bytes).digest("hex"),
    });
    const { pieces } = checkTorrentInfo(prepared.torrentInfo, prepared.artifact);
    for (let index = 0; index * 16_384 < bytes.length; index += 1) {
      const piece = bytes.subarray(index * 16_384, (index + 1) * 16_384);
      const expected = createHash("sha1").update(piece).digest();
      expect(expected.equals(pieces.subarray(20 * index, 20 * index + 20)), `piece ${index}`).toBe(true);
    }
    await prepared.dispose();
    expect(await readdir(folder)).toEqual(["release.bin"]);
  });

  test("is cut into pieces as long as asked for", async () => {
    await put("release.tar", tar);
    const { artifact, torrentInfo } = await prepare("release.tar", { pieceLength: 16_384 });
    expect(artifact.pieceLength).toBe(16_384);
    const { pieces } = checkTorrentInfo(torrentInfo, artifact);
    expect(pieces.length).toBe(20 * Math.ceil(tar.length / 16_384));
  });

  test.each([
    ["that are no power of two", 48_000],
    ["shorter than nodes take", 8_192],
    ["longer than nodes take", 2 ** 25],
  ])("is not cut into pieces %s", async (_, pieceLength) => {
    await put("release.tar", tar);
    const refused = failure("usage", /power of two from 16 KiB to 16 MiB/);
    await expect(prepare("release.tar", { pieceLength })).rejects.toMatchObject(refused);
  });

  test("has the infohash that stock clients compute for it", async () => {
    await put("release.tar", rawTar(file("a", "hello")));
    // From create-torrent 6.1.3 with this name, private: true and pieceLength: 32768.
    expect((await prepare("release.tar", { pieceLength: 32_768 })).artifact).toMatchObject({
      sha256: "984de2e08562b78b758ee0d2da052de7d4583e4d5fb8b705b8f07ac00d5b4fb7",
      infoHash: "7ed8b87d6777f1f2ffca54764377a00445834035",
    });
  });

  test.each(HOSTILE_ARCHIVES)("is refused with $name", async ({ tar: bytes, code, message }) => {
    await put("bad.tar", bytes);
    const refused = prepare("bad.tar");
    await expect(refused).rejects.toMatchObject(failure(code, message));
    await expect(refused).rejects.toThrow(path.join(folder, "bad.tar"));
  });

  test("is refused when its compressed stream is cut short, wherever it is cut", async () => {
    const bytes = gzipSync(tar);
    for (let length = 19; length < bytes.length; length += 11) {
      await put("cut.tar.gz", bytes.subarray(0, length));
      await expect(prepare("cut.tar.gz"), `${length} bytes`).rejects.toMatchObject({
        code: "archive-corrupt",
      });
    }
  });

  test.each([
    ["nothing at all", "", /is empty/],
    ["a text", "just some text\n".repeat(100), /not a tar archive/],
    ["a compressed text", gzipSync("just some text\n".repeat(100)), /not a tar archive/],
    ["a zip file", Buffer.from("PK\u0003\u0004 and so on"), /a zip file/],
  ])("is refused when it is %s", async (_, bytes, message) => {
    await put("bad.tar", bytes);
    await expect(prepare("bad.tar")).rejects.toMatchObject(failure("archive-not-tar", message));
  });

  test.each(["missing.tar", "release.tar/below"])("is refused when it is not there: %s", async (name) => {
    await put("release.tar", tar);
    await expect(prepare(name)).rejects.toMatchObject({
      code: "file-missing",
      message: expect.stringContaining(name),
    });
  });

  test("is refused when it is neither file nor directory", async () => {
    execFileSync("mkfifo", [path.join(folder, "pipe")]);
    await expect(prepare("pipe")).rejects.toMatchObject({ code: "file-missing" });
  });

  test.each([
    ["cut", (place: string) => truncateSync(place, 1_000_000)],
    ["appended to", (place: string) => appendFileSync(place, Buffer.alloc(512))],
  ])("is refused when it is %s while it is read", async (_, change) => {
    const place = path.join(folder, "release.tar");
    await put("release.tar", rawTar({ ...file("a"), content: Buffer.alloc(3_000_000) }));
    const onProgress = () => change(place);
    const changed = prepareArtifact({ path: place, nodeCount: 1, workDirectory: work, onProgress });
    await expect(changed).rejects.toMatchObject(failure("archive-corrupt", /changed while it was read/));
  });
});

test("memory stays flat for an artifact of 1 GiB", async () => {
  const peakOf = async (contentBytes: number): Promise<number> => {
    const tarball = path.join(folder, `${contentBytes}.tar`);
    const header = rawEntry({ name: "zeros", size: contentBytes });
    const handle = await open(tarball, "w");
    await handle.write(header);
    // The rest of the file is a hole: content, padding and end mark are all zeros.
    await handle.truncate(header.length + contentBytes + 1024);
    await handle.close();
    const script = `
      const { prepareArtifact } = await import(${JSON.stringify(import.meta.resolve("../../../seeder/index.ts"))});
      await prepareArtifact({ path: ${JSON.stringify(tarball)}, nodeCount: 8, workDirectory: "." });
      process.stdout.write(String(process.resourceUsage().maxRSS));`;
    const run = promisify(execFile);
    const { stdout } = await run(process.execPath, ["--input-type=module", "-e", script]);
    await rm(tarball);
    return Number(stdout) / 1024;
  };
  const [small, large] = [await peakOf(16 * 2 ** 20), await peakOf(2 ** 30)];
  expect(large).toBeLessThan(small + 100);
});

test("a packed tarball is for its owner only", async () => {
  await put("app/secret", "s", 0o600);
  const { tarballPath } = await prepare("app");
  const { mode } = await stat(tarballPath);
  expect(mode & 0o777).toBe(0o600);
  expect((await readFile(tarballPath)).length).toBeGreaterThan(0);
});
