// One measured run of a fleet: publish, stage, kill what is to be killed, and what it cost from GO to the last node.
// Starts a fresh fleet every time, so that memory and caches are those of one release, or of two with a warm-up.
import { type Content, isInstalled, sha256Of } from "./content.ts";
import { inTime } from "./deadline.ts";
import { type FaultRecord, inflict } from "./faults.ts";
import { Fleet, type FleetOptions, type Peer } from "./fleet.ts";
import { Passed } from "./network.ts";
import type { Fault } from "./options.ts";
import type { Measured } from "./result.ts";
import { idleShare, type MachineTimes, machineTimes } from "./usage.ts";

const APP = "bench";
const VERSION = "v1";
const WARM_UP_APP = "warm-up";

export interface FleetRunOptions extends FleetOptions {
  readonly content: Content;
  /** Staged before; null for nothing. */
  readonly warmUp: Content | null;
  readonly pieceKib: number | null;
  readonly fault: Fault | null;
  readonly timeoutMs: number;
}

export interface FleetRun {
  readonly measured: Measured;
  readonly fault: FaultRecord | null;
}

export async function runFleet(options: FleetRunOptions): Promise<FleetRun> {
  const fleet = new Fleet(options);
  try {
    await fleet.start();
    if (options.warmUp !== null) await warmUp(fleet, options.warmUp);
    const pieces = options.pieceKib === null ? [] : ["--piece-kib", String(options.pieceKib)];
    const args = ["publish", VERSION, options.content.tarballPath, "--app", APP, "--json", ...pieces];
    const published = JSON.parse(await fleet.run(args)) as Published;
    const run = await stage(fleet, options, published);
    return { measured: await measuredOf(fleet, options, { ...run, ...published }), fault: run.fault };
  } finally {
    await fleet.stop();
  }
}

async function warmUp(fleet: Fleet, { tarballPath }: Content): Promise<void> {
  await fleet.run(["publish", VERSION, tarballPath, "--app", WARM_UP_APP]);
  await fleet.run(["stage", VERSION, "--app", WARM_UP_APP]);
  fleet.forgetReports();
}

interface Published {
  readonly artifactBytes: number;
  readonly pieceLength: number;
}

interface StageEvent {
  readonly kind: string;
  /** Milliseconds since the epoch, by the coordinator. */
  readonly at: number;
}

interface StageResult {
  readonly nodes: readonly { readonly phase: string }[];
  readonly originUploadedBytes: number;
}

interface Snapshot {
  readonly machine: MachineTimes;
  readonly cpuSeconds: number;
}

interface Stage {
  readonly events: readonly StageEvent[];
  readonly atGo: Snapshot;
  readonly atLast: Snapshot;
  readonly passed: Passed;
  /** Null when nobody waited for the end of the stage, or it did not come. */
  readonly result: StageResult | null;
  readonly originUploadedBytes: number | null;
  readonly fault: FaultRecord | null;
}

async function stage(fleet: Fleet, options: FleetRunOptions, published: Published): Promise<Stage> {
  const { network, fault, content, timeoutMs } = options;
  const events: StageEvent[] = [];
  let result: StageResult | null = null;
  let atGo: Snapshot | null = null;
  const trafficBefore = await network.traffic();
  const over = new AbortController();
  const inflicting =
    fault === null ? null : inflict(fault, { fleet, network, content, ...published, signal: over.signal });
  // Whatever it fails with is thrown when it is waited for.
  inflicting?.catch(() => undefined);
  const following = fleet.follow(["stage", VERSION, "--app", APP, "--json"], (line) => {
    if (!line.startsWith('{"')) return;
    const said = JSON.parse(line) as StageEvent & StageResult;
    if (said.kind === "stage-result") result = said;
    else events.push(said);
    if (said.kind === "rollout-started" || (said.kind === "stage-go" && goCount(events) === 1))
      atGo = snapshot(fleet);
  });
  await allReported(fleet, (peer) => peer.verifiedAt !== null, timeoutMs);
  const atLast = snapshot(fleet);
  over.abort();
  const done = await inflicting;
  const passed = new Passed(trafficBefore, await network.traffic());
  if (fault?.kind === "origin" && done !== null) await returnOrigin(fleet, options);
  // A stage waits for nodes that were killed much longer than a benchmark should.
  if (fault?.kind === "peers") await allReported(fleet, (peer) => peer.stagedAt !== null, timeoutMs);
  else await inTime(following.exited, timeoutMs);
  const originUploadedBytes = await originBytesOf(fleet, result);
  const snapshots = { atGo: atGo ?? atLast, atLast };
  return { events, ...snapshots, passed, result, originUploadedBytes, fault: done };
}

async function originBytesOf(fleet: Fleet, result: StageResult | null): Promise<number | null> {
  if (result !== null) return result.originUploadedBytes;
  // A coordinator that was not started again says nothing.
  const status = await fleet.run(["status", "--json"]).catch(() => null);
  if (status === null) return null;
  const { rollouts } = JSON.parse(status) as { rollouts: readonly StageResult[] };
  return rollouts[0]?.originUploadedBytes ?? null;
}

/** The coordinator comes back only when every file is complete on the disk of its node. */
async function returnOrigin(fleet: Fleet, { content }: FleetRunOptions): Promise<void> {
  for (const peer of fleet.survivors) {
    const sha256 = await sha256Of(fleet.tarballOf(peer, content.tarballSha256)).catch(() => "no file");
    if (sha256 !== content.tarballSha256) return;
  }
  await fleet.startCoordinator();
}

/** Resolves when all survivors did, or time is over. */
async function allReported(fleet: Fleet, isThere: (peer: Peer) => boolean, timeoutMs: number): Promise<void> {
  const all = Promise.withResolvers<void>();
  const look = () => {
    if (fleet.survivors.every(isThere)) all.resolve();
  };
  fleet.onReport(look);
  look();
  await inTime(all.promise, timeoutMs);
}

function snapshot(fleet: Fleet): Snapshot {
  return { machine: machineTimes(), cpuSeconds: fleet.meter.cpuSeconds() };
}

function goCount(events: readonly StageEvent[]): number {
  return events.filter(({ kind }) => kind === "stage-go").length;
}

/** When nodes were told to begin; a coordinator that comes back says so again, which counts for nothing. */
function goAtOf(events: readonly StageEvent[]): number {
  const go =
    events.find(({ kind }) => kind === "stage-go") ?? events.find(({ kind }) => kind === "rollout-started");
  if (go === undefined) throw new Error("the stage never began");
  return go.at;
}

async function measuredOf(
  fleet: Fleet,
  { content, network, warmUp: before }: FleetRunOptions,
  run: Stage & Published,
): Promise<Measured> {
  const { events, atGo, atLast, result, passed } = run;
  const goAt = goAtOf(events);
  const orderAt = events.find(({ kind }) => kind === "rollout-started")?.at ?? goAt;
  const reportedAt = events.findLast(({ kind }) => kind === "node-verified")?.at;
  const nodes = fleet.peers.map(async (peer) => ({
    mbit: peer.host.mbit,
    seconds: peer.verifiedAt === null ? null : (peer.verifiedAt - goAt) / 1000,
    wasKilled: peer.wasKilled,
    isRight: await isInstalled(fleet.rootOf(peer), APP, content),
    receivedBytes: peer.receivedBytes,
    linkBytes: passed.of(peer.host, "received"),
    peakMebibytes: fleet.meter.peakMebibytes(peer.process),
  }));
  return {
    artifactBytes: run.artifactBytes,
    pieceLength: run.pieceLength,
    originMbit: network.origin.mbit,
    nodes: await Promise.all(nodes),
    originSentBytes: run.originUploadedBytes,
    originLinkBytes: passed.of(network.origin, "sent"),
    droppedPackets: passed.drops(),
    originPeakMebibytes: fleet.meter.peakMebibytes(fleet.coordinator),
    cpuSeconds: atLast.cpuSeconds - atGo.cpuSeconds,
    idleShare: idleShare(atGo.machine, atLast.machine),
    orderToGoSeconds: (goAt - orderAt) / 1000,
    reportedSeconds: reportedAt === undefined ? null : (reportedAt - goAt) / 1000,
    members: { generation: before === null ? 1 : 2, mbit: fleet.peersByRank.map(({ host }) => host.mbit) },
    stagedNodes: result === null ? null : result.nodes.filter(({ phase }) => phase === "staged").length,
  };
}
