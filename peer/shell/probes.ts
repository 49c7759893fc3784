// One round of health probes: all at once, each under its own time limit. A probe that does not pass is a sentence
// for a person; nothing here throws for what a service does.
import { request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import { connect } from "node:net";
import { FleetError } from "../../protocol/errors.ts";
import type { Manifest, Probe } from "../../protocol/manifest.ts";
import { linkTargetOf } from "../core/app-journal.ts";
import { fillPlaceholders, UnknownLabelError } from "../core/placeholders.ts";
import { diskError } from "./disk-errors.ts";
import { hookEnvironment, type NodeFacts } from "./hook-environment.ts";
import { readLogTail } from "./log-tail.ts";
import { problemOf, runProgram } from "./program.ts";
import { outputPath, type RootPaths, type StatePaths } from "./state-directory.ts";

export interface ProbeRunnerOptions {
  readonly node: NodeFacts;
  readonly root: RootPaths;
  readonly state: StatePaths;
}

export interface ProbeRound {
  /** What the first probe that failed says; null when all passed. */
  readonly problem: string | null;
  readonly logTail: readonly string[];
}

interface ProbeResult {
  readonly problem: string | null;
  /** Of an exec probe; other probes have no output of their own. */
  readonly logTail: readonly string[];
}

const PASSED: ProbeResult = { problem: null, logTail: [] };

export class ProbeRunner {
  readonly #options: ProbeRunnerOptions;

  constructor(options: ProbeRunnerOptions) {
    this.#options = options;
  }

  /** `signal` ends the round early; its answer then means nothing. */
  async round(manifest: Manifest, signal: AbortSignal): Promise<ProbeRound> {
    const { probes } = manifest.health;
    const results = await Promise.all(
      probes.map((probe, index) => this.#probe(probe, { manifest, index, signal })),
    );
    const failed = results.find((result) => result.problem !== null);
    if (failed === undefined) return PASSED;
    return failed.logTail.length > 0 ? failed : { ...failed, logTail: await this.#serviceTail(manifest) };
  }

  async #probe(probe: Probe, context: ProbeContext): Promise<ProbeResult> {
    const { timeoutMs } = context.manifest.health;
    const limit = { timeoutMs, signal: context.signal };
    try {
      switch (probe.kind) {
        case "http":
          return problem(
            await probeHttp(this.#filled(probe.url, "an http probe"), probe.expectStatus, limit),
          );
        case "tcp":
          return problem(await probeTcp(this.#filled(probe.address, "a tcp probe"), limit));
        case "exec":
          return await this.#probeExec(probe.argv, context);
      }
    } catch (error) {
      const known = diskError(error, "storage-failed", `cannot run the ${probe.kind} probe`);
      if (known instanceof UnknownLabelError || known instanceof FleetError) return problem(known.message);
      throw error;
    }
  }

  async #probeExec(argv: readonly string[], context: ProbeContext): Promise<ProbeResult> {
    const { node, root, state } = this.#options;
    const { app, version } = context.manifest;
    const { directory, release } = targetOf(context.manifest);
    const { timeoutMs } = context.manifest.health;
    const run = await runProgram({
      argv: argv.map((argument) => this.#filled(argument, "an exec probe")),
      directory: root.version(app, directory),
      environment: hookEnvironment({ release, directory, hook: "probe", previous: null }, node, root),
      timeoutMs,
      // A probe has nothing to put in order, and the next round waits.
      graceMs: 0,
      output: outputPath(state, app, `probe-${context.index}`),
      fresh: true,
      signal: context.signal,
    });
    const why = problemOf(run.result, timeoutMs);
    const name = `${argv[0]} (exec probe of ${app} ${version})`;
    return why === null ? PASSED : { problem: `${name} ${why}`, logTail: run.logTail };
  }

  /** What the service itself said last, if it writes to the output its start hook gave it. */
  #serviceTail(manifest: Manifest): Promise<readonly string[]> {
    const path = outputPath(this.#options.state, manifest.app, targetOf(manifest).directory);
    return readLogTail({ path, start: 0 });
  }

  #filled(source: string, where: string): string {
    return fillPlaceholders(source, this.#options.node.labels, where);
  }
}

interface ProbeContext {
  readonly manifest: Manifest;
  readonly index: number;
  readonly signal: AbortSignal;
}

interface ProbeLimit {
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** Follows no redirect and reads no body: only the status counts. Null when it is `expectStatus`. */
export function probeHttp(url: string, expectStatus: number, limit: ProbeLimit): Promise<string | null> {
  const address = URL.canParse(url) ? new URL(url) : null;
  if (address === null || (address.protocol !== "http:" && address.protocol !== "https:"))
    return Promise.resolve(`${url} is not an http or https address`);
  const send = address.protocol === "https:" ? httpsRequest : httpRequest;
  return new Promise((resolve) => {
    // A connection of its own each time: one kept from the last round may belong to a process that is being stopped.
    const request = send(address, { agent: false, headers: { "user-agent": "fleet-probe" } });
    const end = (result: string | null) => {
      cancel();
      request.destroy();
      resolve(result);
    };
    const cancel = onTimeout(limit, () =>
      end(`GET ${url} gave no answer within ${limit.timeoutMs / 1_000} s`),
    );
    request.once("response", (response) => {
      const { statusCode } = response;
      end(statusCode === expectStatus ? null : `GET ${url} answered ${statusCode}, expected ${expectStatus}`);
    });
    request.on("error", (error) => end(`GET ${url} failed: ${reasonOf(error)}`));
    request.end();
  });
}

/** Null when a connection to `HOST:PORT` opens. */
export function probeTcp(address: string, limit: ProbeLimit): Promise<string | null> {
  const match = /^(?:\[([^\]]+)\]|([^:]+)):([0-9]{1,5})$/.exec(address);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  if (host === undefined || port < 1 || port > 65_535) return Promise.resolve(`${address} is not HOST:PORT`);
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const end = (result: string | null) => {
      cancel();
      socket.destroy();
      resolve(result);
    };
    const cancel = onTimeout(limit, () =>
      end(`connecting to ${address} took over ${limit.timeoutMs / 1_000} s`),
    );
    socket.once("connect", () => end(null));
    socket.on("error", (error) => end(`connecting to ${address} failed: ${reasonOf(error)}`));
  });
}

/** Calls `expire` once the time is up or the round is given up. Returns what calls that off. */
function onTimeout(limit: ProbeLimit, expire: () => void): () => void {
  const timer = setTimeout(expire, limit.timeoutMs);
  limit.signal.addEventListener("abort", expire, { once: true });
  return () => {
    clearTimeout(timer);
    limit.signal.removeEventListener("abort", expire);
  };
}

/** The several addresses of a name fail with one error that only says so in its parts. */
function reasonOf(error: Error): string {
  if (error instanceof AggregateError && error.errors[0] instanceof Error) return error.errors[0].message;
  return error.message;
}

function problem(text: string | null): ProbeResult {
  return { problem: text, logTail: [] };
}

function targetOf(manifest: Manifest) {
  const { app, version } = manifest;
  const release = { app, version, sha256: manifest.artifact.sha256 };
  return { ...linkTargetOf(release), release };
}
