// Lists what a directory's archive will hold, in the order that makes it deterministic, before any content is read.
// Asks the same rules as the nodes, so whatever they would refuse is refused here, by name.
import { lstat, readdir, readlink } from "node:fs/promises";
import { join } from "node:path";
import { ArchiveRules, diskError, type EntryType, utf8Name } from "../../peer/index.ts";
import { FleetError } from "../../protocol/errors.ts";
import { assert } from "../../protocol/machine.ts";
import { encodeTarHeader, paddingAfter, TAR_END_BYTES, type TarEntry } from "./tar-writer.ts";

export interface DirectoryScan {
  /** Parents before children, siblings by the bytes of their names. */
  readonly entries: readonly TarEntry[];
  /** Bytes of the tar stream that {@link entries} give. */
  readonly tarLength: number;
}

/** Throws FleetError archive-unsafe or archive-too-large naming the entry, file-missing for what cannot be read. */
export async function scanDirectory(root: string, signal?: AbortSignal): Promise<DirectoryScan> {
  const rules = new ArchiveRules();
  const entries: TarEntry[] = [];
  let tarLength = TAR_END_BYTES;
  // A stack with the last name first gives depth-first order without recursion.
  const pending = (await childrenOf(root, "")).reverse();
  for (let path = pending.pop(); path !== undefined; path = pending.pop()) {
    signal?.throwIfAborted();
    const entry = await readEntry(root, path, rules);
    entries.push(entry);
    tarLength += encodeTarHeader(entry).length + entry.size + paddingAfter(entry.size);
    if (entry.kind === "directory") pending.push(...(await childrenOf(root, path)).reverse());
  }
  if (entries.length === 0)
    throw new FleetError("archive-not-tar", "the directory is empty: there is nothing to release");
  return { entries, tarLength };
}

async function childrenOf(root: string, path: string): Promise<string[]> {
  const directory = join(root, path);
  const names = await reading(directory, readdir(directory, { encoding: "buffer" }));
  return names
    .sort(Buffer.compare)
    .map((name) => (path === "" ? utf8Name(name) : `${path}/${utf8Name(name)}`));
}

async function readEntry(root: string, path: string, rules: ArchiveRules): Promise<TarEntry> {
  const place = join(root, path);
  const stats = await reading(place, lstat(place));
  const type = typeOf(stats);
  const target = type === "symlink" ? utf8Name(await reading(place, readlink(place, "buffer"))) : "";
  const size = type === "file" ? stats.size : 0;
  const mode = stats.mode & 0o777;
  const { kind } = rules.admit({ name: path, type, size, mode, mtimeSeconds: 0, linkName: target });
  assert(kind !== "hardlink", "hardlinked files are listed as the separate files they look like");
  return { kind, path, mode, size, target };
}

function typeOf(stats: Awaited<ReturnType<typeof lstat>>): EntryType {
  if (stats.isFile()) return "file";
  if (stats.isDirectory()) return "directory";
  if (stats.isSymbolicLink()) return "symlink";
  if (stats.isFIFO()) return "fifo";
  if (stats.isSocket()) return "socket";
  return stats.isBlockDevice() ? "block device" : "character device";
}

async function reading<T>(path: string, operation: Promise<T>): Promise<T> {
  try {
    return await operation;
  } catch (cause) {
    throw diskError(cause, "file-missing", `cannot read ${path}`);
  }
}
