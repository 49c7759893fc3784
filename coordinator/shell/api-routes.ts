// What each route of the HTTP interface does. Reads come from the core's views, changes go through the loop.
import type { IncomingMessage, ServerResponse } from "node:http";
import {
  limitsRequestSchema,
  pauseRequestSchema,
  publishRequestSchema,
  type ReleaseView,
  type RolloutView,
  rollbackRequestSchema,
  rolloutRequestSchema,
  stageRequestSchema,
} from "../../protocol/api.ts";
import { FleetError } from "../../protocol/errors.ts";
import {
  type AppName,
  appNameSchema,
  digestSchema,
  type Millis,
  type RolloutId,
  rolloutIdSchema,
  type Version,
  versionSchema,
} from "../../protocol/ids.ts";
import { ARTIFACT_BYTES_MAX } from "../../protocol/limits.ts";
import { assert } from "../../protocol/machine.ts";
import { integer, type Schema } from "../../protocol/schema.ts";
import type { CoordinatorCore } from "../core/coordinator.ts";
import type { ArtifactStore } from "./artifact-store.ts";
import type { CoreLoop, RequestEvent } from "./core-loop.ts";
import type { Answer } from "./http-answer.ts";
import type { Inspector } from "./inspector.ts";
import type { ShellLimits } from "./limits.ts";
import type { Publishing } from "./publishing.ts";
import { bodyOf, readJson } from "./request-body.ts";
import type { Route } from "./router.ts";
import type { Store } from "./store.ts";
import type { Watchers } from "./watchers.ts";

export interface Call {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly params: ReadonlyMap<string, string>;
  readonly query: URLSearchParams;
  /** Aborts when the client goes away. */
  readonly signal: AbortSignal;
  /** Tells a client that waits for leave to send its body that it may. */
  readonly invite: () => void;
}

/** Null when the handler has taken the response over. */
export type Handler = (call: Call) => Promise<Answer | null> | Answer | null;

export interface ApiOptions {
  readonly core: Pick<
    CoordinatorCore,
    | "nodes"
    | "limits"
    | "releases"
    | "torrentInfo"
    | "rollout"
    | "status"
    | "findNode"
    | "isOnline"
    | "explain"
  >;
  readonly inspector: Pick<Inspector, "inspect">;
  readonly now: () => Millis;
  readonly loop: Pick<CoreLoop, "request">;
  readonly store: Pick<Store, "readEvents">;
  readonly artifacts: ArtifactStore;
  readonly publishing: Publishing;
  readonly watchers: Watchers;
  readonly limits: ShellLimits;
}

export function apiRoutes(options: ApiOptions): readonly Route<Handler>[] {
  const api = new Api(options);
  return [
    operator("GET", "/v1/status", () => ok(options.core.status())),
    operator("GET", "/v1/nodes", () => ok({ nodes: options.core.nodes() })),
    operator("GET", "/v1/nodes/:node/explain", (call) => api.explain(call)),
    operator("GET", "/v1/limits", () => ok(options.core.limits())),
    operator("PUT", "/v1/limits", (call) => api.setLimits(call)),
    operator("GET", "/v1/releases", (call) => api.listReleases(call)),
    operator("GET", "/v1/releases/:app/:version", (call) => api.showRelease(call)),
    operator("GET", "/v1/releases/:app/:version/torrent", (call) => api.showTorrent(call)),
    operator("HEAD", "/v1/artifacts/:sha256", (call) => api.findArtifact(call)),
    operator("PUT", "/v1/artifacts/:sha256", (call) => api.takeArtifact(call)),
    operator("POST", "/v1/releases", (call) => api.publish(call)),
    operator("POST", "/v1/stages", async (call) =>
      api.start({ kind: "start-stage", request: await api.read(call, stageRequestSchema) }),
    ),
    operator("POST", "/v1/rollouts", async (call) =>
      api.start({ kind: "start-rollout", request: await api.read(call, rolloutRequestSchema) }),
    ),
    operator("POST", "/v1/rollbacks", async (call) =>
      api.start({ kind: "start-rollback", request: await api.read(call, rollbackRequestSchema) }),
    ),
    operator("GET", "/v1/rollouts/:id", (call) => ok(api.rollout(idOf(call)))),
    operator("POST", "/v1/rollouts/:id/pause", (call) => api.setPaused(call, true)),
    operator("POST", "/v1/rollouts/:id/resume", (call) => api.setPaused(call, false)),
    operator("GET", "/v1/rollouts/:id/watch", (call) => api.watch(call)),
    operator("GET", "/v1/events", (call) => api.listEvents(call)),
    { method: "GET", pattern: "/v1/health", role: "anyone", handler: () => ok({ status: "ok" }) },
  ];
}

class Api {
  readonly #options: ApiOptions;

  constructor(options: ApiOptions) {
    this.#options = options;
  }

  /** Asks the node itself when it is there, and makes do with what is known when it does not answer. */
  async explain({ params }: Call): Promise<Answer> {
    const { core, inspector, now } = this.#options;
    const nodeId = core.findNode(params.get("node") ?? "");
    const heard = core.isOnline(nodeId) ? await inspector.inspect(nodeId) : null;
    return ok(core.explain(nodeId, heard, now()));
  }

  listReleases({ query }: Call): Answer {
    const app = query.get("app");
    const name = app === null ? null : appNameSchema.decode(app, "app");
    return ok({ releases: this.#options.core.releases(name) });
  }

  showRelease(call: Call): Answer {
    const app = param(call, "app", appNameSchema);
    const version = param(call, "version", versionSchema);
    const release = this.#findRelease(app, version);
    if (release === undefined)
      throw new FleetError("release-unknown", `${app} ${version} is not published here`);
    return ok(release);
  }

  showTorrent(call: Call): Answer {
    const app = param(call, "app", appNameSchema);
    const version = param(call, "version", versionSchema);
    const torrentInfo = this.#options.core.torrentInfo(app, version);
    if (torrentInfo === null)
      throw new FleetError("release-unknown", `${app} ${version} is not published here`);
    return ok({ torrentInfo });
  }

  async findArtifact(call: Call): Promise<Answer | null> {
    const length = await this.#options.artifacts.lengthOf(param(call, "sha256", digestSchema));
    if (length === null) throw new FleetError("not-found", "this artifact has not been uploaded");
    call.response.writeHead(200, { "content-length": length });
    call.response.end();
    return null;
  }

  async takeArtifact(call: Call): Promise<Answer> {
    const { artifacts, limits } = this.#options;
    const sha256 = param(call, "sha256", digestSchema);
    const length = contentLengthOf(call.request);
    const known = await artifacts.lengthOf(sha256);
    if (known !== null && known !== length)
      throw new FleetError("artifact-mismatch", `artifact ${sha256} has ${known} bytes, not ${length}`);
    if (known !== null) return ok({ sha256, length });
    const source = invited(call, { idleMs: limits.uploadIdleTimeoutMs });
    await artifacts.put({ sha256, length, source });
    return created({ sha256, length });
  }

  async publish(call: Call): Promise<Answer> {
    const request = await this.read(call, publishRequestSchema);
    const release = await this.#options.publishing.check(request, call.signal);
    await this.#options.loop.request({ kind: "publish", release });
    const { app, version } = release.manifest;
    const view = this.#findRelease(app, version);
    assert(view !== undefined, `published ${app} ${version} is not to be found`);
    return created(view);
  }

  async setLimits(call: Call): Promise<Answer> {
    const request = await this.read(call, limitsRequestSchema);
    await this.#options.loop.request({ kind: "set-limits", request });
    return ok(this.#options.core.limits());
  }

  async setPaused(call: Call, paused: boolean): Promise<Answer> {
    const rolloutId = idOf(call);
    const { by } = await this.read(call, pauseRequestSchema);
    await this.#options.loop.request({ kind: "set-paused", order: { rolloutId, paused, by } });
    return ok(this.rollout(rolloutId));
  }

  async start(
    event: Exclude<RequestEvent, { kind: "publish" | "set-paused" | "set-limits" }>,
  ): Promise<Answer> {
    const id = await this.#options.loop.request(event);
    assert(id !== null, `${event.kind} was accepted and names no rollout`);
    return created(this.rollout(id));
  }

  watch(call: Call): null {
    const after = call.query.get("after") ?? String(call.request.headers["last-event-id"] ?? 0);
    this.#options.watchers.open(idOf(call), eventIdOf(after), call.response);
    return null;
  }

  listEvents({ query }: Call): Answer {
    const after = eventIdOf(query.get("after") ?? "0");
    const events = this.#options.store.readEvents({ after, limit: this.#options.limits.historyAnswerMax });
    return ok({ events });
  }

  rollout(id: RolloutId): RolloutView {
    const view = this.#options.core.rollout(id);
    if (view === null) throw new FleetError("rollout-unknown", `there is no rollout ${id}`);
    return view;
  }

  read<T>(call: Call, schema: Schema<T>): Promise<T> {
    const { limits } = this.#options;
    return readJson(invited(call, { totalMs: limits.bodyTimeoutMs }), schema, limits);
  }

  #findRelease(app: AppName, version: Version): ReleaseView | undefined {
    return this.#options.core.releases(app).find((release) => release.manifest.version === version);
  }
}

function operator(method: Route<Handler>["method"], pattern: string, handler: Handler): Route<Handler> {
  return { method, pattern, role: "operator", handler };
}

function ok(body: unknown): Answer {
  return { status: 200, body };
}

function created(body: unknown): Answer {
  return { status: 201, body };
}

function param<T>(call: Call, name: string, schema: Schema<T>): T {
  return schema.decode(call.params.get(name), name);
}

function idOf(call: Call): RolloutId {
  return param(call, "id", rolloutIdSchema);
}

function eventIdOf(text: string): number {
  return integer(0).decode(/^\d{1,16}$/.test(text) ? Number(text) : null, "after");
}

function contentLengthOf(request: IncomingMessage): number {
  const text = request.headers["content-length"];
  if (text === undefined)
    throw new FleetError("request-invalid", "an upload must announce its length with Content-Length");
  return integer(1, ARTIFACT_BYTES_MAX).decode(Number(text), "Content-Length");
}

async function* invited(call: Call, limits: Parameters<typeof bodyOf>[1]): AsyncGenerator<Uint8Array> {
  call.invite();
  yield* bodyOf(call.request, limits);
}
