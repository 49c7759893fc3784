// The verifier takes exactly the artifact that was signed, and says so at the first wrong piece.
import { writeFile } from "node:fs/promises";
import path from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { encodeTorrentInfo, infoHashOf, readTorrentInfo } from "../../../peer/index.ts";
import { digestSchema } from "../../../protocol/ids.ts";
import { createArtifactVerifier, prepareArtifact } from "../../../seeder/index.ts";
import { temporaryFolder } from "../../support/folders.ts";
import { file, rawTar } from "../../support/tar.ts";

const tar = rawTar({ ...file("a"), content: Buffer.alloc(200_000, "some content ") });

async function prepare() {
  const folder = await temporaryFolder();
  await writeFile(path.join(folder, "a.tar"), tar);
  return prepareArtifact({ path: path.join(folder, "a.tar"), nodeCount: 8, workDirectory: folder });
}

test("the artifact passes, however its bytes arrive", async () => {
  const { artifact, torrentInfo } = await prepare();
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 90_000 }), { maxLength: 20 }), (sizes) => {
      const verifier = createArtifactVerifier(artifact, torrentInfo);
      let offset = 0;
      for (const size of [...sizes, tar.length]) {
        verifier.update(tar.subarray(offset, offset + size));
        offset = Math.min(offset + size, tar.length);
      }
      verifier.finish();
    }),
  );
});

test("a changed byte is found as soon as its piece is complete", async () => {
  const { artifact, torrentInfo } = await prepare();
  fc.assert(
    fc.property(fc.nat({ max: tar.length - 1 }), (offset) => {
      const changed = Buffer.from(tar);
      changed[offset] = (changed[offset] ?? 0) ^ 1;
      const pieceIndex = Math.floor(offset / artifact.pieceLength);
      const verifier = createArtifactVerifier(artifact, torrentInfo);
      verifier.update(changed.subarray(0, pieceIndex * artifact.pieceLength));
      const mismatch = expect.objectContaining({
        code: "artifact-mismatch",
        message: expect.stringMatching(/piece/),
      });
      expect(() => verifier.update(changed.subarray(pieceIndex * artifact.pieceLength))).toThrow(mismatch);
    }),
  );
});

test("bytes too many or too few are found", async () => {
  const { artifact, torrentInfo } = await prepare();
  const long = createArtifactVerifier(artifact, torrentInfo);
  long.update(tar);
  expect(() => long.update(Buffer.alloc(1))).toThrow(expect.objectContaining({ code: "artifact-mismatch" }));
  const short = createArtifactVerifier(artifact, torrentInfo);
  short.update(tar.subarray(0, -1));
  expect(() => short.finish()).toThrow(expect.objectContaining({ code: "artifact-mismatch" }));
});

test("pieces that fit a torrent do not make up for another SHA-256", async () => {
  const { artifact, torrentInfo } = await prepare();
  const sha256 = digestSchema.decode("0".repeat(64), "sha256");
  const forged = encodeTorrentInfo({ ...readTorrentInfo(torrentInfo), name: sha256 });
  const verifier = createArtifactVerifier({ ...artifact, sha256, infoHash: infoHashOf(forged) }, forged);
  verifier.update(tar);
  expect(() => verifier.finish()).toThrow(/its SHA-256 is/);
});

test("a torrent that was made for other bytes under the same SHA-256 is refused", async () => {
  const { artifact, torrentInfo } = await prepare();
  const forged = Buffer.from(torrentInfo);
  forged[forged.length - 20] = (forged[forged.length - 20] ?? 0) ^ 1;
  const create = () => createArtifactVerifier(artifact, forged);
  expect(create).toThrow(expect.objectContaining({ code: "manifest-invalid" }));
});
