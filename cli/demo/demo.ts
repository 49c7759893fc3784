// The demonstration: a real coordinator, eight real nodes and a real service on this machine, told as a story.
// It proves what it says (availability while rolling, the blast radius of a bad release) and exits 1 when it
// does not hold.
import { FleetError } from "../../protocol/errors.ts";
import { buildDemoArtifact, type DemoRelease } from "./artifact.ts";
import { askVersions, watchAvailability } from "./availability.ts";
import { Workspace } from "./workspace.ts";

const NODES = 8;
const ROLLING_PERCENT = 25;
const WAVE_NODES = (NODES * ROLLING_PERCENT) / 100;

export interface DemoOptions {
  /** How to call this very fleet, e.g. `[node, cli/main.ts]`. */
  readonly command: readonly string[];
  /** Leave everything running at the end until `stop` is aborted. */
  readonly keep: boolean;
  /** Aborted by Ctrl-C: clean up and end. */
  readonly stop: AbortSignal;
  readonly print: (text: string) => void;
}

/** Throws FleetError internal when something that the demonstration claims does not hold. */
export async function runDemo(options: DemoOptions): Promise<void> {
  const { print, stop } = options;
  print(`fleet demonstration: 1 coordinator and ${NODES} nodes on this machine\n\n`);
  const workspace = await Workspace.create(NODES, options.command);
  try {
    await Promise.race([tellStory(workspace, options), aborted(stop)]);
    if (options.keep && !stop.aborted) await keepRunning(workspace, options);
  } finally {
    await workspace.close();
  }
  print(
    stop.aborted
      ? "\nStopped; everything is cleaned up.\n"
      : "\nDone; every process has ended and every file is gone.\n",
  );
}

async function tellStory(workspace: Workspace, options: DemoOptions): Promise<void> {
  const { print } = options;
  const fleet = new Narrator(workspace, print);
  await fleet.build({ version: "v1", healthy: true });
  print(`Starting the coordinator and ${NODES} peers ...\n`);
  await workspace.start();

  fleet.heading("1. Release v1 to the whole fleet at once");
  await fleet.type(["release", "v1", "--all-at-once"], 0);
  await fleet.expectVersions("v1");

  fleet.heading(
    `2. Release v2 to ${ROLLING_PERCENT} % of the nodes at a time, asking every service if it is up`,
  );
  await fleet.build({ version: "v2", healthy: true });
  const watch = watchAvailability(workspace.servicePorts);
  await fleet.type(["release", "v2", "--rolling", `${ROLLING_PERCENT}%`], 0);
  const { rounds, downMax } = await watch.stop();
  await fleet.expectVersions("v2");
  print(
    `   Asked all ${NODES} services ${rounds} times: at most ${downMax} were down at once; a wave is ${WAVE_NODES}.\n`,
  );
  claim(downMax <= WAVE_NODES, `${downMax} services were down at once, more than a wave of ${WAVE_NODES}`);

  fleet.heading("3. Release v3, whose health check fails");
  await fleet.build({ version: "v3", healthy: false });
  await fleet.type(["release", "v3", "--rolling", `${ROLLING_PERCENT}%`, "--health-timeout", "3s"], 3);
  await fleet.expectVersions("v2");
  print(
    "   The canary stopped it: one node tried v3, put v2 back by itself, and no other node was touched.\n",
  );

  fleet.heading("4. What runs where");
  await fleet.type(["nodes"], 0);
  await fleet.type(["releases"], 0);
}

class Narrator {
  readonly #workspace: Workspace;
  readonly #print: (text: string) => void;

  constructor(workspace: Workspace, print: (text: string) => void) {
    this.#workspace = workspace;
    this.#print = print;
  }

  heading(text: string): void {
    this.#print(`\n${text}\n`);
  }

  async build(release: DemoRelease): Promise<void> {
    await buildDemoArtifact(release, this.#workspace.artifactPath(release.version));
    this.#print(`   built ${release.version}: a web service and the Node runtime that runs it\n`);
  }

  /** Runs a command as a person would and shows what it prints. */
  async type(args: readonly string[], expectedExitCode: number): Promise<void> {
    this.#print(`   $ fleet ${args.join(" ")}\n`);
    let atLineStart = true;
    const { code } = await this.#workspace.fleet(args, (chunk) => {
      const indented = chunk.replaceAll(/\n(?=.)/gs, "\n     ");
      this.#print(atLineStart ? `     ${indented}` : indented);
      atLineStart = chunk.endsWith("\n");
    });
    if (code !== 0) this.#print(`     (exit code ${code})\n`);
    claim(code === expectedExitCode, `fleet ${args.join(" ")} exited with ${code}, not ${expectedExitCode}`);
  }

  async expectVersions(version: string): Promise<void> {
    const versions = await askVersions(this.#workspace.servicePorts);
    claim(
      versions.every((answer) => answer === version),
      `the services answer ${versions.join(", ")}, not ${version}`,
    );
    this.#print(`   All ${versions.length} services answer: ${version}.\n`);
  }
}

async function keepRunning(workspace: Workspace, options: DemoOptions): Promise<void> {
  const settings = Object.entries(workspace.environment).map(
    ([name, value]) => `  export ${name}='${value}'\n`,
  );
  options.print(
    `\nEverything keeps running until you press Ctrl-C. In another terminal:\n  cd ${workspace.directory}\n`,
  );
  options.print(`${settings.join("")}  alias fleet='${options.command.join(" ")}'\n`);
  options.print("  fleet status\n  fleet nodes\n  fleet rollback\n  fleet release v2 --rolling 2\n");
  await aborted(options.stop);
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

function claim(holds: boolean, otherwise: string): void {
  if (!holds) throw new FleetError("internal", `the demonstration failed: ${otherwise}`);
}
