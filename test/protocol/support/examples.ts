// One hand-made manifest, for tests that look at every character of it.
import type { Digest, InfoHash } from "../../../protocol/ids.ts";
import { appNameSchema, digestSchema, infoHashSchema, versionSchema } from "../../../protocol/ids.ts";
import type { Manifest } from "../../../protocol/manifest.ts";

const sha256: Digest = digestSchema.decode("b".repeat(64), "sha256");
const infoHash: InfoHash = infoHashSchema.decode("a".repeat(40), "infoHash");

export const exampleManifest: Manifest = {
  format: 1,
  app: appNameSchema.decode("shop", "app"),
  version: versionSchema.decode("v1.2.3", "version"),
  sequence: 7,
  artifact: {
    length: 100_000,
    sha256,
    infoHash,
    pieceLength: 16_384,
    compression: "zstd",
    unpackedLength: 250_000,
    entryCount: 3,
  },
  hooks: { preActivate: null, postActivate: { argv: ["bin/start", "é\n"], timeoutMs: 30_000 } },
  health: {
    probes: [{ kind: "http", url: "http://127.0.0.1:8080/", expectStatus: 200 }],
    intervalMs: 500,
    timeoutMs: 2_000,
    successes: 3,
    startPeriodMs: 1_000,
  },
  createdAt: 1_760_000_000_000,
};
