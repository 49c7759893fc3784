// Runs one program of a release: no shell, its own process group, its output in a file of bounded size, a time limit
// that ends the whole group. Waits for the program itself to exit, never for who may still hold its output.
import { type ChildProcess, spawn } from "node:child_process";
import { mkdir, open, stat, truncate } from "node:fs/promises";
import { dirname, isAbsolute, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { errnoOf } from "./disk-errors.ts";
import { type OutputRange, readLogTail } from "./log-tail.ts";

/** A log larger than this is emptied: a service that wants to keep more writes its own. */
export const OUTPUT_BYTES_MAX = 8 * 1024 * 1024;
/** How often the log's size is looked at while a program runs, and whether a group that was told to end has. */
const WATCH_MS = 100;

export interface ProgramOptions {
  readonly argv: readonly string[];
  /** The working directory; `argv[0]` with a slash is relative to it. */
  readonly directory: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  /** From SIGTERM to SIGKILL when the time is up; 0: SIGKILL at once. */
  readonly graceMs: number;
  /** Its output is appended to this file, created when missing. A service may go on writing when this process ends. */
  readonly output: string;
  /** Empties the output file first. */
  readonly fresh?: boolean;
  /** Awaited before the time limit runs; must not reject. */
  readonly onStart?: (pid: number) => Promise<void>;
  /** Ends the program's group at once. */
  readonly signal?: AbortSignal;
}

export type ProgramResult =
  | { readonly kind: "exited"; readonly code: number }
  | { readonly kind: "killed"; readonly signal: string }
  | { readonly kind: "timed-out" }
  | { readonly kind: "aborted" }
  /** It could not be started at all. */
  | { readonly kind: "not-started"; readonly reason: string };

export interface ProgramRun {
  readonly result: ProgramResult;
  readonly logTail: readonly string[];
}

export async function runProgram(options: ProgramOptions): Promise<ProgramRun> {
  await mkdir(dirname(options.output), { recursive: true, mode: 0o700 });
  const file = await open(options.output, "a", 0o600);
  try {
    if (options.fresh) await file.truncate();
    const output: OutputRange = { path: options.output, start: (await file.stat()).size };
    const result = await runWithOutput(options, file.fd);
    const logTail = result.kind === "exited" && result.code === 0 ? [] : await readLogTail(output);
    await limitOutput(options.output);
    return { result, logTail };
  } finally {
    await file.close();
  }
}

/** What went wrong, in words that follow the program's name; null when it exited with 0. */
export function problemOf(result: ProgramResult, timeoutMs: number): string | null {
  switch (result.kind) {
    case "exited":
      return result.code === 0 ? null : `exited with ${result.code}`;
    case "killed":
      return `was ended by ${result.signal}`;
    case "timed-out":
      return `was still running after ${timeoutMs / 1_000} s`;
    case "aborted":
      return "was interrupted";
    case "not-started":
      return `could not be started: ${result.reason}`;
  }
}

/** Empties an output file that has grown too large; its writers append, so they go on at its new end. */
export async function limitOutput(path: string): Promise<void> {
  try {
    if ((await stat(path)).size > OUTPUT_BYTES_MAX) await truncate(path);
  } catch {
    // Gone, or not ours to cut: the program's result matters more than its log.
  }
}

async function endGroup(pid: number, graceMs: number): Promise<void> {
  for (let waitedMs = 0; waitedMs < graceMs; waitedMs += WATCH_MS) {
    if (!signalGroup(pid, waitedMs === 0 ? "SIGTERM" : 0)) return;
    await delay(WATCH_MS);
  }
  signalGroup(pid, "SIGKILL");
}

async function runWithOutput(options: ProgramOptions, fd: number): Promise<ProgramResult> {
  let child: ChildProcess;
  try {
    child = start(options, fd);
  } catch (error) {
    // A NUL in an argument and the like: spawn refuses it before there is a process.
    return { kind: "not-started", reason: error instanceof Error ? error.message : String(error) };
  }
  const exited = exitOf(child);
  const { pid } = child;
  if (pid === undefined) return exited;
  // A program that outlives the agent is ended by the next one; it must not keep this one alive.
  child.unref();
  await options.onStart?.(pid);
  return superviseGroup(exited, pid, options);
}

async function superviseGroup(
  exited: Promise<ProgramResult>,
  pid: number,
  options: ProgramOptions,
): Promise<ProgramResult> {
  const over = new AbortController();
  const expired = interruption(options, over.signal);
  // Neither this nor the limit may keep an agent alive that wants to stop: the next one ends what it left behind.
  const watch = setInterval(() => void limitOutput(options.output), WATCH_MS).unref();
  try {
    const first = await Promise.race([exited, expired]);
    if (first.kind !== "timed-out" && first.kind !== "aborted") return first;
    await endGroup(pid, options.graceMs);
    await exited;
    return first;
  } finally {
    over.abort();
    clearInterval(watch);
  }
}

/** Resolves when the time is up or the caller wants an end; never when `over` comes first. */
function interruption(options: ProgramOptions, over: AbortSignal): Promise<ProgramResult> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve({ kind: "timed-out" }), options.timeoutMs).unref();
    const onAbort = () => resolve({ kind: "aborted" });
    options.signal?.addEventListener("abort", onAbort, { once: true });
    if (options.signal?.aborted) onAbort();
    over.addEventListener("abort", () => {
      clearTimeout(timer);
      options.signal?.removeEventListener("abort", onAbort);
    });
  });
}

function start(options: ProgramOptions, fd: number): ChildProcess {
  const [program = "", ...rest] = options.argv;
  const relative = program.includes("/") && !isAbsolute(program);
  return spawn(relative ? join(options.directory, program) : program, rest, {
    cwd: options.directory,
    env: { ...options.environment },
    detached: true,
    stdio: ["ignore", fd, fd],
  });
}

function exitOf(child: ChildProcess): Promise<ProgramResult> {
  return new Promise((resolve) => {
    child.once("error", (error) => resolve({ kind: "not-started", reason: error.message }));
    child.once("exit", (code, signal) =>
      resolve(signal === null ? { kind: "exited", code: code ?? 0 } : { kind: "killed", signal }),
    );
  });
}

/** False when nobody of the group is left. */
function signalGroup(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    process.kill(-pid, signal);
    return true;
  } catch (error) {
    // Anything else, EPERM for one, means that somebody is there who may not be signalled.
    return errnoOf(error) !== "ESRCH";
  }
}
