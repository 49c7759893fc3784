// Deletes a tree whose directories are read-only, as installed releases are. Never follows a symlink.
import { chmod, lstat, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { errnoOf } from "./disk-errors.ts";

/** Removes a file, symlink or whole directory; fine when there is none. System errors pass through. */
export async function removeTree(directory: string): Promise<void> {
  if (await isDirectory(directory)) await makeWritable(directory);
  await rm(directory, { recursive: true, force: true });
}

async function isDirectory(path: string): Promise<boolean> {
  try {
    return (await lstat(path)).isDirectory();
  } catch (cause) {
    if (errnoOf(cause) === "ENOENT") return false;
    throw cause;
  }
}

/** Iterative, because a tree that is only half ours may be deeper than any stack. */
async function makeWritable(root: string): Promise<void> {
  const pending = [root];
  for (let directory = pending.pop(); directory !== undefined; directory = pending.pop()) {
    await chmod(directory, 0o700);
    const children = await readdir(directory, { withFileTypes: true });
    for (const child of children) if (child.isDirectory()) pending.push(join(directory, child.name));
  }
}
