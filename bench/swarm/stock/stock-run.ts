// One measured run of a stock client on the same links: the origin seeds, every node fetches from the same moment on.
import { link } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Content, sha256Of } from "../content.ts";
import { inTime } from "../deadline.ts";
import { type Network, Passed } from "../network.ts";
import type { Processes } from "../processes.ts";
import type { Measured } from "../result.ts";
import { idleShare, Meter, machineTimes } from "../usage.ts";
import type { Fetching, StockClient } from "./client.ts";
import { type Ground, Station } from "./places.ts";
import { writeTorrent } from "./torrent.ts";

const TRACKER = fileURLToPath(
  new URL("../../../node_modules/bittorrent-tracker/bin/cmd.js", import.meta.url),
);
const TRACKER_PORT = 8000;
/** Soon enough that who came first learns of who came last; ten minutes would be its default. */
const ANNOUNCE_INTERVAL_MS = 5_000;
const START_TIMEOUT_MS = 60_000;
/** Starting an interpreter costs CPU: more at once only make each slower. */
const STARTS_AT_ONCE = 4;

export interface StockRunOptions {
  readonly network: Network;
  readonly processes: Processes;
  readonly client: StockClient;
  readonly content: Content;
  readonly pieceKib: number | null;
  /** Empty; everything of this run goes here. */
  readonly directory: string;
  readonly timeoutMs: number;
}

interface Receiver {
  readonly station: Station;
  readonly fetching: Fetching;
  doneAt: number | null;
}

/** What passed between GO and the last node. */
interface Race {
  readonly receivers: readonly Receiver[];
  /** Milliseconds since the epoch. */
  readonly goAt: number;
  readonly cpuSeconds: number;
  readonly idleShare: number;
  readonly passed: Passed;
}

export async function runStock(options: StockRunOptions): Promise<Measured> {
  const { network, processes, client, content, directory } = options;
  const announce = `http://${network.origin.address}:${TRACKER_PORT}/announce`;
  const torrent = await writeTorrent({ ...options, nodeCount: network.nodes.length, announce });
  const ground: Ground = { network, processes, directory, torrent, meter: new Meter() };
  const stations: Station[] = [];
  try {
    const origin = await Station.open(ground, network.origin);
    stations.push(origin);
    const tracker = await Station.open(ground, network.origin, "tracker");
    stations.push(tracker);
    const { originKnown } = client.usesTracker ? await startTracker(tracker, origin) : NOT_TRACKED;
    await link(content.tarballPath, join(origin.place.directory, torrent.fileName));
    if (!(await inTime(client.seed(origin.place), START_TIMEOUT_MS)))
      throw new Error(`${client.name} does not seed`);
    if (!(await inTime(originKnown, START_TIMEOUT_MS)))
      throw new Error(`${client.name} does not tell the tracker that it seeds`);
    const nodes = await Promise.all(network.nodes.map((host) => Station.open(ground, host)));
    stations.push(...nodes);
    const race = await run(options, ground, await prepare(client, nodes));
    return await measuredOf(options, ground, { ...race, origin });
  } finally {
    await Promise.all(stations.map((station) => station.close()));
  }
}

interface Tracking {
  /**
   * Resolves once the origin has announced itself: whoever asked before would have to wait until it may ask again.
   */
  readonly originKnown: Promise<void>;
}

const NOT_TRACKED: Tracking = { originKnown: Promise.resolve() };

async function startTracker({ place }: Station, origin: Station): Promise<Tracking> {
  const ready = Promise.withResolvers<void>();
  const originKnown = Promise.withResolvers<void>();
  const flags = ["--http", "--port", String(TRACKER_PORT), "--http-hostname", place.address];
  place.start([process.execPath, TRACKER, ...flags, "--interval", String(ANNOUNCE_INTERVAL_MS)], {
    onLine: (line) => {
      if (line.includes("HTTP tracker:")) ready.resolve();
      if (line.includes(` start: ${origin.place.address}:`)) originKnown.resolve();
    },
  });
  if (!(await inTime(ready.promise, START_TIMEOUT_MS))) throw new Error("the tracker does not start");
  return { originKnown: originKnown.promise };
}

async function prepare(client: StockClient, stations: readonly Station[]): Promise<readonly Receiver[]> {
  const receivers: Receiver[] = [];
  for (let at = 0; at < stations.length; at += STARTS_AT_ONCE) {
    const group = stations.slice(at, at + STARTS_AT_ONCE).map((station) => ({
      station,
      fetching: client.fetch(station.place),
      doneAt: null,
    }));
    receivers.push(...group);
    const ready = Promise.all(group.map(({ fetching }) => fetching.ready));
    if (!(await inTime(ready, START_TIMEOUT_MS))) throw new Error(`${client.name} does not start`);
  }
  return receivers;
}

async function run(
  { network, timeoutMs }: StockRunOptions,
  { meter }: Ground,
  receivers: readonly Receiver[],
): Promise<Race> {
  const before = await network.traffic();
  const [machine, cpuBefore, goAt] = [machineTimes(), meter.cpuSeconds(), Date.now()];
  for (const { fetching } of receivers) fetching.begin();
  const finish = async (receiver: Receiver) => {
    receiver.doneAt = await receiver.fetching.done;
  };
  await inTime(Promise.all(receivers.map(finish)), timeoutMs);
  const [cpuSeconds, idle] = [meter.cpuSeconds() - cpuBefore, idleShare(machine, machineTimes())];
  const passed = new Passed(before, await network.traffic());
  return { receivers, goAt, cpuSeconds, idleShare: idle, passed };
}

async function measuredOf(
  { network, client, content }: StockRunOptions,
  { torrent }: Ground,
  race: Race & { readonly origin: Station },
): Promise<Measured> {
  const nodes = race.receivers.map(async ({ station, doneAt }) => ({
    mbit: station.host.mbit,
    seconds: doneAt === null ? null : (doneAt - race.goAt) / 1000,
    wasKilled: false,
    isRight: await isRight(station, content),
    receivedBytes: null,
    linkBytes: race.passed.of(station.host, "received"),
    peakMebibytes: client.isWrapped === true ? null : station.peakMebibytes(),
  }));
  return {
    artifactBytes: torrent.artifactBytes,
    pieceLength: torrent.pieceLength,
    originMbit: network.origin.mbit,
    nodes: await Promise.all(nodes),
    originSentBytes: null,
    originLinkBytes: race.passed.of(network.origin, "sent"),
    droppedPackets: race.passed.drops(),
    originPeakMebibytes: race.origin.peakMebibytes(),
    cpuSeconds: race.cpuSeconds,
    idleShare: race.idleShare,
    orderToGoSeconds: null,
    reportedSeconds: null,
    members: null,
    stagedNodes: null,
  };
}

async function isRight({ place }: Station, content: Content): Promise<boolean> {
  const sha256 = await sha256Of(join(place.directory, place.fileName)).catch(() => null);
  return sha256 === content.tarballSha256;
}
