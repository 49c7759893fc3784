// The torrent that the fleet would exchange, with a tracker, for stock clients.
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { prepareArtifact } from "../../../seeder/index.ts";
import type { Content } from "../content.ts";

export interface TorrentOptions {
  readonly content: Content;
  readonly nodeCount: number;
  readonly pieceKib: number | null;
  readonly announce: string;
  /** Where it is written. */
  readonly directory: string;
}

export interface Torrent {
  readonly path: string;
  /** Under which clients save the artifact. */
  readonly fileName: string;
  readonly artifactBytes: number;
  readonly pieceLength: number;
}

export async function writeTorrent(options: TorrentOptions): Promise<Torrent> {
  const { content, nodeCount, pieceKib, announce, directory } = options;
  const { artifact, torrentInfo } = await prepareArtifact({
    path: content.tarballPath,
    nodeCount,
    workDirectory: directory,
    ...(pieceKib === null ? {} : { pieceLength: pieceKib * 1024 }),
  });
  const path = join(directory, "artifact.torrent");
  const head = Buffer.from(`d8:announce${announce.length}:${announce}4:info`);
  await writeFile(path, Buffer.concat([head, torrentInfo, Buffer.from("e")]));
  const { length, pieceLength, sha256 } = artifact;
  return { path, fileName: sha256, artifactBytes: length, pieceLength };
}
