// Writes the entries of one archive into a directory that is ours alone, and makes them durable and read-only.
// Trusts the archive rules for every path; still opens nothing that exists and follows no link.
import { constants } from "node:fs";
import { type FileHandle, link, lutimes, mkdir, open, symlink } from "node:fs/promises";
import { join } from "node:path";
import { assert } from "../../protocol/machine.ts";
import type { ArchiveEntry } from "../core/archive-rules.ts";
import type { ArchiveVisitor } from "./archive.ts";
import { Background } from "./background.ts";

/** Files being flushed at once: enough for a disk to order them well, few enough to keep descriptors and memory low. */
const FLUSHES_MAX = 8;
const NEW_FILE = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
const OLD_DIRECTORY = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;

interface Metadata {
  readonly mode: number;
  readonly mtimeSeconds: number | null;
}

type FileEntry = Extract<ArchiveEntry, { kind: "file" }>;

export class TreeWriter implements ArchiveVisitor {
  readonly #root: string;
  readonly #flushing = new Background(FLUSHES_MAX);
  /** Every directory made, with the time its entry asks for. */
  readonly #directories = new Map<string, number | null>([["", null]]);
  #open: { readonly entry: FileEntry; readonly handle: FileHandle } | null = null;

  /** `root` must be a fresh, empty directory that no other user can write to. */
  constructor(root: string) {
    this.#root = root;
  }

  async entry(entry: ArchiveEntry): Promise<void> {
    for (const path of entry.newDirectories) {
      await mkdir(this.#at(path), 0o700);
      this.#directories.set(path, null);
    }
    switch (entry.kind) {
      case "directory":
        this.#directories.set(entry.path, entry.mtimeSeconds);
        return;
      case "file":
        this.#open = { entry, handle: await open(this.#at(entry.path), NEW_FILE, 0o600) };
        return;
      case "symlink":
        await symlink(entry.target, this.#at(entry.path));
        await lutimes(this.#at(entry.path), entry.mtimeSeconds, entry.mtimeSeconds);
        return;
      case "hardlink":
        await link(this.#at(entry.existing), this.#at(entry.path));
        return;
    }
  }

  async content(bytes: Uint8Array): Promise<void> {
    assert(this.#open !== null, "content belongs to a file");
    for (let written = 0; written < bytes.length; )
      written += (await this.#open.handle.write(bytes, written)).bytesWritten;
  }

  async entryEnd(): Promise<void> {
    if (this.#open === null) return;
    const { entry, handle } = this.#open;
    this.#open = null;
    await this.#seal(handle, { mode: entry.mode, mtimeSeconds: entry.mtimeSeconds });
  }

  /** Makes all of it durable and read-only. Directories last: what is created in one changes its time. */
  async finish(): Promise<void> {
    await this.#flushing.drain();
    for (const [path, mtimeSeconds] of this.#directories) {
      const handle = await open(this.#at(path), OLD_DIRECTORY);
      await this.#seal(handle, { mode: 0o555, mtimeSeconds });
    }
    await this.#flushing.drain();
  }

  /** Lets go of everything that is open, after a failure. */
  async abandon(): Promise<void> {
    await this.#flushing.settle();
    await this.#open?.handle.close();
    this.#open = null;
  }

  async #seal(handle: FileHandle, metadata: Metadata): Promise<void> {
    try {
      await this.#flushing.start(() => seal(handle, metadata));
    } catch (cause) {
      // An earlier flush failed, so this one was never started.
      await handle.close();
      throw cause;
    }
  }

  #at(path: string): string {
    return join(this.#root, path);
  }
}

async function seal(handle: FileHandle, { mode, mtimeSeconds }: Metadata): Promise<void> {
  try {
    if (mtimeSeconds !== null) await handle.utimes(mtimeSeconds, mtimeSeconds);
    await handle.chmod(mode);
    await handle.sync();
  } finally {
    await handle.close();
  }
}
