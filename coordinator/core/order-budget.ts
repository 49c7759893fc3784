// How long an activation order may run before silence from an online node counts as a failure.
import type { Millis } from "../../protocol/ids.ts";
import type { Manifest } from "../../protocol/manifest.ts";
import type { Strategy } from "../../protocol/strategy.ts";

/** Room for disk, process start and message delay on a loaded machine. */
const MARGIN_MS = 60_000;

/**
 * Longest that a node which obeys can take: both hooks and the health timeout, twice, because a node that fails
 * runs them again for the release it restores. The node enforces each part itself; this only catches one that hangs.
 */
export function activationBudgetMs(manifest: Manifest, strategy: Strategy): Millis {
  const hooksMs =
    (manifest.hooks.preActivate?.timeoutMs ?? 0) + (manifest.hooks.postActivate?.timeoutMs ?? 0);
  return 2 * (hooksMs + strategy.healthTimeoutMs) + MARGIN_MS;
}
