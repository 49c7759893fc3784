// A BitTorrent peer written by hand, to say what no well-behaved client would.
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { parseHandshake, peerIdOf } from "../../../peer/core/handshake.ts";

export const KIND = {
  choke: 0,
  unchoke: 1,
  interested: 2,
  have: 4,
  bitfield: 5,
  request: 6,
  piece: 7,
  cancel: 8,
  haveAll: 14,
  reject: 16,
  extended: 20,
} as const;

export interface RawMessage {
  readonly kind: number;
  readonly payload: Buffer;
}

export function handshakeBytes(
  infoHash: string,
  options: { id?: string; fast?: boolean; extended?: boolean } = {},
): Buffer {
  const bytes = Buffer.alloc(68);
  bytes.write("\u0013BitTorrent protocol", "latin1");
  if (options.extended === true) bytes[25] = 0x10;
  if (options.fast !== false) bytes[27] = 0x04;
  bytes.write(infoHash, 28, "hex");
  bytes.set(options.id === undefined ? Buffer.from("-XX0001-abcdefghijkl") : peerIdOf(options.id), 48);
  return bytes;
}

export function messageBytes(kind: number, payload: Uint8Array = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(1 + payload.length);
  head[4] = kind;
  return Buffer.concat([head, payload]);
}

export function numbers(...values: number[]): Buffer {
  const bytes = Buffer.alloc(4 * values.length);
  for (const [index, value] of values.entries()) bytes.writeUInt32BE(value, 4 * index);
  return bytes;
}

/** Calls `onMessage` for every message that follows the remote's handshake. */
export function readMessages(socket: Socket, onMessage: (message: RawMessage) => void): void {
  let held: Buffer = Buffer.alloc(0);
  let opened = false;
  socket.on("data", (bytes: Buffer) => {
    held = Buffer.concat([held, bytes]);
    if (!opened && held.length >= 68) {
      opened = true;
      held = held.subarray(68);
    }
    while (opened && held.length >= 4 && held.length >= 4 + held.readUInt32BE(0)) {
      const end = 4 + held.readUInt32BE(0);
      const body = held.subarray(4, end);
      held = held.subarray(end);
      if (body.length > 0) onMessage({ kind: body[0] ?? 0, payload: body.subarray(1) });
    }
  });
  socket.on("error", () => undefined);
}

/** `from`: the address it comes from; all of 127.0.0.0/8 is this machine. */
export async function connectTo(port: number, from = "127.0.0.1"): Promise<Socket> {
  const socket = connect({ port, host: "127.0.0.1", localAddress: from });
  socket.on("error", () => undefined);
  await once(socket, "connect");
  return socket;
}

/** Resolves when the other side has ended the connection. */
export async function isCutOff(socket: Socket): Promise<true> {
  socket.resume();
  if (!socket.destroyed) await new Promise((resolve) => socket.once("close", resolve));
  return true;
}

export interface RawServer {
  readonly port: number;
  readonly server: Server;
  /** Requests it was sent, over all connections. */
  readonly requests: number[];
  close(): void;
}

export interface BlockRequest {
  readonly piece: number;
  readonly offset: number;
  readonly length: number;
  /** The id in the asking peer's handshake. */
  readonly from: string | null;
}

/** `refuse` answers with a reject, null not at all. */
export type BlockAnswer = Uint8Array | "refuse" | null;

/** A peer that claims pieces, by default all, and answers requests as it is told. */
export async function serveBlocks(
  infoHash: string,
  options: { id?: string; bitfield?: Uint8Array; block: (request: BlockRequest) => BlockAnswer },
): Promise<RawServer> {
  const sockets = new Set<Socket>();
  const requests: number[] = [];
  const { bitfield } = options;
  const has = bitfield === undefined ? messageBytes(KIND.haveAll) : messageBytes(KIND.bitfield, bitfield);
  const server = createServer((socket) => {
    let from: string | null = null;
    sockets.add(socket);
    socket.write(Buffer.concat([handshakeBytes(infoHash, options), has, messageBytes(KIND.unchoke)]));
    socket.once("data", (bytes: Buffer) => {
      from = parseHandshake(bytes)?.id ?? null;
    });
    readMessages(socket, ({ kind, payload }) => {
      if (kind !== KIND.request) return;
      const [piece, offset, length] = [0, 4, 8].map((at) => payload.readUInt32BE(at)) as [
        number,
        number,
        number,
      ];
      requests.push(piece);
      const answer = options.block({ piece, offset, length, from });
      if (answer === "refuse") socket.write(messageBytes(KIND.reject, payload));
      else if (answer !== null)
        socket.write(messageBytes(KIND.piece, Buffer.concat([numbers(piece, offset), answer])));
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    server,
    requests,
    close() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}
