// The coordinator's sense of time. Decisions use a clock that never jumps; tokens use the wall.
import type { Millis } from "../../protocol/ids.ts";

/**
 * Wall-clock time at the start of this process plus what a monotonic clock has counted since: setting the system
 * clock, forwards or back, then makes no node late and no rollout fail.
 */
export function steadyNow(): Millis {
  return Math.floor(performance.timeOrigin + performance.now());
}
