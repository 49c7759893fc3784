// A swarm that hands over files it is given and archive code that writes a tree of the tests' choice, for a whole peer
// in a test or in a process of its own.
import { createHash } from "node:crypto";
import { chmod, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { PeerPorts, SwarmJoinOptions, SwarmTorrentPort } from "../../../peer/shell/ports.ts";
import { encodeTorrentInfo, infoHashOf } from "../../../peer/shell/torrent-info.ts";
import { nothingJoined } from "../../../peer/shell/torrent-inspection.ts";
import type { UnpackOptions } from "../../../peer/shell/unpack.ts";
import { digestSchema } from "../../../protocol/ids.ts";
import type { Manifest } from "../../../protocol/manifest.ts";
import type { Neighbour } from "../../../protocol/messages.ts";
import type { NodeRates } from "../../../protocol/rates.ts";
import { manifestOf, type ReleaseOptions } from "../releases.ts";

export interface TestRelease {
  readonly manifest: Manifest;
  readonly torrentInfo: Uint8Array;
  /** What the swarm hands over. */
  readonly tarball: Uint8Array;
}

/** A release whose hooks and probes act on files in its shared folder, so that a test can see and steer it. */
export function testRelease(version: string, options: ReleaseOptions = {}): TestRelease {
  const tarball = Buffer.from(`tarball of ${options.app ?? "web"} ${version}`);
  const sha256 = digestSchema.decode(createHash("sha256").update(tarball).digest("hex"), "sha256");
  const pieces = createHash("sha1").update(tarball).digest();
  const torrentInfo = encodeTorrentInfo({
    length: tarball.length,
    pieceLength: 16_384,
    name: sha256,
    pieces,
  });
  const manifest = manifestOf(version, {
    hooks: {
      preActivate: { argv: ["./service", "stop"], timeoutMs: 10_000 },
      postActivate: { argv: ["./service", "start"], timeoutMs: 10_000 },
    },
    health: {
      probes: [{ kind: "exec", argv: ["./service", "check"] }],
      intervalMs: 50,
      timeoutMs: 5_000,
      successes: 2,
    },
    ...options,
    artifact: {
      length: tarball.length,
      sha256,
      infoHash: infoHashOf(torrentInfo),
      pieceLength: 16_384,
      ...options.artifact,
    },
  });
  return { manifest, torrentInfo, tarball };
}

/**
 * start and stop note themselves in `deeds` and set `running`; `check` passes while its version runs. A file
 * `<what>-<version>-fails` in the shared folder makes a step fail, `<what>-<version>-waits` makes it wait.
 */
const SERVICE = `#!/bin/sh
cd "$FLEET_SHARED_DIR" || exit 9
step="$1-$FLEET_VERSION"
[ "$1" = check ] || echo "$1 $FLEET_VERSION" >>deeds
while [ -e "$step-waits" ]; do sleep 0.02; done
[ -e "$step-fails" ] && echo "$step does not work" && exit 1
case "$1" in
start) echo "$FLEET_VERSION" >running ;;
stop) rm -f running ;;
check) [ "$(cat running 2>/dev/null)" = "$FLEET_VERSION" ] ;;
esac
`;

class FakeTorrent implements SwarmTorrentPort {
  readonly joined: SwarmJoinOptions;
  readonly neighbourLists: (readonly Neighbour[])[] = [];
  readonly #done = Promise.withResolvers<void>();
  closed = false;
  paused: boolean;
  verifiedBytes = 0;

  constructor(joined: SwarmJoinOptions) {
    this.joined = joined;
    this.paused = joined.paused ?? false;
  }

  get completed(): Promise<void> {
    return this.#done.promise;
  }

  setNeighbours(neighbours: readonly Neighbour[]): void {
    this.neighbourLists.push(neighbours);
  }

  setPaused(paused: boolean): void {
    this.paused = paused;
  }

  stats() {
    const { verifiedBytes } = this;
    return {
      verifiedBytes,
      receivedBytes: verifiedBytes,
      uploadedBytes: 0,
      receiveBytesPerSecond: 1,
      links: 0,
    };
  }

  inspect() {
    const { paused, verifiedBytes, joined } = this;
    return { ...nothingJoined(joined.artifact), paused, verifiedBytes };
  }

  async deliver(bytes: Uint8Array): Promise<void> {
    await writeFile(this.joined.filePath, bytes);
    this.verifiedBytes = bytes.length;
    this.#done.resolve();
  }

  fail(error: Error): void {
    this.#done.reject(error);
  }

  async close(): Promise<void> {
    this.closed = true;
  }
}

export class FakeWorld implements PeerPorts {
  readonly torrents: FakeTorrent[] = [];
  readonly unpacked: UnpackOptions[] = [];
  readonly #releases: readonly TestRelease[];
  /** Torrents complete by themselves. */
  delivers = true;
  swarmsClosed = 0;
  /** What the swarm was last told. */
  coordinatorAway: boolean | null = null;
  readonly limits: NodeRates[] = [];

  constructor(releases: readonly TestRelease[]) {
    this.#releases = releases;
  }

  openSwarm = async () => ({
    port: 40_000,
    join: async (options: SwarmJoinOptions) => {
      const torrent = new FakeTorrent(options);
      this.torrents.push(torrent);
      const release = this.#releases.find((one) => one.manifest.artifact.sha256 === options.artifact.sha256);
      if (release !== undefined && this.delivers) await torrent.deliver(release.tarball);
      return torrent;
    },
    setCoordinatorAway: (away: boolean) => {
      this.coordinatorAway = away;
    },
    setLimits: (limits: NodeRates) => {
      this.limits.push(limits);
    },
    close: async () => {
      this.swarmsClosed += 1;
    },
  });

  unpackArchive = async (options: UnpackOptions): Promise<void> => {
    this.unpacked.push(options);
    await mkdir(options.directory);
    await writeFile(join(options.directory, "tarball"), await readFile(options.tarball));
    await writeFile(join(options.directory, "service"), SERVICE, { mode: 0o555 });
    await chmod(options.directory, 0o555);
  };
}
