// Caps on what nodes move for the swarm, as they cross between processes and as the stricter of two is found.
import { type Infer, integer, nullable, object } from "./schema.ts";

/** 1 kbit/s: less is not a limit but a pause. */
export const RATE_BYTES_PER_SECOND_MIN = 125;
/** Far beyond any link; guards arithmetic. */
export const RATE_BYTES_PER_SECOND_MAX = 1e12;
/** A stage that takes an hour to reach its rate would be better served by a lower rate. */
export const RAMP_MS_MAX = 60 * 60_000;

/** Payload that one node may move for all its releases together; null is without limit. */
export interface NodeRates {
  readonly uploadBytesPerSecondMax: number | null;
  readonly downloadBytesPerSecondMax: number | null;
}

export const NO_RATES: NodeRates = { uploadBytesPerSecondMax: null, downloadBytesPerSecondMax: null };

const rate = nullable(integer(RATE_BYTES_PER_SECOND_MIN, RATE_BYTES_PER_SECOND_MAX));

/** What an operator sets for the whole fleet. */
export const fleetLimitsSchema = object({
  nodeUploadBytesPerSecondMax: rate,
  nodeDownloadBytesPerSecondMax: rate,
  /** What all nodes that fetch may download together. */
  fleetBytesPerSecondMax: rate,
  /** From GO, how long the fleet's rate takes to grow to its full value. */
  rampMs: integer(0, RAMP_MS_MAX),
});
export type FleetLimits = Infer<typeof fleetLimitsSchema>;

export const NO_FLEET_LIMITS: FleetLimits = {
  nodeUploadBytesPerSecondMax: null,
  nodeDownloadBytesPerSecondMax: null,
  fleetBytesPerSecondMax: null,
  rampMs: 0,
};

/** The smaller of two limits, either of which may be none. */
export function stricter(a: number | null, b: number | null): number | null {
  if (a === null || b === null) return a ?? b;
  return Math.min(a, b);
}

/** In each direction the smaller of two limits. */
export function stricterRates(a: NodeRates, b: NodeRates): NodeRates {
  return {
    uploadBytesPerSecondMax: stricter(a.uploadBytesPerSecondMax, b.uploadBytesPerSecondMax),
    downloadBytesPerSecondMax: stricter(a.downloadBytesPerSecondMax, b.downloadBytesPerSecondMax),
  };
}
