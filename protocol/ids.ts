// Branded ids and the text rules each must satisfy. A plain string becomes an id only through these schemas.
import { branded, type Schema, text } from "./schema.ts";

declare const brand: unique symbol;
type Brand<T, Name extends string> = T & { readonly [brand]: Name };

export type AppName = Brand<string, "AppName">;
export type Version = Brand<string, "Version">;
/** First 32 hex digits of SHA-256 over the node's raw Ed25519 public key. */
export type NodeId = Brand<string, "NodeId">;
/** SHA-256 of an artifact's bytes, 64 hex digits. */
export type Digest = Brand<string, "Digest">;
/** BitTorrent v1 infohash, 40 hex digits. */
export type InfoHash = Brand<string, "InfoHash">;
/** A raw Ed25519 public key in base64url, 43 characters. */
export type PublicKey = Brand<string, "PublicKey">;
export type RolloutId = Brand<string, "RolloutId">;
/** Wall-clock milliseconds since 1970, always passed in, never read in a core. */
export type Millis = number;
/** Fencing number of an order: a node refuses an order older than the newest it has seen. */
export type Generation = number;

const lowerName = /^[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?$/;

export const appNameSchema: Schema<AppName> = branded(
  text({
    min: 1,
    max: 64,
    pattern: lowerName,
    expected: "an app name: a-z, 0-9, '.', '_', '-', at most 64 characters",
  }),
);
export const versionSchema: Schema<Version> = branded(
  text({
    min: 1,
    max: 64,
    pattern: /^[A-Za-z0-9][A-Za-z0-9._+-]*$/,
    expected:
      "a version: letters, digits, '.', '_', '+', '-', at most 64 characters, first a letter or digit",
  }),
);
export const nodeIdSchema: Schema<NodeId> = branded(hex(32, "a node id"));
export const digestSchema: Schema<Digest> = branded(hex(64, "a SHA-256"));
export const infoHashSchema: Schema<InfoHash> = branded(hex(40, "an infohash"));
export const publicKeySchema: Schema<PublicKey> = branded(
  text({
    min: 43,
    max: 43,
    pattern: /^[A-Za-z0-9_-]{43}$/,
    expected: "an Ed25519 public key, 43 characters of base64url",
  }),
);
export const rolloutIdSchema: Schema<RolloutId> = branded(
  text({ min: 1, max: 40, pattern: /^[a-z0-9-]+$/, expected: "a rollout id" }),
);
export const nodeNameSchema: Schema<string> = text({
  min: 1,
  max: 64,
  pattern: /^[A-Za-z0-9][A-Za-z0-9._-]*$/,
  expected: "a node name: letters, digits, '.', '_', '-', at most 64 characters",
});

function hex(length: number, what: string): Schema<string> {
  return text({
    min: length,
    max: length,
    pattern: new RegExp(`^[0-9a-f]{${length}}$`),
    expected: `${what}, ${length} lower-case hex digits`,
  });
}
