// A swarm in a process of its own, so that it can be killed and its memory measured: both ends of the conversation.
// Started as a program it is the child; imported it starts one.
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { pino } from "pino";
import { openSwarm, type SwarmTorrent } from "../../../peer/shell/swarm.ts";
import type { SwarmStats } from "../../../peer/shell/swarm-torrent.ts";
import type { Artifact } from "../../../protocol/manifest.ts";
import type { Neighbour } from "../../../protocol/messages.ts";

interface ChildOptions {
  readonly id: string;
  readonly artifact: Artifact;
  /** Base64. */
  readonly torrentInfo: string;
  readonly filePath: string;
  readonly complete: boolean;
}

export interface ChildReport {
  readonly stats: SwarmStats;
  readonly complete: boolean;
  readonly rssBytes: number;
}

type Order =
  | { readonly kind: "neighbours"; readonly neighbours: readonly Neighbour[] }
  | { readonly kind: "report" };

export class SwarmChild {
  readonly swarm: { readonly port: number };
  readonly id: string;
  readonly filePath: string;
  readonly #process: ChildProcess;

  private constructor(process: ChildProcess, options: ChildOptions & { port: number }) {
    this.#process = process;
    this.swarm = { port: options.port };
    this.id = options.id;
    this.filePath = options.filePath;
  }

  static async start(options: ChildOptions): Promise<SwarmChild> {
    const child = fork(fileURLToPath(import.meta.url), [JSON.stringify(options)]);
    const [port] = (await once(child, "message")) as [number];
    return new SwarmChild(child, { ...options, port });
  }

  setNeighbours(neighbours: readonly Neighbour[]): void {
    this.#process.send({ kind: "neighbours", neighbours } satisfies Order);
  }

  async report(): Promise<ChildReport> {
    const answer = once(this.#process, "message");
    this.#process.send({ kind: "report" } satisfies Order);
    const [report] = (await answer) as [ChildReport];
    return report;
  }

  /** The first report that satisfies `condition`. A dead child fails it. */
  async until(condition: (report: ChildReport) => boolean): Promise<ChildReport> {
    for (;;) {
      const report = await this.report();
      if (condition(report)) return report;
    }
  }

  /** SIGKILL: no handler runs. */
  kill(): void {
    this.#process.kill("SIGKILL");
  }

  async isGone(): Promise<void> {
    if (this.#process.exitCode === null && this.#process.signalCode === null)
      await once(this.#process, "exit");
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await runChild();

async function runChild(): Promise<void> {
  const options = JSON.parse(process.argv[2] ?? "") as ChildOptions;
  const { id, artifact, filePath, complete } = options;
  const swarm = await openSwarm({ host: "127.0.0.1", port: 0, logger: pino({ level: "silent" }), id });
  const torrent = await swarm.join({
    torrentInfo: Buffer.from(options.torrentInfo, "base64"),
    artifact,
    filePath,
    complete,
    bitmapPath: complete ? null : `${filePath}.bitmap`,
    rank: 0,
    rankCount: 1,
    seed: 1,
  });
  obey(torrent);
  process.send?.(swarm.port);
}

function obey(torrent: SwarmTorrent): void {
  let complete = false;
  torrent.completed.then(
    () => {
      complete = true;
    },
    () => process.exit(1),
  );
  process.on("message", (order: Order) => {
    if (order.kind === "neighbours") torrent.setNeighbours(order.neighbours);
    else {
      const report: ChildReport = { stats: torrent.stats(), complete, rssBytes: process.memoryUsage().rss };
      process.send?.(report);
    }
  });
}
