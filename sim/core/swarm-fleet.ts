// The fleet of one simulated run: its members with their rates and zones, and who is linked to whom. The graph and the
// shares of the origin's pieces are the coordinator's own.
import { buildGraph, linksToOrigin, originShare } from "../../coordinator/core/graph.ts";
import { BLOCK_BYTES, geometryOf } from "../../peer/core/geometry.ts";
import { assert } from "../../protocol/machine.ts";
import type { Prng } from "../../protocol/prng.ts";
import { groupOf } from "./fleet.ts";
import type { Scenario } from "./scenario.ts";
import { BLOCKS_PER_PIECE_MAX } from "./swarm-events.ts";
import { Member, type MemberOptions, type Surroundings } from "./swarm-member.ts";

export interface FleetSize {
  readonly scenario: Scenario;
  readonly nodeCount: number;
  readonly realBytesPerByte: number;
}

export interface FleetChance {
  readonly random: Prng;
  readonly isSlow: (index: number) => boolean;
  readonly world: Surroundings;
}

const GRAPH_SEEDS = 2 ** 31;

/** By index of member, the origin last: neighbours, each pair on both sides. */
export function layGraph(
  scenario: Scenario,
  nodeCount: number,
  random: Prng,
): readonly (readonly number[])[] {
  const { rings } = scenario.policy;
  const seed = random.below(GRAPH_SEEDS);
  const links = rings === null ? buildGraph(nodeCount, seed) : buildGraph(nodeCount, seed, rings);
  const graph = Array.from({ length: nodeCount + 1 }, (_, index) => [...(links.get(index) ?? [])]);
  for (let index = 0; index < nodeCount; index += 1) {
    if (!linksToOrigin(index, nodeCount)) continue;
    graph[index]?.push(nodeCount);
    graph[nodeCount]?.push(index);
  }
  return graph;
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
  { scenario, nodeCount, realBytesPerByte }: FleetSize,
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
    share: originShare(index, nodeCount),
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
