// How fast an artifact can reach a fleet at best, in closed form, and how long plain ways of sending it take.
// Every run is held against these; nothing here knows of policies or events. The ids B1 to B8 are those of the report.
import { assert } from "../../protocol/machine.ts";
import { type FleetModel, fleetModel } from "./fleet.ts";
import { lastPieceRounds, pipelineRounds, rampRounds } from "./round-bounds.ts";
import type { Scenario } from "./scenario.ts";

/**
 * F is the artifact, N the nodes that must have it, M its pieces, u and d rates up and down, S the origin's rate over a
 * node's.
 *
 * - B1 `F / u_origin`: every byte leaves the origin once. Always valid.
 * - B2 `F / min d_i`: the slowest of the nodes that must have it. Always valid.
 * - B3 `N F / (u_origin + sum u_i)`: all uplinks together. Always valid. With B1 and B2 it is what a fluid can reach
 *   (Kumar and Ross 2006).
 * - B4 `(M + floor(log2 N)) F / (M u)`: whole pieces, passed on once they are whole. Valid when every uplink is as fast
 *   as the origin's, a piece comes from one node only, and pieces are of one size; reached by the binomial pipeline
 *   (Mundinger, Weber and Weiss 2008; Ganesan and Seshadri 2005). Null otherwise.
 * - B5, B6: how soon the fleet can take part, and how long the last piece takes to spread. They hold only where every
 *   transfer runs at a node's rate u, the origin's too: lines to compare with. Null when nodes differ in uplink or
 *   S < 1.
 * - B7 `F / link_z`: into every zone that has nodes but not the origin, and out of the origin's zone if there is such a
 *   zone. Always valid; null when no such link limits.
 */
export type BoundId = "B1" | "B2" | "B3" | "B4" | "B5" | "B6" | "B7";

export interface Bounds {
  /** Null where a bound says nothing about this fleet. */
  readonly seconds: Readonly<Record<BoundId, number | null>>;
  /** The greatest of those that no run can beat: B1, B2, B3, B4 and B7 where they are valid. */
  readonly hardSeconds: number;
  /** The bound it comes from; the first of equals. */
  readonly binding: BoundId;
  /** For each node, F over its own downlink: no node is done before that. */
  readonly ownSeconds: Float64Array;
  readonly baselines: Baselines;
}

/** B8: what is done without a swarm, and the least that must cross zones. Infinite where a node cannot send. */
export interface Baselines {
  /** Each node fetches all of it from the origin. */
  readonly clientServerSeconds: number;
  /** Each node passes pieces on to one other, at the rate of the slowest link. */
  readonly chainSeconds: number;
  /** Whoever has all of it sends it to one that has nothing: `F / c * ceil(log2(N + 1))`, c the slowest link. */
  readonly treeSeconds: number;
  /** One copy into every zone that has nodes but not the origin. */
  readonly idealCrossZoneBytes: number;
}

const HARD_BOUNDS: readonly BoundId[] = ["B1", "B2", "B3", "B4", "B7"];
/** What sums of a million rounded terms may be off by: a run that reaches a bound does not beat it. */
const ROUNDING_SHARE = 1e-9;

/**
 * All bounds of a fleet. Rates above 0, except uplinks of nodes; at least one node must have to finish. Delays and
 * faults only make a run slower; where nodes leave, say with `finishing` who stays.
 */
export function fleetBounds(fleet: FleetModel): Bounds {
  const facts = gatherFacts(fleet);
  const seconds = { ...linkBounds(fleet, facts), ...pieceBounds(fleet, facts) };
  let binding: BoundId = "B1";
  for (const id of HARD_BOUNDS) if ((seconds[id] ?? 0) > (seconds[binding] ?? 0)) binding = id;
  return {
    seconds,
    binding,
    hardSeconds: seconds[binding] ?? 0,
    ownSeconds: fleet.nodes.down.map((down) => fleet.artifactBytes / down),
    baselines: baselinesOf(fleet, facts),
  };
}

/** The bounds of a scenario at one fleet size, with the rates its groups have and nobody leaving. */
export function scenarioBounds(scenario: Scenario, nodeCount: number): Bounds {
  return fleetBounds(fleetModel(scenario, nodeCount));
}

/** Whether a run was faster than it can be. Meeting the bound, to within rounding, is not beating it. */
export function beatsBound(measuredSeconds: number, boundSeconds: number): boolean {
  return measuredSeconds < boundSeconds * (1 - ROUNDING_SHARE);
}

/** What the bounds ask of a fleet, gathered in one pass over its nodes. */
interface Facts {
  readonly finishers: number;
  readonly slowestDown: number;
  readonly slowestUp: number;
  readonly fastestUp: number;
  readonly allUps: number;
  /** Nodes that must finish, by zone. */
  readonly finishersByZone: readonly number[];
}

function gatherFacts({ nodes, zones, finishing }: FleetModel): Facts {
  const finishersByZone = zones.map(() => 0);
  const facts = {
    finishers: 0,
    slowestDown: Number.POSITIVE_INFINITY,
    slowestUp: Number.POSITIVE_INFINITY,
    fastestUp: 0,
    allUps: 0,
  };
  for (const [node, up] of nodes.up.entries()) {
    facts.allUps += up;
    facts.slowestUp = Math.min(facts.slowestUp, up);
    facts.fastestUp = Math.max(facts.fastestUp, up);
    if (finishing !== undefined && finishing[node] !== 1) continue;
    facts.finishers += 1;
    facts.slowestDown = Math.min(facts.slowestDown, nodes.down[node] ?? 0);
    const zone = nodes.zone[node] ?? 0;
    finishersByZone[zone] = (finishersByZone[zone] ?? 0) + 1;
  }
  assert(facts.finishers > 0, "bounds of a fleet in which no node has to finish");
  return { ...facts, finishersByZone };
}

type LinkBounds = Readonly<Record<"B1" | "B2" | "B3" | "B7", number | null>>;

function linkBounds(fleet: FleetModel, facts: Facts): LinkBounds {
  const { artifactBytes, origin } = fleet;
  const crossings = crossedLinks(fleet, facts).map(({ bytesPerSecond }) => artifactBytes / bytesPerSecond);
  return {
    B1: artifactBytes / origin.upBytesPerSecond,
    B2: artifactBytes / facts.slowestDown,
    B3: (facts.finishers * artifactBytes) / (origin.upBytesPerSecond + facts.allUps),
    B7: crossings.length === 0 ? null : Math.max(...crossings),
  };
}

type PieceBounds = Readonly<Record<"B4" | "B5" | "B6", number | null>>;

function pieceBounds({ artifactBytes, pieceCount, origin }: FleetModel, facts: Facts): PieceBounds {
  const { slowestUp, fastestUp, finishers } = facts;
  const originRate = origin.upBytesPerSecond / slowestUp;
  if (slowestUp !== fastestUp || slowestUp === 0 || originRate < 1) return { B4: null, B5: null, B6: null };
  const pieceSeconds = artifactBytes / (pieceCount * slowestUp);
  const swarm = { nodes: finishers, pieces: pieceCount, originRate };
  return {
    B4: originRate === 1 ? pieceSeconds * pipelineRounds(finishers, pieceCount) : null,
    B5: pieceSeconds * rampRounds(swarm),
    B6: pieceSeconds * lastPieceRounds(swarm),
  };
}

interface CrossedLink {
  readonly bytesPerSecond: number;
  /** Nodes whose copies all come through it when each fetches its own. */
  readonly finishersBehind: number;
}

/** The limited links between zones that at least one copy must cross. */
function crossedLinks({ zones, origin }: FleetModel, facts: Facts): CrossedLink[] {
  const crossed: CrossedLink[] = [];
  let finishersAway = 0;
  for (const [zone, { bytesPerSecond }] of zones.entries()) {
    const finishersBehind = facts.finishersByZone[zone] ?? 0;
    if (zone === origin.zone || finishersBehind === 0) continue;
    finishersAway += finishersBehind;
    if (bytesPerSecond !== null) crossed.push({ bytesPerSecond, finishersBehind });
  }
  const wayOut = zones[origin.zone]?.bytesPerSecond ?? null;
  if (finishersAway > 0 && wayOut !== null)
    crossed.push({ bytesPerSecond: wayOut, finishersBehind: finishersAway });
  return crossed;
}

function baselinesOf(fleet: FleetModel, facts: Facts): Baselines {
  const { artifactBytes, pieceCount, origin } = fleet;
  const { finishers, slowestDown, slowestUp, finishersByZone } = facts;
  const crossed = crossedLinks(fleet, facts);
  const fetching = crossed.map((link) => (link.finishersBehind * artifactBytes) / link.bytesPerSecond);
  const slowestCrossed = Math.min(...crossed.map(({ bytesPerSecond }) => bytesPerSecond));
  const slowestLink = Math.min(origin.upBytesPerSecond, slowestUp, slowestDown, slowestCrossed);
  const zonesAway = finishersByZone.filter((count, zone) => count > 0 && zone !== origin.zone);
  return {
    clientServerSeconds: Math.max(
      (finishers * artifactBytes) / origin.upBytesPerSecond,
      artifactBytes / slowestDown,
      ...fetching,
    ),
    chainSeconds: (artifactBytes * (pieceCount + finishers - 1)) / (pieceCount * slowestLink),
    treeSeconds: (artifactBytes * pipelineRounds(finishers, 1)) / slowestLink,
    idealCrossZoneBytes: artifactBytes * zonesAway.length,
  };
}
