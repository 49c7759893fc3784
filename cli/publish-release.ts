// Publishing one release: hash, sign, upload, register. Used by `fleet publish`, and by `fleet release` when needed.
import { stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import type { ReleaseView } from "../protocol/api.ts";
import { FleetError } from "../protocol/errors.ts";
import {
  type AppName,
  appNameSchema,
  digestSchema,
  infoHashSchema,
  type Version,
  versionSchema,
} from "../protocol/ids.ts";
import { encodeManifest, type Manifest } from "../protocol/manifest.ts";
import {
  DecodeError,
  flag,
  type Infer,
  integer,
  list,
  literal,
  object,
  real,
  text,
} from "../protocol/schema.ts";
import { type SigningKey, signManifest } from "../protocol/shell/signature.ts";
import type { PreparedArtifact } from "../seeder/index.ts";
import type { Client } from "./client.ts";
import type { Context } from "./command.ts";
import { publisherKeyPath, resolvePath } from "./config/paths.ts";
import { healthOf, hooksOf } from "./config/project-schema.ts";
import { openProgress } from "./progress.ts";
import { isKeyExposed, readPublisherKey } from "./publisher-key.ts";

export const publishResultSchema = object({
  kind: literal("publish-result"),
  app: appNameSchema,
  version: versionSchema,
  sequence: integer(1),
  sha256: digestSchema,
  infoHash: infoHashSchema,
  pieceLength: integer(1),
  artifactBytes: integer(1),
  unpackedBytes: integer(1),
  signedBy: list(text({ max: 43 }), 8),
  /** The very same release was there before. */
  wasPublished: flag,
  /** 0 when the coordinator had these bytes already. */
  uploadedBytes: integer(0),
  elapsedSeconds: real(0, 1e9),
});
export type PublishResult = Infer<typeof publishResultSchema>;

export interface PublishOptions {
  readonly version: Version;
  /** Absolute path of the tarball or folder. */
  readonly path: string;
  /** Publisher's key, when it is not the user's own. */
  readonly keyFile: string | null;
  /** Bytes; what suits the artifact and the fleet when it is left out. */
  readonly pieceLength?: number;
  readonly signal: AbortSignal;
}

/**
 * Checks what can be checked here before the coordinator is asked. FleetError file-missing, key-missing, archive-*,
 * release-conflict, and whatever the coordinator answers.
 */
export async function publishRelease(
  context: Context,
  client: Client,
  options: PublishOptions,
): Promise<PublishResult> {
  const startedAt = context.host.now();
  const { version, path } = options;
  const app = context.settings().app();
  await checkExists(path);
  const key = loadKey(context, options.keyFile);
  const [status, known] = await Promise.all([client.status(), client.releases(app)]);
  const existing = known.find((release) => release.manifest.version === version) ?? null;
  const prepared = await prepare(context, options, status.nodesTotal);
  try {
    const manifest = manifestOf(context, { app, version, known, artifact: prepared.artifact });
    if (existing !== null) refuseOtherContent(existing, manifest);
    const uploadedBytes = await upload(context, client, { prepared, signal: options.signal });
    if (existing === null) await register(client, { manifest, key, prepared });
    const elapsedSeconds = Math.max(0, context.host.now() - startedAt) / 1000;
    const signedBy = existing?.signedBy ?? [key.publicKey];
    return {
      ...resultOf(existing?.manifest ?? manifest),
      signedBy,
      wasPublished: existing !== null,
      uploadedBytes,
      elapsedSeconds,
    };
  } finally {
    await prepared.dispose();
  }
}

/** The artifact that fleet.yaml names for this version; null when it names none. */
export function artifactPath(context: Context, version: Version): string | null {
  const { project, projectDirectory } = context.settings();
  const template = project?.artifact ?? null;
  return template === null
    ? null
    : resolvePath(context.host, projectDirectory, template.replaceAll("{version}", version));
}

/** Says in one line what was done. */
export function publishText(result: PublishResult, url: string): string {
  const what = `${result.app} ${result.version}`;
  if (result.wasPublished) return `${what} is already published at ${url}; nothing changed`;
  return `published ${what} at ${url} (number ${result.sequence}, SHA-256 ${result.sha256.slice(0, 12)}…)`;
}

async function checkExists(path: string): Promise<void> {
  try {
    await stat(path);
  } catch (cause) {
    const why =
      cause instanceof Error && "code" in cause && cause.code === "ENOENT"
        ? "there is no such file"
        : String(cause);
    throw new FleetError("file-missing", `${path}: ${why}`, { cause });
  }
}

function loadKey({ host, output }: Context, keyFile: string | null): SigningKey {
  const path = keyFile === null ? publisherKeyPath(host) : resolvePath(host, host.cwd, keyFile);
  const key = readPublisherKey(path);
  if (isKeyExposed(path))
    output.note(`warning: others on this machine can read the publisher key; run chmod 600 ${path}`);
  return key;
}

async function prepare(
  context: Context,
  options: PublishOptions,
  nodesTotal: number,
): Promise<PreparedArtifact> {
  const { prepareArtifact } = await import("../seeder/index.ts");
  const progress = openProgress(context, "hash");
  try {
    return await prepareArtifact({
      path: options.path,
      nodeCount: Math.max(1, nodesTotal),
      ...(options.pieceLength === undefined ? {} : { pieceLength: options.pieceLength }),
      workDirectory: tmpdir(),
      onProgress: progress.update,
      signal: options.signal,
    });
  } finally {
    progress.end();
  }
}

interface ManifestParts {
  readonly app: AppName;
  readonly version: Version;
  readonly known: readonly ReleaseView[];
  readonly artifact: Manifest["artifact"];
}

function manifestOf(context: Context, { app, version, known, artifact }: ManifestParts): Manifest {
  const { project } = context.settings();
  const sequence = 1 + Math.max(0, ...known.map((release) => release.manifest.sequence));
  const meaning = { hooks: hooksOf(project), health: healthOf(project) };
  return { format: 1, app, version, sequence, artifact, ...meaning, createdAt: context.host.now() };
}

/** The same bytes cut into other pieces, because the fleet has grown since, are still the same release. */
function refuseOtherContent({ manifest: existing }: ReleaseView, manifest: Manifest): void {
  const what = `${manifest.app} ${manifest.version} is already published`;
  if (existing.artifact.sha256 !== manifest.artifact.sha256)
    throw new FleetError(
      "release-conflict",
      `${what} with other bytes (SHA-256 ${existing.artifact.sha256.slice(0, 12)}…)`,
    );
  const { hooks, health } = existing;
  if (encodeManifest({ ...manifest, hooks, health }) !== encodeManifest(manifest))
    throw new FleetError("release-conflict", `${what} with other hooks or health checks`);
}

interface Upload {
  readonly prepared: PreparedArtifact;
  readonly signal: AbortSignal;
}

/** Bytes sent: none when the coordinator has them. */
async function upload(context: Context, client: Client, { prepared, signal }: Upload): Promise<number> {
  const { sha256, length } = prepared.artifact;
  if (await client.hasArtifact(sha256)) return 0;
  const progress = openProgress(context, "upload");
  try {
    await client.putArtifact(sha256, {
      filePath: prepared.tarballPath,
      length,
      onProgress: progress.update,
      signal,
    });
    return length;
  } finally {
    progress.end();
  }
}

interface Registration {
  readonly manifest: Manifest;
  readonly key: SigningKey;
  readonly prepared: PreparedArtifact;
}

async function register(client: Client, { manifest, key, prepared }: Registration): Promise<void> {
  const torrentInfo = Buffer.from(prepared.torrentInfo).toString("base64url");
  await client.publish({ signed: sign(manifest, key), torrentInfo });
}

function sign(manifest: Manifest, key: SigningKey): ReturnType<typeof signManifest> {
  try {
    return signManifest(manifest, key);
  } catch (cause) {
    if (!(cause instanceof DecodeError)) throw cause;
    throw new FleetError("config-invalid", cause.message, { cause });
  }
}

function resultOf(
  manifest: Manifest,
): Omit<PublishResult, "signedBy" | "wasPublished" | "uploadedBytes" | "elapsedSeconds"> {
  const { app, version, sequence, artifact } = manifest;
  const { sha256, infoHash, pieceLength, length, unpackedLength } = artifact;
  return {
    kind: "publish-result",
    ...{ app, version, sequence, sha256, infoHash, pieceLength },
    artifactBytes: length,
    unpackedBytes: unpackedLength,
  };
}
