// Worlds for the download machine that differ from an ordinary one in a few ways, run to their end.
import { type RemoteSpec, World, type WorldSpec } from "./download-world.ts";

export const HONEST: RemoteSpec = {
  temper: "honest",
  share: 1,
  bytesPerSecond: 4_000_000,
  latencyMs: 2,
  isOrigin: false,
};

const ORDINARY: WorldSpec = {
  seed: 1,
  pieceCount: 40,
  blocksPerPiece: 4,
  shortBy: 0,
  rank: 0,
  rankCount: 1,
  remotes: [HONEST],
};

/** Fails when the download does not complete, or breaks a promise on the way. */
export function runWorld(changes: Partial<WorldSpec>): World {
  const world = new World({ ...ORDINARY, ...changes });
  world.run();
  return world;
}
