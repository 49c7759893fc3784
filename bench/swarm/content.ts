// What is distributed: one tarball of random bytes, and the check that what arrived is the same.
import { createHash, randomBytes } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, open, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Processes } from "./processes.ts";

const MIB = 1024 * 1024;
/** A tar header before the file, and two empty blocks at the end. */
const TAR_OVERHEAD_BYTES = 3 * 512;
export const PAYLOAD_NAME = "payload.bin";

export interface Content {
  readonly tarballPath: string;
  readonly tarballSha256: string;
  /** Of the one file in the tarball. */
  readonly payloadSha256: string;
}

/** A tarball of exactly so many MiB. */
export async function makeContent(processes: Processes, directory: string, mib: number): Promise<Content> {
  const payloadPath = join(directory, PAYLOAD_NAME);
  const tarballPath = join(directory, "artifact.tar");
  await mkdir(directory, { recursive: true });
  await writeRandom(payloadPath, mib * MIB - TAR_OVERHEAD_BYTES);
  const payloadSha256 = await sha256Of(payloadPath);
  const pack = ["tar", "--format=ustar", "-b", "1", "-cf", tarballPath, "-C", directory, PAYLOAD_NAME];
  await processes.run(pack, { cwd: directory, env: { PATH: process.env.PATH } });
  await rm(payloadPath);
  return { tarballPath, tarballSha256: await sha256Of(tarballPath), payloadSha256 };
}

export async function sha256Of(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path, { highWaterMark: MIB })) hash.update(chunk as Buffer);
  return hash.digest("hex");
}

/** The node has unpacked the release under `root`, and its file is the one that was published. */
export async function isInstalled(root: string, app: string, content: Content): Promise<boolean> {
  const versions = join(root, app, "versions");
  const [directory] = await readdir(versions).catch(() => []);
  if (directory === undefined) return false;
  return (
    (await sha256Of(join(versions, directory, PAYLOAD_NAME)).catch(() => null)) === content.payloadSha256
  );
}

async function writeRandom(path: string, length: number): Promise<void> {
  const handle = await open(path, "w");
  try {
    for (let written = 0; written < length; written += MIB)
      await handle.write(randomBytes(Math.min(MIB, length - written)));
  } finally {
    await handle.close();
  }
}
