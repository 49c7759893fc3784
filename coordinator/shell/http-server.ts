// The coordinator's one port: limits on connections and requests, who may call what, and where an answer goes wrong.
// What a route does is in api-routes.ts, what a WebSocket says in control-channel.ts.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import type { Logger } from "pino";
import { FleetError } from "../../protocol/errors.ts";
import { plainAddress } from "./addresses.ts";
import type { Handler } from "./api-routes.ts";
import type { Authenticator } from "./authenticator.ts";
import { ConnectionGate } from "./connection-gate.ts";
import { type Answer, asFleetError, errorAnswer, sendAnswer, sendAnswerEarly } from "./http-answer.ts";
import type { ShellLimits } from "./limits.ts";
import { SenderGoneError } from "./request-body.ts";
import { type Route, Router } from "./router.ts";

const CONTROL_PATH = "/v1/control";

export interface HttpServerOptions {
  readonly routes: readonly Route<Handler>[];
  readonly authenticator: Authenticator;
  readonly acceptNode: (request: IncomingMessage, socket: Duplex, head: Buffer) => void;
  readonly limits: ShellLimits;
  readonly logger: Logger;
}

export class HttpServer {
  readonly #options: HttpServerOptions;
  readonly #router: Router<Handler>;
  readonly #server: Server;
  /** Connections that have not asked for anything yet; the server itself does not count them as idle. */
  readonly #fresh = new Set<Duplex>();

  constructor(options: HttpServerOptions) {
    const { limits } = options;
    this.#options = options;
    this.#router = new Router(options.routes);
    this.#server = createServer({
      headersTimeout: limits.headersTimeoutMs,
      requestTimeout: limits.requestTimeoutMs,
      // Late requests are only noticed at this interval.
      connectionsCheckingInterval: Math.ceil(limits.headersTimeoutMs / 4),
      maxHeaderSize: limits.headerBytesMax,
    });
    this.#server.maxHeadersCount = limits.headersMax;
    const gate = new ConnectionGate(limits);
    this.#server.on("connection", (socket) => {
      gate.admit(socket);
      this.#fresh.add(socket);
      socket.once("close", () => this.#fresh.delete(socket));
    });
    this.#server.on("request", (request, response) => this.#serve(request, response, ignore));
    this.#server.on("checkContinue", (request, response) =>
      this.#serve(request, response, () => response.writeContinue()),
    );
    this.#server.on("upgrade", (request, socket, head) => this.#upgrade(request, socket, head));
    this.#server.on("clientError", (error, socket) => refuseGarbage(error, socket));
  }

  /** The port it listens on. Throws FleetError port-in-use or listen-failed. */
  async listen(host: string, port: number): Promise<number> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once("error", (error) => reject(listenError(error, host, port)));
      this.#server.listen({ host, port }, resolve);
    });
    this.#server.removeAllListeners("error");
    this.#server.on("error", (error) => this.#options.logger.error({ err: error }, "the HTTP server failed"));
    return (this.#server.address() as AddressInfo).port;
  }

  /** Takes no new connections and waits for requests under way, but not for long. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeIdleConnections();
    for (const socket of this.#fresh) socket.destroy();
    const deadline = setTimeout(() => this.terminate(), this.#options.limits.closeGraceMs);
    await closed;
    clearTimeout(deadline);
  }

  /** Cuts every connection that is not a node's. */
  terminate(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  #serve(request: IncomingMessage, response: ServerResponse, invite: () => void): void {
    this.#fresh.delete(request.socket);
    this.#answer(request, response, invite).catch((error: unknown) => this.#fail(error, request, response));
  }

  async #answer(request: IncomingMessage, response: ServerResponse, invite: () => void): Promise<void> {
    const { path, query } = splitTarget(request.url ?? "");
    const match = this.#router.match(request.method ?? "", path);
    if (match.kind === "unknown") throw new FleetError("not-found", `nothing is served at ${path}`);
    if (match.kind === "wrong-method") {
      const error = new FleetError("not-found", `${path} does not take ${request.method}`);
      const allow = { allow: match.allowed.join(", ") };
      return this.#send(request, response, { ...errorAnswer(error), status: 405, headers: allow });
    }
    if (match.route.role === "operator") this.#authenticate(request);
    const gone = new AbortController();
    response.once("close", () => gone.abort(new SenderGoneError("the client went away")));
    const { params, route } = match;
    const answer = await route.handler({ request, response, params, query, signal: gone.signal, invite });
    if (answer !== null) this.#send(request, response, answer);
  }

  #authenticate(request: IncomingMessage): void {
    const header = request.headers.authorization;
    const source = header === undefined ? null : header.replace(/^bearer +/i, "");
    const address = plainAddress(request.socket.remoteAddress);
    this.#options.authenticator.authenticate({ source, kind: "operator", address });
  }

  #fail(cause: unknown, request: IncomingMessage, response: ServerResponse): void {
    if (response.destroyed || cause instanceof SenderGoneError) {
      this.#options.logger.debug({ method: request.method, url: request.url }, "a client went away");
      return void response.destroy();
    }
    const error = asFleetError(cause);
    if (error.code === "internal")
      this.#options.logger.error(
        { err: cause, method: request.method, url: request.url },
        "a request failed",
      );
    if (response.headersSent) response.destroy();
    else this.#send(request, response, errorAnswer(error));
  }

  #send(request: IncomingMessage, response: ServerResponse, answer: Answer): void {
    const isBodyRead =
      request.complete || (!request.headers["content-length"] && !request.headers["transfer-encoding"]);
    if (isBodyRead) sendAnswer(response, answer);
    else sendAnswerEarly(request, response, answer, this.#options.limits.lingerMs);
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    this.#fresh.delete(request.socket);
    socket.on("error", ignore);
    const { path } = splitTarget(request.url ?? "");
    if (path !== CONTROL_PATH)
      return refuseUpgrade(socket, 404, new FleetError("not-found", `nothing is served at ${path}`));
    if (!isSameOrigin(request)) {
      const { origin } = request.headers;
      this.#options.logger.warn({ origin }, "a WebSocket from a page of another site was refused");
      const message = "pages of other sites may not connect here";
      return refuseUpgrade(socket, 403, new FleetError("permission-denied", message));
    }
    this.#options.acceptNode(request, socket, head);
  }
}

/** Only browsers send an Origin; a page of another site would send its own. */
function isSameOrigin({ headers }: IncomingMessage): boolean {
  const { origin, host } = headers;
  if (origin === undefined) return true;
  return URL.canParse(origin) && new URL(origin).host === host;
}

function splitTarget(target: string): { path: string; query: URLSearchParams } {
  const at = target.indexOf("?");
  if (at < 0) return { path: target, query: new URLSearchParams() };
  return { path: target.slice(0, at), query: new URLSearchParams(target.slice(at + 1)) };
}

/** What cannot be parsed as HTTP, or came too slowly, has no response object: the answer is written by hand. */
function refuseGarbage(error: Error & { code?: string }, socket: Duplex): void {
  const status = CLIENT_ERROR_STATUS.get(error.code ?? "") ?? 400;
  refuseUpgrade(socket, status, new FleetError("request-invalid", `this is not a request: ${error.code}`));
}

const CLIENT_ERROR_STATUS = new Map([
  ["HPE_HEADER_OVERFLOW", 431],
  ["ERR_HTTP_REQUEST_TIMEOUT", 408],
]);

function refuseUpgrade(socket: Duplex, status: number, error: FleetError): void {
  if (!socket.writable) return void socket.destroy();
  const text = JSON.stringify(errorAnswer(error).body);
  const head = [
    `HTTP/1.1 ${status} Refused`,
    "connection: close",
    "content-type: application/json; charset=utf-8",
    `content-length: ${Buffer.byteLength(text)}`,
  ];
  socket.end(`${head.join("\r\n")}\r\n\r\n${text}`, () => socket.destroy());
}

function listenError(error: NodeJS.ErrnoException, host: string, port: number): FleetError {
  const options = { cause: error };
  if (error.code === "EADDRINUSE")
    return new FleetError("port-in-use", `port ${port} on ${host} is taken`, options);
  return new FleetError("listen-failed", `cannot listen on ${host}:${port}: ${error.message}`, options);
}

function ignore(): void {
  // Nothing to do: a socket's end is seen by whoever reads or writes it.
}
