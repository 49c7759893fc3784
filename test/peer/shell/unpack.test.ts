// Unpacking: the whole tree, read-only and as signed, or nothing; and never a byte outside its directory.
import { execFileSync } from "node:child_process";
import { chmod, lstat, mkdir, readdir, readFile, realpath, statfs, writeFile } from "node:fs/promises";
import path from "node:path";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { describe, expect, onTestFinished, test } from "vitest";
import { inspectArchive } from "../../../peer/shell/archive.ts";
import { removeTree } from "../../../peer/shell/remove-tree.ts";
import { type UnpackOptions, unpackArchive } from "../../../peer/shell/unpack.ts";
import { failure } from "../../support/failure.ts";
import { listTree, temporaryFolder } from "../../support/folders.ts";
import { HOSTILE_ARCHIVES } from "../../support/hostile-archives.ts";
import { dir, file, hardlink, pax, rawTar, symlink } from "../../support/tar.ts";

/** A tarball in a folder of its own, with options to unpack it to `out` next to it. */
async function prepare(tar: Buffer, options: Partial<UnpackOptions> = {}): Promise<UnpackOptions> {
  const folder = await temporaryFolder();
  const tarball = path.join(folder, "a.tar");
  const compression = options.compression ?? "none";
  const bytes = { none: (b: Buffer) => b, gzip: gzipSync, zstd: zstdCompressSync }[compression](tar);
  await writeFile(tarball, bytes);
  const sizes = { unpackedLength: tar.length, entryCount: 1_000 };
  return { tarball, compression, ...sizes, directory: path.join(folder, "out"), ...options };
}

/** As a signed manifest would say it. */
async function prepareExact(tar: Buffer, options: Partial<UnpackOptions> = {}): Promise<UnpackOptions> {
  const { entryCount } = await inspectArchive(chunk(tar), "none");
  return prepare(tar, { entryCount, ...options });
}

async function* chunk(bytes: Buffer): AsyncGenerator<Uint8Array> {
  yield bytes;
}

async function refused(options: UnpackOptions): Promise<unknown> {
  const outcome: unknown = await unpackArchive(options).then(
    () => "accepted",
    (cause: unknown) => cause,
  );
  // Only the tarball is left: the directory is gone, and nothing was written next to it.
  expect(await readdir(path.dirname(options.directory))).toEqual(["a.tar"]);
  return outcome;
}

const sample = rawTar(
  { ...dir("./"), mtime: 1_111_111_111 },
  { ...dir("bin", 0o700), mtime: 1_222_222_222 },
  { ...file("bin/tool", "#!/bin/sh\n"), mode: 0o4755 },
  { ...file("implicit/deep/secret", "s"), mode: 0o600 },
  { ...file(".hidden", ""), mode: 0o666 },
  dir("empty"),
  { ...symlink("tool", "bin/tool"), mtime: 1_333_333_333 },
  symlink("bin/up", "../implicit/deep"),
  hardlink("bin/same", "./bin/tool"),
);

describe("an unpacked release", () => {
  test.each(["none", "gzip", "zstd"] as const)(
    "has every entry, read-only, with its time (%s)",
    async (compression) => {
      const options = await prepareExact(sample, { compression });
      await unpackArchive(options);
      const tree = await listTree(options.directory);
      const modes = Object.entries(tree).map(([name, item]) => [name, item.kind, item.mode.toString(8)]);
      expect(modes).toEqual([
        [".", "directory", "555"],
        [".hidden", "file", "444"],
        ["bin", "directory", "555"],
        ["bin/same", "file", "555"],
        ["bin/tool", "file", "555"],
        ["bin/up", "symlink", "777"],
        ["empty", "directory", "555"],
        ["implicit", "directory", "555"],
        ["implicit/deep", "directory", "555"],
        ["implicit/deep/secret", "file", "400"],
        ["tool", "symlink", "777"],
      ]);
      expect(tree["."]?.mtimeSeconds).toBe(1_111_111_111);
      expect(tree.bin?.mtimeSeconds).toBe(1_222_222_222);
      expect(tree["bin/tool"]?.mtimeSeconds).toBe(1_000_000_000);
      expect(tree.tool).toMatchObject({ content: "bin/tool", mtimeSeconds: 1_333_333_333 });
      expect(await readFile(path.join(options.directory, "bin/up/secret"), "utf8")).toBe("s");
      const [one, other] = await Promise.all(
        ["tool", "same"].map((name) => lstat(path.join(options.directory, "bin", name))),
      );
      expect(one?.ino).toBe(other?.ino);
    },
  );

  test("keeps names of many bytes and many scripts", async () => {
    const names = [
      "ü".repeat(127),
      `${"d/".repeat(60)}f`,
      "日本語/ファイル",
      "new\nline",
      "-rf",
      "a b",
      "🦊".repeat(60),
    ];
    const options = await prepareExact(
      rawTar(...names.flatMap((name) => [pax({ path: name }), file("cut", "x")])),
    );
    await unpackArchive(options);
    for (const name of names) expect(await readFile(path.join(options.directory, name), "utf8")).toBe("x");
  });

  test("keeps a file of many chunks byte for byte", async () => {
    const content = Buffer.alloc(3_000_001, "0123456789abc");
    const options = await prepareExact(rawTar({ ...file("big"), content }, file("after")), {
      compression: "gzip",
    });
    await unpackArchive(options);
    expect((await readFile(path.join(options.directory, "big"))).equals(content)).toBe(true);
  });

  test("is not hindered by the umask", async () => {
    const options = await prepareExact(sample);
    const before = process.umask(0o077);
    onTestFinished(() => void process.umask(before));
    await unpackArchive(options);
    expect((await lstat(path.join(options.directory, "bin/tool"))).mode & 0o777).toBe(0o555);
  });

  test("can be renamed in place and removed by its owner, who need not be root", async () => {
    const options = await prepareExact(sample);
    const folder = path.dirname(options.directory);
    await chmod(folder, 0o777);
    execFileSync(process.execPath, ["--input-type=module", "-e", OWNER_SCRIPT, JSON.stringify(options)], {
      stdio: "pipe",
      cwd: import.meta.dirname,
    });
    expect(await readdir(folder)).toEqual(["a.tar"]);
  });
});

/** Root may write to what is read-only, so the owner's part is played by a process that has become nobody. */
const OWNER_SCRIPT = `
  const { unpackArchive } = await import("../../../peer/shell/unpack.ts");
  const { removeTree } = await import("../../../peer/shell/remove-tree.ts");
  const { rename, writeFile } = await import("node:fs/promises");
  const options = JSON.parse(process.argv[1]);
  if (process.getuid() === 0) process.setuid(65534);
  await unpackArchive(options);
  for (const name of ["bin/tool", "new", "bin/new"]) {
    const code = await writeFile(options.directory + "/" + name, "x").then(() => "written", (cause) => cause.code);
    if (code !== "EACCES") throw new Error(name + ": " + code);
  }
  await rename(options.directory, options.directory + "-live");
  await removeTree(options.directory + "-live");`;

describe("nothing is left of", () => {
  test.each(HOSTILE_ARCHIVES)("$name", async ({ tar, code, message }) => {
    // Whatever is hostile comes after something honest that is already on disk.
    const honest =
      code === "archive-not-tar" ? Buffer.alloc(0) : rawTar(dir("d0"), file("d0/f")).subarray(0, -1024);
    const cause = await refused(await prepare(Buffer.concat([honest, tar])));
    // Damage shifts by the honest blocks in front of it, so its place differs.
    const expected = code === "archive-corrupt" ? /./ : message;
    expect(cause).toMatchObject(failure(code, expected));
  });

  test("a gzip stream that is cut short, wherever it is cut", async () => {
    const whole = await prepareExact(rawTar(file("a", "x".repeat(9_000)), file("b")), {
      compression: "gzip",
    });
    const bytes = await readFile(whole.tarball);
    for (let length = 20; length < bytes.length; length += 7) {
      await writeFile(whole.tarball, bytes.subarray(0, length));
      expect(await refused(whole), `${length} bytes`).toMatchObject({ code: "archive-corrupt" });
    }
  });

  test("a bomb, stopped at the length that was signed", async () => {
    const content = Buffer.alloc(64 * 1024 * 1024);
    const tar = rawTar({ ...file("zeros"), content });
    const options = await prepare(tar, { compression: "gzip", unpackedLength: 1024 * 1024 });
    expect(await refused(options)).toMatchObject(failure("archive-unsafe", /more than 1048576 bytes/));
  });

  test("an archive with more entries than signed", async () => {
    const cause = await refused(await prepare(sample, { entryCount: 8 }));
    expect(cause).toMatchObject(failure("archive-unsafe", /more than 8 entries/));
  });

  test.each([{ entryCount: 10 }, { unpackedLength: sample.length + 512 }])(
    "an archive with less in it than signed (%o)",
    async (signed) => {
      const cause = await refused(await prepareExact(sample, signed));
      expect(cause).toMatchObject(failure("archive-corrupt", /its manifest says/));
    },
  );

  test("an unpacking that was aborted", async () => {
    const reason = new Error("a newer order came");
    const options = await prepareExact(sample, { signal: AbortSignal.abort(reason) });
    expect(await refused(options)).toBe(reason);
  });

  test("a release larger than the free disk, before it is begun", async () => {
    const { bavail, bsize } = await statfs(await temporaryFolder());
    const options = await prepareExact(sample, { unpackedLength: bavail * bsize * 2 });
    expect(await refused(options)).toMatchObject({ code: "disk-full" });
  });
});

describe("unpacking leaves alone", () => {
  test("a directory that is there already", async () => {
    const options = await prepareExact(sample);
    await mkdir(options.directory);
    await writeFile(path.join(options.directory, "mine"), "kept");
    await expect(unpackArchive(options)).rejects.toMatchObject(failure("install-failed", /EEXIST/));
    expect(await readFile(path.join(options.directory, "mine"), "utf8")).toBe("kept");
  });

  test("everything, without a tarball or a place to go", async () => {
    const options = await prepareExact(sample);
    await expect(unpackArchive({ ...options, tarball: `${options.tarball}.not` })).rejects.toMatchObject({
      code: "file-missing",
    });
    const nowhere = path.join(options.directory, "a/b");
    await expect(unpackArchive({ ...options, directory: nowhere })).rejects.toMatchObject({
      code: "install-failed",
    });
    expect(await readdir(path.dirname(options.directory))).toEqual(["a.tar"]);
  });
});

describe("removeTree", () => {
  test("removes what a symlink in the tree is, not what it points to", async () => {
    const folder = await temporaryFolder();
    await mkdir(path.join(folder, "outside"));
    await writeFile(path.join(folder, "outside/kept"), "kept", { mode: 0o400 });
    await mkdir(path.join(folder, "tree/sub"), { recursive: true });
    execFileSync("ln", ["-s", "../outside", path.join(folder, "tree/link")]);
    await chmod(path.join(folder, "tree/sub"), 0o000);
    await removeTree(path.join(folder, "tree"));
    expect(await readdir(folder)).toEqual(["outside"]);
    expect(await readdir(path.join(folder, "outside"))).toEqual(["kept"]);
  });

  test("is content when there is nothing, and removes a lone file or link", async () => {
    const folder = await realpath(await temporaryFolder());
    await removeTree(path.join(folder, "nothing"));
    await writeFile(path.join(folder, "file"), "");
    execFileSync("ln", ["-s", folder, path.join(folder, "link")]);
    await removeTree(path.join(folder, "file"));
    await removeTree(path.join(folder, "link"));
    expect(await readdir(folder)).toEqual([]);
  });
});
