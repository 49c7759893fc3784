// What makes a scenario impossible as a whole, though each part of it is well written. Pure.
import type { Scenario } from "../../sim/core/scenario.ts";

export interface ScenarioFault {
  /** Of the part that is wrong, as the file names it. */
  readonly key: "pieces" | "groups" | "churn" | "vanish";
  readonly message: string;
}

/** Shares are written with three digits behind the point at most; three thirds must do. */
const SHARE_ROUNDING = 0.001;

/** Null when it can be simulated. */
export function findScenarioFault(scenario: Scenario): ScenarioFault | null {
  const { artifactBytes, pieces, groups, faults, sizes } = scenario;
  if (pieces > artifactBytes)
    return { key: "pieces", message: `${pieces} pieces, of an artifact of ${artifactBytes} bytes` };
  const whole = groups.reduce((sum, { share }) => sum + share, 0);
  if (Math.abs(whole - 1) > SHARE_ROUNDING)
    return { key: "groups", message: `shares that make ${percent(whole)} together, not 100%` };
  const { leaveShare, vanishShare = 0 } = faults;
  // Some may be drawn for both; that none is left must not depend on the seed.
  const lost = (nodes: number): number => Math.round(nodes * leaveShare) + Math.round(nodes * vanishShare);
  const emptied = sizes.find((nodes) => lost(nodes) >= nodes);
  if (emptied !== undefined)
    return {
      key: leaveShare > 0 ? "churn" : "vanish",
      message: `${percent(leaveShare + vanishShare)} of ${emptied} nodes is all of them: nobody is left to measure`,
    };
  return null;
}

function percent(share: number): string {
  return `${Number((share * 100).toFixed(3))}%`;
}
