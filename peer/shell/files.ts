// Small files, replaced in one step: written beside their place and renamed; synced where they must survive power loss.
// Reads nothing it has not checked, and leaves no temporary file behind longer than until the next start.
import { randomBytes } from "node:crypto";
import { mkdir, open, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { FleetError } from "../../protocol/errors.ts";
import { DecodeError, type Schema } from "../../protocol/schema.ts";
import { errnoOf } from "./disk-errors.ts";

/** Only a hidden name that ends like this is ever taken for left-over. */
const TEMPORARY = /^\..+\.[0-9a-f]{12}\.tmp$/;

/** A name in the same directory as `path` that {@link removeTemporaries} knows as left-over. */
export function temporaryPathFor(path: string): string {
  return join(dirname(path), `.${basename(path)}.${randomBytes(6).toString("hex")}.tmp`);
}

/** After this returns, `path` holds exactly `text`, power loss or not; before, what it held until then. */
export async function writeFileAtomic(path: string, text: string, mode = 0o600): Promise<void> {
  await replace(path, (temporary) => writeSynced(temporary, text, mode));
  await syncDirectory(dirname(path));
}

/** As {@link writeFileAtomic}, for what may be lost or damaged when power is. */
export async function writeFileUnsynced(path: string, content: Uint8Array): Promise<void> {
  await replace(path, (temporary) => writeFile(temporary, content, { mode: 0o600 }));
}

async function replace(path: string, write: (temporary: string) => Promise<void>): Promise<void> {
  const temporary = temporaryPathFor(path);
  try {
    await write(temporary);
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

export async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, "r");
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

/** Creates the directory with all that is missing above it, and makes their names last. */
export async function makeDirectory(path: string, mode = 0o755): Promise<void> {
  const first = await mkdir(path, { recursive: true, mode });
  if (first === undefined) return;
  for (let made = path; made.length >= first.length; made = dirname(made)) await syncDirectory(dirname(made));
}

/** The checked content of a JSON file, null when there is none. FleetError data-corrupt names the file. */
export async function readJson<T>(path: string, schema: Schema<T>): Promise<T | null> {
  const text = await readText(path);
  if (text === null) return null;
  try {
    return schema.decode(JSON.parse(text) as unknown, "");
  } catch (cause) {
    if (!(cause instanceof SyntaxError || cause instanceof DecodeError)) throw cause;
    throw new FleetError("data-corrupt", `${path} is damaged: ${cause.message}`, { cause });
  }
}

/** The content of a file, null when there is none. */
export async function readText(path: string): Promise<string | null> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return null;
    throw error;
  }
}

/** Names in a directory, sorted; none when it does not exist. */
export async function namesIn(path: string): Promise<readonly string[]> {
  try {
    return (await readdir(path)).toSorted();
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return [];
    throw error;
  }
}

/** Temporary names in a directory, left by a crash. */
export async function temporariesIn(path: string): Promise<readonly string[]> {
  return (await namesIn(path)).filter((name) => TEMPORARY.test(name)).map((name) => join(path, name));
}

async function writeSynced(path: string, text: string, mode: number): Promise<void> {
  const file = await open(path, "wx", mode);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}
