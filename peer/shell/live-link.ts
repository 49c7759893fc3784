// The `live` symlink of an app: read, swung by one rename, removed. At every instant it is the old one or the new one.
import { readlink, rename, rm, stat, symlink, unlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { FleetError } from "../../protocol/errors.ts";
import { errnoOf } from "./disk-errors.ts";
import { syncDirectory, temporaryPathFor } from "./files.ts";

const TARGET = /^versions\/([A-Za-z0-9][A-Za-z0-9._+-]{0,254})$/;

/** The directory name under versions/ that `link` points to, null when there is no link. FleetError data-corrupt. */
export async function readLiveLink(link: string): Promise<string | null> {
  const target = await readTarget(link);
  if (target === null) return null;
  const directory = TARGET.exec(target)?.[1];
  if (directory === undefined)
    throw new FleetError("data-corrupt", `${link} points to ${target} and not to versions/NAME`);
  return directory;
}

/**
 * Points `link` to versions/`directory`, which must exist. Durable when it returns; doing it again changes nothing.
 * Throws FleetError install-failed when the directory is gone, and system errors.
 */
export async function swingLiveLink(link: string, directory: string): Promise<void> {
  const folder = dirname(link);
  const target = `versions/${directory}`;
  if (!(await isDirectory(join(folder, target))))
    throw new FleetError("install-failed", `${join(folder, target)} does not exist any more`);
  if ((await readTarget(link)) !== target) {
    const temporary = temporaryPathFor(link);
    await symlink(target, temporary);
    try {
      await rename(temporary, link);
    } catch (error) {
      await rm(temporary, { force: true });
      throw error;
    }
  }
  await syncDirectory(folder);
}

/** Removes the link; it may be gone already. */
export async function removeLiveLink(link: string): Promise<void> {
  try {
    await unlink(link);
  } catch (error) {
    if (errnoOf(error) !== "ENOENT") throw error;
  }
  await syncDirectory(dirname(link));
}

async function readTarget(link: string): Promise<string | null> {
  try {
    return await readlink(link);
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return null;
    if (errnoOf(error) === "EINVAL")
      throw new FleetError("data-corrupt", `${link} is not a symbolic link`, { cause: error });
    throw error;
  }
}

async function isDirectory(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return false;
    throw error;
  }
}
