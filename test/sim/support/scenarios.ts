// Scenarios for tests of the simulator: one ordinary fleet, and what differs from it.
import { NO_FAULTS, type Scenario, SHIPPED_POLICY } from "../../../sim/core/scenario.ts";

const MIB = 1024 * 1024;
export const GBIT = 125_000_000;

/** 256 MiB in pieces of 1 MiB, one zone, 1 Gbit/s each way, the origin as fast as a node, 1 ms there and back. */
export function scenarioOf(changes: Partial<Scenario> = {}): Scenario {
  return {
    name: "test",
    artifactBytes: 256 * MIB,
    pieces: 256,
    sizes: [10],
    origin: { upBytesPerSecond: GBIT, zone: 0 },
    groups: [{ name: "nodes", share: 1, upBytesPerSecond: GBIT, downBytesPerSecond: GBIT, zone: 0 }],
    zones: [{ name: "all", bytesPerSecond: null }],
    rttMs: 1,
    zoneRttMs: 1,
    startJitterMs: 0,
    pieceCost: { fixedMs: 0.5, bytesPerSecond: 1_000_000_000 },
    control: { delayMs: 1, serviceMs: 0 },
    faults: NO_FAULTS,
    policy: SHIPPED_POLICY,
    ...changes,
  };
}
