// Hosts on shaped links: one network namespace each, joined by one bridge, `tbf` on both directions of every link.
// Everything it makes carries this process's number in its name; it removes nothing else.
import { readFileSync } from "node:fs";
import type { Processes } from "./processes.ts";

/** Bytes that may pass at once: some twenty packets. The kernel cuts larger bundles of packets up for it. */
const BURST = "32kb";
/** The longest a packet waits in the queue before it is dropped, where nothing else is asked for. */
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

/** Bytes on the wire since the link was made, headers included, and packets dropped in both directions. */
export interface Traffic {
  readonly sent: number;
  readonly received: number;
  readonly drops: number;
}

export class Network {
  /** The origin's host comes first. */
  readonly hosts: readonly Host[];
  readonly #processes: Processes;
  readonly #bridge: string;
  /** What tbf is told of its queue. */
  readonly #queue: string;
  #opening: Promise<void> = Promise.resolve();

  /** One host per rate, each with room for so much before its link; nothing is made before {@link open}. */
  constructor(processes: Processes, rates: readonly (number | null)[], queueKib: number | null = null) {
    this.#processes = processes;
    this.#queue = queueKib === null ? `latency ${QUEUE_LATENCY}` : `limit ${queueKib}kb`;
    const prefix = portPrefix(process.pid);
    this.#bridge = `${prefix}br`;
    this.hosts = rates.map((mbit, index) => ({
      namespace: `${namespacePrefix(process.pid)}${index}`,
      address: `10.77.${(index + 1) >> 8}.${(index + 1) & 255}`,
      mbit,
      port: `${prefix}x${index}`,
    }));
  }

  get origin(): Host {
    const [origin] = this.hosts;
    if (origin === undefined) throw new Error("a network without hosts");
    return origin;
  }

  get nodes(): readonly Host[] {
    return this.hosts.slice(1);
  }

  open(): Promise<void> {
    this.#opening = this.#make();
    return this.#opening;
  }

  /** The command as it runs on that host. `ip` replaces itself by it, so the process keeps its number. */
  on(host: Host, command: readonly string[]): readonly string[] {
    return ["ip", "netns", "exec", host.namespace, ...command];
  }

  /** What has arrived at a host so far: cheap, but without the headers of packets that travelled in a bundle. */
  arrivedBytes(host: Host): number {
    return counterOf(host, "tx_bytes");
  }

  /** As the shapers counted; without shapers, as the links did, which leave out headers within bundles of packets. */
  async traffic(): Promise<ReadonlyMap<Host, Traffic>> {
    const towards = shapersIn(await this.#tc(["tc", "-s", "-j", "qdisc", "show"]));
    const traffic = new Map<Host, Traffic>();
    for (const host of this.hosts) {
      const { namespace, port, mbit } = host;
      if (mbit === null) {
        traffic.set(host, {
          sent: counterOf(host, "rx_bytes"),
          received: counterOf(host, "tx_bytes"),
          drops: 0,
        });
        continue;
      }
      const [up] = shapersIn(
        await this.#tc(["tc", "-n", namespace, "-s", "-j", "qdisc", "show", "dev", "eth0"]),
      );
      const down = towards.find(({ dev }) => dev === port);
      const drops = (up?.drops ?? 0) + (down?.drops ?? 0);
      traffic.set(host, { sent: up?.bytes ?? 0, received: down?.bytes ?? 0, drops });
    }
    return traffic;
  }

  /** Removes all of it, also after {@link open} failed half-way. */
  async close(): Promise<void> {
    await this.#opening.catch(() => undefined);
    const removals = this.hosts.flatMap(({ namespace, port }) => [
      `link del ${port}`,
      `netns del ${namespace}`,
    ]);
    await removeQuietly(this.#processes, [...removals, `link del ${this.#bridge}`]);
  }

  async #make(): Promise<void> {
    await this.#batch(["ip"], [`link add ${this.#bridge} type bridge`, `link set ${this.#bridge} up`]);
    for (const host of this.hosts) await this.#makeHost(host);
  }

  async #makeHost({ namespace, address, port, mbit }: Host): Promise<void> {
    await this.#batch(
      ["ip"],
      [
        `netns add ${namespace}`,
        `link add ${port} type veth peer name eth0 netns ${namespace}`,
        `link set ${port} master ${this.#bridge} up`,
      ],
    );
    const inside = [`addr add ${address}/16 dev eth0`, "link set eth0 up", "link set lo up"];
    await this.#batch(["ip", "-n", namespace], inside);
    if (mbit === null) return;
    const shape = `root tbf rate ${mbit}mbit burst ${BURST} ${this.#queue}`;
    await this.#batch(["tc"], [`qdisc add dev ${port} ${shape}`]);
    await this.#batch(["tc", "-n", namespace], [`qdisc add dev eth0 ${shape}`]);
  }

  async #batch(command: readonly string[], lines: readonly string[]): Promise<void> {
    await this.#processes.run([...command, "-batch", "-"], {
      cwd: "/",
      env: CLEAN_ENV,
      input: `${lines.join("\n")}\n`,
    });
  }

  #tc(command: readonly string[]): Promise<string> {
    return this.#processes.run(command, { cwd: "/", env: CLEAN_ENV });
  }
}

/** Interface names have at most 15 characters, so the process number is written short. */
export function portPrefix(pid: number): string {
  return `fb${pid.toString(36)}`;
}

export function namespacePrefix(pid: number): string {
  return `fleet-bench-${pid}-`;
}

/** Removes links and namespaces, of which some may be gone already. */
export async function removeQuietly(processes: Processes, removals: readonly string[]): Promise<void> {
  const input = `${removals.join("\n")}\n`;
  await processes
    .run(["ip", "-force", "-batch", "-"], { cwd: "/", env: CLEAN_ENV, input })
    // `ip` fails when anything was not there to be removed, which is what was wanted.
    .catch(() => undefined);
}

/** Of the bridge's end: what it sends is what the host receives. */
function counterOf({ port }: Host, name: "rx_bytes" | "tx_bytes"): number {
  return Number(readFileSync(`/sys/class/net/${port}/statistics/${name}`, "utf8"));
}

/** What passed between two moments. */
export class Passed {
  readonly #before: ReadonlyMap<Host, Traffic>;
  readonly #after: ReadonlyMap<Host, Traffic>;

  constructor(before: ReadonlyMap<Host, Traffic>, after: ReadonlyMap<Host, Traffic>) {
    this.#before = before;
    this.#after = after;
  }

  of(host: Host, what: keyof Traffic): number {
    return (this.#after.get(host)?.[what] ?? 0) - (this.#before.get(host)?.[what] ?? 0);
  }

  drops(): number {
    return [...this.#after.keys()].reduce((sum, host) => sum + this.of(host, "drops"), 0);
  }
}

interface Shaper {
  readonly kind: string;
  readonly dev: string;
  readonly bytes: number;
  readonly drops: number;
}

function shapersIn(output: string): readonly Shaper[] {
  return (JSON.parse(output) as Shaper[]).filter(({ kind }) => kind === "tbf");
}
