// A coordinator at work: the loop in the middle, nodes, operators and the origin around it. Only connects them; each
// part's own rules are in its own file.
import type { Logger } from "pino";
import { FleetError } from "../../protocol/errors.ts";
import type { Digest, Millis } from "../../protocol/ids.ts";
import { assertNever } from "../../protocol/machine.ts";
import type { Offence } from "../../protocol/offence.ts";
import type { CoordinatorCore } from "../core/coordinator.ts";
import { httpUrl } from "./addresses.ts";
import { apiRoutes } from "./api-routes.ts";
import type { ArtifactStore } from "./artifact-store.ts";
import { Authenticator } from "./authenticator.ts";
import { ControlChannel } from "./control-channel.ts";
import { CoreLoop, type InwardEvent, type OutwardEffect } from "./core-loop.ts";
import type { DataLock } from "./data-directory.ts";
import { HttpServer } from "./http-server.ts";
import { Inspector } from "./inspector.ts";
import type { ShellLimits } from "./limits.ts";
import { Origin, type OriginSwarm } from "./origin.ts";
import { type CreateVerifier, Publishing } from "./publishing.ts";
import type { Store } from "./store.ts";
import { Watchers } from "./watchers.ts";

export interface RunningCoordinatorOptions {
  readonly core: CoordinatorCore;
  readonly store: Store;
  readonly lock: DataLock;
  readonly swarm: OriginSwarm;
  readonly artifacts: ArtifactStore;
  readonly createVerifier: CreateVerifier;
  readonly limits: ShellLimits;
  readonly logger: Logger;
  readonly now: () => Millis;
}

export class RunningCoordinator {
  readonly closed: Promise<void>;
  readonly swarmPort: number;
  readonly #options: RunningCoordinatorOptions;
  readonly #loop: CoreLoop;
  readonly #origin: Origin;
  readonly #channel: ControlChannel;
  readonly #watchers: Watchers;
  readonly #http: HttpServer;
  readonly #inspector: Inspector;
  readonly #settleClosed: { resolve: () => void; reject: (error: FleetError) => void };
  #url = "";
  #ending: Promise<void> | null = null;
  #failure: FleetError | null = null;

  constructor(options: RunningCoordinatorOptions) {
    const { core, store, limits, logger, now } = options;
    this.#options = options;
    this.swarmPort = options.swarm.port;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.closed = promise;
    this.#settleClosed = { resolve, reject };
    const rollout = core.rollout.bind(core);
    this.#watchers = new Watchers({ rollout, store, limits, now });
    this.#loop = new CoreLoop({
      ...{ core, store, limits, now },
      perform: (effect) => this.#perform(effect),
      publish: (change) => this.#watchers.publish(change),
      onFailure: (error) => this.#fail(error),
    });
    this.#origin = this.#createOrigin();
    this.#inspector = new Inspector({ now, send: (nodeId, message) => this.#channel.send(nodeId, message) });
    const authenticator = new Authenticator({ tokens: store.tokens, limits, logger, now: Date.now });
    this.#channel = this.#createChannel(authenticator);
    this.#http = this.#createServer(authenticator);
  }

  get url(): string {
    return this.#url;
  }

  /**
   * Goes on where the last run ended, then opens the door.
   * FleetError port-in-use, listen-failed, disk-full or storage-failed.
   */
  async start(listen: { readonly host: string; readonly port: number }): Promise<void> {
    const { core, now } = this.#options;
    try {
      this.#loop.start(core.restore(now()));
      this.#url = httpUrl(listen.host, await this.#http.listen(listen.host, listen.port));
    } catch (error) {
      this.#loop.stop();
      await this.#origin.close();
      throw error;
    }
  }

  close(): Promise<void> {
    this.#ending ??= this.#stop();
    return this.#ending;
  }

  async #stop(): Promise<void> {
    const { logger } = this.#options;
    logger.info("the coordinator is stopping");
    this.#watchers.close();
    this.#inspector.close();
    await Promise.all([this.#channel.close(), this.#http.close()]);
    this.#loop.stop();
    await this.#letGo();
    logger.info("the coordinator has stopped");
  }

  /** What the core believes is not on disk: nothing more may leave, and the next start reads what is. */
  #fail(cause: unknown): void {
    const { logger } = this.#options;
    logger.fatal({ err: cause }, "the coordinator must stop");
    const message = "the coordinator met a fault of its own and has stopped";
    this.#failure = cause instanceof FleetError ? cause : new FleetError("internal", message, { cause });
    this.#channel.terminate();
    this.#http.terminate();
    this.#ending ??= this.#letGo().catch((error: unknown) =>
      logger.error({ err: error }, "the data folder was not closed cleanly"),
    );
  }

  async #letGo(): Promise<void> {
    const { swarm, store, lock } = this.#options;
    try {
      await this.#origin.close();
      await swarm.close();
      store.close();
    } finally {
      lock.release();
      if (this.#failure === null) this.#settleClosed.resolve();
      else this.#settleClosed.reject(this.#failure);
    }
  }

  #perform(effect: OutwardEffect): void {
    switch (effect.kind) {
      case "history": {
        const { message, ...fields } = effect.event;
        return this.#options.logger.info(fields, message);
      }
      case "send":
        return this.#channel.send(effect.nodeId, effect.message);
      case "refuse":
        return this.#channel.refuse(effect.nodeId, new FleetError(effect.code, effect.message));
      case "seed":
        return this.#origin.seed(effect.artifact, effect.torrentInfo);
      case "stop-seeding":
        return this.#origin.stopSeeding(effect.sha256);
      default:
        return assertNever(effect);
    }
  }

  #createOrigin(): Origin {
    const { swarm, artifacts, limits, logger } = this.#options;
    return new Origin({
      ...{ swarm, logger },
      pathOf: (sha256) => artifacts.pathOf(sha256),
      progressIntervalMs: limits.originProgressIntervalMs,
      onProgress: (sha256, uploadedBytes) =>
        this.#loop.submit({ kind: "origin-progress", sha256, uploadedBytes }),
      onOffence: (sha256, offence) => this.#noteOffence(sha256, offence),
    });
  }

  /** A stranger may offend as often as it likes: that must not be what fills the loop. */
  #noteOffence(sha256: Digest, offence: Offence): void {
    if (this.#loop.hasRoom) this.#loop.submit({ kind: "origin-offence", sha256, offence });
  }

  #createChannel(authenticator: Authenticator): ControlChannel {
    const { core, limits, logger, now } = this.#options;
    return new ControlChannel({
      ...{ authenticator, limits, logger, now },
      isAdmitted: (nodeId) => core.isAdmitted(nodeId),
      hasRoom: () => this.#loop.hasRoom,
      onInspection: (nodeId, inspection) => this.#inspector.take(nodeId, inspection),
      submit: (event, onCommitted) => this.#submitFromNode(event, onCommitted),
    });
  }

  #submitFromNode(event: InwardEvent, onCommitted?: () => void): void {
    // The core counts what the origin sends only until the last node is done, which this message may say.
    if (event.kind === "node-message" && event.message.kind === "verified") this.#origin.report();
    if (event.kind === "node-gone") this.#inspector.forget(event.nodeId);
    this.#loop.submit(event, onCommitted);
  }

  #createServer(authenticator: Authenticator): HttpServer {
    const { core, store, artifacts, createVerifier, limits, logger } = this.#options;
    const publishing = new Publishing({ artifacts, createVerifier, limits });
    const parts = { core, loop: this.#loop, store, artifacts, publishing, watchers: this.#watchers, limits };
    const asking = { inspector: this.#inspector, now: this.#options.now };
    return new HttpServer({
      ...{ routes: apiRoutes({ ...parts, ...asking }), authenticator, limits, logger },
      acceptNode: (request, socket, head) => this.#channel.accept(request, socket, head),
    });
  }
}
