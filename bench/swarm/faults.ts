// Kills what a run was told to kill, at the moment it was told, and brings back what is to come back.
// Watches from outside, through the links and the disks; nobody in the fleet is told or asked.
import { type FileHandle, open } from "node:fs/promises";
import type { Content } from "./content.ts";
import type { Fleet, Peer } from "./fleet.ts";
import type { Network } from "./network.ts";
import { type Fault, spread } from "./options.ts";

/** A run on links that are worth shaping takes seconds. */
const LOOK_EVERY_MS = 50;
/** A piece whose last bytes are there has been written: pieces are written whole, and random bytes do not repeat. */
const SAMPLE_BYTES = 32;

export interface FaultPlan {
  readonly fleet: Fleet;
  readonly network: Network;
  readonly content: Content;
  readonly artifactBytes: number;
  readonly pieceLength: number;
  /** Aborted when the run is over. */
  readonly signal: AbortSignal;
}

/** What was done, for the report; null when the run was over before its moment came. */
export interface FaultRecord {
  readonly what: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

export async function inflict(fault: Fault, plan: FaultPlan): Promise<FaultRecord | null> {
  const isDue = fault.kind === "origin" ? fullCopyWatch(plan) : bytesWatch(plan, fault.at);
  while (!(await isDue())) {
    if (plan.signal.aborted) return null;
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
  const at = Date.now();
  return { at, what: await kill(fault, plan.fleet) };
}

async function kill(fault: Fault, fleet: Fleet): Promise<string> {
  if (fault.kind === "peers") {
    const doomed = spread(fleet.peers.length, fault.share);
    const peers = fleet.peers.filter((_, index) => doomed.has(index));
    await Promise.all(peers.map((peer) => fleet.killPeer(peer)));
    return `killed ${peers.map(({ name }) => name).join(", ")}`;
  }
  await fleet.killCoordinator();
  if (fault.kind === "origin") return "killed the coordinator, which holds the origin";
  await fleet.startCoordinator();
  return "killed the coordinator and started it again";
}

function bytesWatch({ fleet, network, artifactBytes }: FaultPlan, share: number): () => Promise<boolean> {
  const before = new Map(fleet.peers.map(({ host }) => [host, network.arrivedBytes(host)]));
  return async () => {
    const arrived = fleet.peers.reduce((sum, { host }) => {
      const bytes = network.arrivedBytes(host) - (before.get(host) ?? 0);
      return sum + Math.min(bytes, artifactBytes);
    }, 0);
    return arrived >= share * artifactBytes * fleet.peers.length;
  };
}

/** True once every piece is on the disk of some node. */
function fullCopyWatch(plan: FaultPlan): () => Promise<boolean> {
  const { artifactBytes, pieceLength } = plan;
  const missing = new Set(
    Array.from({ length: Math.ceil(artifactBytes / pieceLength) }, (_, piece) => piece),
  );
  return async () => {
    const source = await open(plan.content.tarballPath);
    try {
      for (const peer of plan.fleet.peers) await strikeOut(missing, { plan, peer, source });
    } finally {
      await source.close();
    }
    return missing.size === 0;
  };
}

interface Look {
  readonly plan: FaultPlan;
  readonly peer: Peer;
  readonly source: FileHandle;
}

async function strikeOut(missing: Set<number>, { plan, peer, source }: Look): Promise<void> {
  const { artifactBytes, pieceLength, fleet, content } = plan;
  const file = await open(fleet.tarballOf(peer, content.tarballSha256)).catch(() => null);
  if (file === null) return;
  try {
    for (const piece of missing) {
      const end = Math.min(artifactBytes, (piece + 1) * pieceLength);
      const [theirs, ours] = [await sample(file, end), await sample(source, end)];
      if (theirs.equals(ours)) missing.delete(piece);
    }
  } finally {
    await file.close();
  }
}

async function sample(file: FileHandle, end: number): Promise<Buffer> {
  const { bytesRead, buffer } = await file.read(
    Buffer.alloc(SAMPLE_BYTES),
    0,
    SAMPLE_BYTES,
    end - SAMPLE_BYTES,
  );
  return buffer.subarray(0, bytesRead);
}
