// Artifacts by digest on disk. A file under its digest's name is complete, right and durable; everything else is a
// leftover that the next start removes. Knows nothing of releases or torrents.
import { createHash, type Hash, randomBytes } from "node:crypto";
import { createReadStream } from "node:fs";
import { type FileHandle, open, readdir, rename, rm, stat, statfs } from "node:fs/promises";
import { join } from "node:path";
import type { Logger } from "pino";
import { diskError, errnoOf, syncDirectory } from "../../peer/index.ts";
import { FleetError } from "../../protocol/errors.ts";
import { type Digest, digestSchema } from "../../protocol/ids.ts";
import type { ShellLimits } from "./limits.ts";

const INCOMING_PREFIX = "incoming-";
const DIGEST_PATTERN = /^[0-9a-f]{64}$/;

export interface Upload {
  readonly sha256: Digest;
  readonly length: number;
  /** The bytes as they arrive; only read as fast as they are written. */
  readonly source: AsyncIterable<Uint8Array>;
}

export class ArtifactStore {
  readonly #directory: string;
  readonly #limits: ShellLimits;
  readonly #logger: Logger;
  /** What each running upload has announced and not yet written: room that is spoken for. */
  readonly #expected = new Set<{ bytes: number }>();

  constructor(directory: string, limits: ShellLimits, logger: Logger) {
    this.#directory = directory;
    this.#limits = limits;
    this.#logger = logger;
  }

  pathOf(sha256: Digest): string {
    return join(this.#directory, sha256);
  }

  /** Length in bytes; null when it is not here. */
  async lengthOf(sha256: Digest): Promise<number | null> {
    try {
      const found = await stat(this.pathOf(sha256));
      return found.isFile() ? found.size : null;
    } catch (error) {
      if (errnoOf(error) === "ENOENT") return null;
      throw diskError(error, "storage-failed", "looking for an artifact");
    }
  }

  /**
   * Stores the bytes once length and SHA-256 hold; leaves nothing behind otherwise. Whether there is room is known
   * before `source` is read. Throws FleetError artifact-mismatch, disk-full, overloaded, storage-failed, and what
   * `source` throws.
   */
  async put(upload: Upload): Promise<void> {
    if (this.#expected.size >= this.#limits.uploadsMax)
      throw new FleetError("overloaded", `${this.#expected.size} uploads are under way already`);
    const expected = { bytes: upload.length };
    this.#expected.add(expected);
    const temporary = join(this.#directory, INCOMING_PREFIX + randomBytes(8).toString("hex"));
    try {
      await this.#checkRoom(expected);
      await this.#receive(temporary, upload, (bytes) => {
        expected.bytes -= bytes;
      });
      await rename(temporary, this.pathOf(upload.sha256));
      await syncDirectory(this.#directory);
    } catch (error) {
      await rm(temporary, { force: true });
      throw diskError(error, "storage-failed", "storing an artifact");
    } finally {
      this.#expected.delete(expected);
    }
  }

  /** A file that no longer fits its name must not keep the right bytes from being uploaded. */
  async discardIfDamaged(sha256: Digest): Promise<void> {
    const hash = createHash("sha256");
    for await (const chunk of createReadStream(this.pathOf(sha256))) hash.update(chunk as Uint8Array);
    if (hash.digest("hex") === sha256) return;
    this.#logger.error({ sha256 }, "a stored artifact is damaged; removing it");
    await rm(this.pathOf(sha256), { force: true });
  }

  /** At a start: removes what crashed uploads left, and old artifacts that no release refers to. */
  async removeLeftovers(inUse: ReadonlySet<Digest>, now: number): Promise<void> {
    for (const name of await readdir(this.#directory)) {
      if (!(await this.#isLeftover(name, inUse, now))) continue;
      this.#logger.info({ file: name }, "removing an artifact file that no release needs");
      await rm(join(this.#directory, name), { force: true });
    }
  }

  /** Counts what earlier uploads still need, so that of two that do not fit together the first one gets the room. */
  async #checkRoom(upload: { bytes: number }): Promise<void> {
    const { bavail, bsize } = await statfs(this.#directory);
    let freeBytes = bavail * bsize - this.#limits.diskReserveBytes;
    for (const earlier of this.#expected) {
      if (earlier === upload) break;
      freeBytes -= earlier.bytes;
    }
    if (upload.bytes > freeBytes)
      throw new FleetError(
        "disk-full",
        `the artifact has ${upload.bytes} bytes; the coordinator has room for ${Math.max(0, freeBytes)}`,
      );
  }

  async #isLeftover(name: string, inUse: ReadonlySet<Digest>, now: number): Promise<boolean> {
    if (name.startsWith(INCOMING_PREFIX)) return true;
    if (!DIGEST_PATTERN.test(name) || inUse.has(digestSchema.decode(name, "artifact"))) return false;
    const { mtimeMs } = await stat(join(this.#directory, name));
    return now - mtimeMs > this.#limits.orphanArtifactAgeMs;
  }

  async #receive(temporary: string, upload: Upload, onWritten: (bytes: number) => void): Promise<void> {
    const file = await open(temporary, "wx", 0o600);
    try {
      const hash = createHash("sha256");
      const length = await copy(upload, { file, hash, onWritten });
      const found = hash.digest("hex");
      if (length !== upload.length)
        throw new FleetError("artifact-mismatch", `${length} bytes arrived of ${upload.length} announced`);
      if (found !== upload.sha256)
        throw new FleetError("artifact-mismatch", `the bytes that arrived have SHA-256 ${found}`);
      await file.sync();
    } finally {
      await file.close();
    }
  }
}

interface Destination {
  readonly file: FileHandle;
  readonly hash: Hash;
  readonly onWritten: (bytes: number) => void;
}

/** Returns the bytes copied; stops with an error at the first byte too many. */
async function copy(upload: Upload, { file, hash, onWritten }: Destination): Promise<number> {
  let length = 0;
  for await (const chunk of upload.source) {
    length += chunk.length;
    if (length > upload.length)
      throw new FleetError("artifact-mismatch", `more than the announced ${upload.length} bytes arrived`);
    hash.update(chunk);
    await file.writeFile(chunk);
    onWritten(chunk.length);
  }
  return length;
}
