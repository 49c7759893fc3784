// Which archive entries a node installs: the one rule book, asked both when a release is made and when it is
// unpacked, so that neither accepts what the other refuses. Sees headers as data; never touches a disk.
import type { FleetError } from "../../protocol/errors.ts";
import { ARCHIVE_ENTRIES_MAX } from "../../protocol/limits.ts";
import { entrySegments, quoteName, relativeSegments, tooLarge, unsafe } from "./archive-path.ts";
import { addDirectory, addLeaf, createDirectory, type Found, findChild } from "./archive-tree.ts";

/** What an entry is; `other` types never get in and are named only for the message. */
export type EntryType =
  | "file"
  | "directory"
  | "symlink"
  | "hardlink"
  | "character device"
  | "block device"
  | "fifo"
  | "socket"
  | "sparse file"
  | "entry of an unknown type";

export interface EntryHeader {
  readonly name: string;
  readonly type: EntryType;
  /** Bytes of content that follow. */
  readonly size: number;
  /** Permission bits, as written by whoever made the archive. */
  readonly mode: number;
  readonly mtimeSeconds: number;
  /** Target of a symlink or hardlink, else empty. */
  readonly linkName: string;
}

/** An entry that may be installed. Paths are relative, `/`-separated, without `.`, `..` or a trailing slash. */
export type ArchiveEntry = {
  /** Empty for the root itself. */
  readonly path: string;
  readonly mtimeSeconds: number;
  /** Directories that do not exist yet, parents first; for a new directory its own path comes last. */
  readonly newDirectories: readonly string[];
} & (
  | { readonly kind: "directory" }
  /** `mode` is what the installed file gets: readable by its owner, writable by nobody, no set-id bits. */
  | { readonly kind: "file"; readonly size: number; readonly mode: number }
  | { readonly kind: "symlink"; readonly target: string }
  /** `existing` is the path of a file admitted before. */
  | { readonly kind: "hardlink"; readonly existing: string }
);

/** The rules over one archive: ask for each entry in order. After a refusal the archive as a whole is refused. */
export class ArchiveRules {
  readonly #root = createDirectory("");
  #nodeCount = 0;

  /** Throws FleetError archive-unsafe, or archive-too-large for a limit, with the entry's name in the message. */
  admit(header: EntryHeader): ArchiveEntry {
    const subject = `entry ${quoteName(header.name)}`;
    const segments = entrySegments(header.name, subject);
    switch (header.type) {
      case "file":
        return this.#admitFile(header, segments);
      case "directory":
        return this.#admitDirectory(header, segments);
      case "symlink":
        return this.#admitSymlink(header, segments);
      case "hardlink":
        return this.#admitHardlink(header, segments);
      default:
        throw unsafe(subject, `is ${/^[aeiou]/.test(header.type) ? "an" : "a"} ${header.type}`);
    }
  }

  #admitFile(header: EntryHeader, segments: readonly string[]): ArchiveEntry {
    const placed = this.#place(header, segments, "file");
    return { kind: "file", ...placed, size: header.size, mode: installedMode(header.mode) };
  }

  #admitDirectory(header: EntryHeader, segments: readonly string[]): ArchiveEntry {
    refuseContent(header);
    const newDirectories = this.#enter(header, segments).created;
    const { mtimeSeconds } = header;
    return { kind: "directory", path: segments.join("/"), mtimeSeconds, newDirectories };
  }

  #admitSymlink(header: EntryHeader, segments: readonly string[]): ArchiveEntry {
    refuseContent(header);
    const placed = this.#place(header, segments, "symlink");
    checkSymlinkTarget(header, segments.length - 1);
    return { kind: "symlink", ...placed, target: header.linkName };
  }

  #admitHardlink(header: EntryHeader, segments: readonly string[]): ArchiveEntry {
    refuseContent(header);
    const existing = entrySegments(header.linkName, `the target of hardlink ${quoteName(header.name)}`);
    if (this.#find(existing)?.kind !== "file")
      throw refusal(
        header,
        `is a hardlink to ${quoteName(header.linkName)}, no file earlier in this archive`,
      );
    const placed = this.#place(header, segments, "file");
    return { kind: "hardlink", ...placed, existing: existing.join("/") };
  }

  /** Takes a free place in a directory for something that is not one. */
  #place(header: EntryHeader, segments: readonly string[], kind: "file" | "symlink") {
    const name = segments.at(-1);
    if (name === undefined) throw refusal(header, `is a ${kind} in place of the root`);
    if (header.name.endsWith("/")) throw refusal(header, `is a ${kind} whose name ends in a slash`);
    const parent = this.#enter(header, segments.slice(0, -1));
    const taken = findChild(parent.directory, name);
    if (taken !== undefined) throw collision(header, taken, name);
    this.#count(header);
    addLeaf(parent.directory, name, kind);
    const { mtimeSeconds } = header;
    return { path: segments.join("/"), mtimeSeconds, newDirectories: parent.created };
  }

  /** Walks down to a directory, adding those that no entry has named yet. */
  #enter(header: EntryHeader, segments: readonly string[]) {
    const created: string[] = [];
    let directory = this.#root;
    for (const [depth, name] of segments.entries()) {
      const next = findChild(directory, name);
      if (next === undefined) {
        this.#count(header);
        directory = addDirectory(directory, name);
        created.push(segments.slice(0, depth + 1).join("/"));
        continue;
      }
      if (next.name !== name) throw collision(header, next, name);
      if (next.kind !== "directory") {
        const where = quoteName(segments.slice(0, depth + 1).join("/"));
        throw refusal(header, `needs the directory ${where}, but that is a ${next.kind} in this archive`);
      }
      directory = next;
    }
    return { directory, created };
  }

  #find(segments: readonly string[]): Found | undefined {
    let found: Found | undefined = this.#root;
    for (const name of segments) {
      found = found?.kind === "directory" ? findChild(found, name) : undefined;
      if (found?.name !== name) return undefined;
    }
    return found;
  }

  /** The limit also counts directories that no entry names: deep paths must not buy memory for free. */
  #count(header: EntryHeader): void {
    this.#nodeCount += 1;
    if (this.#nodeCount > ARCHIVE_ENTRIES_MAX)
      throw tooLarge(
        `entry ${quoteName(header.name)}`,
        `is one more than the ${ARCHIVE_ENTRIES_MAX} files and directories an archive may have`,
      );
  }
}

/**
 * A target may climb with leading `..`, no further than the root, and then only go down. Entries never lie behind
 * a symlink, so the climb starts at a real directory; every further link met on the way down obeys the same rule.
 * By induction no chain of links leaves the root, whatever order they come in. A `..` after a name would break
 * this: that name may itself be a link to somewhere higher up.
 */
function checkSymlinkTarget(header: EntryHeader, depth: number): void {
  const subject = `the target ${quoteName(header.linkName)} of symlink ${quoteName(header.name)}`;
  const segments = relativeSegments(header.linkName, subject);
  const firstName = segments.findIndex((segment) => segment !== "..");
  const climbs = firstName === -1 ? segments.length : firstName;
  if (climbs > depth) throw unsafe(subject, "lies outside the archive");
  if (segments.slice(climbs).includes("..")) throw unsafe(subject, 'has a ".." after a name');
}

/** Owner-readable so that what is installed can be verified again; never writable, set-id and sticky bits dropped. */
function installedMode(mode: number): number {
  return (mode & 0o555) | 0o400;
}

function refuseContent(header: EntryHeader): void {
  if (header.size !== 0) throw refusal(header, `is a ${header.type} with ${header.size} bytes of content`);
}

function collision(header: EntryHeader, taken: Found, name: string): FleetError {
  if (taken.name === name) return refusal(header, `is there twice: an earlier ${taken.kind} has that name`);
  const other = `${quoteName(taken.name)} and ${quoteName(name)}`;
  return refusal(header, `collides: ${other} differ only in letter case or Unicode form`);
}

function refusal(header: EntryHeader, why: string): FleetError {
  return unsafe(`entry ${quoteName(header.name)}`, why);
}
