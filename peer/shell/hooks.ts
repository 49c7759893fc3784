// Runs a release's hooks: placeholders filled in, the documented environment, the release directory as the working
// directory. A hook's failure is a value; only a bug throws.
import type { Logger } from "pino";
import { type ErrorCode, FleetError } from "../../protocol/errors.ts";
import { assert } from "../../protocol/machine.ts";
import type { ActivationEffect } from "../core/activation-events.ts";
import { clipMessage } from "../core/activation-steps.ts";
import type { Failure } from "../core/app-journal.ts";
import { fillPlaceholders, UnknownLabelError } from "../core/placeholders.ts";
import { diskError } from "./disk-errors.ts";
import { makeDirectory } from "./files.ts";
import { hookEnvironment, type NodeFacts } from "./hook-environment.ts";
import { type ProgramRun, problemOf, runProgram } from "./program.ts";
import { forgetHook, rememberHook } from "./running-hook.ts";
import { outputPath, type RootPaths, type StatePaths } from "./state-directory.ts";

/** From SIGTERM to SIGKILL for a hook whose time is up. */
const KILL_GRACE_MS = 5_000;

export interface HookRunnerOptions {
  readonly node: NodeFacts;
  readonly root: RootPaths;
  readonly state: StatePaths;
  readonly logger: Logger;
}

type HookEffect = Extract<ActivationEffect, { kind: "run-hook" }>;

export class HookRunner {
  readonly #options: HookRunnerOptions;
  #detached = false;

  constructor(options: HookRunnerOptions) {
    this.#options = options;
  }

  /** The agent stops: a hook that runs goes on without it, and the next agent finds it. */
  detach(): void {
    this.#detached = true;
  }

  /** Null when the hook exited with 0 within its time. */
  async run(effect: HookEffect): Promise<Failure | null> {
    const { hook, timeoutMs } = effect;
    const { release, directory } = effect.target;
    assert(release !== null, "a hook of an unknown release");
    const name = `the ${hook} hook of ${release.app} ${release.version}`;
    try {
      const argv = this.#filled(effect.spec.argv, name);
      const run = await this.#run(effect, argv);
      const problem = problemOf(run.result, timeoutMs);
      const outcome = { app: release.app, version: release.version, hook, directory };
      this.#options.logger.info({ ...outcome, result: run.result }, "hook ended");
      if (problem === null) return null;
      const code: ErrorCode = run.result.kind === "timed-out" ? "hook-timeout" : "hook-failed";
      return { code, message: clipMessage(`${name} ${problem}`), logTail: run.logTail };
    } catch (error) {
      return failureOf(error, `cannot run ${name}`);
    }
  }

  async #run(effect: HookEffect, argv: readonly string[]): Promise<ProgramRun> {
    const { node, root, state } = this.#options;
    const { target, hook, from } = effect;
    const { release, directory } = target;
    assert(release !== null, "a hook of an unknown release");
    await makeDirectory(root.shared(release.app));
    const marker = state.runningHook(release.app);
    try {
      return await runProgram({
        argv,
        directory: root.version(release.app, directory),
        environment: hookEnvironment({ release, directory, hook, previous: from }, node, root),
        timeoutMs: effect.timeoutMs,
        graceMs: KILL_GRACE_MS,
        output: outputPath(state, release.app, directory),
        onStart: (pid) => rememberHook(marker, pid),
      });
    } finally {
      if (!this.#detached) await forgetHook(marker);
    }
  }

  #filled(argv: readonly string[], name: string): readonly string[] {
    return argv.map((argument) => fillPlaceholders(argument, this.#options.node.labels, name));
  }
}

/** An operational failure of a step as what a report carries. A bug is thrown on. */
export function failureOf(error: unknown, doing: string): Failure {
  const known = diskError(error, "install-failed", doing);
  if (error instanceof UnknownLabelError)
    return { code: "hook-failed", message: clipMessage(error.message), logTail: [] };
  if (known instanceof FleetError)
    return { code: known.code, message: clipMessage(known.message), logTail: [] };
  throw error;
}
