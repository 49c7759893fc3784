// Makes directory trees with known content, and reduces a tree to one hash for comparison.
import { createHash, randomBytes } from "node:crypto";
import { createReadStream } from "node:fs";
import { chmod, lstat, mkdir, readdir, readlink, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** A small tree with what archives tend to lose: dotfiles, empty directories, modes, symlinks, long and odd names. */
export async function makeTree(directory: string, marker: string): Promise<void> {
  await mkdir(join(directory, "bin"), { recursive: true });
  await mkdir(join(directory, "empty"));
  await mkdir(join(directory, "deep", "x".repeat(120), "y".repeat(120)), { recursive: true });
  await writeFile(join(directory, "version.txt"), marker);
  await writeFile(join(directory, ".hidden"), "dot");
  await writeFile(join(directory, "bin", "run.sh"), "#!/bin/sh\nexit 0\n");
  await chmod(join(directory, "bin", "run.sh"), 0o755);
  await writeFile(join(directory, "deep", "x".repeat(120), "y".repeat(120), "grüße ☃.txt"), "unicode");
  await symlink("bin/run.sh", join(directory, "run"));
}

/** A file of random bytes, written in pieces so that its size does not show in memory. */
export async function makeRandomFile(path: string, mebibytes: number): Promise<void> {
  await writeFile(path, "");
  for (let written = 0; written < mebibytes; written += 4) {
    const chunk = Math.min(4, mebibytes - written);
    await writeFile(path, randomBytes(chunk * 1024 * 1024), { flag: "a" });
  }
}

/** SHA-256 over every path, kind, executable bit, link target and file content below `directory`, in sorted order. */
export async function hashTree(directory: string): Promise<string> {
  const hash = createHash("sha256");
  await addDirectory(directory, "", hash);
  return hash.digest("hex");
}

async function addDirectory(
  root: string,
  relative: string,
  hash: ReturnType<typeof createHash>,
): Promise<void> {
  const names = (await readdir(join(root, relative))).toSorted();
  for (const name of names) {
    const path = join(relative, name);
    const stat = await lstat(join(root, path));
    if (stat.isDirectory()) {
      hash.update(`d ${path}\n`);
      await addDirectory(root, path, hash);
    } else if (stat.isSymbolicLink()) {
      hash.update(`l ${path} ${await readlink(join(root, path))}\n`);
    } else {
      hash.update(`f ${path} ${(stat.mode & 0o100) !== 0} ${stat.size}\n`);
      for await (const chunk of createReadStream(join(root, path))) hash.update(chunk as Buffer);
    }
  }
}
