// Puts generated files into a folder so that each is there whole or not at all, and finds out before hours of work
// whether that will be possible.
import { randomBytes } from "node:crypto";
import { mkdir, open, rename, rm } from "node:fs/promises";
import path from "node:path";
import { FleetError } from "../../protocol/errors.ts";

/** Makes the folder and tries it. FleetError storage-failed. */
export async function prepareFolder(folder: string): Promise<void> {
  await orFail(folder, async () => {
    await mkdir(folder, { recursive: true });
    const probe = temporaryFor(path.join(folder, "probe"));
    await writeSynced(probe, "");
    await rm(probe);
  });
}

/** All of them, by name; none takes its name before all are on disk. FleetError storage-failed. */
export async function writeFiles(folder: string, files: ReadonlyMap<string, string>): Promise<void> {
  const written: [temporary: string, file: string][] = [];
  await orFail(folder, async () => {
    await mkdir(folder, { recursive: true });
    try {
      for (const [name, content] of files) {
        const file = path.join(folder, name);
        const temporary = temporaryFor(file);
        written.push([temporary, file]);
        await writeSynced(temporary, content);
      }
      for (const [temporary, file] of written) await rename(temporary, file);
    } finally {
      for (const [temporary] of written) await rm(temporary, { force: true });
    }
  });
}

/** One file, beside which its temporary one may stand for a moment. FleetError storage-failed. */
export async function writeWhole(file: string, content: string): Promise<void> {
  await writeFiles(path.dirname(file), new Map([[path.basename(file), content]]));
}

async function orFail(folder: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new FleetError("storage-failed", `cannot write to ${folder}: ${why}`, {
      cause,
      next: "Give a folder that you may write to.",
    });
  }
}

function temporaryFor(file: string): string {
  return path.join(path.dirname(file), `.${path.basename(file)}.${randomBytes(6).toString("hex")}.tmp`);
}

async function writeSynced(file: string, content: string): Promise<void> {
  const handle = await open(file, "wx");
  try {
    await handle.writeFile(content);
    await handle.sync();
  } finally {
    await handle.close();
  }
}
