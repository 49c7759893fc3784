// Checks a release before it is registered: signature, torrent, and every byte of the stored artifact. Does not decide
// whether the version is free; the core does.
import { createReadStream } from "node:fs";
import type { PublishRequest } from "../../protocol/api.ts";
import { FleetError } from "../../protocol/errors.ts";
import type { Artifact } from "../../protocol/manifest.ts";
import { openManifest } from "../../protocol/shell/signature.ts";
import type { ReleaseRecord } from "../core/records.ts";
import type { ArtifactStore } from "./artifact-store.ts";
import type { ShellLimits } from "./limits.ts";

/** Small enough that nodes are served between two chunks being hashed. */
const CHUNK_BYTES = 512 * 1024;

/** As the seeder's createArtifactVerifier; checks the torrent against the artifact's infohash before any byte. */
export type CreateVerifier = (
  artifact: Artifact,
  torrentInfo: Uint8Array,
) => { update(chunk: Uint8Array): void; finish(): void };

export interface PublishingOptions {
  readonly artifacts: ArtifactStore;
  readonly createVerifier: CreateVerifier;
  readonly limits: ShellLimits;
}

export class Publishing {
  readonly #options: PublishingOptions;
  #running = 0;

  constructor(options: PublishingOptions) {
    this.#options = options;
  }

  /**
   * The release as the core takes it. Throws FleetError manifest-altered, manifest-invalid, artifact-mismatch,
   * artifact-missing, overloaded; stops with the signal's reason when `signal` aborts.
   */
  async check(
    request: PublishRequest,
    signal: AbortSignal,
  ): Promise<Omit<ReleaseRecord, "publishedAt" | "standing">> {
    const { signed, torrentInfo } = request;
    const manifest = openManifest(signed);
    const info = Buffer.from(torrentInfo, "base64url");
    await this.#checkBytes(manifest.artifact, info, signal);
    return { signed, manifest, torrentInfo };
  }

  async #checkBytes(artifact: Artifact, info: Uint8Array, signal: AbortSignal): Promise<void> {
    const { artifacts, createVerifier, limits } = this.#options;
    if (this.#running >= limits.publishesMax)
      throw new FleetError("overloaded", `${this.#running} releases are being checked already`);
    this.#running += 1;
    try {
      const verifier = createVerifier(artifact, info);
      if ((await artifacts.lengthOf(artifact.sha256)) === null)
        throw new FleetError("artifact-missing", `artifact ${artifact.sha256} has not been uploaded`);
      const path = artifacts.pathOf(artifact.sha256);
      for await (const chunk of createReadStream(path, { highWaterMark: CHUNK_BYTES, signal }))
        verifier.update(chunk as Uint8Array);
      verifier.finish();
    } catch (error) {
      if (error instanceof FleetError && error.code === "artifact-mismatch")
        await artifacts.discardIfDamaged(artifact.sha256);
      throw error;
    } finally {
      this.#running -= 1;
    }
  }
}
