// What an upload is made with, and its tuning: every number with what it trades against.
import type { Bitfield } from "../../protocol/bitfield.ts";
import type { Geometry } from "./geometry.ts";
import type { BudgetShare } from "./rate-budget.ts";

export interface UploadConfig {
  /** Links served at once. Two to four keep a shared uplink full while each piece still gets most of it. */
  readonly slots: number;
  /** Bytes a socket may hold unsent: this much time at the rate it drains, within bounds. */
  readonly aheadSeconds: number;
  readonly aheadBytesMin: number;
  readonly aheadBytesMax: number;
}

export const UPLOAD_CONFIG: UploadConfig = {
  slots: 4,
  aheadSeconds: 0.05,
  aheadBytesMin: 128 * 1024,
  aheadBytesMax: 1024 * 1024,
};

export interface UploadOptions {
  readonly geometry: Geometry;
  /** Read on every request: only these pieces are served. */
  readonly verified: Bitfield;
  /** This is the origin: every piece leaves once before any leaves twice. */
  readonly injects?: boolean;
  /** What may be sent; without one there is no limit. */
  readonly budget?: BudgetShare;
  readonly config?: UploadConfig;
}
