// The peer with the real swarm and the real unpacking around it.
import { type Peer, type PeerOptions, startPeerWith } from "./peer.ts";
import { openSwarm } from "./swarm.ts";
import { unpackArchive } from "./unpack.ts";

/** Throws what {@link startPeerWith} throws. */
export function startPeer(options: PeerOptions): Promise<Peer> {
  return startPeerWith(options, { openSwarm, unpackArchive });
}
