// How a rollout proceeds through the fleet, and how a person writes it: `3` nodes or `10%`.
import { FleetError } from "./errors.ts";
import { HEALTH_TIMEOUT_MS_MAX, NODES_MAX } from "./limits.ts";
import { type Infer, integer, literal, object, union } from "./schema.ts";

export const shareSchema = union({
  nodes: object({ kind: literal("nodes"), value: integer(1, NODES_MAX) }),
  percent: object({ kind: literal("percent"), value: integer(1, 100) }),
});
export type Share = Infer<typeof shareSchema>;

export const strategySchema = object({
  /** Nodes in the first wave, which must all become healthy before any other is touched; 0 for none. */
  canary: integer(0, NODES_MAX),
  /** Most nodes at once that are not known healthy on account of this rollout; `100%` is all at once. */
  rolling: shareSchema,
  /** Longest from the activation order's start on a node to healthy. */
  healthTimeoutMs: integer(1, HEALTH_TIMEOUT_MS_MAX),
});
export type Strategy = Infer<typeof strategySchema>;

export const DEFAULT_STRATEGY: Strategy = {
  canary: 1,
  rolling: { kind: "percent", value: 10 },
  healthTimeoutMs: 120_000,
};

/** Reads `3` or `10%`. Throws FleetError strategy-invalid naming `option`. */
export function parseShare(source: string, option: string): Share {
  const match = /^([0-9]{1,9})(%?)$/.exec(source.trim());
  const value = Number(match?.[1]);
  const kind = match?.[2] === "%" ? "percent" : "nodes";
  const max = kind === "percent" ? 100 : NODES_MAX;
  if (match === null || value < 1 || value > max)
    throw new FleetError(
      "strategy-invalid",
      `${option} ${source}: expected a number of nodes from 1, or 1% to 100%`,
    );
  return { kind, value };
}

/**
 * Nodes that a share of `nodeCount` is: rounded down, at least one, as Kubernetes' maxUnavailable and Ansible's
 * serial do.
 */
export function shareOf(share: Share, nodeCount: number): number {
  const nodes = share.kind === "percent" ? Math.floor((share.value * nodeCount) / 100) : share.value;
  return Math.max(1, Math.min(nodes, nodeCount));
}
