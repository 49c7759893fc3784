// Carries out what one app's activation machine decides: its journal, link, hooks and probes. Decides nothing itself.
import { setTimeout as delay } from "node:timers/promises";
import type { Logger } from "pino";
import type { AppName } from "../../protocol/ids.ts";
import { assert, assertNever } from "../../protocol/machine.ts";
import { type ReleaseRef, releaseRefOf } from "../../protocol/manifest.ts";
import type { AppState, NodeMessage } from "../../protocol/messages.ts";
import { ActivationMachine } from "../core/activation.ts";
import type { ActivationEffect, ActivationEvent } from "../core/activation-events.ts";
import {
  type ActivationOrder,
  type AppJournal,
  appJournalSchema,
  type LinkTarget,
  pinnedDirectories,
} from "../core/app-journal.ts";
import { readJson, writeFileAtomic } from "./files.ts";
import { failureOf, type HookRunner } from "./hooks.ts";
import { readLiveLink, removeLiveLink, swingLiveLink } from "./live-link.ts";
import { type Clock, MachineDriver } from "./machine-driver.ts";
import type { ProbeRunner } from "./probes.ts";
import { limitOutput } from "./program.ts";
import type { ReleaseStore } from "./release-store.ts";
import { endLeftoverHook } from "./running-hook.ts";
import { outputPath, type RootPaths, type StatePaths } from "./state-directory.ts";

/** A journal that cannot be written (a full disk) is tried again this often; until then the app stands still. */
const PERSIST_RETRY_MS = 2_000;

export interface ActivatorOptions {
  readonly state: StatePaths;
  readonly root: RootPaths;
  readonly store: ReleaseStore;
  readonly hooks: HookRunner;
  readonly probes: ProbeRunner;
  readonly clock: Clock;
  readonly logger: Logger;
  /** May drop the message: results are repeated after every welcome. */
  readonly send: (message: NodeMessage) => void;
  /** An order ended: old versions may go. */
  readonly onSettled: (app: AppName) => void;
  readonly onBug: (error: unknown) => void;
}

type Effect<Kind extends ActivationEffect["kind"]> = Extract<ActivationEffect, { kind: Kind }>;

export class Activator {
  readonly app: AppName;
  readonly #options: ActivatorOptions;
  readonly #logger: Logger;
  readonly #machine: ActivationMachine;
  readonly #driver: MachineDriver<ActivationEvent, ActivationEffect>;
  readonly #stopping = new AbortController();
  #probing = new AbortController();

  /** Use {@link openActivator}. */
  constructor(journal: AppJournal, live: LinkTarget | null, options: ActivatorOptions) {
    this.app = journal.app;
    this.#options = options;
    this.#logger = options.logger.child({ app: journal.app });
    this.#machine = new ActivationMachine({ journal, live, find: (release) => options.store.find(release) });
    this.#driver = new MachineDriver<ActivationEvent, ActivationEffect>({
      machine: this.#machine,
      clock: options.clock,
      perform: (effect) => this.#perform(effect),
      onBug: options.onBug,
    });
  }

  get live(): LinkTarget | null {
    return this.#machine.live;
  }

  get lastOrder(): AppState["lastOrder"] {
    return this.#machine.lastOrder;
  }

  /** Directories under versions/ that must stay. */
  get pinned(): ReadonlySet<string> {
    const { live, journal } = this.#machine;
    const pinned = new Set(pinnedDirectories(journal));
    return live === null ? pinned : pinned.add(live.directory);
  }

  /** Goes on with what an earlier process left half done. */
  start(): void {
    this.#driver.dispatch({ kind: "start" });
  }

  order(order: ActivationOrder): void {
    this.#driver.dispatch({ kind: "order", order });
  }

  /** Tells the coordinator once more how the last order ended, if it has. */
  repeatReport(): void {
    const report = this.#machine.lastReport;
    if (report?.kind === "report") this.#report(report);
  }

  /** Keeps the log that hooks and the live service write from filling the disk. */
  async limitLog(): Promise<void> {
    const directory = this.live?.directory;
    if (directory !== undefined) await limitOutput(outputPath(this.#options.state, this.app, directory));
  }

  /** Services and a hook that runs go on. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#probing.abort();
    await this.#driver.stop();
  }

  #perform(effect: ActivationEffect): Promise<void> | undefined {
    switch (effect.kind) {
      case "persist":
        return this.#persist();
      case "run-hook":
        return this.#launch(this.#runHook(effect));
      case "switch-link":
        return this.#switchLink(effect);
      case "probe":
        return this.#launch(this.#probe(effect));
      case "cancel-probe":
        return this.#cancelProbe();
      case "announce":
        this.#logger.info({ generation: effect.generation, step: effect.step }, "activation step");
        this.#options.send({ kind: "activating", generation: effect.generation, step: effect.step });
        return;
      case "report":
        return this.#report(effect);
      case "stale":
        this.#logger.warn({ generation: effect.generation, newest: effect.newest }, "stale order ignored");
        return;
      default:
        return assertNever(effect);
    }
  }

  /** Starts work whose end comes back as an event. */
  #launch(work: Promise<void>): undefined {
    work.catch(this.#options.onBug);
  }

  async #persist(): Promise<void> {
    const path = this.#options.state.journal(this.app);
    while (!this.#stopping.signal.aborted) {
      try {
        return await writeFileAtomic(path, JSON.stringify(this.#machine.journal));
      } catch (error) {
        this.#logger.error({ err: error, path }, "cannot write the journal; this app waits for it");
        await delay(PERSIST_RETRY_MS, undefined, { signal: this.#stopping.signal }).catch(ignoreAbort);
      }
    }
    // Not written, and the steps that wait for it will not run: stopping has emptied the queue.
  }

  async #runHook(effect: Effect<"run-hook">): Promise<void> {
    const failure = await this.#options.hooks.run(effect);
    const { attempt } = effect;
    this.#driver.dispatch(
      failure === null ? { kind: "step-done", attempt } : { kind: "step-failed", attempt, failure },
    );
  }

  async #switchLink(effect: Effect<"switch-link">): Promise<void> {
    const { attempt, target } = effect;
    const link = this.#options.root.live(this.app);
    try {
      await (target === null ? removeLiveLink(link) : swingLiveLink(link, target.directory));
      this.#driver.dispatch({ kind: "step-done", attempt });
    } catch (error) {
      const failure = failureOf(error, `cannot switch ${link}`);
      this.#driver.dispatch({ kind: "linked", live: await this.#readLive() });
      this.#driver.dispatch({ kind: "step-failed", attempt, failure });
    }
  }

  /** Where the link points after a failure; what was believed before when not even that can be read. */
  async #readLive(): Promise<LinkTarget | null> {
    try {
      return await readLive(this.app, this.#options);
    } catch (error) {
      this.#logger.error({ err: error }, "cannot read the live link");
      return this.live;
    }
  }

  async #probe(effect: Effect<"probe">): Promise<void> {
    const { attempt, target } = effect;
    const manifest = target.release === null ? null : this.#options.store.find(target.release);
    assert(manifest !== null, "probing a release that is not installed");
    const { signal } = this.#probing;
    const round = await this.#options.probes.round(manifest, signal);
    if (!signal.aborted) this.#driver.dispatch({ kind: "probed", attempt, ...round });
  }

  #cancelProbe(): undefined {
    this.#probing.abort();
    this.#probing = new AbortController();
  }

  #report(effect: Effect<"report">): undefined {
    const { generation, live, outcome } = effect;
    const { logTail: _, ...logged } = outcome.kind === "failed" ? outcome : { ...outcome, logTail: [] };
    this.#logger.info({ generation, live: live?.version ?? null, outcome: logged }, "activation ended");
    this.#options.send({ kind: "activated", generation, app: this.app, live, outcome });
    this.#options.onSettled(this.app);
  }
}

/**
 * Reads the app's journal and live link, and ends a hook that an earlier process left running.
 * Throws FleetError data-corrupt naming what is damaged.
 */
export async function openActivator(app: AppName, options: ActivatorOptions): Promise<Activator> {
  const saved = await readJson(options.state.journal(app), appJournalSchema);
  const live = await readLive(app, options);
  const ended = await endLeftoverHook(options.state.runningHook(app));
  if (ended !== null) options.logger.warn({ app, pid: ended }, "ended a hook of an earlier agent");
  const blank: AppJournal = { format: 1, app, healthy: null, previous: null, current: null, next: null };
  return new Activator(saved ?? blank, live, options);
}

async function readLive(app: AppName, options: ActivatorOptions): Promise<LinkTarget | null> {
  const directory = await readLiveLink(options.root.live(app));
  return directory === null ? null : { directory, release: options.store.releaseIn(app, directory) };
}

/** Installed releases as a hello lists them: what is live first, then the newest. */
export function installedRefs(
  store: ReleaseStore,
  app: AppName,
  live: ReleaseRef | null,
): readonly ReleaseRef[] {
  const refs = store.installed(app).map(releaseRefOf);
  const isLive = (ref: ReleaseRef) => ref.version === live?.version && ref.sha256 === live.sha256;
  return [...refs.filter(isLive), ...refs.filter((ref) => !isLive(ref))];
}

function ignoreAbort(): void {
  // The wait was cut short because the agent stops.
}
