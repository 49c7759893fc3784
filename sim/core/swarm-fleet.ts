// The fleet of one simulated run: its members with their rates and zones, and who is linked to whom. The graph and the
// shares of the origin's pieces are the coordinator's own.
import { originShare } from "../../coordinator/core/graph.ts";
import { SwarmGraph } from "../../coordinator/core/swarm-graph.ts";
import { BLOCK_BYTES, geometryOf } from "../../peer/core/geometry.ts";
import { assert } from "../../protocol/machine.ts";
import type { FarShare } from "../../protocol/messages.ts";
import type { Prng } from "../../protocol/prng.ts";
import { NO_STRIPES, type StripeSet } from "../../protocol/stripes.ts";
import { groupOf } from "./fleet.ts";
import type { Scenario } from "./scenario.ts";
import { BLOCKS_PER_PIECE_MAX } from "./swarm-events.ts";
import { Member, type MemberOptions, type Surroundings } from "./swarm-member.ts";

export interface FleetSize {
  readonly scenario: Scenario;
  readonly nodeCount: number;
  readonly realBytesPerByte: number;
  readonly graph: PeerGraph;
}

export interface FleetChance {
  readonly random: Prng;
  readonly isSlow: (index: number) => boolean;
  readonly world: Surroundings;
}

const GRAPH_SEEDS = 2 ** 31;

/** Who is linked to whom, by index of member, the origin last. */
export interface PeerGraph {
  /** Each pair on both sides. */
  readonly neighbours: readonly (readonly number[])[];
  /** What one asks of the other first when they are in different zones. */
  farOf(from: number, to: number): FarShare | null;
  /** Stripes that the other brings it without being asked. */
  feedsOf(from: number, to: number): StripeSet;
  /** All nodes, in the order in which the coordinator says GO to them. */
  readonly startOrder: readonly number[];
  /** Place and number among those linked to the origin. */
  shareOf(index: number): { readonly place: number; readonly count: number };
}

/** As the coordinator lays it when everybody is there. */
export function layGraph(scenario: Scenario, nodeCount: number, random: Prng): PeerGraph {
  const { rings, trees, zones = true } = scenario.policy;
  const zoneName = (zone: number): string | null => (zones ? (scenario.zones[zone]?.name ?? null) : null);
  const members = Array.from(groupOf(scenario, nodeCount), (group) => ({
    zone: zoneName(scenario.groups[group]?.zone ?? 0),
    present: true,
  }));
  const graph = new SwarmGraph({
    members,
    originZone: zoneName(scenario.origin.zone),
    seed: scenario.placement?.graphSeed ?? random.below(GRAPH_SEEDS),
    ringCount: rings ?? undefined,
    firstCount: nodeCount,
    trees,
  });
  const links = members.map((_, index) => new Map(graph.linksOf(index).map((link) => [link.rank, link])));
  const origin = members.map((_, index) => graph.originOf(index));
  const linkedToOrigin = [...members.keys()].filter((index) => origin[index] !== null);
  const neighbours = links.map((linked, index) => [
    ...linked.keys(),
    ...(origin[index] === null ? [] : [nodeCount]),
  ]);
  const linkOf = (from: number, to: number) => (to === nodeCount ? origin[from] : links[from]?.get(to));
  return {
    neighbours: [...neighbours, linkedToOrigin],
    startOrder: graph.startOrder(),
    farOf: (from, to) => linkOf(from, to)?.far ?? null,
    feedsOf: (from, to) => linkOf(from, to)?.feeds ?? NO_STRIPES,
    shareOf: (index) => origin[index] ?? originShare(index, nodeCount),
  };
}

/** The nodes by rank, then the origin. */
export function makeMembers(size: FleetSize, chance: FleetChance): readonly Member[] {
  const { scenario, nodeCount } = size;
  const groups = groupOf(scenario, nodeCount);
  const members = Array.from({ length: nodeCount }, (_, index) => {
    const group = scenario.groups[groups[index] ?? 0];
    assert(group !== undefined, `node ${index} is in a group`);
    const factor = chance.isSlow(index) ? scenario.faults.slowFactor : 1;
    const { upBytesPerSecond: up, downBytesPerSecond: down, zone } = group;
    return newMember(size, chance, {
      index,
      name: `node ${index}`,
      up: up * factor,
      down: down * factor,
      zone,
    });
  });
  const { upBytesPerSecond: up, zone } = scenario.origin;
  members.push(newMember(size, chance, { index: nodeCount, name: "origin", up, down: up, zone }));
  return members;
}

interface Place {
  readonly index: number;
  readonly name: string;
  /** Bytes per second. */
  readonly up: number;
  readonly down: number;
  readonly zone: number;
}

function newMember(
  { scenario, nodeCount, realBytesPerByte, graph }: FleetSize,
  chance: FleetChance,
  place: Place,
): Member {
  const { index, name, up, down, zone } = place;
  const pieceLength = blocksPerPiece(scenario) * BLOCK_BYTES;
  const options: MemberOptions = {
    index,
    name,
    isOrigin: index === nodeCount,
    geometry: geometryOf({ length: scenario.pieces * pieceLength, pieceLength }),
    pieceBytes: realBytesPerByte * pieceLength,
    upBytesPerMs: up / 1000 / realBytesPerByte,
    downBytesPerMs: down / 1000 / realBytesPerByte,
    zone,
    share: graph.shareOf(index),
    random: chance.random.child(index),
    policy: scenario.policy,
  };
  return new Member(options, chance.world);
}

export function blocksPerPiece({ blocksPerPiece = 1 }: Scenario): number {
  assert(blocksPerPiece <= BLOCKS_PER_PIECE_MAX, "a piece has few blocks in a simulation");
  return blocksPerPiece;
}

/** About how long it takes: for steps of sampling and times of faults, which need no exact bound. */
export function roughBoundMs(scenario: Scenario, nodeCount: number): number {
  const { artifactBytes, origin, groups } = scenario;
  const up = groups.reduce((sum, group) => sum + group.share * group.upBytesPerSecond, 0);
  const down = Math.min(...groups.map((group) => group.downBytesPerSecond));
  const shared = up + origin.upBytesPerSecond / nodeCount;
  return (artifactBytes * 1000) / Math.min(origin.upBytesPerSecond, shared, down);
}
