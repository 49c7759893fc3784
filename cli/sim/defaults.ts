// What a simulated fleet is like where nobody says otherwise, the same for flags and files.
import type { Control, Faults, PieceCost } from "../../sim/core/scenario.ts";

export const SCENARIO_DEFAULTS = {
  sizes: [10, 100, 1_000],
  artifactBytes: 1024 ** 3,
  pieces: 512,
  blocksPerPiece: 1,
  bytesPerSecond: 125_000_000,
  rttMs: 1,
  zoneRttMs: 20,
  messageWaitMs: 0,
  startJitterMs: 20,
  seed: 1,
  seedCount: 3,
} as const;

/** A piece is hashed and written: at what a core hashes with SHA-1, and a system call or two. */
export const PIECE_COST: PieceCost = { fixedMs: 0.5, bytesPerSecond: 1_000_000_000 };
/** A message goes half a round trip, and a coordinator handles some tens of thousands in a second. */
export const CONTROL: Control = { delayMs: 1, serviceMs: 0.02 };

export interface FaultChoices {
  readonly churn: number | null;
  readonly vanish: number | null;
  readonly slow: { readonly share: number; readonly factor: number } | null;
  readonly late: { readonly share: number; readonly byMs: number } | null;
  readonly flap: { readonly share: number; readonly everyMs: number; readonly forMs: number } | null;
}

export function faultsFrom({ churn, vanish, slow, late, flap }: FaultChoices): Faults {
  return {
    leaveShare: churn ?? 0,
    vanishShare: vanish ?? 0,
    slowShare: slow?.share ?? 0,
    slowFactor: slow?.factor ?? 1,
    flapShare: flap?.share ?? 0,
    flapEveryMs: flap?.everyMs ?? 0,
    flapForMs: flap?.forMs ?? 0,
    lateShare: late?.share ?? 0,
    lateByMs: late?.byMs ?? 0,
  };
}
