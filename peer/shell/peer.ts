// Starts and stops a peer: directories and locks, identity, installed releases, swarm, control channel.
// The order matters: nothing is listened on or written before the locks are held.
import { resolve } from "node:path";
import type { Logger } from "pino";
import { FleetError } from "../../protocol/errors.ts";
import { type AppName, appNameSchema, type NodeId, type PublicKey } from "../../protocol/ids.ts";
import { PROTOCOL_VERSION } from "../../protocol/limits.ts";
import type { Hello, Labels } from "../../protocol/messages.ts";
import { NO_RATES, type NodeRates } from "../../protocol/rates.ts";
import { signHello } from "../../protocol/shell/signature.ts";
import { parseToken } from "../../protocol/shell/token.ts";
import { Agent } from "./agent.ts";
import { ArtifactFiles } from "./artifact-files.ts";
import { ControlClient, controlAddress } from "./control-client.ts";
import { diskError } from "./disk-errors.ts";
import { namesIn, temporariesIn } from "./files.ts";
import { HookRunner } from "./hooks.ts";
import { type Identity, openIdentity } from "./identity.ts";
import { monotonicClock } from "./machine-driver.ts";
import { OrderNotes } from "./order-notes.ts";
import type { PeerPorts, SwarmPort } from "./ports.ts";
import { ProbeRunner } from "./probes.ts";
import { RateLimits } from "./rate-limits.ts";
import { openReleaseStore, type ReleaseStore } from "./release-store.ts";
import { removeTree } from "./remove-tree.ts";
import { openDirectories, type PeerDirectories, type StatePaths } from "./state-directory.ts";

export interface PeerOptions {
  /** The coordinator's address, `http(s)://HOST:PORT`. */
  readonly url: string;
  /** Needed until a coordinator has admitted this node's key. Its publisher keys are trusted from then on. */
  readonly joinToken: string | null;
  /** Publisher keys to trust besides those of the token; remembered. */
  readonly trust: readonly PublicKey[];
  /** Where releases are installed: `<root>/<app>/versions`, `live`, `shared`. Created when missing. */
  readonly rootDirectory: string;
  /** Key, journals, tarballs and logs of this node; its owner's alone. Created when missing. */
  readonly stateDirectory: string;
  readonly name: string;
  readonly labels: Labels;
  /** Where the swarm listens; port 0 takes any free one. */
  readonly listen: { readonly host: string; readonly port: number };
  /** Find other nodes over UDP, on the swarm's port, while the coordinator is away. */
  readonly dht: boolean;
  /** What this node moves at most, whatever the coordinator allows; without limit when absent. */
  readonly rates?: NodeRates;
  readonly agentVersion: string;
  readonly logger: Logger;
}

export interface Peer {
  readonly nodeId: NodeId;
  readonly swarmPort: number;
  /** Resolves with the first welcome. Rejects with FleetError when a fleet that never admitted it refuses for good. */
  readonly admitted: Promise<void>;
  /** Resolves once closed; rejects when a bug stopped the peer. */
  readonly closed: Promise<void>;
  /** Leaves services running and the state ready for the next start. */
  close(): Promise<void>;
}

/**
 * Starts a peer. Throws FleetError data-locked, data-corrupt, storage-failed, port-in-use, listen-failed, token-wrong,
 * permission-denied (an operator's token) or usage.
 */
export async function startPeerWith(options: PeerOptions, ports: PeerPorts): Promise<Peer> {
  controlAddress(options.url);
  const trust = [...options.trust, ...trustOf(options.joinToken)];
  const directories = await openDirectories(resolve(options.stateDirectory), resolve(options.rootDirectory));
  let swarm: SwarmPort | null = null;
  try {
    const identity = await openIdentity(directories.state, trust);
    await removeLeftovers(directories.state);
    const store = await openReleaseStore(directories.state, directories.root);
    const apps = await knownApps(directories.state, store);
    const { listen, dht, logger } = options;
    swarm = await ports.openSwarm({ ...listen, dht, logger, id: identity.nodeId });
    const peer = new RunningPeer({ options, ports, directories, identity, store, swarm });
    await peer.start(apps);
    return peer;
  } catch (error) {
    await swarm?.close();
    directories.release();
    throw diskError(error, "storage-failed", "cannot start the peer");
  }
}

interface PeerParts {
  readonly options: PeerOptions;
  readonly ports: PeerPorts;
  readonly directories: PeerDirectories;
  readonly identity: Identity;
  readonly store: ReleaseStore;
  readonly swarm: SwarmPort;
}

class RunningPeer implements Peer {
  readonly nodeId: NodeId;
  readonly swarmPort: number;
  readonly admitted: Promise<void>;
  readonly closed: Promise<void>;
  readonly #parts: PeerParts;
  readonly #agent: Agent;
  readonly #control: ControlClient;
  readonly #admitted = Promise.withResolvers<void>();
  readonly #closed = Promise.withResolvers<void>();
  #closing: Promise<void> | null = null;

  constructor(parts: PeerParts) {
    this.#parts = parts;
    this.nodeId = parts.identity.nodeId;
    this.swarmPort = parts.swarm.port;
    this.admitted = this.#admitted.promise;
    this.closed = this.#closed.promise;
    // Whoever does not look at them must not be ended by them.
    this.admitted.catch(ignore);
    this.closed.catch(ignore);
    this.#agent = this.#createAgent();
    this.#control = this.#createControl();
  }

  async start(apps: readonly AppName[]): Promise<void> {
    await this.#agent.start(apps);
    this.#control.start();
  }

  close(): Promise<void> {
    this.#closing ??= this.#shutDown(() => this.#closed.resolve());
    return this.#closing;
  }

  async #shutDown(settle: () => void): Promise<void> {
    const { swarm, directories, options } = this.#parts;
    try {
      await this.#control.close();
      await this.#agent.stop();
      await swarm.close();
    } finally {
      directories.release();
    }
    this.#admitted.reject(
      new FleetError("coordinator-unreachable", "the peer was closed before it was admitted"),
    );
    options.logger.info("peer closed");
    settle();
  }

  #onBug(error: unknown): void {
    this.#parts.options.logger.fatal({ err: error }, "the peer has failed and stops");
    this.#closing ??= this.#shutDown(() => this.#closed.reject(error));
    this.#closing.catch(() => this.#closed.reject(error));
  }

  #onOnline(): void {
    this.#parts.identity.markAdmitted().catch((error: unknown) => {
      this.#parts.options.logger.warn({ err: error }, "cannot remember that this node was admitted");
    });
    this.#admitted.resolve();
    this.#parts.swarm.setCoordinatorAway(false);
    this.#agent.online();
  }

  #hello(nonce: Uint8Array): Hello {
    const { options, identity, swarm } = this.#parts;
    return {
      kind: "hello",
      protocol: PROTOCOL_VERSION,
      publicKey: identity.key.publicKey,
      signature: signHello(identity.key, nonce),
      joinToken: options.joinToken?.trim() ?? null,
      name: options.name,
      labels: options.labels,
      agentVersion: options.agentVersion,
      swarm: { host: WILDCARDS.has(options.listen.host) ? null : options.listen.host, port: swarm.port },
      apps: this.#agent.apps,
    };
  }

  #createControl(): ControlClient {
    const { options, identity } = this.#parts;
    return new ControlClient({
      url: options.url,
      everAdmitted: identity.admitted,
      hello: (nonce) => this.#hello(nonce),
      onOnline: () => this.#onOnline(),
      onOffline: () => this.#parts.swarm.setCoordinatorAway(true),
      onOrder: (order) => this.#agent.order(order),
      onGivenUp: (error) => this.#admitted.reject(error),
      onBug: (error) => this.#onBug(error),
      clock: monotonicClock,
      logger: options.logger,
    });
  }

  #createAgent(): Agent {
    const { options, ports, directories, identity, store, swarm } = this.#parts;
    const { logger, labels, name } = options;
    const { state, root } = directories;
    const node = { nodeId: identity.nodeId, name, labels };
    const onBug = (error: unknown) => this.#onBug(error);
    const notes = new OrderNotes(state.orders, logger);
    const common = { store, clock: monotonicClock, logger, onBug };
    return new Agent({
      store,
      logger,
      onBug,
      notes,
      send: (message) => this.#control.send(message),
      rates: new RateLimits({
        own: options.rates ?? NO_RATES,
        apply: (rates) => swarm.setLimits(rates),
        logger,
      }),
      activator: {
        ...common,
        state,
        root,
        hooks: new HookRunner({ node, root, state, logger }),
        probes: new ProbeRunner({ node, root, state }),
      },
      stager: {
        ...common,
        files: new ArtifactFiles(state, root),
        notes,
        swarm,
        unpackArchive: ports.unpackArchive,
        trust: identity.trust,
        labels,
      },
    });
  }
}

/** Addresses that say nothing about where others reach this node. */
const WILDCARDS: ReadonlySet<string> = new Set(["0.0.0.0", "::", ""]);

/** Publisher keys in a node's join token. FleetError token-wrong, or permission-denied for an operator's. */
function trustOf(joinToken: string | null): readonly PublicKey[] {
  if (joinToken === null) return [];
  const token = parseToken(joinToken);
  if (token.kind !== "node")
    throw new FleetError("permission-denied", "this is an operator's token; a peer joins with a node token");
  return token.trust;
}

async function removeLeftovers(state: StatePaths): Promise<void> {
  for (const folder of [state.directory, state.journals, state.artifacts, state.orders])
    for (const path of await temporariesIn(folder)) await removeTree(path);
}

/** Apps with a journal or an installed release. */
async function knownApps(state: StatePaths, store: ReleaseStore): Promise<readonly AppName[]> {
  const journalled = (await namesIn(state.journals)).filter((name) => name.endsWith(".json"));
  const named = journalled.map((name) => appNameSchema.decode(name.slice(0, -".json".length), "journal"));
  return [...new Set([...store.apps, ...named])];
}

function ignore(): void {
  // Seen by whoever awaits the promise.
}
