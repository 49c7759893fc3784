// Installed releases: the signed manifest of each in the state directory, its unpacked tree under the root.
// A release counts as installed when both are there; the record is written before the tree gets its name.
import { lstat, rename } from "node:fs/promises";
import { join } from "node:path";
import { FleetError } from "../../protocol/errors.ts";
import type { AppName } from "../../protocol/ids.ts";
import {
  type Manifest,
  type ReleaseRef,
  releaseRefOf,
  type SignedManifest,
  sameRelease,
  signedManifestSchema,
  versionDirectoryName,
} from "../../protocol/manifest.ts";
import { type Infer, integer, literal, object } from "../../protocol/schema.ts";
import { openManifest } from "../../protocol/shell/signature.ts";
import { versionsToRemove } from "../core/retention.ts";
import { errnoOf } from "./disk-errors.ts";
import {
  makeDirectory,
  namesIn,
  readJson,
  syncDirectory,
  temporariesIn,
  temporaryPathFor,
  writeFileAtomic,
} from "./files.ts";
import { removeTree } from "./remove-tree.ts";
import { outputPath, type RootPaths, type StatePaths } from "./state-directory.ts";

const releaseFileSchema = object({
  format: literal(1),
  signed: signedManifestSchema,
  /** Counts the installs of the app, so that the last one is known whatever the clock says. */
  serial: integer(1),
});
type ReleaseFile = Infer<typeof releaseFileSchema>;

export interface InstallOptions {
  readonly manifest: Manifest;
  readonly signed: SignedManifest;
  /** Makes the tree at this path, complete and synced, or throws and leaves nothing there. */
  readonly unpack: (directory: string) => Promise<void>;
  /** The live link points to a tree of this name already, which must not be moved. */
  readonly isLive: (directory: string) => boolean;
}

interface Installed {
  readonly manifest: Manifest;
  readonly serial: number;
}

export class ReleaseStore {
  readonly #state: StatePaths;
  readonly #root: RootPaths;
  /** By app, then by directory name under versions/. */
  readonly #installed: Map<AppName, Map<string, Installed>>;

  /** Use {@link openReleaseStore}. */
  constructor(state: StatePaths, root: RootPaths, installed: Map<AppName, Map<string, Installed>>) {
    this.#state = state;
    this.#root = root;
    this.#installed = installed;
  }

  get apps(): readonly AppName[] {
    return [...this.#installed.keys()];
  }

  /** Installed releases of an app, newest first. */
  installed(app: AppName): readonly Manifest[] {
    const all = [...(this.#installed.get(app)?.values() ?? [])].map(({ manifest }) => manifest);
    return all.toSorted((a, b) => b.sequence - a.sequence);
  }

  /** The manifest of exactly this release, null when it is not installed. */
  find(release: ReleaseRef): Manifest | null {
    const directory = versionDirectoryName(release.version, release.sha256);
    const manifest = this.#installed.get(release.app)?.get(directory)?.manifest;
    return manifest !== undefined && sameRelease(releaseRefOf(manifest), release) ? manifest : null;
  }

  /** As {@link find}, and its tree is really there; a tree that somebody removed is forgotten. */
  async has(release: ReleaseRef): Promise<boolean> {
    const manifest = this.find(release);
    if (manifest === null) return false;
    const directory = directoryOf(manifest);
    if (await exists(this.#root.version(release.app, directory))) return true;
    this.#installed.get(release.app)?.delete(directory);
    return false;
  }

  /** The release in a directory under versions/, null when none is recorded for it. */
  releaseIn(app: AppName, directory: string): ReleaseRef | null {
    const manifest = this.#installed.get(app)?.get(directory)?.manifest;
    return manifest === undefined ? null : releaseRefOf(manifest);
  }

  /** Durable when it returns. Throws what `unpack` throws, release-conflict, and system errors. */
  async install(options: InstallOptions): Promise<void> {
    const { manifest, signed } = options;
    const { app } = manifest;
    const directory = directoryOf(manifest);
    const recorded = this.#installed.get(app)?.get(directory);
    if (recorded !== undefined) throw conflict(manifest, recorded.manifest);
    // First, because only apps with such a folder are cleaned up after a crash.
    await makeDirectory(join(this.#state.releases, app), 0o700);
    await makeDirectory(this.#root.versions(app));
    const path = this.#root.version(app, directory);
    const temporary = temporaryPathFor(path);
    await options.unpack(temporary);
    const serial = this.#nextSerial(app);
    const file: ReleaseFile = { format: 1, signed, serial };
    await writeFileAtomic(this.#recordPath(app, directory), JSON.stringify(file));
    await this.#place(temporary, path, options.isLive(directory));
    await syncDirectory(this.#root.versions(app));
    this.#add(app, directory, { manifest, serial });
  }

  /**
   * Removes what is neither pinned nor among the newest. `pinned` is asked again before each removal.
   * A crash in the middle leaves no half release under its name.
   */
  async collect(app: AppName, pinned: () => ReadonlySet<string>): Promise<readonly string[]> {
    const removed: string[] = [];
    for (;;) {
      const versions = [...(this.#installed.get(app) ?? [])].map(([directory, { manifest, serial }]) => ({
        directory,
        sequence: manifest.sequence,
        serial,
      }));
      const [directory] = versionsToRemove(versions, pinned());
      if (directory === undefined) return removed;
      await this.#remove(app, directory);
      removed.push(directory);
    }
  }

  /** A tree without a record is from before the state directory was lost. What is live is kept, the rest replaced. */
  async #place(temporary: string, path: string, live: boolean): Promise<void> {
    const orphan = await exists(path);
    if (orphan && live) return removeTree(temporary);
    if (orphan) await this.#discardTree(path);
    await rename(temporary, path);
  }

  async #remove(app: AppName, directory: string): Promise<void> {
    this.#installed.get(app)?.delete(directory);
    await this.#discardTree(this.#root.version(app, directory));
    await removeTree(this.#recordPath(app, directory));
    await removeTree(outputPath(this.#state, app, directory));
  }

  async #discardTree(path: string): Promise<void> {
    const temporary = temporaryPathFor(path);
    try {
      await rename(path, temporary);
    } catch (error) {
      if (errnoOf(error) === "ENOENT") return;
      throw error;
    }
    await removeTree(temporary);
  }

  #recordPath(app: AppName, directory: string): string {
    return join(this.#state.releases, app, `${directory}.json`);
  }

  #nextSerial(app: AppName): number {
    return 1 + Math.max(0, ...[...(this.#installed.get(app)?.values() ?? [])].map(({ serial }) => serial));
  }

  #add(app: AppName, directory: string, installed: Installed): void {
    this.#installed.set(app, (this.#installed.get(app) ?? new Map()).set(directory, installed));
  }
}

/**
 * Reads every record and removes what a crash left half done.
 * Throws FleetError data-corrupt naming a record that cannot be read or whose signature does not hold.
 */
export async function openReleaseStore(state: StatePaths, root: RootPaths): Promise<ReleaseStore> {
  const installed = new Map<AppName, Map<string, Installed>>();
  for (const folder of await namesIn(state.releases)) {
    await removeLeftovers(state, root, folder);
    for (const name of await namesIn(join(state.releases, folder))) {
      const record = await readRecord(join(state.releases, folder, name));
      const { manifest } = record;
      if (!(await exists(root.version(manifest.app, directoryOf(manifest))))) continue;
      const ofApp = installed.get(manifest.app) ?? new Map<string, Installed>();
      installed.set(manifest.app, ofApp.set(directoryOf(manifest), record));
    }
  }
  return new ReleaseStore(state, root, installed);
}

async function readRecord(path: string): Promise<Installed> {
  const file = await readJson(path, releaseFileSchema);
  try {
    if (file !== null) return { manifest: openManifest(file.signed), serial: file.serial };
  } catch (cause) {
    if (!(cause instanceof FleetError)) throw cause;
    throw new FleetError("data-corrupt", `${path} is damaged: ${cause.message}`, { cause });
  }
  throw new FleetError("data-corrupt", `${path} vanished while it was read`);
}

/** Only in folders of apps that this node has staged: the root may hold other people's things. */
async function removeLeftovers(state: StatePaths, root: RootPaths, app: string): Promise<void> {
  const folders = [
    join(state.releases, app),
    join(root.directory, app),
    join(root.directory, app, "versions"),
  ];
  for (const folder of folders) for (const path of await temporariesIn(folder)) await removeTree(path);
}

async function exists(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === "ENOENT" || errno === "ENOTDIR") return false;
    throw error;
  }
}

function directoryOf(manifest: Manifest): string {
  return versionDirectoryName(manifest.version, manifest.artifact.sha256);
}

function conflict(manifest: Manifest, recorded: Manifest): FleetError {
  const { app, version } = manifest;
  const message = `${app} ${version} is installed already with SHA-256 ${recorded.artifact.sha256}`;
  return new FleetError("release-conflict", message);
}
