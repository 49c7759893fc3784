// What must hold between the keys of fleet.yaml, beyond each one's own shape. Pure.
import { FleetError } from "../../protocol/errors.ts";
import { PROBES_MAX } from "../../protocol/limits.ts";
import type { HealthPolicy } from "../../protocol/manifest.ts";
import { DEFAULT_STRATEGY } from "../../protocol/strategy.ts";
import { formatDuration } from "./duration.ts";
import { healthOf, type ProjectSection } from "./project-schema.ts";

/** Throws FleetError config-invalid; `name` is how the file is called in it. */
export function checkProject(project: ProjectSection, name: string): void {
  const health = healthOf(project);
  if (health.probes.length > PROBES_MAX)
    throw invalid(name, `health: ${health.probes.length} probes; at most ${PROBES_MAX} together`);
  const strategy = project.strategy;
  if (strategy?.allAtOnce === true && (strategy.rolling !== null || strategy.canary !== null))
    throw invalid(name, "strategy: allAtOnce goes without rolling and canary");
  const healthTimeoutMs = strategy?.healthTimeout ?? DEFAULT_STRATEGY.healthTimeoutMs;
  const reason = tooShortFor(health, healthTimeoutMs);
  if (reason !== null) throw invalid(name, `strategy: healthTimeout ${reason}`);
}

/** Why no node could ever become healthy within the timeout; null when one can. */
export function tooShortFor(health: HealthPolicy, healthTimeoutMs: number): string | null {
  if (health.probes.length === 0) return null;
  // The first round is at once, so `successes` rounds take one interval less than that.
  const soonestMs = (health.successes - 1) * health.intervalMs;
  if (soonestMs < healthTimeoutMs) return null;
  const rounds = `${health.successes} rounds ${formatDuration(health.intervalMs)} apart`;
  return `${formatDuration(healthTimeoutMs)} is over before ${rounds} can pass`;
}

function invalid(name: string, message: string): FleetError {
  return new FleetError("config-invalid", `${name}: ${message}`);
}
