// A whole fleet on this machine for end-to-end tests: real `fleet` processes on loopback in one temporary folder.
// Everything a lab starts it stops by pid; everything it writes it removes.
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  type Finished,
  type FleetCommand,
  type Running,
  runFleet,
  startFleet,
} from "../../../cli/demo/fleet-process.ts";
import { removeTree } from "../../../peer/index.ts";

const MAIN = fileURLToPath(new URL("../../../cli/main.ts", import.meta.url));

/** Enough of a log to see a stack trace. */
const LOG_TAIL_CHARS = 4_000;

export type { Finished, Running };

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

export interface LabOptions {
  /** Command line in front of every subcommand; the source tree on this Node by default. */
  readonly command?: readonly string[];
}

export class Lab {
  readonly directory: string;
  readonly #command: readonly string[];
  readonly #running = new Set<Running>();
  /** What long-running commands that ended by themselves last said, for failure messages. */
  readonly #deaths: string[] = [];
  #url = "";
  #operatorToken = "";

  private constructor(directory: string, options: LabOptions) {
    this.directory = directory;
    this.#command = options.command ?? [process.execPath, MAIN];
  }

  /** A folder with a publisher key, an operator token and a node token that trusts the key; nothing runs yet. */
  static async open(options: LabOptions = {}): Promise<Lab> {
    const lab = new Lab(await mkdtemp(join(tmpdir(), "fleet-e2e-")), options);
    await mkdir(lab.path("config"), { recursive: true });
    const key = (await lab.ok(["key", "create"])).stdout.trim();
    const data = ["--data", lab.path("coordinator")];
    lab.#operatorToken = (await lab.ok(["token", "create", "operator", ...data])).stdout.trim();
    const token = (await lab.ok(["token", "create", "node", "--trust", key, ...data])).stdout;
    await writeFile(lab.path("node.token"), token);
    return lab;
  }

  path(...parts: readonly string[]): string {
    return join(this.directory, ...parts);
  }

  get url(): string {
    return this.#url;
  }

  /** Starts the coordinator; after a first start it comes back on the same port. */
  async startCoordinator(extra: readonly string[] = []): Promise<Running> {
    const port = this.#url === "" ? "0" : new URL(this.#url).port;
    const listen = ["--listen", `127.0.0.1:${port}`, "--swarm-listen", "127.0.0.1:0"];
    const running = await this.start([
      "coordinator",
      "--data",
      this.path("coordinator"),
      ...listen,
      ...extra,
    ]);
    this.#url = String(running.ready.url);
    return running;
  }

  startPeer(name: string, extra: readonly string[] = []): Promise<Running> {
    const folders = ["--root", this.path(name, "root"), "--state", this.path(name, "state")];
    const join = ["--url", this.#url, "--token-file", this.path("node.token")];
    return this.start(["peer", ...join, ...folders, "--name", name, "--listen", "127.0.0.1:0", ...extra]);
  }

  async startPeers(
    count: number,
    extra: (index: number) => readonly string[] = () => [],
  ): Promise<readonly Running[]> {
    return Promise.all(
      Array.from({ length: count }, (_, index) => this.startPeer(`node-${index + 1}`, extra(index))),
    );
  }

  /** Runs a command to its end. */
  run(args: readonly string[], options: RunOptions = {}): Promise<Finished> {
    return runFleet(this.#commandFor(args, options));
  }

  /** As {@link run}, for commands that must succeed. */
  async ok(args: readonly string[], options: { cwd?: string } = {}): Promise<Finished> {
    const finished = await this.run(args, options);
    if (finished.code === 0) return finished;
    const output = `${finished.stdout}${finished.stderr}`;
    throw new Error(`fleet ${args.join(" ")} exited ${finished.code}\n${output}${this.#deaths.join("\n")}`);
  }

  /** Starts a long-running command and waits until it is ready. */
  async start(args: readonly string[]): Promise<Running> {
    const running = await startFleet(this.#commandFor(args, {}));
    this.#running.add(running);
    void running.exited.then(({ code, stderr }) => {
      this.#running.delete(running);
      if (code !== null)
        this.#deaths.push(`fleet ${args[0]} exited ${code}\n${stderr.slice(-LOG_TAIL_CHARS)}`);
    });
    return running;
  }

  async kill(running: Running, signal: NodeJS.Signals = "SIGKILL"): Promise<Finished> {
    running.process.kill(signal);
    return running.exited;
  }

  /** An authorised request to the coordinator's HTTP interface. */
  async get(path: string): Promise<unknown> {
    const answer = await fetch(`${this.#url}${path}`, {
      headers: { authorization: `Bearer ${this.#operatorToken}` },
    });
    return answer.json();
  }

  async post(path: string, body: unknown): Promise<unknown> {
    const headers = { authorization: `Bearer ${this.#operatorToken}`, "content-type": "application/json" };
    return (
      await fetch(`${this.#url}${path}`, { method: "POST", headers, body: JSON.stringify(body) })
    ).json();
  }

  /** Polls what the coordinator says until it is so. */
  async until<T>(path: string, isSo: (answer: T) => boolean, timeoutMs = 60_000): Promise<T> {
    const deadline = Date.now() + timeoutMs;
    for (;;) {
      const answer = (await this.get(path)) as T;
      if (isSo(answer)) return answer;
      if (Date.now() > deadline)
        throw new Error(`${path} never came so far: ${JSON.stringify(answer).slice(0, 2_000)}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  read(...parts: readonly string[]): Promise<string> {
    return readFile(this.path(...parts), "utf8");
  }

  async stopAll(): Promise<void> {
    await Promise.all([...this.#running].map((running) => this.kill(running)));
  }

  async close(): Promise<void> {
    await this.stopAll();
    await removeTree(this.directory);
    await rm(this.directory, { recursive: true, force: true });
  }

  #commandFor(args: readonly string[], options: RunOptions): FleetCommand {
    return {
      command: this.#command,
      args,
      cwd: options.cwd ?? this.directory,
      env: {
        PATH: process.env.PATH,
        HOME: this.directory,
        XDG_CONFIG_HOME: this.path("config"),
        FLEET_URL: this.#url,
        FLEET_TOKEN: this.#operatorToken,
        ...options.env,
      },
    };
  }
}
