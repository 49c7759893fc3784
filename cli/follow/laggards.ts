// Which nodes hold the others up while a release is fetched. Pure.
import type { RolloutNodeView, RolloutView } from "../../protocol/api.ts";

/** Before the typical node is this far, differences say more about the start than about the node. */
const MEDIAN_SHARE_MIN = 0.25;

/** Nodes with less than half of what the median node has, or still fetching when most have all; least first. */
export function laggards(rollout: RolloutView): readonly RolloutNodeView[] {
  const { artifactBytes } = rollout;
  if (artifactBytes === 0) return [];
  const shareOf = (node: RolloutNodeView): number => node.verifiedBytes / artifactBytes;
  const shares = rollout.nodes.map(shareOf).toSorted((a, b) => a - b);
  const median = shares[Math.floor(shares.length / 2)] ?? 0;
  if (median < MEDIAN_SHARE_MIN) return [];
  const isSlow = (node: RolloutNodeView): boolean =>
    (node.phase === "pending" || node.phase === "staging") && shareOf(node) < (median >= 1 ? 1 : median / 2);
  return rollout.nodes.filter(isSlow).toSorted((a, b) => a.verifiedBytes - b.verifiedBytes);
}
