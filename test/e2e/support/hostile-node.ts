// A node of the fleet that was let in and means harm: on the control channel it does what it must to stay listed as
// everybody's neighbour, on its swarm port it answers requests as it pleases.

import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { HEARTBEAT_INTERVAL_MS } from "../../../protocol/limits.ts";
import type { Neighbour } from "../../../protocol/messages.ts";
import { TestNode } from "../../coordinator/shell/support/node.ts";
import { handshakeBytes, KIND, messageBytes, numbers, readMessages } from "../../peer/shell/raw-peer.ts";
import type { Lab } from "./lab.ts";

/** Writes the answer to a request, or does not. `honest`: the block as it should be. */
export type Answer = (socket: Socket, request: Buffer, honest: Buffer) => void;

export interface HostileNodeOptions {
  readonly name: string;
  readonly infoHash: string;
  readonly pieceLength: number;
  /** The artifact. */
  readonly bytes: Buffer;
  readonly answer: Answer;
}

export class HostileNode {
  readonly id: string;
  readonly #node: TestNode;
  readonly #server: Server;
  readonly #options: HostileNodeOptions;
  readonly #sockets = new Set<Socket>();
  readonly #beat: NodeJS.Timeout;

  private constructor(node: TestNode, server: Server, options: HostileNodeOptions) {
    this.id = node.id;
    this.#node = node;
    this.#server = server;
    this.#options = options;
    server.on("connection", (socket) => this.#talk(socket));
    this.#beat = setInterval(() => node.say({ kind: "heartbeat" }), HEARTBEAT_INTERVAL_MS);
  }

  static async join(lab: Lab, options: HostileNodeOptions): Promise<HostileNode> {
    const server = createServer();
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const node = new TestNode(lab.url);
    const { port } = server.address() as AddressInfo;
    const joinToken = (await readFile(lab.path("node.token"), "utf8")).trim();
    await node.greet({ joinToken, name: options.name, swarm: { host: null, port } });
    await node.next("welcome");
    const hostile = new HostileNode(node, server, options);
    void hostile.#obey();
    return hostile;
  }

  close(): void {
    clearInterval(this.#beat);
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    this.#node.socket.terminate();
  }

  /** Dials whom it should, as an honest node would, and says that it is ready. */
  async #obey(): Promise<void> {
    try {
      const { generation, release, neighbours } = await this.#node.next("stage");
      for (const neighbour of neighbours)
        if (neighbour.dial && neighbour.id !== "origin") this.#dial(neighbour);
      this.#node.say({ kind: "stage-ready", generation, release, links: neighbours.length });
    } catch {
      // The test is over.
    }
  }

  #dial({ host, port }: Neighbour): void {
    const socket = connect(port, host);
    socket.once("connect", () => this.#talk(socket));
    socket.on("error", () => undefined);
  }

  #talk(socket: Socket): void {
    const { infoHash, answer } = this.#options;
    this.#sockets.add(socket);
    socket.on("error", () => undefined);
    socket.once("close", () => this.#sockets.delete(socket));
    readMessages(socket, ({ kind, payload }) => {
      if (kind !== KIND.request) return;
      answer(socket, payload, this.#blockOf(payload));
    });
    const claims = [messageBytes(KIND.haveAll), messageBytes(KIND.unchoke)];
    socket.write(Buffer.concat([handshakeBytes(infoHash, { id: this.id }), ...claims]));
  }

  #blockOf(request: Buffer): Buffer {
    const { bytes, pieceLength } = this.#options;
    const at = request.readUInt32BE(0) * pieceLength + request.readUInt32BE(4);
    return Buffer.from(bytes.subarray(at, at + request.readUInt32BE(8)));
  }
}

export const ANSWERS = {
  flipped: (socket, request, honest) => {
    honest[9] = (honest[9] ?? 0) ^ 1;
    socket.write(pieceMessage(request, honest));
  },
  none: () => undefined,
  /** 1 kB/s: a block takes sixteen seconds. */
  dripped: (socket, request, honest) => drip(socket, pieceMessage(request, honest)),
  refused: (socket, request) => {
    socket.write(messageBytes(KIND.reject, request));
  },
} satisfies Readonly<Record<string, Answer>>;

const DRIP_BYTES = 256;
const DRIP_EVERY_MS = 250;
/** What each connection has still to drip; one stream of bytes, however many blocks were asked for. */
const dripping = new WeakMap<Socket, Buffer>();

function drip(socket: Socket, bytes: Buffer): void {
  const before = dripping.get(socket);
  dripping.set(socket, Buffer.concat([before ?? Buffer.alloc(0), bytes]));
  if (before !== undefined) return;
  const timer = setInterval(() => {
    const left = dripping.get(socket) ?? Buffer.alloc(0);
    socket.write(left.subarray(0, DRIP_BYTES));
    dripping.set(socket, left.subarray(DRIP_BYTES));
  }, DRIP_EVERY_MS);
  socket.once("close", () => clearInterval(timer));
}

function pieceMessage(request: Buffer, bytes: Buffer): Buffer {
  const head = numbers(request.readUInt32BE(0), request.readUInt32BE(4));
  return messageBytes(KIND.piece, Buffer.concat([head, bytes]));
}
