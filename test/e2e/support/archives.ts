// Archives that no honest build makes, written with tar-stream, which does not mind.
import { writeFile } from "node:fs/promises";
import { buffer } from "node:stream/consumers";
import { type Header, pack } from "tar-stream";

export type TarEntry = Partial<Header> & { readonly name: string };

/** A tar of these entries; those of type file hold their own name as content. */
export async function makeTar(entries: readonly TarEntry[]): Promise<Buffer> {
  const archive = pack();
  const bytes = buffer(archive);
  for (const entry of entries) {
    if (entry.type === undefined || entry.type === "file") archive.entry(entry, entry.name);
    else archive.entry(entry);
  }
  archive.finalize();
  return bytes;
}

export async function writeTar(path: string, entries: readonly TarEntry[]): Promise<void> {
  await writeFile(path, await makeTar(entries));
}
