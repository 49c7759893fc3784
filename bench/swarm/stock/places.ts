// Where stock clients run: one folder and one host each, and every process that was started there.
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { Host, Network } from "../network.ts";
import type { BenchProcess, Processes } from "../processes.ts";
import type { Meter } from "../usage.ts";
import type { Place } from "./client.ts";
import type { Torrent } from "./torrent.ts";

export interface Ground {
  readonly network: Network;
  readonly processes: Processes;
  readonly directory: string;
  readonly torrent: Torrent;
  readonly meter: Meter;
}

export class Station {
  readonly host: Host;
  readonly place: Place;
  readonly #started: BenchProcess[] = [];
  readonly #ground: Ground;

  private constructor(ground: Ground, host: Host, name: string) {
    const { network, processes, torrent, meter } = ground;
    const directory = join(ground.directory, name);
    this.#ground = ground;
    this.host = host;
    this.place = {
      address: host.address,
      originAddress: network.origin.address,
      directory,
      torrentPath: torrent.path,
      fileName: torrent.fileName,
      start: (command, extra = {}) => {
        const env = { PATH: process.env.PATH, HOME: directory };
        const options = { cwd: directory, env, logPath: `${directory}.log`, ...extra };
        const started = processes.start(network.on(host, command), options);
        this.#started.push(started);
        meter.add(started);
        return started;
      },
    };
  }

  /** `name` tells apart what runs on the same host. */
  static async open(ground: Ground, host: Host, name = host.namespace): Promise<Station> {
    const station = new Station(ground, host, name);
    await mkdir(station.place.directory);
    return station;
  }

  peakMebibytes(): number | null {
    const peaks = this.#started.flatMap((process) => this.#ground.meter.peakMebibytes(process) ?? []);
    return peaks.length === 0 ? null : Math.max(...peaks);
  }

  async close(): Promise<void> {
    await Promise.all(this.#started.map((process) => this.#ground.processes.kill(process)));
  }
}
