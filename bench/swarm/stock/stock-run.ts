// One measured run of a stock client on the same links: the origin seeds, every node fetches from the same moment on.
import { link, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { prepareArtifact } from "../../../seeder/index.ts";
import { type Content, sha256Of } from "../content.ts";
import { inTime } from "../deadline.ts";
import type { Host, Network } from "../network.ts";
import type { BenchProcess, Processes } from "../processes.ts";
import type { Measured } from "../result.ts";
import { idleShare, Meter, machineTimes } from "../usage.ts";
import type { Fetching, Place, StockClient } from "./client.ts";

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
  readonly host: Host;
  readonly place: Place;
  readonly fetching: Fetching;
  process: BenchProcess | null;
  doneAt: number | null;
}

export async function runStock(options: StockRunOptions): Promise<Measured> {
  const { network, processes, client } = options;
  const started: BenchProcess[] = [];
  const meter = new Meter();
  try {
    const torrent = await writeTorrent(options);
    const context = { options, torrent, started, meter };
    if (client.usesTracker) await startTracker(context);
    const seeding = await startOrigin(context);
    const receivers = await startReceivers(context);
    const before = await network.traffic();
    const [machine, cpuBefore, goAt] = [machineTimes(), meter.cpuSeconds(), Date.now()];
    for (const receiver of receivers) {
      receiver.process = receiver.fetching.begin();
      started.push(receiver.process);
      meter.add(receiver.process);
    }
    await inTime(Promise.all(receivers.map(waitFor)), options.timeoutMs);
    const [cpuSeconds, machineAfter] = [meter.cpuSeconds() - cpuBefore, machineTimes()];
    const after = await network.traffic();
    const moved = (host: Host, way: "sent" | "received") =>
      (after.get(host)?.[way] ?? 0) - (before.get(host)?.[way] ?? 0);
    return {
      artifactBytes: torrent.artifactBytes,
      pieceLength: torrent.pieceLength,
      originMbit: network.origin.mbit,
      nodes: await Promise.all(
        receivers.map(async ({ host, place, process, doneAt }) => ({
          mbit: host.mbit,
          seconds: doneAt === null ? null : (doneAt - goAt) / 1000,
          wasKilled: false,
          isRight: await isRight(place, options.content),
          receivedBytes: null,
          linkBytes: moved(host, "received"),
          peakMebibytes: process === null ? null : meter.peakMebibytes(process),
        })),
      ),
      originSentBytes: null,
      originLinkBytes: moved(network.origin, "sent"),
      originPeakMebibytes: meter.peakMebibytes(seeding),
      cpuSeconds,
      idleShare: idleShare(machine, machineAfter),
      orderToGoSeconds: null,
      reportedSeconds: null,
      stagedNodes: null,
    };
  } finally {
    await Promise.all(started.map((running) => processes.kill(running)));
  }
}

interface Torrent {
  readonly path: string;
  readonly fileName: string;
  readonly artifactBytes: number;
  readonly pieceLength: number;
}

interface Context {
  readonly options: StockRunOptions;
  readonly torrent: Torrent;
  readonly started: BenchProcess[];
  readonly meter: Meter;
}

/** The torrent that the fleet would exchange, with a tracker. */
async function writeTorrent({ content, network, directory, pieceKib }: StockRunOptions): Promise<Torrent> {
  const { artifact, torrentInfo } = await prepareArtifact({
    path: content.tarballPath,
    nodeCount: network.nodes.length,
    workDirectory: directory,
    ...(pieceKib === null ? {} : { pieceLength: pieceKib * 1024 }),
  });
  const announce = `http://${network.origin.address}:${TRACKER_PORT}/announce`;
  const path = join(directory, "artifact.torrent");
  await writeFile(
    path,
    Buffer.concat([
      Buffer.from(`d8:announce${announce.length}:${announce}4:info`),
      torrentInfo,
      Buffer.from("e"),
    ]),
  );
  const { length, pieceLength, sha256 } = artifact;
  return { path, fileName: sha256, artifactBytes: length, pieceLength };
}

async function startTracker({ options, started, meter }: Context): Promise<void> {
  const { network, processes, directory } = options;
  const ready = Promise.withResolvers<void>();
  const flags = ["--http", "--port", String(TRACKER_PORT), "--http-hostname", network.origin.address];
  const command = [process.execPath, TRACKER, ...flags, "--interval", String(ANNOUNCE_INTERVAL_MS)];
  const tracker = processes.start(network.on(network.origin, command), {
    cwd: directory,
    env: { PATH: process.env.PATH, HOME: directory },
    onLine: (line) => {
      if (line.includes("HTTP tracker:")) ready.resolve();
    },
  });
  started.push(tracker);
  meter.add(tracker);
  await startedInTime("the tracker", tracker, ready.promise);
}

async function startOrigin({ options, torrent, started, meter }: Context): Promise<BenchProcess> {
  const { network, client, content } = options;
  const place = await placeOn(network.origin, options, torrent);
  await link(content.tarballPath, join(place.directory, torrent.fileName));
  let running: BenchProcess | null = null;
  const seeding = client.seed({
    ...place,
    start: (command, extra) => {
      running = place.start(command, extra);
      started.push(running);
      return running;
    },
  });
  if (!(await inTime(seeding, START_TIMEOUT_MS))) throw new Error(`${client.name} does not seed`);
  const process = await seeding;
  meter.add(process);
  return process;
}

async function startReceivers({ options, torrent, started }: Context): Promise<readonly Receiver[]> {
  const { network, client } = options;
  const receivers: Receiver[] = [];
  for (let at = 0; at < network.nodes.length; at += STARTS_AT_ONCE) {
    const group = await Promise.all(
      network.nodes.slice(at, at + STARTS_AT_ONCE).map(async (host): Promise<Receiver> => {
        const place = await placeOn(host, options, torrent);
        const track: Place["start"] = (command, extra) => {
          const running = place.start(command, extra);
          started.push(running);
          return running;
        };
        return {
          host,
          place,
          fetching: client.fetch({ ...place, start: track }),
          process: null,
          doneAt: null,
        };
      }),
    );
    receivers.push(...group);
    const ready = Promise.all(group.map(({ fetching }) => fetching.ready));
    if (!(await inTime(ready, START_TIMEOUT_MS))) throw new Error(`${client.name} does not start`);
  }
  return receivers;
}

async function placeOn(host: Host, options: StockRunOptions, torrent: Torrent): Promise<Place> {
  const { network, processes } = options;
  const directory = join(options.directory, host.namespace);
  await mkdir(directory);
  return {
    address: host.address,
    originAddress: network.origin.address,
    directory,
    torrentPath: torrent.path,
    fileName: torrent.fileName,
    start: (command, extra = {}) =>
      processes.start(network.on(host, command), {
        cwd: directory,
        env: { PATH: process.env.PATH, HOME: directory },
        logPath: `${directory}.log`,
        ...extra,
      }),
  };
}

async function waitFor(receiver: Receiver): Promise<void> {
  receiver.doneAt = await receiver.fetching.done;
}

async function isRight({ directory, fileName }: Place, content: Content): Promise<boolean> {
  return (await sha256Of(join(directory, fileName)).catch(() => null)) === content.tarballSha256;
}

async function startedInTime(what: string, running: BenchProcess, ready: Promise<void>): Promise<void> {
  const ended = running.exited.then(() => {
    throw new Error(`${what} ended\n${running.lastWords()}`);
  });
  ended.catch(() => undefined);
  if (!(await inTime(Promise.race([ready, ended]), START_TIMEOUT_MS)))
    throw new Error(`${what} does not start`);
}
