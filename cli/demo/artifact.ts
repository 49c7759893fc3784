// Builds the artifacts the demonstration releases: the service together with the Node runtime that runs it.
import { createReadStream, createWriteStream } from "node:fs";
import { stat } from "node:fs/promises";
import { pipeline } from "node:stream/promises";
import { constants, createZstdCompress } from "node:zlib";
import { pack } from "tar-stream";
import { SERVICE_SOURCE } from "./service-source.ts";

export interface DemoRelease {
  readonly version: string;
  readonly healthy: boolean;
}

/** Writes a .tar.zst of about 120 MB unpacked. Level 1: the demonstration is about the fleet, not about zstd. */
export async function buildDemoArtifact(release: DemoRelease, path: string): Promise<void> {
  const archive = pack();
  const compress = createZstdCompress({ params: { [constants.ZSTD_c_compressionLevel]: 1 } });
  const written = pipeline(archive, compress, createWriteStream(path));
  archive.entry({ name: "release.json", mode: 0o644 }, JSON.stringify(release));
  archive.entry({ name: "service.mjs", mode: 0o644 }, SERVICE_SOURCE);
  const { size } = await stat(process.execPath);
  const runtime = archive.entry({ name: "bin/node", mode: 0o755, size });
  await pipeline(createReadStream(process.execPath), runtime);
  archive.finalize();
  await written;
}
