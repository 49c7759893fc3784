// The temporary world of the demonstration: its folder, its coordinator and peer processes, and how all of it
// goes away.
import { once } from "node:events";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { removeTree } from "../../peer/index.ts";
import { FleetError } from "../../protocol/errors.ts";
import { type Finished, type FleetCommand, type Running, runFleet, startFleet } from "./fleet-process.ts";

/** A process that has not ended this long after SIGTERM is killed. */
const STOP_TIMEOUT_MS = 5_000;

export const DEMO_APP = "hello";

const CONFIG = `# What the demonstration releases, and when a node counts as healthy.
app: ${DEMO_APP}
artifact: artifacts/${DEMO_APP}-{version}.tar.zst
hooks:
  preActivate: { run: [bin/node, service.mjs, stop], timeout: 10s }
  postActivate: { run: [bin/node, service.mjs, start], timeout: 10s }
health:
  http: ["http://127.0.0.1:{label.port}/health"]
  interval: 200ms
  timeout: 1s
  successes: 3
`;

export class Workspace {
  readonly directory: string;
  readonly servicePorts: readonly number[];
  readonly #command: readonly string[];
  readonly #running: Running[] = [];
  #url = "";
  #operatorToken = "";

  private constructor(directory: string, servicePorts: readonly number[], command: readonly string[]) {
    this.directory = directory;
    this.servicePorts = servicePorts;
    this.#command = command;
  }

  /** Makes the folder and the keys; `command` is how to call this very fleet. */
  static async create(nodeCount: number, command: readonly string[]): Promise<Workspace> {
    const directory = await mkdtemp(join(tmpdir(), "fleet-demo-"));
    const workspace = new Workspace(directory, await freePorts(nodeCount), command);
    await mkdir(workspace.path("artifacts"));
    await writeFile(workspace.path("fleet.yaml"), CONFIG);
    return workspace;
  }

  path(...parts: readonly string[]): string {
    return join(this.directory, ...parts);
  }

  artifactPath(version: string): string {
    return this.path("artifacts", `${DEMO_APP}-${version}.tar.zst`);
  }

  /** What a person needs in the environment to use the fleet command here. */
  get environment(): Readonly<Record<string, string>> {
    return { FLEET_URL: this.#url, FLEET_TOKEN: this.#operatorToken, XDG_CONFIG_HOME: this.path("config") };
  }

  /** Publisher key, tokens, then the coordinator and one peer process per service port. */
  async start(): Promise<void> {
    const data = ["--data", this.path("coordinator")];
    const publisherKey = (await this.#output(["key", "create"])).trim();
    this.#operatorToken = (await this.#output(["token", "create", "operator", ...data])).trim();
    await writeFile(
      this.path("node.token"),
      await this.#output(["token", "create", "node", "--trust", publisherKey, ...data]),
    );
    const listen = ["--listen", "127.0.0.1:0", "--swarm-listen", "127.0.0.1:0"];
    const coordinator = await this.#start(["coordinator", ...data, ...listen]);
    this.#url = String(coordinator.ready.url);
    await Promise.all(this.servicePorts.map((port, index) => this.#startPeer(`node-${index + 1}`, port)));
  }

  /** Runs a fleet command here as a person would; what it prints goes to `onOutput`. */
  fleet(args: readonly string[], onOutput: (chunk: string) => void): Promise<Finished> {
    return runFleet(this.#commandFor(args), onOutput);
  }

  /** Stops every process and service and removes the folder. */
  async close(): Promise<void> {
    await Promise.all(this.#running.map(stop));
    await Promise.all(this.servicePorts.map((_, index) => this.#stopService(`node-${index + 1}`)));
    await removeTree(this.directory);
    await rm(this.directory, { recursive: true, force: true });
  }

  async #startPeer(name: string, servicePort: number): Promise<void> {
    const folders = [
      "--root",
      this.path("nodes", name, "apps"),
      "--state",
      this.path("nodes", name, "state"),
    ];
    const join = ["--url", this.#url, "--token-file", this.path("node.token"), "--listen", "127.0.0.1:0"];
    await this.#start(["peer", ...join, ...folders, "--name", name, "--label", `port=${servicePort}`]);
  }

  async #start(args: readonly string[]): Promise<Running> {
    const running = await startFleet(this.#commandFor(args));
    this.#running.push(running);
    return running;
  }

  async #output(args: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await runFleet(this.#commandFor(args));
    if (code !== 0)
      throw new FleetError("internal", `fleet ${args.join(" ")} exited with ${code}: ${stderr}`);
    return stdout;
  }

  async #stopService(name: string): Promise<void> {
    try {
      const pid = Number(
        await readFile(this.path("nodes", name, "apps", DEMO_APP, "shared", "service.pid"), "utf8"),
      );
      process.kill(pid, "SIGTERM");
    } catch {
      // No service ran there, or it is gone already: nothing is left to stop.
    }
  }

  #commandFor(args: readonly string[]): FleetCommand {
    const { PATH, TERM, NO_COLOR } = process.env;
    const env = { PATH, TERM, NO_COLOR, HOME: this.directory, ...this.environment };
    return { command: this.#command, args, cwd: this.directory, env };
  }
}

async function stop(running: Running): Promise<void> {
  running.process.kill("SIGTERM");
  const kill = setTimeout(() => running.process.kill("SIGKILL"), STOP_TIMEOUT_MS);
  await running.exited;
  clearTimeout(kill);
}

/** Ports that were free a moment ago: all are held open together so that no two are the same. */
async function freePorts(count: number): Promise<readonly number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, "127.0.0.1"));
  await Promise.all(servers.map((server) => once(server, "listening")));
  const ports = servers.map((server) => {
    const address = server.address();
    return typeof address === "object" && address !== null ? address.port : 0;
  });
  await Promise.all(servers.map((server) => once(server.close(), "close")));
  return ports;
}
