// The WebSocket endpoint of the nodes: lets connections in, knows which one speaks for which node, hands messages to
// the loop and orders to the nodes. Decides nothing about the fleet.
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import type { Logger } from "pino";
import { type WebSocket, WebSocketServer } from "ws";
import { FleetError } from "../../protocol/errors.ts";
import type { Millis, NodeId } from "../../protocol/ids.ts";
import type { Inspection } from "../../protocol/inspection.ts";
import { NODE_FRAME_BYTES_MAX } from "../../protocol/limits.ts";
import type { CoordinatorMessage, Hello, NodeMessage } from "../../protocol/messages.ts";
import { plainAddress } from "./addresses.ts";
import type { Authenticator } from "./authenticator.ts";
import type { InwardEvent } from "./core-loop.ts";
import type { ShellLimits } from "./limits.ts";
import { NodeConnection } from "./node-connection.ts";
import { SendBudget } from "./send-budget.ts";
import { StrangerBudget } from "./stranger-budget.ts";
import { TokenBucket } from "./token-bucket.ts";

/** A log line per refusal would let anyone fill the disk. */
const REFUSALS_LOGGED_BURST = 20;
const REFUSALS_LOGGED_PER_SECOND = 1;
/** How long a closing handshake may take before the socket is destroyed. */
const CLOSE_TIMEOUT_MS = 2_000;
const PENDING_PONGS_MAX = 16;

export interface ControlChannelOptions {
  /** Hands an event to the loop; `onCommitted` runs once it is on disk. */
  readonly submit: (event: InwardEvent, onCommitted?: () => void) => void;
  /** Whether the loop keeps up with its work. */
  readonly hasRoom: () => boolean;
  readonly isAdmitted: (nodeId: NodeId) => boolean;
  /** What a node says of itself when it was asked; nothing is decided by it, so it does not go through the loop. */
  readonly onInspection: (nodeId: NodeId, inspection: Inspection) => void;
  readonly authenticator: Authenticator;
  readonly limits: ShellLimits;
  readonly logger: Logger;
  readonly now: () => Millis;
}

export class ControlChannel {
  readonly #options: ControlChannelOptions;
  readonly #server: WebSocketServer;
  readonly #budget: SendBudget;
  readonly #strangers: StrangerBudget;
  readonly #connections = new Set<NodeConnection>();
  readonly #byNode = new Map<NodeId, NodeConnection>();
  /** Those whose hello is committed: only they may be sent orders. */
  readonly #welcomed = new Set<NodeConnection>();
  readonly #refusalLog: TokenBucket;
  /** Connections ended for what they sent, since the start. */
  #refusals = 0;
  #closing = false;
  #onEmpty: () => void = () => undefined;

  constructor(options: ControlChannelOptions) {
    const { limits } = options;
    this.#options = options;
    this.#budget = new SendBudget(limits.fleetBytesInFlightMax);
    this.#strangers = new StrangerBudget(limits.strangerBytesMax);
    this.#refusalLog = new TokenBucket(REFUSALS_LOGGED_BURST, REFUSALS_LOGGED_PER_SECOND, options.now());
    const serverOptions = {
      noServer: true,
      clientTracking: false,
      perMessageDeflate: false,
      maxPayload: NODE_FRAME_BYTES_MAX,
      maxFragments: limits.frameFragmentsMax,
      maxBufferedChunks: limits.frameChunksMax,
      maxPendingAutoPongs: PENDING_PONGS_MAX,
      closeTimeout: CLOSE_TIMEOUT_MS,
    };
    this.#server = new WebSocketServer(serverOptions);
  }

  accept(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const { remoteAddress, localAddress } = request.socket;
    const below = {
      stream: socket,
      remoteHost: plainAddress(remoteAddress),
      localHost: plainAddress(localAddress),
    };
    this.#server.handleUpgrade(request, socket, head, (webSocket) => this.#open(webSocket, below));
  }

  /** Does nothing when the node is not connected: it gets its orders again when it says hello. */
  send(nodeId: NodeId, message: CoordinatorMessage): void {
    const connection = this.#byNode.get(nodeId);
    if (connection !== undefined && this.#welcomed.has(connection)) connection.send(message);
  }

  refuse(nodeId: NodeId, error: FleetError): void {
    this.#byNode.get(nodeId)?.refuse(error);
  }

  /** Tells every node that the coordinator goes away; resolves when the last connection has ended. */
  async close(): Promise<void> {
    this.#closing = true;
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const connection of this.#connections) connection.goAway();
    const deadline = setTimeout(() => this.terminate(), this.#options.limits.closeGraceMs);
    await this.#emptied();
    clearTimeout(deadline);
  }

  /** Ends every connection at once, without a word. */
  terminate(): void {
    this.#closing = true;
    for (const connection of this.#connections) connection.drop("the coordinator has stopped");
  }

  #emptied(): Promise<void> {
    if (this.#connections.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#onEmpty = resolve;
    });
  }

  #open(socket: WebSocket, below: { stream: Duplex; remoteHost: string; localHost: string }): void {
    const { limits, now } = this.#options;
    const connection = new NodeConnection({
      ...{ socket, ...below, limits, now, budget: this.#budget },
      handlers: {
        admit: (from, nodeId, hello) => this.#admit(from, nodeId, hello),
        take: (from, message) => this.#take(from, message),
        refused: (from, error) => this.#noteRefusal(from, error),
        closed: (from, reason) => this.#forget(from, reason),
      },
    });
    this.#connections.add(connection);
    this.#strangers.watch(below.stream, () => giveUp(connection));
    if (this.#closing) connection.goAway();
  }

  #admit(connection: NodeConnection, nodeId: NodeId, hello: Hello): void {
    const { submit, hasRoom, logger } = this.#options;
    if (!hasRoom()) throw new FleetError("overloaded", "the coordinator is behind with its work");
    if (!this.#options.isAdmitted(nodeId)) this.#checkToken(connection, hello);
    this.#strangers.forget(connection.stream);
    const older = this.#byNode.get(nodeId);
    this.#byNode.set(nodeId, connection);
    const { remoteHost, localHost } = connection;
    if (older !== undefined) {
      logger.warn(
        { nodeId, name: hello.name, remoteHost },
        "a node connected again; its older connection ends",
      );
      older.replace();
    }
    const event = {
      kind: "node-hello",
      nodeId,
      publicKey: hello.publicKey,
      hello,
      remoteHost,
      localHost,
    } as const;
    submit(event, () => this.#welcome(connection, nodeId));
  }

  #checkToken(connection: NodeConnection, hello: Hello): void {
    const source = hello.joinToken;
    const { authenticator, logger } = this.#options;
    const token = authenticator.authenticate({ source, kind: "node", address: connection.remoteHost });
    logger.info({ name: hello.name, token, address: connection.remoteHost }, "a node joins with a token");
  }

  /** The node is in the database now: whatever happens, it will be known again. */
  #welcome(connection: NodeConnection, nodeId: NodeId): void {
    if (!this.#connections.has(connection)) return;
    this.#welcomed.add(connection);
    const { heartbeatIntervalMs } = this.#options.limits;
    connection.send({ kind: "welcome", nodeId, heartbeatIntervalMs });
  }

  #take(connection: NodeConnection, message: Exclude<NodeMessage, { kind: "hello" }>): void {
    // A beat says only that the node lives, which the connection has noted.
    if (message.kind === "heartbeat") return;
    const { nodeId } = connection;
    if (nodeId === null || this.#byNode.get(nodeId) !== connection) return;
    if (message.kind === "inspection") return this.#options.onInspection(nodeId, message);
    if (!this.#options.hasRoom())
      throw new FleetError("overloaded", "the coordinator is behind with its work");
    this.#options.submit({ kind: "node-message", nodeId, message });
  }

  #noteRefusal(connection: NodeConnection, error: FleetError): void {
    this.#refusals += 1;
    if (!this.#refusalLog.take(1, this.#options.now())) return;
    const { nodeId, remoteHost } = connection;
    const { code, message } = error;
    const count = this.#refusals;
    this.#options.logger.warn(
      { nodeId, remoteHost, code, reason: message, count },
      "a node's connection was refused",
    );
  }

  #forget(connection: NodeConnection, reason: string): void {
    this.#connections.delete(connection);
    this.#welcomed.delete(connection);
    this.#strangers.forget(connection.stream);
    if (this.#connections.size === 0) this.#onEmpty();
    const { nodeId } = connection;
    if (nodeId === null || this.#byNode.get(nodeId) !== connection) return;
    this.#byNode.delete(nodeId);
    if (this.#closing) return;
    this.#options.logger.info({ nodeId, reason }, "a node's connection ended");
    this.#options.submit({ kind: "node-gone", nodeId });
  }
}

/** Refused, so that the log says it; and dropped, as what it goes on sending would be held until it has closed. */
function giveUp(stranger: NodeConnection): void {
  const reason = "connections without an accepted hello have sent too much together, and this one the most";
  stranger.refuse(new FleetError("overloaded", reason));
  stranger.drop(reason);
}
