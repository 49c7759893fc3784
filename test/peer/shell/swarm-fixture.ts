// Small artifacts and swarms on loopback for the tests of the data plane. Cleans up after itself.
import { createHash, randomBytes } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Logger, pino } from "pino";
import {
  openSwarm,
  type Swarm,
  type SwarmTorrent,
  type SwarmTorrentOptions,
} from "../../../peer/shell/swarm.ts";
import { encodeTorrentInfo, infoHashOf } from "../../../peer/shell/torrent-info.ts";
import { digestSchema } from "../../../protocol/ids.ts";
import { type Artifact, artifactSchema } from "../../../protocol/manifest.ts";
import { type Neighbour, ORIGIN_ID } from "../../../protocol/messages.ts";
import { SwarmChild } from "./swarm-child.ts";

export interface Sample {
  readonly artifact: Artifact;
  readonly torrentInfo: Uint8Array;
  readonly data: Buffer;
}

export function sampleOf(data: Buffer, pieceLength: number): Sample {
  const hashes: Buffer[] = [];
  for (let at = 0; at < data.length; at += pieceLength)
    hashes.push(
      createHash("sha1")
        .update(data.subarray(at, at + pieceLength))
        .digest(),
    );
  const sha256 = digestSchema.decode(createHash("sha256").update(data).digest("hex"), "sha256");
  const torrentInfo = encodeTorrentInfo({
    length: data.length,
    pieceLength,
    name: sha256,
    pieces: Buffer.concat(hashes),
  });
  const artifact = artifactSchema.decode(
    {
      length: data.length,
      sha256,
      infoHash: infoHashOf(torrentInfo),
      pieceLength,
      compression: "none",
      unpackedLength: data.length,
      entryCount: 1,
    },
    "artifact",
  );
  return { artifact, torrentInfo, data };
}

export function randomSample(length: number, pieceLength: number): Sample {
  return sampleOf(randomBytes(length), pieceLength);
}

export const silent: Logger = pino({ level: process.env.SWARM_LOG ?? "silent" });

export interface Member {
  readonly swarm: Pick<Swarm, "port" | "join" | "close" | "setCoordinatorAway" | "setLimits">;
  readonly torrent: SwarmTorrent;
  readonly filePath: string;
  readonly id: string;
}

/** A folder and the swarms opened in it; `close` ends all of them and removes it. */
export class TestBed {
  readonly directory: string;
  readonly #swarms = new Set<Swarm>();
  readonly #children = new Set<SwarmChild>();

  private constructor(directory: string) {
    this.directory = directory;
  }

  static async create(): Promise<TestBed> {
    return new TestBed(await mkdtemp(join(tmpdir(), "fleet-swarm-")));
  }

  async origin(sample: Sample, id = ORIGIN_ID): Promise<Member> {
    const filePath = join(this.directory, "origin.tar");
    await writeFile(filePath, sample.data);
    return this.member(sample, { id, filePath, complete: true, bitmapPath: null });
  }

  async member(sample: Sample, options: Partial<SwarmTorrentOptions> & { id: string }): Promise<Member> {
    const swarm = await openSwarm({ host: "127.0.0.1", port: 0, logger: silent, id: options.id, dht: true });
    this.#swarms.add(swarm);
    const filePath = options.filePath ?? join(this.directory, `${options.id}.tar`);
    const torrent = await swarm.join({
      torrentInfo: sample.torrentInfo,
      artifact: sample.artifact,
      filePath,
      complete: false,
      bitmapPath: `${filePath}.bitmap`,
      rank: 0,
      rankCount: 1,
      seed: 1,
      ...options,
    });
    return { swarm, torrent, filePath, id: options.id };
  }

  /** The same in a process of its own. */
  async child(sample: Sample, options: { id: string; complete: boolean }): Promise<SwarmChild> {
    const filePath = join(this.directory, `${options.id}.tar`);
    if (options.complete) await writeFile(filePath, sample.data);
    const { artifact } = sample;
    const torrentInfo = Buffer.from(sample.torrentInfo).toString("base64");
    const child = await SwarmChild.start({ ...options, artifact, torrentInfo, filePath });
    this.#children.add(child);
    return child;
  }

  /** A new folder inside. */
  folder(): Promise<string> {
    return mkdtemp(join(this.directory, "folder-"));
  }

  async close(): Promise<void> {
    for (const child of this.#children) child.kill();
    await Promise.all([...this.#swarms].map((swarm) => swarm.close()));
    await rm(this.directory, { recursive: true, force: true });
  }
}

export function nodeIdOf(index: number): string {
  return index.toString(16).padStart(32, "0");
}

export function neighbourOf(member: { swarm: { port: number }; id: string }, dial: boolean): Neighbour {
  return { id: member.id, host: "127.0.0.1", port: member.swarm.port, dial, far: null, feeds: null };
}

/** Everybody with everybody; the later of a pair dials, and all dial the origin. */
export function connectAll(
  origin: { swarm: { port: number }; id: string } | null,
  members: readonly Member[],
): void {
  for (const [index, member] of members.entries()) {
    const others = members
      .map((other, place) => ({ other, place }))
      .filter(({ place }) => place !== index)
      .map(({ other, place }) => neighbourOf(other, place < index));
    member.torrent.setNeighbours(origin === null ? others : [neighbourOf(origin, true), ...others]);
  }
}
