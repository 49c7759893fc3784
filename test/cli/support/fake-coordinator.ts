// An HTTP server that answers like a coordinator from what a test puts into it, and remembers what it was asked.
import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type {
  FleetEvent,
  LimitsRequest,
  LimitsView,
  PublishRequest,
  ReleaseView,
  RolloutView,
  StatusView,
} from "../../../protocol/api.ts";
import { ERRORS, type ErrorCode } from "../../../protocol/errors.ts";
import type { Explanation } from "../../../protocol/explain.ts";
import { decodeManifest } from "../../../protocol/manifest.ts";
import { NO_FLEET_LIMITS } from "../../../protocol/rates.ts";
import { createToken, formatToken } from "../../../protocol/shell/token.ts";
import { node, status } from "./fixtures.ts";

export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: unknown;
}

export type WatchScript = (stream: WatchStream, after: number) => void;

export interface WatchStream {
  view(rollout: RolloutView): void;
  history(event: FleetEvent): void;
  /** Ends the stream as a coordinator that stops does. */
  end(): void;
  /** Cuts the connection. */
  cut(): void;
}

export class FakeCoordinator {
  readonly asked: Asked[] = [];
  readonly artifacts = new Map<string, number>();
  readonly token = formatToken(createToken("operator", []));
  status: StatusView = status();
  nodes = [node(1), node(2)];
  limits: LimitsView = {
    ...{ limits: NO_FLEET_LIMITS, setBy: null, setAt: null },
    ...{ nodesFetching: 0, allowedBytesPerSecond: null },
  };
  /** Of the one node there is something to tell of. */
  explanation: Explanation | null = null;
  releases: ReleaseView[] = [];
  /** Of every release. */
  torrentInfo: Uint8Array = new Uint8Array(1);
  published: PublishRequest[] = [];
  /** What POST /v1/stages, rollouts and rollbacks answer, and GET of the same id. */
  rollout: RolloutView | null = null;
  /** One per connection to the watch, the last one for all further ones. */
  watches: WatchScript[] = [];
  /** Paths (with method) that are refused, and with what. */
  readonly refusals = new Map<string, { code: ErrorCode; message: string }>();
  readonly #server: Server;
  #watchCount = 0;

  private constructor() {
    this.#server = createServer((request, response) => {
      this.#serve(request, response).catch((error: unknown) => response.destroy(error as Error));
    });
  }

  static async open(): Promise<FakeCoordinator> {
    const fake = new FakeCoordinator();
    fake.#server.listen({ host: "127.0.0.1", port: 0 });
    await once(fake.#server, "listening");
    return fake;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  get env(): Readonly<Record<string, string>> {
    return { FLEET_URL: this.url, FLEET_TOKEN: this.token };
  }

  paths(method: string): readonly string[] {
    return this.asked.filter((asked) => asked.method === method).map(({ path }) => path);
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = "", url: target = "" } = request;
    const url = new URL(target, this.url);
    const isUpload = method === "PUT" && url.pathname.startsWith("/v1/artifacts/");
    const refusal = this.refusals.get(`${method} ${url.pathname}`);
    const body = isUpload ? null : await readBody(request);
    this.asked.push({ method, path: target, headers: request.headers, body });
    if (request.headers.authorization !== `Bearer ${this.token}`)
      return refuse(response, "token-wrong", "this token is not known here");
    if (refusal !== undefined) return refuse(response, refusal.code, refusal.message);
    if (isUpload) return this.#takeArtifact(request, response, url.pathname.split("/").at(-1) ?? "");
    return this.#answer(response, { method, url, body });
  }

  async #answer(
    response: ServerResponse,
    { method, url, body }: { method: string; url: URL; body: unknown },
  ): Promise<void> {
    const parts = url.pathname.split("/").slice(2);
    const [collection, id, last, part] = parts;
    if (collection === "status") return reply(response, 200, this.status);
    if (collection === "nodes" && last === "explain") return this.#explain(response, id ?? "");
    if (collection === "nodes") return reply(response, 200, { nodes: this.nodes });
    if (collection === "limits") return this.#answerLimits(response, method, body);
    if (collection === "artifacts")
      return void response.writeHead(this.artifacts.has(id ?? "") ? 200 : 404).end();
    if (collection === "releases" && method === "POST")
      return this.#publish(response, body as PublishRequest);
    if (collection === "releases" && part === "torrent")
      return reply(response, 200, { torrentInfo: Buffer.from(this.torrentInfo).toString("base64url") });
    if (collection === "releases" && last !== undefined) return this.#showRelease(response, last);
    if (collection === "releases") return reply(response, 200, { releases: this.releases });
    if (last === "watch") return this.#watch(response, Number(url.searchParams.get("after")));
    if (this.rollout === null) return refuse(response, "rollout-unknown", `there is no rollout ${id}`);
    return reply(response, method === "POST" ? 201 : 200, this.rollout);
  }

  #answerLimits(response: ServerResponse, method: string, body: unknown): void {
    if (method === "PUT") this.limits = { ...this.limits, limits: (body as LimitsRequest).limits };
    reply(response, 200, this.limits);
  }

  async #takeArtifact(request: IncomingMessage, response: ServerResponse, sha256: string): Promise<void> {
    const hash = createHash("sha256");
    let length = 0;
    for await (const chunk of request as AsyncIterable<Buffer>) {
      hash.update(chunk);
      length += chunk.length;
    }
    if (hash.digest("hex") !== sha256) return refuse(response, "artifact-mismatch", "other bytes");
    this.artifacts.set(sha256, length);
    return reply(response, 201, { sha256, length });
  }

  #publish(response: ServerResponse, request: PublishRequest): void {
    this.published.push(request);
    const manifest = decodeManifest(request.signed.manifest);
    const signedBy = request.signed.signatures.map(({ publicKey }) => publicKey);
    const view: ReleaseView = { manifest, publishedAt: Date.now(), signedBy, standing: "published" };
    this.releases.push(view);
    reply(response, 201, view);
  }

  #explain(response: ServerResponse, name: string): void {
    if (this.explanation?.node.name !== decodeURIComponent(name))
      return refuse(response, "node-unknown", `no node is called ${name}`);
    reply(response, 200, this.explanation);
  }

  #showRelease(response: ServerResponse, version: string): void {
    const found = this.releases.find((release) => release.manifest.version === decodeURIComponent(version));
    if (found === undefined)
      return refuse(response, "release-unknown", `shop ${version} is not published here`);
    reply(response, 200, found);
  }

  #watch(response: ServerResponse, after: number): void {
    const script = this.watches[Math.min(this.#watchCount, this.watches.length - 1)];
    this.#watchCount += 1;
    if (script === undefined) return refuse(response, "rollout-unknown", "nothing to watch");
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.write(": hello\n\n");
    script(streamOn(response), after);
  }
}

function streamOn(response: ServerResponse): WatchStream {
  return {
    view: (rollout) => void response.write(`event: rollout\ndata: ${JSON.stringify(rollout)}\n\n`),
    history: (event) =>
      void response.write(`event: history\nid: ${event.id}\ndata: ${JSON.stringify(event)}\n\n`),
    end: () => void response.end(),
    cut: () => void response.write(":\n", () => response.destroy()),
  };
}

async function readBody(request: IncomingMessage): Promise<unknown> {
  let text = "";
  for await (const chunk of request.setEncoding("utf8") as AsyncIterable<string>) text += chunk;
  return text === "" ? null : (JSON.parse(text) as unknown);
}

function reply(response: ServerResponse, statusCode: number, body: unknown): void {
  response.writeHead(statusCode, { "content-type": "application/json" }).end(JSON.stringify(body));
}

function refuse(response: ServerResponse, code: ErrorCode, message: string): void {
  const { httpStatus, next } = ERRORS[code];
  reply(response, httpStatus, { error: { code, message, next } });
}
