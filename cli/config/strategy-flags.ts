// The strategy of a release from its flags, fleet.yaml and the defaults, in this order. Pure.
import { FleetError } from "../../protocol/errors.ts";
import { HEALTH_TIMEOUT_MS_MAX, NODES_MAX } from "../../protocol/limits.ts";
import { DEFAULT_STRATEGY, parseShare, type Strategy } from "../../protocol/strategy.ts";
import { DURATION_EXAMPLES, formatDuration, parseDuration } from "./duration.ts";
import type { StrategySection } from "./project-schema.ts";

export interface StrategyFlags {
  readonly rolling?: string;
  readonly canary?: string;
  readonly allAtOnce?: boolean;
  readonly healthTimeout?: string;
}

const EVERY_NODE = { kind: "percent", value: 100 } as const;

/** Throws FleetError strategy-invalid for a value that makes no sense, usage for flags that contradict each other. */
export function chooseStrategy(flags: StrategyFlags, project: StrategySection | null): Strategy {
  const healthTimeoutMs =
    flags.healthTimeout === undefined
      ? (project?.healthTimeout ?? DEFAULT_STRATEGY.healthTimeoutMs)
      : parseHealthTimeout(flags.healthTimeout);
  const isPaced = flags.rolling !== undefined || flags.canary !== undefined;
  if (flags.allAtOnce === true && isPaced)
    throw new FleetError("usage", "--all-at-once goes without --rolling and --canary");
  if (flags.allAtOnce === true || (project?.allAtOnce === true && !isPaced))
    return { canary: 0, rolling: EVERY_NODE, healthTimeoutMs };
  return {
    canary:
      flags.canary === undefined ? (project?.canary ?? DEFAULT_STRATEGY.canary) : parseCanary(flags.canary),
    rolling:
      flags.rolling === undefined
        ? (project?.rolling ?? DEFAULT_STRATEGY.rolling)
        : parseShare(flags.rolling, "--rolling"),
    healthTimeoutMs,
  };
}

function parseCanary(source: string): number {
  const value = Number(source);
  if (/^[0-9]{1,9}$/.test(source) && value <= NODES_MAX) return value;
  throw new FleetError(
    "strategy-invalid",
    `--canary ${source}: expected a number of nodes, 0 for no canary`,
    {
      next: "Give a number such as 1.",
    },
  );
}

function parseHealthTimeout(source: string): number {
  const millis = parseDuration(source);
  if (millis !== null && millis >= 1 && millis <= HEALTH_TIMEOUT_MS_MAX) return millis;
  const expected = `${DURATION_EXAMPLES}, at most ${formatDuration(HEALTH_TIMEOUT_MS_MAX)}`;
  throw new FleetError("strategy-invalid", `--health-timeout ${source}: expected ${expected}`, {
    next: "Give a duration such as 2m.",
  });
}
