// Runs `fleet` commands as separate processes: those that end, and those that say when they are ready and stay.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { FleetError } from "../../protocol/errors.ts";

const READY_TIMEOUT_MS = 30_000;
/** Output of one process that is kept for a failure message. */
const OUTPUT_CHARS_MAX = 200_000;

export interface FleetCommand {
  /** Program and leading arguments in front of the subcommand, e.g. `[node, cli/main.ts]`. */
  readonly command: readonly string[];
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Running {
  readonly process: ChildProcess;
  /** The object of the line that says it is ready. */
  readonly ready: Readonly<Record<string, unknown>>;
  readonly exited: Promise<Finished>;
  log(): string;
}

/** Runs a command to its end; `onOutput` sees what it prints as it comes. */
export function runFleet(
  what: FleetCommand,
  onOutput: (chunk: string) => void = () => undefined,
): Promise<Finished> {
  return collect(spawnFleet(what), onOutput).exited;
}

/** Starts a long-running command with --json and waits for the line that says it is ready. */
export async function startFleet(what: FleetCommand): Promise<Running> {
  const child = spawnFleet({ ...what, args: [...what.args, "--json"] });
  const { exited, log } = collect(child, () => undefined);
  const ended = exited.then((finished): never => {
    const output = `${finished.stdout}${finished.stderr}`;
    throw new FleetError(
      "internal",
      `fleet ${what.args[0]} exited with ${finished.code} before it was ready\n${output}`,
    );
  });
  const ready = await Promise.race([firstObject(child), ended, notReady(what)]);
  ended.catch(() => undefined);
  return { process: child, ready, exited, log };
}

function spawnFleet({ command, args, cwd, env }: FleetCommand): ChildProcess {
  const [program = process.execPath, ...leading] = command;
  return spawn(program, [...leading, ...args], { cwd, env, stdio: ["ignore", "pipe", "pipe"] });
}

function collect(
  child: ChildProcess,
  onOutput: (chunk: string) => void,
): { exited: Promise<Finished>; log(): string } {
  const output = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const) {
    child[name]?.setEncoding("utf8").on("data", (chunk: string) => {
      output[name] = (output[name] + chunk).slice(-OUTPUT_CHARS_MAX);
      onOutput(chunk);
    });
  }
  const exited = once(child, "close").then(([code]) => ({
    code: typeof code === "number" ? code : null,
    ...output,
  }));
  return { exited, log: () => output.stdout + output.stderr };
}

async function firstObject(child: ChildProcess): Promise<Record<string, unknown>> {
  if (child.stdout === null) throw new FleetError("internal", "a child process without output");
  const [line] = (await once(createInterface({ input: child.stdout }), "line")) as [string];
  const value: unknown = JSON.parse(line);
  if (typeof value !== "object" || value === null)
    throw new FleetError("internal", `not a ready line: ${line}`);
  return value as Record<string, unknown>;
}

function notReady(what: FleetCommand): Promise<never> {
  return new Promise((_, reject) => {
    const fail = () =>
      reject(new FleetError("internal", `fleet ${what.args[0]} was not ready in ${READY_TIMEOUT_MS} ms`));
    setTimeout(fail, READY_TIMEOUT_MS).unref();
  });
}
