// What a command sees of the process it runs in. Tests give it another one; nothing else in cli/ touches `process`.
import { homedir, hostname } from "node:os";

/** A stream that text is printed to. */
export interface Screen {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
  on?(event: "resize", listener: () => void): unknown;
  off?(event: "resize", listener: () => void): unknown;
}

export type StopSignal = "SIGINT" | "SIGTERM";

export interface Host {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly homeDirectory: string;
  readonly hostName: string;
  /** How to call this very program: the runtime and its script. */
  readonly selfCommand: readonly string[];
  readonly stdout: Screen;
  readonly stderr: Screen;
  now(): number;
  /** Calls `listener` for every stop signal until the returned function is called; none ends the process by itself. */
  onStopSignal(listener: (signal: StopSignal) => void): () => void;
  /** Calls `listener` while the process ends, however it ends short of kill -9. */
  onExit(listener: () => void): () => void;
  exit(code: number): void;
}

const STOP_SIGNALS: readonly StopSignal[] = ["SIGINT", "SIGTERM"];

export function processHost(): Host {
  return {
    env: process.env,
    cwd: process.cwd(),
    homeDirectory: homedir(),
    hostName: hostname(),
    selfCommand: process.argv.slice(0, 2),
    stdout: process.stdout,
    stderr: process.stderr,
    now: () => Date.now(),
    onStopSignal(listener) {
      for (const signal of STOP_SIGNALS) process.on(signal, listener);
      return () => {
        for (const signal of STOP_SIGNALS) process.off(signal, listener);
      };
    },
    onExit(listener) {
      process.on("exit", listener);
      return () => process.off("exit", listener);
    },
    exit: (code) => process.exit(code),
  };
}
