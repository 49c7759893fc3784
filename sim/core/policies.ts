// The policies that simulated and real swarms are compared under: the one that ships, and ways to do worse that other
// systems have. Names only; what each part of a policy does is decided where it is used.
import { type Policy, SHIPPED_POLICY } from "./scenario.ts";

export const POLICY_NAMES = ["shipped", "no-injection", "sequential", "few-links", "no-trees"] as const;
export type PolicyName = (typeof POLICY_NAMES)[number];

export const POLICIES: Readonly<Record<PolicyName, Policy>> = {
  shipped: SHIPPED_POLICY,
  /** Rarest first, and the origin serves whoever asks, as any seed does. */
  "no-injection": { ...SHIPPED_POLICY, injection: false },
  /** As a stock client that is told to fetch in order. */
  sequential: { ...SHIPPED_POLICY, injection: false, picking: "in-order" },
  /** One ring: with its link to the origin, a node of a small fleet has three. */
  "few-links": { ...SHIPPED_POLICY, rings: 1 },
  /** Large fleets ask as small ones do. */
  "no-trees": { ...SHIPPED_POLICY, trees: false },
};
