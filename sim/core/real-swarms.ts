// Real swarms as they were measured, and each of them as a scenario: what is taken from the measurement, what is
// assumed, and the one number that is fitted. Reads no files and simulates nothing.
import { BLOCK_BYTES } from "../../peer/core/geometry.ts";
import { POLICIES, type PolicyName } from "./policies.ts";
import { type Group, NO_FAULTS, type Placement, type Scenario } from "./scenario.ts";
import { BLOCKS_PER_PIECE_MAX } from "./swarm-events.ts";

/** What a real swarm was measured under. */
export interface RealConditions {
  readonly nodes: number;
  /** Of every node's link each way, and of the origin's; in megabits per second, headers and all. */
  readonly mbit: number;
  readonly originMbit: number;
  /** So many of the nodes have only so much of that. */
  readonly slow: { readonly share: number; readonly factor: number } | null;
  readonly artifactBytes: number;
  readonly pieceLength: number;
  readonly policy: PolicyName;
}

/** What a coordinator lays its graph with: who was linked to whom follows from it. */
export interface RealMembers {
  /** Which swarm of this coordinator it was, from 1. */
  readonly generation: number;
  /** The rate of each node, by rank. */
  readonly mbit: readonly number[];
}

/** One run: seconds from GO to when half of the nodes, and all of them, had everything. */
export interface RealRun {
  /** Where it stands. */
  readonly source: string;
  readonly conditions: RealConditions;
  /** Null where it was not recorded: then chance decides. */
  readonly members: RealMembers | null;
  readonly p50Seconds: number;
  readonly lastSeconds: number;
  /** Payload that the origin sent over the artifact's size; null when it was not counted. */
  readonly originSentOverSize: number | null;
  /** Of all cores' time, what nothing ran in, 0 to 1. */
  readonly idleShare: number;
}

/** With less left, the machine was what limited the swarm, and not its links. */
export const IDLE_SHARE_MIN = 0.15;

export function isValid({ idleShare }: RealRun): boolean {
  return idleShare >= IDLE_SHARE_MIN;
}

/** Runs of one kind. */
export interface RealCase {
  readonly conditions: RealConditions;
  readonly runs: readonly RealRun[];
}

/** In the order in which the first of each kind stands. */
export function casesOf(runs: readonly RealRun[]): readonly RealCase[] {
  const cases = new Map<string, { conditions: RealConditions; runs: RealRun[] }>();
  for (const run of runs) {
    const key = caseName(run.conditions);
    const known = cases.get(key);
    if (known === undefined) cases.set(key, { conditions: run.conditions, runs: [run] });
    else known.runs.push(run);
  }
  return [...cases.values()];
}

/** `16 nodes, 4 Mbit/s, 512 × 32 KiB, few-links`: equal for equal conditions alone. */
export function caseName(conditions: RealConditions): string {
  return `${placeName(conditions)}, ${conditions.policy}`;
}

/** Everything but the policy. */
export function placeName({ nodes, mbit, originMbit, slow, ...artifact }: RealConditions): string {
  const { artifactBytes, pieceLength } = artifact;
  const origin = originMbit === mbit ? "" : `, origin ${originMbit} Mbit/s`;
  const slowText = slow === null ? "" : `, ${slow.share * 100} % of them at ${slow.factor}`;
  const pieces = `${Math.ceil(artifactBytes / pieceLength)} × ${pieceLength / 1024} KiB`;
  return `${nodes} nodes, ${mbit} Mbit/s${origin}${slowText}, ${pieces}`;
}

const BYTES_PER_MEGABIT = 125_000;
/** Between two namespaces of one machine a message takes next to nothing. */
const RTT_MS = 0.2;
/**
 * Under load it waits in the queues of both links, and for a processor: half the round trip of a small datagram, sent
 * 20 times a second during runs with 4, 8 and 16 nodes at 8 Mbit/s. The means of six pairs of hosts were 23 to 42 ms.
 */
const MESSAGE_WAIT_MS = 32;

type ConditionsOfRun = Pick<RealRun, "conditions" | "members">;

/**
 * Links carry `payloadShare` of their rate: the rest is headers, acknowledgements, other messages, what is sent again,
 * and time in which a real sender has nothing on its link.
 */
export function scenarioOfRun({ conditions, members }: ConditionsOfRun, payloadShare: number): Scenario {
  const { nodes, mbit, originMbit, slow, artifactBytes, pieceLength, policy } = conditions;
  const bytesPerSecond = (rate: number): number => rate * BYTES_PER_MEGABIT * payloadShare;
  const slowNodes = slow === null ? 0 : Math.max(1, Math.round(nodes * slow.share));
  const groups = [
    groupOf("fast", 1 - slowNodes / nodes, bytesPerSecond(mbit)),
    groupOf("slow", slowNodes / nodes, bytesPerSecond(mbit * (slow?.factor ?? 1))),
  ].filter(({ share }) => share > 0);
  return {
    name: caseName(conditions),
    artifactBytes,
    pieces: Math.ceil(artifactBytes / pieceLength),
    blocksPerPiece: Math.min(BLOCKS_PER_PIECE_MAX, Math.ceil(pieceLength / BLOCK_BYTES)),
    sizes: [nodes],
    origin: { upBytesPerSecond: bytesPerSecond(originMbit), zone: 0 },
    groups,
    ...(members === null ? {} : { placement: placementOf(members, groups, bytesPerSecond) }),
    zones: [{ name: "all", bytesPerSecond: null }],
    rttMs: RTT_MS,
    zoneRttMs: RTT_MS,
    messageWaitMs: MESSAGE_WAIT_MS,
    startJitterMs: 0,
    pieceCost: { fixedMs: 0.5, bytesPerSecond: 1_000_000_000 },
    control: { delayMs: 1, serviceMs: 0.02 },
    faults: NO_FAULTS,
    policy: POLICIES[policy],
  };
}

function placementOf(
  { generation, mbit }: RealMembers,
  groups: readonly Group[],
  bytesPerSecond: (rate: number) => number,
): Placement {
  const groupAt = (rate: number): number =>
    groups.findIndex(({ upBytesPerSecond }) => upBytesPerSecond === bytesPerSecond(rate));
  return { groups: mbit.map(groupAt), graphSeed: generation };
}

function groupOf(name: string, share: number, bytesPerSecond: number): Group {
  return { name, share, upBytesPerSecond: bytesPerSecond, downBytesPerSecond: bytesPerSecond, zone: 0 };
}
