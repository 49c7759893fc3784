#!/usr/bin/env node
// Where `fleet` starts: runs one command line in this process and ends it with the command's exit code. As one file it
// is also where its threads start: those must run no command, and do what their own module does when it is loaded.
import "./warnings.ts";
import { isMainThread } from "node:worker_threads";
import { processHost } from "./host.ts";
import { runFleet } from "./program.ts";

/** What a shell reports for a program that was writing to a pipe nobody reads any more: 128 + SIGPIPE. */
const BROKEN_PIPE_EXIT_CODE = 141;

if (isMainThread) await runProcess();

async function runProcess(): Promise<never> {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "EPIPE") process.exit(BROKEN_PIPE_EXIT_CODE);
      throw error;
    });
  }
  const exitCode = await runFleet(process.argv.slice(2), processHost());
  await Promise.all([flush(process.stdout), flush(process.stderr)]);
  // Ends idle connections with the process instead of waiting for them.
  process.exit(exitCode);
}

function flush(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => stream.write("", () => resolve()));
}
