// The coordinator's own seeder: joins the swarm of each artifact the core wants seeded, and reports what it has sent.
// Decides nothing about who gets what.
import type { Logger } from "pino";
import type { Digest } from "../../protocol/ids.ts";
import type { Artifact } from "../../protocol/manifest.ts";
import type { Offence } from "../../protocol/offence.ts";

/** What the origin needs of a swarm: a part of peer/index.ts's Swarm. */
export interface OriginSwarm {
  readonly port: number;
  join(options: OriginJoin): Promise<OriginTorrent>;
  close(): Promise<void>;
}

export interface OriginJoin {
  readonly torrentInfo: Uint8Array;
  readonly artifact: Artifact;
  readonly filePath: string;
  readonly complete: true;
  readonly bitmapPath: null;
  readonly rank: number;
  readonly rankCount: number;
  readonly seed: number;
  readonly onOffence: (offence: Offence) => void;
}

export interface OriginTorrent {
  stats(): { readonly uploadedBytes: number };
  close(): Promise<void>;
}

export interface OriginOptions {
  readonly swarm: Pick<OriginSwarm, "join">;
  readonly pathOf: (sha256: Digest) => string;
  readonly progressIntervalMs: number;
  readonly onProgress: (sha256: Digest, uploadedBytes: number) => void;
  readonly onOffence: (sha256: Digest, offence: Offence) => void;
  readonly logger: Logger;
}

interface Seeding {
  torrent: OriginTorrent | null;
  reportedBytes: number;
  /** Joining and leaving one swarm happen one after the other. */
  work: Promise<void>;
}

export class Origin {
  readonly #options: OriginOptions;
  readonly #seedings = new Map<Digest, Seeding>();
  readonly #wanted = new Set<Digest>();
  #timer: NodeJS.Timeout | null = null;

  constructor(options: OriginOptions) {
    this.#options = options;
  }

  seed(artifact: Artifact, torrentInfo: string): void {
    const { sha256 } = artifact;
    if (this.#wanted.has(sha256)) return;
    this.#wanted.add(sha256);
    this.#timer ??= setInterval(() => this.report(), this.#options.progressIntervalMs);
    this.#enqueue(sha256, (seeding) => this.#join(seeding, artifact, torrentInfo));
  }

  stopSeeding(sha256: Digest): void {
    if (!this.#wanted.delete(sha256)) return;
    this.#enqueue(sha256, (seeding) => this.#leave(sha256, seeding));
  }

  /** Hands over what was sent since the last report. */
  report(): void {
    for (const [sha256, seeding] of this.#seedings)
      if (seeding.torrent !== null) this.#reportOne(sha256, seeding, seeding.torrent);
  }

  /** Leaves every swarm. */
  async close(): Promise<void> {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
    for (const sha256 of [...this.#wanted]) this.stopSeeding(sha256);
    await Promise.all([...this.#seedings.values()].map((seeding) => seeding.work));
  }

  #enqueue(sha256: Digest, step: (seeding: Seeding) => Promise<void>): void {
    const seeding = this.#seedings.get(sha256) ?? {
      torrent: null,
      reportedBytes: 0,
      work: Promise.resolve(),
    };
    this.#seedings.set(sha256, seeding);
    const work: Promise<void> = seeding.work
      .then(() => step(seeding))
      // Nodes that hold pieces may still finish among themselves; if not, the core sees the stall and says so.
      .catch((error: unknown) => this.#options.logger.error({ err: error, sha256 }, "the origin cannot seed"))
      .then(() => {
        if (seeding.work === work && seeding.torrent === null) this.#seedings.delete(sha256);
      });
    seeding.work = work;
  }

  async #join(seeding: Seeding, artifact: Artifact, torrentInfo: string): Promise<void> {
    const { swarm, pathOf, onProgress, onOffence, logger } = this.#options;
    seeding.torrent = await swarm.join({
      torrentInfo: Buffer.from(torrentInfo, "base64url"),
      artifact,
      filePath: pathOf(artifact.sha256),
      complete: true,
      bitmapPath: null,
      rank: 0,
      rankCount: 1,
      seed: 0,
      onOffence: (offence) => onOffence(artifact.sha256, offence),
    });
    // The counter begins at 0 again, which whoever counts must know.
    seeding.reportedBytes = 0;
    onProgress(artifact.sha256, 0);
    logger.info({ sha256: artifact.sha256, bytes: artifact.length }, "the origin seeds");
  }

  async #leave(sha256: Digest, seeding: Seeding): Promise<void> {
    const { torrent } = seeding;
    if (torrent === null) return;
    this.#reportOne(sha256, seeding, torrent);
    seeding.torrent = null;
    await torrent.close();
    this.#options.logger.info({ sha256 }, "the origin has stopped seeding");
  }

  #reportOne(sha256: Digest, seeding: Seeding, torrent: OriginTorrent): void {
    const { uploadedBytes } = torrent.stats();
    if (uploadedBytes === seeding.reportedBytes) return;
    seeding.reportedBytes = uploadedBytes;
    this.#options.onProgress(sha256, uploadedBytes);
  }
}
