// One release on its way to this node: what is remembered of it, and what follows from that alone.
// Changes nothing; staging.ts does.
import type { Millis } from "../../protocol/ids.ts";
import { GO_MISSED_AFTER_MS } from "../../protocol/limits.ts";
import type { Manifest, ReleaseRef } from "../../protocol/manifest.ts";
import type { StageOrder } from "../../protocol/messages.ts";
import type { Transfer } from "./staging-events.ts";

/** A node is ready for GO without a link that is not open by then; dialling a second time fits into it. */
export const LINKS_WAIT_MS = 1_000;
/** How often links are counted before GO: what it adds to the time until GO is not worth an event of its own. */
export const LINKS_POLL_MS = 25;

export const NOTHING_YET: Transfer = { verifiedBytes: 0, receivedBytes: 0, uploadedBytes: 0 };

/** In the swarm with open links, asking for nothing. */
export interface Countdown {
  /** The coordinator has been told that the links are open, or that no more will be waited for. */
  toldReady: boolean;
  readonly readyBy: Millis;
  /** When it begins by itself: whoever was to give GO is away. */
  readonly startBy: Millis;
}

export interface Job {
  readonly attempt: number;
  readonly manifest: Manifest;
  order: StageOrder;
  phase: "waiting" | "fetching" | "installing" | "serving";
  /** The coordinator no longer wants it served: leave as soon as it is installed. */
  leaving: boolean;
  /** Null once it may ask for pieces. */
  countdown: Countdown | null;
  /** An operator wants it to stand still. */
  paused: boolean;
  links: number;
  transfer: Transfer;
  sampleAt: Millis;
  grewAt: Millis;
}

export function keyOf(release: ReleaseRef): string {
  return `${release.app}/${release.version}/${release.sha256}`;
}

export function newCountdown(now: Millis): Countdown {
  return { toldReady: false, readyBy: now + LINKS_WAIT_MS, startBy: now + GO_MISSED_AFTER_MS };
}

/** It may not ask for pieces. */
export function isHeld(job: Job): boolean {
  return job.countdown !== null || job.paused;
}

export function isLinking(job: Job): boolean {
  return job.countdown?.toldReady === false;
}

/** When something of this job is due by itself. */
export function wakeAt(job: Job): Millis {
  const { countdown } = job;
  const sampleAt = job.phase === "fetching" ? job.sampleAt : Number.POSITIVE_INFINITY;
  if (countdown === null) return sampleAt;
  return Math.min(sampleAt, countdown.toldReady ? countdown.startBy : countdown.readyBy);
}
