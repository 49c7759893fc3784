// The release manifest: what a publisher signs and a node believes. Pure shape and canonical encoding;
// signing and verifying are in shell/signature.ts.
import {
  appNameSchema,
  type Digest,
  digestSchema,
  infoHashSchema,
  publicKeySchema,
  type Version,
  versionSchema,
} from "./ids.ts";
import {
  ARCHIVE_ENTRIES_MAX,
  ARGUMENT_CHARS_MAX,
  ARGV_MAX,
  ARTIFACT_BYTES_MAX,
  HEALTH_TIMEOUT_MS_MAX,
  HOOK_TIMEOUT_MS_MAX,
  MANIFEST_CHARS_MAX,
  PIECE_LENGTH_MAX,
  PIECE_LENGTH_MIN,
  PROBES_MAX,
  SIGNATURES_MAX,
  UNPACKED_BYTES_MAX,
} from "./limits.ts";
import {
  DecodeError,
  type Infer,
  integer,
  list,
  literal,
  nullable,
  strictObject,
  text,
  union,
} from "./schema.ts";

const argument = text({ max: ARGUMENT_CHARS_MAX });
const argv = list(argument, ARGV_MAX, 1);

/** A program with its arguments, run without a shell. `{label.NAME}` in an argument becomes the node's label. */
export const hookSchema = strictObject({ argv, timeoutMs: integer(1, HOOK_TIMEOUT_MS_MAX) });
export type HookSpec = Infer<typeof hookSchema>;

export const hooksSchema = strictObject({
  /** Run in the release that is live before the switch: drain, stop. */
  preActivate: nullable(hookSchema),
  /** Run in the release that has just become live: start. */
  postActivate: nullable(hookSchema),
});
export type Hooks = Infer<typeof hooksSchema>;

export const probeSchema = union({
  /** Healthy when GET answers with `expectStatus`. */
  http: strictObject({ kind: literal("http"), url: argument, expectStatus: integer(100, 599) }),
  /** Healthy when a connection to `host:port` opens. */
  tcp: strictObject({ kind: literal("tcp"), address: argument }),
  /** Healthy when the program exits with 0. */
  exec: strictObject({ kind: literal("exec"), argv }),
});
export type Probe = Infer<typeof probeSchema>;

/** A node is healthy after `successes` rounds in a row in which every probe passed. */
export const healthSchema = strictObject({
  probes: list(probeSchema, PROBES_MAX),
  intervalMs: integer(50, HEALTH_TIMEOUT_MS_MAX),
  /** Longest one probe may take. */
  timeoutMs: integer(50, HEALTH_TIMEOUT_MS_MAX),
  successes: integer(1, 100),
  /** Failures this soon after the start hook do not reset the count: they are expected. */
  startPeriodMs: integer(0, HEALTH_TIMEOUT_MS_MAX),
});
export type HealthPolicy = Infer<typeof healthSchema>;

export const artifactSchema = strictObject({
  /** Bytes of the tarball as it travels. */
  length: integer(1, ARTIFACT_BYTES_MAX),
  sha256: digestSchema,
  infoHash: infoHashSchema,
  pieceLength: integer(PIECE_LENGTH_MIN, PIECE_LENGTH_MAX),
  compression: literal("none", "gzip", "zstd"),
  /** Bytes of the decompressed tar stream: the exact cap a node unpacks under. */
  unpackedLength: integer(1, UNPACKED_BYTES_MAX),
  entryCount: integer(0, ARCHIVE_ENTRIES_MAX),
});
export type Artifact = Infer<typeof artifactSchema>;
export type Compression = Artifact["compression"];

export const manifestSchema = strictObject({
  format: literal(1),
  app: appNameSchema,
  version: versionSchema,
  /** Grows with every release of the app; lets a node tell newer from older. */
  sequence: integer(1),
  artifact: artifactSchema,
  hooks: hooksSchema,
  health: healthSchema,
  /** Wall-clock milliseconds since 1970 at the publisher. */
  createdAt: integer(0),
});
export type Manifest = Infer<typeof manifestSchema>;

/** One release as nodes and coordinator speak of it. */
export const releaseRefSchema = strictObject({
  app: appNameSchema,
  version: versionSchema,
  sha256: digestSchema,
});
export type ReleaseRef = Infer<typeof releaseRefSchema>;

/** `manifest` is the canonical text of a {@link Manifest}; each signature covers exactly those characters. */
export const signedManifestSchema = strictObject({
  manifest: text({ min: 2, max: MANIFEST_CHARS_MAX }),
  signatures: list(
    strictObject({
      publicKey: publicKeySchema,
      signature: text({
        min: 86,
        max: 86,
        pattern: /^[A-Za-z0-9_-]{86}$/,
        expected: "an Ed25519 signature in base64url",
      }),
    }),
    SIGNATURES_MAX,
    1,
  ),
});
export type SignedManifest = Infer<typeof signedManifestSchema>;

/**
 * Text in front of the signed bytes, so that a signature over a manifest can never pass for one over something
 * else.
 */
export const MANIFEST_SIGNATURE_CONTEXT = "fleet-manifest-v1\n";

export function releaseRefOf(manifest: Manifest): ReleaseRef {
  return { app: manifest.app, version: manifest.version, sha256: manifest.artifact.sha256 };
}

export function sameRelease(a: ReleaseRef | null, b: ReleaseRef | null): boolean {
  if (a === null || b === null) return a === b;
  return a.app === b.app && a.version === b.version && a.sha256 === b.sha256;
}

/** The folder of a release under `versions/`: `<version>-<first 8 hex digits of the digest>`. */
export function versionDirectoryName(version: Version, sha256: Digest): string {
  return `${version}-${sha256.slice(0, 8)}`;
}

export function pieceCountOf(artifact: { readonly length: number; readonly pieceLength: number }): number {
  return Math.ceil(artifact.length / artifact.pieceLength);
}

/**
 * The one text a manifest has: JSON with keys sorted by UTF-16 code unit, no white space (RFC 8785 for the values
 * that occur here: strings, safe integers, null, lists, objects). Throws {@link DecodeError} when the value is not a
 * valid manifest or its text is too long for anyone to accept it.
 */
export function encodeManifest(manifest: Manifest): string {
  const source = canonicalJson(manifestSchema.decode(manifest, "manifest"));
  if (source.length > MANIFEST_CHARS_MAX)
    throw new DecodeError("manifest", `at most ${MANIFEST_CHARS_MAX} characters of hooks and probes`);
  return source;
}

/** Parses canonical manifest text. Throws {@link DecodeError} or SyntaxError; text that is not canonical is refused. */
export function decodeManifest(source: string): Manifest {
  const manifest = manifestSchema.decode(JSON.parse(source) as unknown, "manifest");
  if (canonicalJson(manifest) !== source)
    throw new DecodeError("manifest", "canonical JSON: sorted keys, no white space");
  return manifest;
}

function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  if (typeof value === "object" && value !== null) {
    const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
    return `{${entries.map(([key, entry]) => `${JSON.stringify(key)}:${canonicalJson(entry)}`).join(",")}}`;
  }
  return JSON.stringify(value);
}
