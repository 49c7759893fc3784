// A small release as a publisher makes it: bytes, torrent, signed manifest.
import { createHash } from "node:crypto";
import { encodeTorrentInfo, infoHashOf } from "../../../../peer/index.ts";
import type { PublishRequest } from "../../../../protocol/api.ts";
import { appNameSchema, type Digest, digestSchema, versionSchema } from "../../../../protocol/ids.ts";
import type { Manifest } from "../../../../protocol/manifest.ts";
import { createSigningKey, signManifest } from "../../../../protocol/shell/signature.ts";

const PIECE_LENGTH = 16 * 1024;
const signingKey = createSigningKey();

export interface TestRelease {
  readonly bytes: Buffer;
  readonly sha256: Digest;
  readonly manifest: Manifest;
  readonly publish: PublishRequest;
}

export function makeRelease(version: string, bytes: Buffer = Buffer.alloc(40_000, version)): TestRelease {
  const sha256 = digestSchema.decode(createHash("sha256").update(bytes).digest("hex"), "sha256");
  const info = encodeTorrentInfo({
    length: bytes.length,
    pieceLength: PIECE_LENGTH,
    name: sha256,
    pieces: pieceHashes(bytes),
  });
  const artifact = { length: bytes.length, sha256, infoHash: infoHashOf(info), pieceLength: PIECE_LENGTH };
  const manifest: Manifest = {
    format: 1,
    app: appNameSchema.decode("shop", "app"),
    version: versionSchema.decode(version, "version"),
    sequence: 1,
    artifact: { ...artifact, compression: "none", unpackedLength: bytes.length, entryCount: 1 },
    hooks: { preActivate: null, postActivate: null },
    health: { probes: [], intervalMs: 100, timeoutMs: 100, successes: 1, startPeriodMs: 0 },
    createdAt: 1,
  };
  const signed = signManifest(manifest, signingKey);
  const torrentInfo = Buffer.from(info).toString("base64url");
  return { bytes, sha256, manifest, publish: { signed, torrentInfo } };
}

function pieceHashes(bytes: Buffer): Buffer {
  const hashes: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += PIECE_LENGTH) {
    const piece = bytes.subarray(at, at + PIECE_LENGTH);
    hashes.push(createHash("sha1").update(piece).digest());
  }
  return Buffer.concat(hashes);
}
