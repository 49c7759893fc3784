// A swarm that only remembers what it was asked to seed.
import type { OriginJoin, OriginSwarm } from "../../../../coordinator/shell/origin.ts";

export class FakeSwarm implements OriginSwarm {
  readonly port = 41_000;
  readonly seeding = new Map<string, { readonly join: OriginJoin; uploadedBytes: number }>();
  closed = false;

  async join(join: OriginJoin) {
    const torrent = { join, uploadedBytes: 0 };
    const { sha256 } = join.artifact;
    this.seeding.set(sha256, torrent);
    return {
      stats: () => ({ uploadedBytes: torrent.uploadedBytes }),
      close: async () => {
        this.seeding.delete(sha256);
      },
    };
  }

  async close(): Promise<void> {
    this.closed = true;
  }
}
