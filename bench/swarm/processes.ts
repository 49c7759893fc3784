// The processes of one benchmark: started here, killed here by pid, their output split into lines.
// Starts nothing any more once it is told to end; never touches a process that it did not start.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { createInterface } from "node:readline";

/** What a failure message shows of a process's last words. */
const LAST_LINES = 30;

export interface ProcessOptions {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Everything it says goes here as well. */
  readonly logPath?: string;
  readonly onLine?: (line: string) => void;
}

export interface BenchProcess {
  readonly pid: number;
  readonly child: ChildProcess;
  readonly exited: Promise<number | null>;
  lastWords(): string;
}

export class Processes {
  readonly #running = new Set<BenchProcess>();
  #isEnding = false;

  constructor() {
    process.once("exit", () => {
      for (const { child } of this.#running) child.kill("SIGKILL");
    });
  }

  start(command: readonly string[], options: ProcessOptions): BenchProcess {
    if (this.#isEnding) throw new Error("the benchmark is ending");
    return this.#spawn(command, options);
  }

  #spawn(command: readonly string[], options: ProcessOptions): BenchProcess {
    const [program = "", ...args] = command;
    const { cwd, env } = options;
    const child = spawn(program, args, { cwd, env, stdio: ["pipe", "pipe", "pipe"] });
    const lastWords = collectLines(child, options);
    const exited = endOf(child);
    const started = { pid: child.pid ?? 0, child, exited, lastWords };
    this.#running.add(started);
    void exited.then(() => this.#running.delete(started));
    return started;
  }

  /** Runs a command to its end and gives its standard output. Throws when it fails. */
  async run(
    command: readonly string[],
    options: ProcessOptions & { readonly input?: string },
  ): Promise<string> {
    let output = "";
    const running = this.#spawn(command, options);
    running.child.stdout?.on("data", (chunk: string) => {
      output += chunk;
    });
    running.child.stdin?.on("error", () => undefined).end(options.input ?? "");
    const code = await running.exited;
    if (code !== 0) throw new Error(`${command.join(" ")} exited with ${code}\n${running.lastWords()}`);
    return output;
  }

  async kill(running: BenchProcess, signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
    running.child.kill(signal);
    await running.exited;
  }

  /** Kills everything; from now on only {@link run} works, for what has to be removed. */
  async end(): Promise<void> {
    this.#isEnding = true;
    await Promise.all([...this.#running].map((running) => this.kill(running)));
  }
}

async function endOf(child: ChildProcess): Promise<number | null> {
  const failed = new Promise<null>((resolve) => {
    child.once("error", () => resolve(null));
  });
  const closed = once(child, "close").then(([code]): number | null =>
    typeof code === "number" ? code : null,
  );
  return Promise.race([closed.catch(() => null), failed]);
}

function collectLines(child: ChildProcess, { logPath, onLine }: ProcessOptions): () => string {
  const last: string[] = [];
  const log = logPath === undefined ? null : createWriteStream(logPath, { flags: "a" });
  for (const stream of [child.stdout, child.stderr]) {
    if (stream === null) continue;
    stream.setEncoding("utf8");
    createInterface({ input: stream }).on("line", (line) => {
      if (last.push(line) > LAST_LINES) last.shift();
      log?.write(`${line}\n`);
      onLine?.(line);
    });
  }
  child.once("error", (error) => last.push(error.message));
  child.once("close", () => log?.end());
  return () => last.join("\n");
}
