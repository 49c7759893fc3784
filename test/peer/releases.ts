// Releases for tests of the peer: valid manifests with chosen hooks and probes. No behaviour of its own.
import { createHash } from "node:crypto";
import { appNameSchema, digestSchema, infoHashSchema, versionSchema } from "../../protocol/ids.ts";
import type { Artifact, HealthPolicy, Hooks, Manifest } from "../../protocol/manifest.ts";

export interface ReleaseOptions {
  readonly app?: string;
  readonly sequence?: number;
  readonly hooks?: Partial<Hooks>;
  readonly health?: Partial<HealthPolicy>;
  readonly artifact?: Partial<Artifact>;
}

export function manifestOf(version: string, options: ReleaseOptions = {}): Manifest {
  const sha256 = createHash("sha256").update(version).digest("hex");
  return {
    format: 1,
    app: appNameSchema.decode(options.app ?? "web", "app"),
    version: versionSchema.decode(version, "version"),
    sequence: options.sequence ?? (Number(version.replaceAll(/\D/g, "")) || 1),
    artifact: {
      length: 1_000,
      sha256: digestSchema.decode(sha256, "sha256"),
      infoHash: infoHashSchema.decode(sha256.slice(0, 40), "infohash"),
      pieceLength: 16_384,
      compression: "none",
      unpackedLength: 2_000,
      entryCount: 1,
      ...options.artifact,
    },
    hooks: { preActivate: null, postActivate: null, ...options.hooks },
    health: {
      probes: [],
      intervalMs: 1_000,
      timeoutMs: 1_000,
      successes: 3,
      startPeriodMs: 0,
      ...options.health,
    },
    createdAt: 0,
  };
}

/** Hooks and one probe, so that every step of an activation has something to do. */
export function fullManifest(version: string, options: ReleaseOptions = {}): Manifest {
  return manifestOf(version, {
    hooks: {
      preActivate: { argv: ["./stop"], timeoutMs: 5_000 },
      postActivate: { argv: ["./start"], timeoutMs: 5_000 },
    },
    health: { probes: [{ kind: "tcp", address: "127.0.0.1:1" }] },
    ...options,
  });
}
