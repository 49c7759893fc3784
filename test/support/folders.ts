// A folder per test that is gone afterwards, read-only trees in it included, and what is inside a folder.
import { createHash } from "node:crypto";
import { lstat, mkdtemp, readdir, readFile, readlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { onTestFinished } from "vitest";
import { removeTree } from "../../peer/shell/remove-tree.ts";

/** Call inside a test. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), "fleet-test-"));
  onTestFinished(() => removeTree(folder));
  return folder;
}

export interface TreeItem {
  readonly kind: "file" | "directory" | "symlink";
  readonly mode: number;
  /** SHA-256 of a file, target of a symlink. */
  readonly content: string;
  readonly mtimeSeconds: number;
}

/** Everything below a folder by its relative path, the folder itself as `.`; links are not followed. */
export async function listTree(root: string): Promise<Readonly<Record<string, TreeItem>>> {
  const items: [string, TreeItem][] = [];
  const pending = ["."];
  for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
    const item = await readItem(root, name);
    items.push([name, item]);
    if (item.kind !== "directory") continue;
    const parent = name;
    const children = await readdir(path.join(root, parent));
    pending.push(...children.map((child) => path.join(parent, child)));
  }
  return Object.fromEntries(items.sort(([a], [b]) => (a < b ? -1 : 1)));
}

async function readItem(root: string, name: string): Promise<TreeItem> {
  const place = path.join(root, name);
  const stats = await lstat(place);
  const common = { mode: stats.mode & 0o7777, mtimeSeconds: Math.floor(stats.mtimeMs / 1000) };
  if (stats.isDirectory()) return { kind: "directory", content: "", ...common };
  if (stats.isSymbolicLink()) return { kind: "symlink", content: await readlink(place), ...common };
  const content = createHash("sha256")
    .update(await readFile(place))
    .digest("hex");
  return { kind: "file", content, ...common };
}
