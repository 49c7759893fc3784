// What one run found, and how many runs become one: the figures of the report, worked out from what was measured. Pure.
import { percentile } from "../../cli/follow/result.ts";
import { fluidBound, pieceBound, type SwarmShape } from "./bounds.ts";

export interface Measured {
  readonly artifactBytes: number;
  readonly pieceLength: number;
  /** Megabits per second; null when the links are not shaped. */
  readonly originMbit: number | null;
  readonly nodes: readonly MeasuredNode[];
  /** Payload that the origin says it has sent; null when the system does not say. */
  readonly originSentBytes: number | null;
  /** As the origin's link counted, all headers and all other traffic included. */
  readonly originLinkBytes: number;
  /** By the shapers of all links: their queues were full. */
  readonly droppedPackets: number;
  readonly originPeakMebibytes: number | null;
  /** Of all processes that take part, from GO to the last node. */
  readonly cpuSeconds: number;
  /** Share of all cores' time that nothing ran in, from GO to the last node. */
  readonly idleShare: number;
  /** From the order to GO, and from GO to when the coordinator knew of the last; null for stock systems. */
  readonly orderToGoSeconds: number | null;
  readonly reportedSeconds: number | null;
  readonly members: Members | null;
  /** Nodes that the coordinator called staged in the end; null for stock systems, and where nobody waited for it. */
  readonly stagedNodes: number | null;
}

/** What a coordinator lays its graph with: who was linked to whom follows from it. */
export interface Members {
  /** Which swarm of this coordinator it was, from 1. */
  readonly generation: number;
  /** The rate of each node, by rank. */
  readonly mbit: readonly (number | null)[];
}

export interface MeasuredNode {
  readonly mbit: number | null;
  /** From GO to done; null when it was not done in time. */
  readonly seconds: number | null;
  readonly wasKilled: boolean;
  /** Every byte of it was checked and right. */
  readonly isRight: boolean;
  readonly receivedBytes: number | null;
  readonly linkBytes: number;
  readonly peakMebibytes: number | null;
}

/** Null: not measured, or without meaning here. Times are in seconds from GO; percentiles by nearest rank. */
export interface Figures {
  readonly p50Seconds: number | null;
  readonly p95Seconds: number | null;
  readonly lastSeconds: number | null;
  readonly orderToLastSeconds: number | null;
  readonly reportedSeconds: number | null;
  /** Artifact's size over `lastSeconds`, in millions of bytes per second. */
  readonly megabytesPerSecond: number | null;
  readonly fluidBoundSeconds: number | null;
  readonly lastOverFluidBound: number | null;
  readonly pieceBoundSeconds: number | null;
  readonly lastOverPieceBound: number | null;
  /** Of the nodes with the full rate, where some have less: against the bound for them alone. */
  readonly fastP95Seconds: number | null;
  readonly fastBoundSeconds: number | null;
  readonly fastP95OverBound: number | null;
  /** Payload, as times the artifact's size. */
  readonly originSentOverSize: number | null;
  readonly receivedOverSizeMean: number | null;
  readonly receivedOverSizeMax: number | null;
  /** The same as the links counted, headers and all else included. */
  readonly originLinkOverSize: number;
  readonly linkReceivedOverSizeMean: number | null;
  readonly linkReceivedOverSizeMax: number | null;
  readonly droppedPackets: number;
  /** Of all processes together, per GiB that arrived at nodes. */
  readonly cpuSecondsPerGib: number;
  readonly peakMebibytesPeer: number | null;
  readonly peakMebibytesOrigin: number | null;
  readonly idleShare: number;
}

export interface RunResult {
  /** Everybody who was to finish did in time, and every byte is right. */
  readonly succeeded: boolean;
  /** Nodes that were not killed, of these finished in time, and of these right to the last byte. */
  readonly expectedNodes: number;
  readonly finishedNodes: number;
  readonly rightNodes: number;
  readonly stagedNodes: number | null;
  /** Null for stock systems. */
  readonly members: Members | null;
  readonly figures: Figures;
}

const GIB = 1024 ** 3;
const BYTES_PER_MEGABIT = 125_000;

export function resultOf(measured: Measured): RunResult {
  const expected = measured.nodes.filter((node) => !node.wasKilled);
  const finished = expected.filter((node) => node.seconds !== null);
  const rightNodes = expected.filter((node) => node.isRight).length;
  const isDone = finished.length === expected.length;
  return {
    succeeded:
      isDone && rightNodes === expected.length && (measured.stagedNodes ?? expected.length) >= rightNodes,
    expectedNodes: expected.length,
    finishedNodes: finished.length,
    rightNodes,
    stagedNodes: measured.stagedNodes,
    members: measured.members,
    figures: {
      ...timesOf(measured, isDone ? secondsOf(expected) : []),
      ...fastFiguresOf(measured, isDone),
      ...trafficOf(measured, expected),
      ...costOf(measured),
    },
  };
}

type Times = Pick<
  Figures,
  | "p50Seconds"
  | "p95Seconds"
  | "lastSeconds"
  | "orderToLastSeconds"
  | "reportedSeconds"
  | "megabytesPerSecond"
  | "fluidBoundSeconds"
  | "lastOverFluidBound"
  | "pieceBoundSeconds"
  | "lastOverPieceBound"
>;

function timesOf(measured: Measured, seconds: readonly number[]): Times {
  const last = seconds.at(-1) ?? null;
  const shape = shapeOf(measured);
  const survivors = measured.nodes.filter((node) => !node.wasKilled).map(({ mbit }) => bytesPerSecond(mbit));
  const fluid = shape === null ? null : fluidBound(shape, survivors);
  // Killed nodes need nothing, so a bound that counts on all of them says nothing.
  const pieces = shape === null || survivors.length < measured.nodes.length ? null : pieceBound(shape);
  return {
    p50Seconds: percentile(seconds, 0.5),
    p95Seconds: percentile(seconds, 0.95),
    lastSeconds: last,
    orderToLastSeconds:
      last === null || measured.orderToGoSeconds === null ? null : last + measured.orderToGoSeconds,
    reportedSeconds: measured.reportedSeconds,
    megabytesPerSecond: last === null ? null : measured.artifactBytes / 1e6 / last,
    fluidBoundSeconds: fluid,
    lastOverFluidBound: over(last, fluid),
    pieceBoundSeconds: pieces?.seconds ?? null,
    lastOverPieceBound: over(last, pieces?.seconds ?? null),
  };
}

type FastFigures = Pick<Figures, "fastP95Seconds" | "fastBoundSeconds" | "fastP95OverBound">;

function fastFiguresOf(measured: Measured, isDone: boolean): FastFigures {
  const shape = shapeOf(measured);
  const fastest = Math.max(...measured.nodes.map(({ mbit }) => mbit ?? 0));
  const fast = measured.nodes.filter(({ mbit, wasKilled }) => mbit === fastest && !wasKilled);
  if (shape === null || !isDone || measured.nodes.every(({ mbit }) => mbit === fastest))
    return { fastP95Seconds: null, fastBoundSeconds: null, fastP95OverBound: null };
  const p95 = percentile(secondsOf(fast), 0.95);
  const bound = fluidBound(
    shape,
    fast.map(({ mbit }) => bytesPerSecond(mbit)),
  );
  return { fastP95Seconds: p95, fastBoundSeconds: bound, fastP95OverBound: over(p95, bound) };
}

type Traffic = Pick<
  Figures,
  | "originSentOverSize"
  | "receivedOverSizeMean"
  | "receivedOverSizeMax"
  | "originLinkOverSize"
  | "linkReceivedOverSizeMean"
  | "linkReceivedOverSizeMax"
  | "droppedPackets"
>;

function trafficOf(measured: Measured, nodes: readonly MeasuredNode[]): Traffic {
  const { artifactBytes: size, originSentBytes, originLinkBytes } = measured;
  const received = nodes.flatMap(({ receivedBytes }) => (receivedBytes === null ? [] : receivedBytes / size));
  const links = nodes.map(({ linkBytes }) => linkBytes / size);
  return {
    originSentOverSize: originSentBytes === null ? null : originSentBytes / size,
    receivedOverSizeMean: mean(received),
    receivedOverSizeMax: max(received),
    originLinkOverSize: originLinkBytes / size,
    linkReceivedOverSizeMean: mean(links),
    linkReceivedOverSizeMax: max(links),
    droppedPackets: measured.droppedPackets,
  };
}

type Cost = Pick<Figures, "cpuSecondsPerGib" | "peakMebibytesPeer" | "peakMebibytesOrigin" | "idleShare">;

function costOf({ nodes, artifactBytes, cpuSeconds, idleShare, originPeakMebibytes }: Measured): Cost {
  const delivered = nodes.filter(({ wasKilled }) => !wasKilled).length * artifactBytes;
  return {
    cpuSecondsPerGib: (cpuSeconds * GIB) / delivered,
    peakMebibytesPeer: max(nodes.flatMap(({ peakMebibytes }) => peakMebibytes ?? [])),
    peakMebibytesOrigin: originPeakMebibytes,
    idleShare,
  };
}

/** The median of each figure for itself, over the runs that have it. */
export function medianFigures(runs: readonly RunResult[]): Figures | null {
  const [first] = runs;
  if (first === undefined) return null;
  const keys = Object.keys(first.figures) as (keyof Figures)[];
  const medians = keys.map((key) => [key, median(runs.flatMap(({ figures }) => figures[key] ?? []))]);
  return Object.fromEntries(medians) as Figures;
}

/** Of an even number of values, the mean of the middle two; null of none. */
export function median(values: readonly number[]): number | null {
  const sorted = values.toSorted((a, b) => a - b);
  const upper = sorted[Math.floor(sorted.length / 2)];
  const lower = sorted[Math.ceil(sorted.length / 2) - 1];
  return upper === undefined || lower === undefined ? (upper ?? null) : (lower + upper) / 2;
}

function shapeOf({ artifactBytes, pieceLength, originMbit, nodes }: Measured): SwarmShape | null {
  if (originMbit === null) return null;
  const nodeBytesPerSecond = nodes.map(({ mbit }) => bytesPerSecond(mbit));
  return { artifactBytes, pieceLength, originBytesPerSecond: bytesPerSecond(originMbit), nodeBytesPerSecond };
}

function bytesPerSecond(mbit: number | null): number {
  return (mbit ?? Number.POSITIVE_INFINITY) * BYTES_PER_MEGABIT;
}

function secondsOf(nodes: readonly MeasuredNode[]): readonly number[] {
  return nodes.flatMap(({ seconds }) => seconds ?? []).toSorted((a, b) => a - b);
}

function over(value: number | null, bound: number | null): number | null {
  return value === null || bound === null ? null : value / bound;
}

function mean(values: readonly number[]): number | null {
  return values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length;
}

function max(values: readonly number[]): number | null {
  return values.length === 0 ? null : Math.max(...values);
}
