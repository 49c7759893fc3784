// One measured run of a fleet: publish, stage, and what it cost from GO to the last node verified.
import { join } from "node:path";
import { percentile } from "../../cli/follow/result.ts";
import { fluidBound, pieceBound, type SwarmShape } from "./bounds.ts";
import { type Content, isInstalled } from "./content.ts";
import { Fleet, type FleetOptions } from "./fleet.ts";
import type { Host, LinkBytes, Network } from "./network.ts";
import type { RunResult } from "./result.ts";
import { cpuSecondsOf, idleShare, type MachineTimes, machineTimes, peakMebibytesOf } from "./usage.ts";

const APP = "bench";
const VERSION = "v1";
const GIB = 1024 ** 3;

export interface FleetRunOptions extends FleetOptions {
  readonly content: Content;
  readonly timeoutMs: number;
}

interface Snapshot {
  readonly machine: MachineTimes;
  readonly cpuSeconds: number;
  readonly links: ReadonlyMap<Host, LinkBytes>;
}

interface StageEvent {
  readonly kind: string;
  readonly at: number;
}

export async function runFleetOnce(options: FleetRunOptions): Promise<RunResult> {
  const fleet = new Fleet(options);
  try {
    await fleet.start();
    const published = JSON.parse(
      await fleet.run(["publish", VERSION, options.content.tarballPath, "--app", APP, "--json"]),
    ) as { artifactBytes: number; pieceLength: number };
    const stage = await runStage(fleet, options);
    return await resultOf(fleet, options, { ...stage, ...published });
  } finally {
    await fleet.stop();
  }
}

interface Stage {
  readonly events: readonly StageEvent[];
  readonly atGo: Snapshot;
  readonly atLast: Snapshot;
  readonly finished: boolean;
  readonly nodes: readonly { readonly receivedBytes: number }[];
  readonly originUploadedBytes: number;
}

async function runStage(fleet: Fleet, { network, timeoutMs }: FleetRunOptions): Promise<Stage> {
  const events: StageEvent[] = [];
  let result: Pick<Stage, "nodes" | "originUploadedBytes"> = { nodes: [], originUploadedBytes: 0 };
  let atGo: Snapshot | null = null;
  const following = fleet.follow(["stage", VERSION, "--app", APP, "--json"], (line) => {
    if (!line.startsWith('{"')) return;
    const said = JSON.parse(line) as StageEvent & typeof result;
    if (said.kind === "stage-result") result = said;
    else events.push(said);
    if (said.kind === "rollout-started" || said.kind === "stage-go") atGo = snapshot(fleet, network);
  });
  const areVerified = await allReported(fleet, (peer) => peer.verifiedAt !== null, timeoutMs);
  const atLast = snapshot(fleet, network);
  const finished = areVerified && (await settled(following.exited, timeoutMs));
  return { events, atGo: atGo ?? atLast, atLast, finished, ...result };
}

/** True when all did in time. */
async function allReported(
  fleet: Fleet,
  isThere: (peer: Fleet["peers"][number]) => boolean,
  timeoutMs: number,
): Promise<boolean> {
  const all = Promise.withResolvers<boolean>();
  fleet.onReport(() => {
    if (fleet.peers.every(isThere)) all.resolve(true);
  });
  const timer = setTimeout(() => all.resolve(false), timeoutMs);
  return all.promise.finally(() => clearTimeout(timer));
}

async function settled(work: Promise<unknown>, timeoutMs: number): Promise<boolean> {
  const late = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => late.resolve(false), timeoutMs);
  return Promise.race([work.then(() => true), late.promise]).finally(() => clearTimeout(timer));
}

function snapshot(fleet: Fleet, network: Network): Snapshot {
  const pids = [fleet.coordinator, ...fleet.peers.map((peer) => peer.process)].map(({ pid }) => pid);
  return {
    machine: machineTimes(),
    cpuSeconds: pids.reduce((sum, pid) => sum + (cpuSecondsOf(pid) ?? 0), 0),
    links: new Map(network.hosts.map((host) => [host, network.bytes(host)])),
  };
}

/** Milliseconds since the epoch at which nodes could begin to fetch. */
function goAtOf(events: readonly StageEvent[]): number | null {
  const go =
    events.find(({ kind }) => kind === "stage-go") ?? events.find(({ kind }) => kind === "rollout-started");
  return go?.at ?? null;
}

async function resultOf(
  fleet: Fleet,
  { directory, content }: FleetRunOptions,
  run: Stage & { readonly artifactBytes: number; readonly pieceLength: number },
): Promise<RunResult> {
  const { events, artifactBytes: size, atGo, atLast } = run;
  const goAt = goAtOf(events) ?? Number.NaN;
  const orderAt = events.find(({ kind }) => kind === "rollout-started")?.at ?? goAt;
  const seconds = fleet.peers
    .flatMap(({ verifiedAt }) => (verifiedAt === null ? [] : (verifiedAt - goAt) / 1000))
    .toSorted((a, b) => a - b);
  const last = run.finished ? (seconds.at(-1) ?? null) : null;
  const reported = events.filter(({ kind }) => kind === "node-verified").at(-1)?.at;
  const installed = await Promise.all(
    fleet.peers.map(({ name }) => isInstalled(join(directory, name, "root"), APP, content)),
  );
  const shape = shapeOf(fleet, run);
  const bound = fluidBound(shape);
  const pieces = pieceBound(shape)?.seconds ?? null;
  const over = (bytes: number) => bytes / size;
  const received = run.nodes.map(({ receivedBytes }) => over(receivedBytes));
  const links = fleet.peers.map(({ host }) => over(moved(atGo, atLast, host).received));
  return {
    finished: run.finished,
    verifiedNodes: installed.filter(Boolean).length,
    expectedNodes: fleet.peers.length,
    p50Seconds: run.finished ? percentile(seconds, 0.5) : null,
    p95Seconds: run.finished ? percentile(seconds, 0.95) : null,
    lastSeconds: last,
    lastReportedSeconds: reported === undefined ? null : (reported - goAt) / 1000,
    orderToLastSeconds: last === null ? null : last + (goAt - orderAt) / 1000,
    boundSeconds: bound,
    lastOverBound: last === null ? null : last / bound,
    pieceBoundSeconds: pieces,
    lastOverPieceBound: last === null || pieces === null ? null : last / pieces,
    originSentOverSize: over(run.originUploadedBytes),
    receivedOverSizeMean: mean(received),
    receivedOverSizeMax: Math.max(...received),
    originLinkOverSize: over(moved(atGo, atLast, fleet.origin).sent),
    linkReceivedOverSizeMean: mean(links),
    linkReceivedOverSizeMax: Math.max(...links),
    cpuSecondsPerGib: ((atLast.cpuSeconds - atGo.cpuSeconds) * GIB) / (fleet.peers.length * size),
    peakMebibytesPeer: Math.max(...fleet.peers.map(({ process }) => peakMebibytesOf(process.pid) ?? 0)),
    peakMebibytesOrigin: peakMebibytesOf(fleet.coordinator.pid) ?? 0,
    idleShare: idleShare(atGo.machine, atLast.machine),
  };
}

function shapeOf(fleet: Fleet, run: { artifactBytes: number; pieceLength: number }): SwarmShape {
  return {
    ...run,
    originBytesPerSecond: bytesPerSecond(fleet.origin),
    nodeBytesPerSecond: fleet.peers.map(({ host }) => bytesPerSecond(host)),
  };
}

const BYTES_PER_MEGABIT = 125_000;

function bytesPerSecond({ mbit }: Host): number {
  return (mbit ?? Number.POSITIVE_INFINITY) * BYTES_PER_MEGABIT;
}

function moved(before: Snapshot, after: Snapshot, host: Host): LinkBytes {
  const [a, b] = [before.links.get(host), after.links.get(host)];
  return { sent: (b?.sent ?? 0) - (a?.sent ?? 0), received: (b?.received ?? 0) - (a?.received ?? 0) };
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
}
