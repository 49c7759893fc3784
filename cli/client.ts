// The coordinator's HTTP interface as typed calls. Every answer is decoded; every failure is a FleetError.
import {
  type LimitsRequest,
  type LimitsView,
  limitsViewSchema,
  type NodeView,
  nodesAnswerSchema,
  type PublishRequest,
  type ReleaseView,
  type RollbackRequest,
  type RolloutRequest,
  type RolloutView,
  releasesAnswerSchema,
  releaseViewSchema,
  rolloutViewSchema,
  type StageRequest,
  type StatusView,
  statusViewSchema,
  torrentAnswerSchema,
} from "../protocol/api.ts";
import { FleetError } from "../protocol/errors.ts";
import { type Explanation, explanationSchema } from "../protocol/explain.ts";
import type { AppName, Digest, RolloutId, Version } from "../protocol/ids.ts";
import type { Schema } from "../protocol/schema.ts";
import { decodeAnswer, notACoordinator, readText, refusal } from "./http/answer.ts";
import { unreachable } from "./http/unreachable.ts";
import { type UploadOptions, uploadFile } from "./http/upload.ts";
import { type WatchedItem, type WatchOptions, watchRollout } from "./http/watch.ts";

/** A coordinator answers from memory; the longest wait is its disk at a publish that checks every piece. */
const ANSWER_TIMEOUT_MS = 30_000;
/** Publishing hashes the stored artifact again: 512 GiB at 500 MB/s take 18 minutes. */
const PUBLISH_TIMEOUT_MS = 30 * 60_000;

/** HTTP tells whole seconds, and the answer takes a while: less than this is no difference. */
const CLOCK_LEAD_MS_MIN = 2_000;

export interface ClientOptions {
  /** Without a slash at the end. */
  readonly url: string;
  readonly token: string;
}

export interface Client {
  readonly url: string;
  /** The coordinator's clock less ours, as its last answer told; 0 while they agree to the seconds that HTTP tells. */
  clockLeadMs(): number;
  status(): Promise<StatusView>;
  nodes(): Promise<readonly NodeView[]>;
  /** By name or id. */
  explain(node: string): Promise<Explanation>;
  /** Of one app, or of all when null. */
  releases(app: AppName | null): Promise<readonly ReleaseView[]>;
  /** Null when this version is not published. */
  release(app: AppName, version: Version): Promise<ReleaseView | null>;
  /** The bencoded info dictionary of a published version. */
  torrentInfo(app: AppName, version: Version): Promise<Uint8Array>;
  hasArtifact(sha256: Digest): Promise<boolean>;
  putArtifact(sha256: Digest, upload: UploadOptions): Promise<void>;
  publish(request: PublishRequest): Promise<void>;
  stage(request: StageRequest): Promise<RolloutView>;
  rollOut(request: RolloutRequest): Promise<RolloutView>;
  rollBack(request: RollbackRequest): Promise<RolloutView>;
  limits(): Promise<LimitsView>;
  setLimits(request: LimitsRequest): Promise<LimitsView>;
  /** `by` is who people are told did it. */
  pause(id: RolloutId, by: string): Promise<RolloutView>;
  resume(id: RolloutId, by: string): Promise<RolloutView>;
  rollout(id: RolloutId): Promise<RolloutView>;
  watch(id: RolloutId, options?: WatchOptions): AsyncIterable<WatchedItem>;
}

interface Question {
  readonly method?: "GET" | "HEAD" | "POST" | "PUT";
  readonly body?: unknown;
  readonly timeoutMs?: number;
}

type Headers = Readonly<Record<string, string>>;

/** Requests and their answers, before anyone knows what they mean. */
interface Exchange {
  readonly clockLeadMs: () => number;
  /** Whatever the answer is. */
  readonly ask: (path: string, question?: Question) => Promise<Response>;
  /** The answer, once it is one of success. */
  readonly succeed: (path: string, question?: Question) => Promise<Response>;
  readonly bodyOf: (response: Response) => Promise<string>;
  readonly get: <T>(path: string, schema: Schema<T>, question?: Question) => Promise<T>;
}

function createExchange(url: string, headers: Headers): Exchange {
  let leadMs = 0;

  const ask = async (path: string, question: Question = {}): Promise<Response> => {
    const { method = "GET", body, timeoutMs = ANSWER_TIMEOUT_MS } = question;
    try {
      const response = await fetch(url + path, {
        method,
        headers: body === undefined ? headers : { ...headers, "content-type": "application/json" },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        // A redirect would carry the token to wherever the answer points.
        redirect: "manual",
        signal: AbortSignal.timeout(timeoutMs),
      });
      leadMs = clockLead(response.headers.get("date"), Date.now());
      return response;
    } catch (cause) {
      throw unreachable(url, cause);
    }
  };

  const succeed = async (path: string, question?: Question): Promise<Response> => {
    const response = await ask(path, question);
    if (!response.ok) throw refusal(response.status, await bodyOf(response), url);
    return response;
  };

  const bodyOf = async (response: Response): Promise<string> => {
    try {
      return await readText(response, url);
    } catch (cause) {
      throw cause instanceof FleetError ? cause : unreachable(url, cause);
    }
  };

  const get = async <T>(path: string, schema: Schema<T>, question?: Question): Promise<T> => {
    const response = await succeed(path, question);
    try {
      return await decodeAnswer(response, schema, url);
    } catch (cause) {
      throw cause instanceof FleetError ? cause : unreachable(url, cause);
    }
  };

  return { clockLeadMs: () => leadMs, ask, succeed, bodyOf, get };
}

export function createClient({ url, token }: ClientOptions): Client {
  const headers = { authorization: `Bearer ${token}` };
  const { clockLeadMs, ask, succeed, bodyOf, get } = createExchange(url, headers);
  const start = (path: string, body: unknown) => get(path, rolloutViewSchema, { method: "POST", body });

  return {
    url,
    clockLeadMs,
    status: () => get("/v1/status", statusViewSchema),
    nodes: async () => (await get("/v1/nodes", nodesAnswerSchema)).nodes,
    explain: (node) => get(`/v1/nodes/${encodeURIComponent(node)}/explain`, explanationSchema),
    releases: async (app) => {
      const query = app === null ? "" : `?app=${encodeURIComponent(app)}`;
      return (await get(`/v1/releases${query}`, releasesAnswerSchema)).releases;
    },
    async release(app, version) {
      try {
        return await get(`/v1/releases/${app}/${encodeURIComponent(version)}`, releaseViewSchema);
      } catch (error) {
        if (error instanceof FleetError && error.code === "release-unknown") return null;
        throw error;
      }
    },
    async torrentInfo(app, version) {
      const path = `/v1/releases/${app}/${encodeURIComponent(version)}/torrent`;
      return Buffer.from((await get(path, torrentAnswerSchema)).torrentInfo, "base64url");
    },
    async hasArtifact(sha256) {
      const { ok, status } = await ask(`/v1/artifacts/${sha256}`, { method: "HEAD" });
      if (!ok && status !== 404) throw notACoordinator(url, `HTTP status ${status}`);
      return ok;
    },
    putArtifact: (sha256, upload) => uploadFile({ url, path: `/v1/artifacts/${sha256}`, headers }, upload),
    async publish(request) {
      const question = { method: "POST", body: request, timeoutMs: PUBLISH_TIMEOUT_MS } as const;
      await bodyOf(await succeed("/v1/releases", question));
    },
    stage: (request) => start("/v1/stages", request),
    rollOut: (request) => start("/v1/rollouts", request),
    rollBack: (request) => start("/v1/rollbacks", request),
    limits: () => get("/v1/limits", limitsViewSchema),
    setLimits: (request) => get("/v1/limits", limitsViewSchema, { method: "PUT", body: request }),
    pause: (id, by) => start(`/v1/rollouts/${id}/pause`, { by }),
    resume: (id, by) => start(`/v1/rollouts/${id}/resume`, { by }),
    rollout: (id) => get(`/v1/rollouts/${id}`, rolloutViewSchema),
    watch: (id, options = {}) => watchRollout({ url, path: `/v1/rollouts/${id}/watch`, headers }, options),
  };
}

function clockLead(date: string | null, now: number): number {
  const leadMs = Date.parse(date ?? "") - now;
  return Number.isNaN(leadMs) || Math.abs(leadMs) < CLOCK_LEAD_MS_MIN ? 0 : leadMs;
}
