// Checks an artifact's bytes against what was signed while they pass by, so that damage shows at the first bad piece.
// Holds hashes only; the caller keeps or drops the bytes.
import { checkTorrentInfo, PIECE_HASH_BYTES } from "../../peer/index.ts";
import { FleetError } from "../../protocol/errors.ts";
import type { Artifact } from "../../protocol/manifest.ts";
import { ArtifactHasher } from "./artifact-hasher.ts";

export interface ArtifactVerifier {
  /** The next bytes, in order. Throws FleetError artifact-mismatch once a piece is wrong or bytes are too many. */
  update(chunk: Uint8Array): void;
  /** Call once, after the last bytes. Throws FleetError artifact-mismatch unless all of it was right. */
  finish(): void;
}

/** Throws FleetError manifest-invalid when the torrent is not the one of this artifact. */
export function createArtifactVerifier(artifact: Artifact, torrentInfo: Uint8Array): ArtifactVerifier {
  const expected = Buffer.from(checkTorrentInfo(torrentInfo, artifact).pieces);
  const hasher = new ArtifactHasher(artifact);
  let hashBytesChecked = 0;
  const checkPieces = () => {
    const found = hasher.pieces;
    for (; hashBytesChecked < found.length; hashBytesChecked += PIECE_HASH_BYTES) {
      const end = hashBytesChecked + PIECE_HASH_BYTES;
      if (expected.compare(found, hashBytesChecked, end, hashBytesChecked, end) !== 0)
        throw mismatch(`piece ${hashBytesChecked / PIECE_HASH_BYTES} is wrong`);
    }
  };
  return {
    update(chunk) {
      const bytesTotal = hasher.bytesDone + chunk.length;
      if (bytesTotal > artifact.length) throw mismatch(`more than its ${artifact.length} bytes arrived`);
      hasher.update(chunk);
      checkPieces();
    },
    finish() {
      if (hasher.bytesDone !== artifact.length)
        throw mismatch(`${hasher.bytesDone} of its ${artifact.length} bytes arrived`);
      const { sha256 } = hasher.finish();
      if (sha256 !== artifact.sha256) throw mismatch(`its SHA-256 is ${sha256}`);
    },
  };
}

function mismatch(why: string): FleetError {
  return new FleetError("artifact-mismatch", `the artifact is not the one that was signed: ${why}`);
}
