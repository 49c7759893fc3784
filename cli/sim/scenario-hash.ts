// A short name for what a scenario asks of the swarm, so that runs are only compared with runs of the same world.
import { createHash } from "node:crypto";
import type { Scenario } from "../../sim/core/scenario.ts";

const HASH_DIGITS = 16;

/**
 * 16 hexadecimal digits. Names do not count, and neither does what is ours to change: the policy, and how long the
 * coordinator takes over a message. When those change the figures, that is what a baseline is for.
 */
export function scenarioHash(scenario: Scenario): string {
  const { artifactBytes, pieces, sizes, origin, rttMs, zoneRttMs, startJitterMs, pieceCost, faults } =
    scenario;
  const { messageWaitMs = 0 } = scenario;
  const groups = scenario.groups.map(({ share, upBytesPerSecond, downBytesPerSecond, zone }) => [
    share,
    upBytesPerSecond,
    downBytesPerSecond,
    zone,
  ]);
  const zones = scenario.zones.map(({ bytesPerSecond }) => bytesPerSecond);
  const world = {
    ...{ artifactBytes, pieces, sizes, groups, zones, rttMs, zoneRttMs, startJitterMs },
    origin: [origin.upBytesPerSecond, origin.zone],
    pieceCost: [pieceCost.fixedMs, pieceCost.bytesPerSecond],
    controlDelayMs: scenario.control.delayMs,
    blocksPerPiece: scenario.blocksPerPiece ?? 1,
    // Left out when there is none: baselines that do not know of it stay valid.
    ...(messageWaitMs === 0 ? {} : { messageWaitMs }),
    faults: Object.entries({ vanishShare: 0, ...faults }).toSorted(([a], [b]) => (a < b ? -1 : 1)),
  };
  return createHash("sha256").update(JSON.stringify(world)).digest("hex").slice(0, HASH_DIGITS);
}
