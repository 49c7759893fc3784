// Joins the parts of a peer: orders in from the coordinator, each to the machine of its app, results out again.
// Keeps no state of its own that a restart would miss.
import type { Logger } from "pino";
import { FleetError } from "../../protocol/errors.ts";
import type { AppName } from "../../protocol/ids.ts";
import { APPS_PER_NODE_MAX, NODE_FRAME_BYTES_MAX, VERSIONS_PER_APP_MAX } from "../../protocol/limits.ts";
import { assertNever } from "../../protocol/machine.ts";
import type { AppState, NodeMessage, Outcome } from "../../protocol/messages.ts";
import type { ActivationOrder } from "../core/app-journal.ts";
import { type Activator, type ActivatorOptions, installedRefs, openActivator } from "./activator.ts";
import type { Order } from "./control-client.ts";
import { failureOf } from "./hooks.ts";
import { Inspector } from "./inspector.ts";
import type { OrderNotes } from "./order-notes.ts";
import type { RateLimits } from "./rate-limits.ts";
import type { ReleaseStore } from "./release-store.ts";
import { Stager, type StagerOptions } from "./stager.ts";

/** How often the logs of live services are looked at. */
const LOG_LIMIT_INTERVAL_MS = 10_000;
/** Room in a hello for everything but the apps. */
const HELLO_REST_BYTES = 32 * 1024;

export interface AgentOptions {
  readonly store: ReleaseStore;
  readonly activator: Omit<ActivatorOptions, "send" | "onSettled">;
  readonly stager: Omit<StagerOptions, "send" | "admit" | "isLive" | "onInstalled">;
  readonly send: (message: NodeMessage) => void;
  readonly rates: RateLimits;
  readonly notes: OrderNotes;
  readonly logger: Logger;
  readonly onBug: (error: unknown) => void;
}

export class Agent {
  readonly #options: AgentOptions;
  readonly #activators = new Map<AppName, Activator>();
  readonly #activatorOptions: ActivatorOptions;
  readonly #stager: Stager;
  readonly #inspector: Inspector;
  #logTimer: NodeJS.Timeout | null = null;

  /** Use {@link openAgent}. */
  constructor(options: AgentOptions) {
    this.#options = options;
    const { send } = options;
    this.#activatorOptions = { ...options.activator, send, onSettled: (app) => this.#collect(app) };
    this.#stager = new Stager({
      ...options.stager,
      send,
      admit: (app) => this.#admit(app),
      isLive: (app, directory) => this.#activators.get(app)?.live?.directory === directory,
      onInstalled: (app) => this.#collect(app),
    });
    const { clock } = options.stager;
    this.#inspector = new Inspector({
      clock,
      send,
      rates: () => options.rates.current,
      torrents: () => this.#stager.inspect(),
    });
  }

  /** Reads what is known of these apps and goes on with what was left half done. FleetError data-corrupt. */
  async start(apps: Iterable<AppName>): Promise<void> {
    for (const app of apps) this.#activators.set(app, await openActivator(app, this.#activatorOptions));
    for (const activator of this.#activators.values()) activator.start();
    await this.#goOn();
    for (const app of this.#activators.keys()) this.#collect(app);
    this.#logTimer = setInterval(() => this.#limitLogs(), LOG_LIMIT_INTERVAL_MS).unref();
  }

  /** With what its coordinator, which may be away, had ordered before this node stopped. */
  async #goOn(): Promise<void> {
    const { notes, rates, logger } = this.#options;
    const { stages, limits } = await notes.read();
    if (limits !== null) rates.order(limits);
    for (const order of stages) {
      const { generation, release } = order;
      logger.info({ generation, app: release.app, version: release.version }, "goes on with a stage order");
      await this.#stager.order(order);
    }
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
        return this.#stager.order(order);
      case "neighbours":
      case "go":
      case "pause":
      case "stop-serving":
        return this.#stager.dispatch(order);
      case "limits":
        this.#options.rates.order(order);
        return this.#options.notes.write(order);
      case "inspect":
        return this.#inspector.ask(order.requestId);
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
    if (this.#logTimer !== null) clearInterval(this.#logTimer);
    this.#inspector.stop();
    this.#options.activator.hooks.detach();
    await Promise.all([...this.#activators.values()].map((activator) => activator.stop()));
    await this.#stager.stop();
  }

  /** An app that is not here yet has nothing to switch, so its orders are answered without remembering the app. */
  async #activate(app: AppName, order: ActivationOrder): Promise<void> {
    const known = this.#activators.get(app);
    if (known !== undefined) return known.order(order);
    const outcome = await this.#outcomeFor(app, order);
    if (outcome === null) return this.#activators.get(app)?.order(order);
    this.#options.logger.warn({ app, generation: order.generation, outcome }, "order for an unknown app");
    this.#options.send({ kind: "activated", generation: order.generation, app, live: null, outcome });
  }

  /** How an order for an unknown app ends; null when there is something live after all, which is then known. */
  async #outcomeFor(app: AppName, order: ActivationOrder): Promise<Outcome | null> {
    try {
      const activator = await openActivator(app, this.#activatorOptions);
      if (activator.live === null) {
        const message = `nothing of ${app} is installed on this node`;
        return order.kind === "deactivate" ? { kind: "healthy" } : failed("install-failed", message);
      }
      await this.#admit(app);
      return null;
    } catch (error) {
      const { code, message } = failureOf(error, `cannot open ${app}`);
      return failed(code, message);
    }
  }

  /** Throws FleetError overloaded when there is no room for another app, and what {@link openActivator} throws. */
  async #admit(app: AppName): Promise<void> {
    if (this.#activators.has(app)) return;
    if (this.#activators.size >= APPS_PER_NODE_MAX)
      throw new FleetError("overloaded", `this node has ${APPS_PER_NODE_MAX} apps already`);
    this.#activators.set(app, await openActivator(app, this.#activatorOptions));
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

function failed(code: string, message: string): Outcome {
  return { kind: "failed", code, message, logTail: [], restored: "none" };
}
