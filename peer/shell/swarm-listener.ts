// The swarm's door: takes connections in, reads their handshake, and passes them to whoever has that torrent.
// Bounds what strangers can hold open before they have said what they want.
import { createServer, type Server, type Socket } from "node:net";
import { FleetError } from "../../protocol/errors.ts";
import { HANDSHAKE_TIMEOUT_MS } from "../../protocol/limits.ts";
import { HANDSHAKE_BYTES, parseHandshake } from "../core/handshake.ts";
import { WaitingRoom } from "../core/waiting-room.ts";
import { errnoOf } from "./disk-errors.ts";

export interface SwarmListenerOptions {
  readonly host: string;
  readonly port: number;
  /** Takes the paused socket over, with the bytes that were read; the first 68 are a handshake. */
  readonly onArrival: (infoHash: string, socket: Socket, head: Uint8Array) => void;
  readonly onError: (error: Error) => void;
}

export interface SwarmListener {
  readonly port: number;
  close(): Promise<void>;
}

/** FleetError port-in-use or listen-failed. */
export async function listenForPeers(options: SwarmListenerOptions): Promise<SwarmListener> {
  const pending = new WaitingRoom<Socket>();
  const server = createServer({ noDelay: true }, (socket) =>
    readHandshake(socket, pending, options.onArrival),
  );
  const port = await listen(server, options);
  server.on("error", options.onError);
  return {
    port,
    close: () =>
      new Promise((resolve) => {
        for (const socket of pending.guests()) socket.destroy();
        server.close(() => resolve());
      }),
  };
}

function readHandshake(
  socket: Socket,
  pending: WaitingRoom<Socket>,
  onArrival: SwarmListenerOptions["onArrival"],
): void {
  // Read now: a socket that has closed does not know its address any more.
  const address = socket.remoteAddress ?? "";
  let head: Uint8Array = new Uint8Array(0);
  const deadline = setTimeout(() => socket.destroy(), HANDSHAKE_TIMEOUT_MS);
  const leave = (): void => {
    clearTimeout(deadline);
    pending.leave(socket, address);
  };
  const onData = (bytes: Buffer): void => {
    head = Buffer.concat([head, bytes]);
    if (head.length < HANDSHAKE_BYTES) return;
    socket.pause();
    socket.off("data", onData);
    leave();
    const handshake = parseHandshake(head);
    if (handshake === null) socket.destroy();
    else onArrival(handshake.infoHash, socket, head);
  };
  pending.enter(socket, address)?.destroy();
  // A stranger that breaks off is no event; the close handler is all there is to do.
  socket.on("error", () => undefined);
  socket.once("close", leave);
  socket.on("data", onData);
}

function listen(server: Server, { host, port }: { host: string; port: number }): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", (cause) => {
      const inUse = errnoOf(cause) === "EADDRINUSE";
      const message = `cannot listen for the swarm on ${host}:${port}: ${cause.message}`;
      reject(new FleetError(inUse ? "port-in-use" : "listen-failed", message, { cause }));
    });
    server.listen({ host, port }, () => {
      server.removeAllListeners("error");
      const address = server.address();
      resolve(typeof address === "object" && address !== null ? address.port : port);
    });
  });
}
