// Tarballs in the state directory: where they lie, how much room one still needs, whether its bytes are those that
// were signed. Deletes only what no stage uses.
import { createHash } from "node:crypto";
import { rm, stat, statfs } from "node:fs/promises";
import { join } from "node:path";
import { FleetError } from "../../protocol/errors.ts";
import type { Digest } from "../../protocol/ids.ts";
import type { Artifact } from "../../protocol/manifest.ts";
import { errnoOf } from "./disk-errors.ts";
import { fileChunks } from "./file-chunks.ts";
import { namesIn } from "./files.ts";
import type { RootPaths, StatePaths } from "./state-directory.ts";

/** Room left over after a stage: journals, logs and what the services themselves write meanwhile. */
export const DISK_MARGIN_BYTES = 32 * 1024 * 1024;
/** Unused tarballs kept for an order that may come again after a restart: as many as may be fetched at once. */
const UNUSED_KEPT = 4;
const FILE_NAME = /^([0-9a-f]{64})\.(?:tar|bitmap)/;

export class ArtifactFiles {
  readonly #state: StatePaths;
  readonly #root: RootPaths;

  constructor(state: StatePaths, root: RootPaths) {
    this.#state = state;
    this.#root = root;
  }

  tarball(sha256: Digest): string {
    return this.#state.tarball(sha256);
  }

  bitmap(sha256: Digest): string {
    return this.#state.bitmap(sha256);
  }

  async has(sha256: Digest): Promise<boolean> {
    return (await allocatedBytes(this.tarball(sha256))) !== null;
  }

  async discard(sha256: Digest): Promise<void> {
    // The bitmap first: it must never vouch for a tarball that is not there.
    await rm(this.bitmap(sha256), { force: true });
    await rm(this.tarball(sha256), { force: true });
  }

  /**
   * Deletes unused tarballs when too many pile up, and all of them when `artifact` would not fit otherwise.
   * Throws FleetError disk-full.
   */
  async makeRoom(artifact: Artifact, inUse: ReadonlySet<string>): Promise<void> {
    const unused = await this.#unused(inUse);
    for (const sha256 of unused.slice(UNUSED_KEPT)) await this.discard(sha256);
    if ((await this.#shortage(artifact)) === null) return;
    for (const sha256 of unused) await this.discard(sha256);
    const shortage = await this.#shortage(artifact);
    if (shortage !== null) throw new FleetError("disk-full", shortage);
  }

  /** Throws FleetError artifact-mismatch when the file is not the signed one, file-missing, or the signal's reason. */
  async verify(artifact: Artifact, signal: AbortSignal): Promise<void> {
    const path = this.tarball(artifact.sha256);
    const hash = createHash("sha256");
    let length = 0;
    for await (const chunk of fileChunks(path, signal)) {
      hash.update(chunk);
      length += chunk.length;
    }
    const found = hash.digest("hex");
    if (found === artifact.sha256 && length === artifact.length) return;
    const message = `all pieces fit, but the whole has SHA-256 ${found} and ${length} bytes, not what was signed`;
    throw new FleetError("artifact-mismatch", message);
  }

  /** Digests of tarballs that nobody uses, most recently written first. */
  async #unused(inUse: ReadonlySet<string>): Promise<readonly Digest[]> {
    const written = new Map<Digest, number>();
    for (const name of await namesIn(this.#state.artifacts)) {
      const sha256 = FILE_NAME.exec(name)?.[1] as Digest | undefined;
      if (sha256 === undefined || inUse.has(sha256)) continue;
      const { mtimeMs } = await stat(join(this.#state.artifacts, name));
      written.set(sha256, Math.max(mtimeMs, written.get(sha256) ?? 0));
    }
    return [...written].toSorted(([, a], [, b]) => b - a).map(([sha256]) => sha256);
  }

  /** What is missing, in words; null when there is room for the rest of the tarball and for the tree. */
  async #shortage(artifact: Artifact): Promise<string | null> {
    const { artifacts } = this.#state;
    const root = this.#root.directory;
    const here = (await allocatedBytes(this.tarball(artifact.sha256))) ?? 0;
    const tarballBytes = Math.max(0, artifact.length - here);
    const needs = (await sameFileSystem(artifacts, root))
      ? [{ path: root, bytes: tarballBytes + artifact.unpackedLength }]
      : [
          { path: artifacts, bytes: tarballBytes },
          { path: root, bytes: artifact.unpackedLength },
        ];
    for (const { path, bytes } of needs) {
      const { bavail, bsize } = await statfs(path);
      const free = bavail * bsize;
      if (free < bytes + DISK_MARGIN_BYTES)
        return `${path} has ${free} bytes free; this release needs ${bytes} and a margin of ${DISK_MARGIN_BYTES}`;
    }
    return null;
  }
}

/** Bytes a file takes on disk, null when there is none; a sparse file takes less than its length. */
async function allocatedBytes(path: string): Promise<number | null> {
  try {
    return (await stat(path)).blocks * 512;
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return null;
    throw error;
  }
}

async function sameFileSystem(a: string, b: string): Promise<boolean> {
  return (await stat(a)).dev === (await stat(b)).dev;
}
