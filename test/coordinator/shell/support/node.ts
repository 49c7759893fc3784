// A node as the coordinator sees one: a WebSocket that proves its key and then says what a test wants it to say.
import { once } from "node:events";
import { WebSocket } from "ws";
import type { CoordinatorMessage, Hello, NodeMessage } from "../../../../protocol/messages.ts";
import { decodeCoordinatorFrame, encodeFrame } from "../../../../protocol/shell/frame.ts";
import {
  createSigningKey,
  nodeIdOf,
  type SigningKey,
  signHello,
} from "../../../../protocol/shell/signature.ts";

type Kind = CoordinatorMessage["kind"];

export class TestNode {
  readonly key: SigningKey;
  readonly socket: WebSocket;
  readonly received: CoordinatorMessage[] = [];
  /** Code and reason of the close, once it has come. */
  readonly closed: Promise<{ code: number; reason: string }>;
  #onReceived: () => void = () => undefined;

  constructor(url: string, options: { key?: SigningKey; headers?: Record<string, string> } = {}) {
    this.key = options.key ?? createSigningKey();
    const { headers = {} } = options;
    this.socket = new WebSocket(`${url.replace("http", "ws")}/v1/control`, { headers });
    this.socket.on("message", (data) => {
      this.received.push(decodeCoordinatorFrame(data as Buffer));
      this.#onReceived();
    });
    this.closed = new Promise((resolve) => {
      this.socket.on("close", (code, reason) => resolve({ code, reason: reason.toString() }));
    });
    // A refused connection also errors; tests look at `closed`.
    this.socket.on("error", () => undefined);
  }

  /** A node that has been let in. */
  static async admitted(
    url: string,
    options: { key?: SigningKey; joinToken?: string } = {},
  ): Promise<TestNode> {
    const node = new TestNode(url, options);
    await node.greet({ joinToken: options.joinToken ?? null });
    await node.next("welcome");
    return node;
  }

  get id() {
    return nodeIdOf(this.key.publicKey);
  }

  /** Waits for the challenge and answers it. */
  async greet(change: Partial<Hello> = {}): Promise<void> {
    const { nonce } = await this.next("challenge");
    this.say({ ...this.hello(nonce), ...change });
  }

  hello(nonce: Uint8Array): Hello {
    return {
      kind: "hello",
      protocol: 1,
      publicKey: this.key.publicKey,
      signature: signHello(this.key, nonce),
      joinToken: null,
      name: `node-${this.id.slice(0, 6)}`,
      labels: {},
      agentVersion: "test",
      swarm: { host: null, port: 7_000 },
      apps: [],
    };
  }

  say(message: NodeMessage): void {
    this.socket.send(encodeFrame(message));
  }

  /** The next message of this kind; earlier ones of other kinds are passed over. */
  async next<K extends Kind>(kind: K): Promise<Extract<CoordinatorMessage, { kind: K }>> {
    for (;;) {
      const index = this.received.findIndex((message) => message.kind === kind);
      const [found] = index < 0 ? [] : this.received.splice(0, index + 1).slice(-1);
      if (found !== undefined) return found as Extract<CoordinatorMessage, { kind: K }>;
      await Promise.race([
        new Promise<void>((resolve) => {
          this.#onReceived = resolve;
        }),
        this.closed.then(({ code, reason }) => {
          if (!this.received.some((message) => message.kind === kind))
            throw new Error(`closed with ${code} ${reason} while waiting for ${kind}`);
        }),
      ]);
    }
  }

  async close(): Promise<void> {
    if (this.socket.readyState === WebSocket.CONNECTING) await once(this.socket, "open");
    this.socket.close();
    await this.closed;
  }
}
