// What goes wrong in one run, drawn from its seed before it begins: who leaves, is slow, flaps or comes late, and when.
// The same seed hits the same nodes whatever the policy does, so that policies can be compared.
import type { Prng } from "../../protocol/prng.ts";
import type { Scenario } from "./scenario.ts";

export interface FaultEvent {
  readonly kind: "leave" | "vanish" | "flap" | "flapOver";
  readonly atMs: number;
  readonly index: number;
}

export interface FaultPlan {
  readonly events: readonly FaultEvent[];
  isSlow(index: number): boolean;
  isLate(index: number): boolean;
  /** When it comes; 0 for one that is there from the start. */
  lateMs(index: number): number;
  /** It has not come yet, or has lost its links for a while. */
  isAway(index: number, now: number): boolean;
}

export interface FaultOptions {
  readonly nodeCount: number;
  /** About how long the run takes without faults. */
  readonly boundMs: number;
  readonly random: Prng;
}

/** A run lasts a few bounds at most; who flaps does so all along. */
const FLAPS_MAX = 1_000;
const FLAP_BOUNDS = 10;

export function drawFaults({ faults }: Scenario, { nodeCount, boundMs, random }: FaultOptions): FaultPlan {
  const pick = (label: string, share: number): ReadonlySet<number> =>
    drawNodes(nodeCount, share, random.child(label));
  const slow = pick("slow", faults.slowShare);
  const late = new Map<number, number>();
  const lateRandom = random.child("late times");
  for (const index of pick("late", faults.lateShare)) late.set(index, lateRandom.unit() * faults.lateByMs);
  const events: FaultEvent[] = [];
  const leaveRandom = random.child("leave times");
  for (const index of pick("leave", faults.leaveShare))
    events.push({ kind: "leave", atMs: leaveRandom.unit() * boundMs, index });
  const vanishRandom = random.child("vanish times");
  for (const index of pick("vanish", faults.vanishShare ?? 0))
    events.push({ kind: "vanish", atMs: vanishRandom.unit() * boundMs, index });
  const flapRandom = random.child("flap times");
  const flapStarts = new Map<number, number>();
  for (const index of pick("flap", faults.flapShare)) {
    const firstMs = flapRandom.unit() * faults.flapEveryMs;
    flapStarts.set(index, firstMs);
    events.push(...flapsOf(index, firstMs, { ...faults, untilMs: FLAP_BOUNDS * boundMs }));
  }
  return {
    events,
    isSlow: (index) => slow.has(index),
    isLate: (index) => late.has(index),
    lateMs: (index) => late.get(index) ?? 0,
    isAway: (index, now) => {
      if (now < (late.get(index) ?? 0)) return true;
      const firstMs = flapStarts.get(index);
      if (firstMs === undefined || now < firstMs) return false;
      return (now - firstMs) % faults.flapEveryMs < faults.flapForMs;
    },
  };
}

function flapsOf(
  index: number,
  firstMs: number,
  flap: { readonly flapEveryMs: number; readonly flapForMs: number; readonly untilMs: number },
): FaultEvent[] {
  const events: FaultEvent[] = [];
  for (let turn = 0; turn < FLAPS_MAX; turn += 1) {
    const atMs = firstMs + turn * flap.flapEveryMs;
    if (atMs > flap.untilMs) break;
    events.push({ kind: "flap", atMs, index });
    events.push({ kind: "flapOver", atMs: atMs + flap.flapForMs, index });
  }
  return events;
}

/** Different nodes, as many as the share rounds to. */
function drawNodes(nodeCount: number, share: number, random: Prng): ReadonlySet<number> {
  const wanted = Math.min(nodeCount, Math.round(nodeCount * share));
  const drawn = new Set<number>();
  while (drawn.size < wanted) drawn.add(random.below(nodeCount));
  return drawn;
}
