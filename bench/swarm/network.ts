// Hosts on shaped links: one network namespace each, joined by one bridge, `tbf` on both directions of every link.
// Everything it makes carries this process's number in its name; it removes nothing else.
import { readFileSync } from "node:fs";
import type { Processes } from "./processes.ts";

/** Bytes that may pass at once: about twenty packets, far below what a run sends. */
const BURST = "32kb";
/** The longest a packet waits in the queue before it is dropped. */
const QUEUE_LATENCY = "50ms";
const CLEAN_ENV = { PATH: process.env.PATH };

export interface Host {
  readonly namespace: string;
  readonly address: string;
  /** Rate in each direction; null when the link is not shaped. */
  readonly mbit: number | null;
  /** The bridge's end of its link. */
  readonly port: string;
}

export interface LinkBytes {
  /** Since the link was made, headers included. */
  readonly sent: number;
  readonly received: number;
}

export class Network {
  readonly hosts: readonly Host[];
  readonly #processes: Processes;
  readonly #bridge: string;

  private constructor(processes: Processes, rates: readonly (number | null)[]) {
    this.#processes = processes;
    // Interface names have at most 15 characters.
    const prefix = `fb${process.pid.toString(36)}`;
    this.#bridge = `${prefix}br`;
    this.hosts = rates.map((mbit, index) => ({
      namespace: `fleet-bench-${process.pid}-${index}`,
      address: `10.77.${(index + 1) >> 8}.${(index + 1) & 255}`,
      mbit,
      port: `${prefix}x${index}`,
    }));
  }

  /** One host per rate. Whoever opens it closes it, also when opening failed. */
  static plan(processes: Processes, rates: readonly (number | null)[]): Network {
    return new Network(processes, rates);
  }

  async open(): Promise<void> {
    await this.#batch(["ip"], [`link add ${this.#bridge} type bridge`, `link set ${this.#bridge} up`]);
    for (const host of this.hosts) {
      const { namespace, address, port, mbit } = host;
      await this.#batch(
        ["ip"],
        [
          `netns add ${namespace}`,
          `link add ${port} type veth peer name eth0 netns ${namespace}`,
          `link set ${port} master ${this.#bridge} up`,
        ],
      );
      await this.#batch(
        ["ip", "-n", namespace],
        [`addr add ${address}/16 dev eth0`, "link set eth0 up", "link set lo up"],
      );
      if (mbit === null) continue;
      const shape = `root tbf rate ${mbit}mbit burst ${BURST} latency ${QUEUE_LATENCY}`;
      await this.#batch(["tc"], [`qdisc add dev ${port} ${shape}`]);
      await this.#batch(["tc", "-n", namespace], [`qdisc add dev eth0 ${shape}`]);
    }
  }

  /** The command as it runs on that host. `ip` replaces itself by it, so the process keeps its number. */
  on(host: Host, command: readonly string[]): readonly string[] {
    return ["ip", "netns", "exec", host.namespace, ...command];
  }

  bytes({ port }: Host): LinkBytes {
    const counter = (name: string) =>
      Number(readFileSync(`/sys/class/net/${port}/statistics/${name}`, "utf8"));
    return { sent: counter("rx_bytes"), received: counter("tx_bytes") };
  }

  async close(): Promise<void> {
    const removals = this.hosts.flatMap(({ namespace, port }) => [
      `link del ${port}`,
      `netns del ${namespace}`,
    ]);
    await this.#batch(["ip", "-force"], [...removals, `link del ${this.#bridge}`]).catch(() => undefined);
  }

  async #batch(command: readonly string[], lines: readonly string[]): Promise<void> {
    const options = { cwd: "/", env: CLEAN_ENV, input: `${lines.join("\n")}\n` };
    await this.#processes.run([...command, "-batch", "-"], options);
  }
}
