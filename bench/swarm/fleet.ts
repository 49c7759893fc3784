// A fleet on the hosts of a network: real coordinator and peer processes, started as a user starts them.
// Keeps what they say about themselves; judges nothing.
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { StatePaths } from "../../peer/shell/state-directory.ts";
import { digestSchema } from "../../protocol/ids.ts";
import type { Host, Network } from "./network.ts";
import type { BenchProcess, Processes } from "./processes.ts";
import { Meter } from "./usage.ts";

const READY_TIMEOUT_MS = 60_000;
const CONTROL_PORT = 7700;
/** Starting Node costs half a second of CPU: more at once only make each slower. */
const STARTS_AT_ONCE = 4;

export interface FleetOptions {
  readonly network: Network;
  readonly processes: Processes;
  /** Empty; everything of this fleet goes here. */
  readonly directory: string;
  /** What stands before the subcommand, e.g. `[node, cli/main.ts]`. */
  readonly command: readonly string[];
}

export interface Peer {
  readonly name: string;
  readonly host: Host;
  readonly process: BenchProcess;
  /** By its own log, in milliseconds since the epoch. */
  verifiedAt: number | null;
  stagedAt: number | null;
  /** Payload it had received when it was verified. */
  receivedBytes: number | null;
  wasKilled: boolean;
}

export class Fleet {
  readonly meter = new Meter();
  readonly #options: FleetOptions;
  #coordinator: BenchProcess | null = null;
  #peers: readonly Peer[] = [];
  /** Names, in the order in which the coordinator took them in. */
  readonly #joined: string[] = [];
  #token = "";
  #onReport: () => void = () => undefined;

  constructor(options: FleetOptions) {
    this.#options = options;
  }

  get peers(): readonly Peer[] {
    return this.#peers;
  }

  get coordinator(): BenchProcess {
    if (this.#coordinator === null) throw new Error("the coordinator has not been started");
    return this.#coordinator;
  }

  /** In the order in which they joined, which is that of their ranks in every swarm. */
  get peersByRank(): readonly Peer[] {
    return this.#joined.flatMap((joined) => this.#peers.filter(({ name }) => name === joined));
  }

  /** Whoever is to finish. */
  get survivors(): readonly Peer[] {
    return this.#peers.filter((peer) => !peer.wasKilled);
  }

  /** Coordinator first, then every node; all have joined when this resolves. */
  async start(): Promise<void> {
    const { network } = this.#options;
    await mkdir(this.#path("config"), { recursive: true });
    const key = (await this.run(["key", "create"])).trim();
    const data = ["--data", this.#path("coordinator")];
    this.#token = (await this.run(["token", "create", "operator", ...data])).trim();
    await writeFile(
      this.#path("node.token"),
      await this.run(["token", "create", "node", "--trust", key, ...data]),
    );
    await this.startCoordinator();
    const hosts = network.nodes;
    const peers: Peer[] = [];
    for (let at = 0; at < hosts.length; at += STARTS_AT_ONCE) {
      const group = hosts.slice(at, at + STARTS_AT_ONCE);
      peers.push(...(await Promise.all(group.map((host, index) => this.#startPeer(host, at + index + 1)))));
    }
    this.#peers = peers;
  }

  /** Also after it was killed: same folder, same ports. */
  async startCoordinator(): Promise<void> {
    const listen = ["--listen", `${this.#options.network.origin.address}:${CONTROL_PORT}`];
    const args = ["coordinator", "--data", this.#path("coordinator"), ...listen];
    const onLine = (line: string) => {
      const name = joinedIn(line);
      if (name !== null) this.#joined.push(name);
    };
    this.#coordinator = await this.#startReady(this.#options.network.origin, args, "coordinator", onLine);
  }

  /** Runs a command on the origin's host to its end, and gives what it printed. */
  run(args: readonly string[]): Promise<string> {
    const { processes, network, command, directory } = this.#options;
    const inside = network.on(this.#options.network.origin, [...command, ...args]);
    return processes.run(inside, { cwd: directory, env: this.#env(), logPath: this.#path("commands.log") });
  }

  /** Starts a command on the origin's host; `onLine` sees what it prints. */
  follow(args: readonly string[], onLine: (line: string) => void): BenchProcess {
    const { processes, network, command, directory } = this.#options;
    const inside = network.on(this.#options.network.origin, [...command, ...args]);
    return processes.start(inside, {
      cwd: directory,
      env: this.#env(),
      onLine,
      logPath: this.#path("commands.log"),
    });
  }

  /** What nodes reported so far was of another release. */
  forgetReports(): void {
    for (const peer of this.peers)
      Object.assign(peer, { verifiedAt: null, stagedAt: null, receivedBytes: null });
  }

  /** Called whenever a peer has said that it came further. */
  onReport(listener: () => void): void {
    this.#onReport = listener;
  }

  /** SIGKILL; it does not come back. */
  async killPeer(peer: Peer): Promise<void> {
    peer.wasKilled = true;
    await this.#kill(peer.process);
  }

  async killCoordinator(): Promise<void> {
    await this.#kill(this.coordinator);
  }

  /** Where a node keeps the tarball that it fetches. */
  tarballOf(peer: Peer, sha256: string): string {
    return new StatePaths(this.#path(peer.name, "state")).tarball(digestSchema.decode(sha256, "sha256"));
  }

  rootOf(peer: Peer): string {
    return this.#path(peer.name, "root");
  }

  async stop(): Promise<void> {
    const started = this.#peers.map(({ process }) => process);
    if (this.#coordinator !== null) started.push(this.#coordinator);
    await Promise.all(started.map((process) => this.#kill(process)));
  }

  async #kill(process: BenchProcess): Promise<void> {
    this.meter.retire(process);
    await this.#options.processes.kill(process);
  }

  async #startPeer(host: Host, number: number): Promise<Peer> {
    const name = nodeName(number);
    const folders = ["--root", this.#path(name, "root"), "--state", this.#path(name, "state")];
    const join = ["--token-file", this.#path("node.token"), "--name", name];
    const peer: Omit<Peer, "name" | "host" | "process"> = {
      verifiedAt: null,
      stagedAt: null,
      receivedBytes: null,
      wasKilled: false,
    };
    const onLine = (line: string) => {
      const said = milestoneOf(line);
      if (said === null) return;
      if (said.kind === "verified") peer.verifiedAt ??= said.at;
      else peer.stagedAt ??= said.at;
      peer.receivedBytes ??= said.receivedBytes;
      this.#onReport();
    };
    const process = await this.#startReady(host, ["peer", ...folders, ...join], name, onLine);
    return Object.assign(peer, { name, host, process });
  }

  async #startReady(
    host: Host,
    args: readonly string[],
    name: string,
    onLine: (line: string) => void = () => undefined,
  ): Promise<BenchProcess> {
    const { processes, network, command, directory } = this.#options;
    const ready = Promise.withResolvers<void>();
    const started = processes.start(network.on(host, [...command, ...args, "--json"]), {
      cwd: directory,
      env: this.#env(),
      logPath: this.#path(`${name}.log`),
      onLine: (line) => {
        if (line.startsWith('{"kind":"ready"')) ready.resolve();
        onLine(line);
      },
    });
    const fail = (why: string) => ready.reject(new Error(`fleet ${args[0]} ${why}\n${started.lastWords()}`));
    const timer = setTimeout(() => fail(`was not ready in ${READY_TIMEOUT_MS} ms`), READY_TIMEOUT_MS);
    void started.exited.then((code) => fail(`ended with ${code} before it was ready`));
    this.meter.add(started);
    await ready.promise.finally(() => clearTimeout(timer));
    return started;
  }

  #path(...parts: readonly string[]): string {
    return join(this.#options.directory, ...parts);
  }

  #env(): Readonly<Record<string, string | undefined>> {
    return {
      PATH: process.env.PATH,
      HOME: this.#options.directory,
      XDG_CONFIG_HOME: this.#path("config"),
      FLEET_URL: `http://${this.#options.network.origin.address}:${CONTROL_PORT}`,
      ...(this.#token === "" ? {} : { FLEET_TOKEN: this.#token }),
    };
  }
}

/** Sorts as it counts. */
export function nodeName(number: number): string {
  return `node-${String(number).padStart(3, "0")}`;
}

function joinedIn(line: string): string | null {
  if (!line.includes('"kind":"node-joined"')) return null;
  return (JSON.parse(line) as { readonly node: string }).node;
}

interface Milestone {
  readonly kind: "verified" | "staged";
  readonly at: number;
  readonly receivedBytes: number | null;
}

function milestoneOf(line: string): Milestone | null {
  if (!/"msg":"(verified|staged)"/.test(line)) return null;
  const { msg, time, receivedBytes } = JSON.parse(line) as {
    msg: Milestone["kind"];
    time: number;
    receivedBytes?: number;
  };
  return { kind: msg, at: time, receivedBytes: receivedBytes ?? null };
}
