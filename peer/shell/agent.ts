// Joins the parts of a peer: orders in from the coordinator, each to the machine of its app, results out again.
// Keeps no state of its own that a restart would miss.
import type { Logger } from "pino";
import { FleetError } from "../../protocol/errors.ts";
import type { AppName } from "../../protocol/ids.ts";
import { APPS_PER_NODE_MAX, NODE_FRAME_BYTES_MAX, VERSIONS_PER_APP_MAX } from "../../protocol/limits.ts";
import { assertNever } from "../../protocol/machine.ts";
import type { AppState, NodeMessage, StageOrder } from "../../protocol/messages.ts";
import type { ActivationOrder } from "../core/app-journal.ts";
import { type Activator, type ActivatorOptions, installedRefs, openActivator } from "./activator.ts";
import type { Order } from "./control-client.ts";
import { failureOf } from "./hooks.ts";
import type { ReleaseStore } from "./release-store.ts";
import { Stager, type StagerOptions } from "./stager.ts";

/** How often the logs of live services are looked at. */
const LOG_LIMIT_INTERVAL_MS = 10_000;
/** Room in a hello for everything but the apps. */
const HELLO_REST_BYTES = 32 * 1024;

export interface AgentOptions {
  readonly store: ReleaseStore;
  readonly activator: Omit<ActivatorOptions, "send" | "onSettled">;
  readonly stager: Omit<StagerOptions, "send" | "isLive" | "onInstalled">;
  readonly send: (message: NodeMessage) => void;
  readonly logger: Logger;
  readonly onBug: (error: unknown) => void;
}

export class Agent {
  readonly #options: AgentOptions;
  readonly #activators = new Map<AppName, Activator>();
  readonly #activatorOptions: ActivatorOptions;
  readonly #stager: Stager;
  readonly #logTimer: NodeJS.Timeout;

  /** Use {@link openAgent}. */
  constructor(options: AgentOptions) {
    this.#options = options;
    const { send } = options;
    this.#activatorOptions = { ...options.activator, send, onSettled: (app) => this.#collect(app) };
    this.#stager = new Stager({
      ...options.stager,
      send,
      isLive: (app, directory) => this.#activators.get(app)?.live?.directory === directory,
      onInstalled: (app) => this.#collect(app),
    });
    this.#logTimer = setInterval(() => this.#limitLogs(), LOG_LIMIT_INTERVAL_MS).unref();
  }

  /** Reads what is known of these apps and goes on with what was left half done. FleetError data-corrupt. */
  async start(apps: Iterable<AppName>): Promise<void> {
    for (const app of apps) this.#activators.set(app, await openActivator(app, this.#activatorOptions));
    for (const activator of this.#activators.values()) activator.start();
    for (const app of this.#activators.keys()) this.#collect(app);
  }

  /** What a hello says; the log tails are left out when all of them do not fit its frame. */
  get apps(): readonly AppState[] {
    const apps = [...this.#activators.values()].slice(0, APPS_PER_NODE_MAX).map((one) => this.#stateOf(one));
    // As JSON it is longer than it will be in its frame.
    const bytes = Buffer.byteLength(JSON.stringify(apps));
    return bytes <= NODE_FRAME_BYTES_MAX - HELLO_REST_BYTES ? apps : apps.map(withoutLogTail);
  }

  /** A coordinator has welcomed this node: it hears again how everything ended. */
  online(): void {
    for (const activator of this.#activators.values()) activator.repeatReport();
    this.#stager.dispatch({ kind: "online" });
  }

  async order(order: Order): Promise<void> {
    switch (order.kind) {
      case "stage":
        return this.#stage(order);
      case "neighbours":
      case "stop-serving":
        return this.#stager.dispatch(order);
      case "activate":
        return this.#activate(order.release.app, order);
      case "deactivate":
        return this.#activate(order.app, order);
      default:
        return assertNever(order);
    }
  }

  /** Services go on; everything else stops. */
  async stop(): Promise<void> {
    clearInterval(this.#logTimer);
    this.#options.activator.hooks.detach();
    await Promise.all([...this.#activators.values()].map((activator) => activator.stop()));
    await this.#stager.stop();
  }

  async #stage(order: StageOrder): Promise<void> {
    const refusal = await this.#makeKnown(order.release.app);
    return refusal === null ? this.#stager.order(order) : this.#stager.refuse(order, refusal);
  }

  async #activate(app: AppName, order: ActivationOrder): Promise<void> {
    const refusal = await this.#makeKnown(app);
    const { generation } = order;
    if (refusal === null) return this.#activators.get(app)?.order(order);
    const { code, message } = refusal;
    this.#options.logger.warn({ app, generation, code, reason: message }, "activation order refused");
    const outcome = { kind: "failed", code, message, logTail: [], restored: "none" } as const;
    this.#options.send({ kind: "activated", generation, app, live: null, outcome });
  }

  /** Null when the app has its machine; else why it cannot have one. */
  async #makeKnown(app: AppName): Promise<FleetError | null> {
    if (this.#activators.has(app)) return null;
    if (this.#activators.size >= APPS_PER_NODE_MAX)
      return new FleetError("overloaded", `this node has ${APPS_PER_NODE_MAX} apps already`);
    try {
      this.#activators.set(app, await openActivator(app, this.#activatorOptions));
      return null;
    } catch (error) {
      const { message } = failureOf(error, `cannot open ${app}`);
      return error instanceof FleetError
        ? error
        : new FleetError("storage-failed", message, { cause: error });
    }
  }

  #stateOf(activator: Activator): AppState {
    const { app, live, lastOrder } = activator;
    const release = live?.release ?? null;
    const installed = installedRefs(this.#options.store, app, release).slice(0, VERSIONS_PER_APP_MAX);
    return { app, live: release, installed, lastOrder };
  }

  #collect(app: AppName): void {
    const pinned = () => new Set([...this.#stager.pinned(app), ...(this.#activators.get(app)?.pinned ?? [])]);
    this.#options.store.collect(app, pinned).then(
      (removed) => {
        if (removed.length > 0) this.#options.logger.info({ app, removed }, "removed old versions");
      },
      (error: unknown) => this.#options.logger.error({ err: error, app }, "cannot remove old versions"),
    );
  }

  #limitLogs(): void {
    const work = [...this.#activators.values()].map((activator) => activator.limitLog());
    Promise.all(work).catch(this.#options.onBug);
  }
}

function withoutLogTail(state: AppState): AppState {
  const { lastOrder } = state;
  if (lastOrder?.outcome?.kind !== "failed") return state;
  return { ...state, lastOrder: { ...lastOrder, outcome: { ...lastOrder.outcome, logTail: [] } } };
}
