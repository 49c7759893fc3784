// Watches a rollout over Server-Sent Events until it has ended, through lost connections and coordinator restarts.
import { setTimeout as delay } from "node:timers/promises";
import {
  fleetEventSchema,
  ROLLOUT_TERMINAL_PHASES,
  rolloutViewSchema,
  type WatchItem,
} from "../../protocol/api.ts";
import { FleetError } from "../../protocol/errors.ts";
import { ANSWER_BYTES_MAX, decodeText, notACoordinator, readText, refusal } from "./answer.ts";
import { createSseParser, type ServerEvent } from "./sse.ts";
import { unreachable } from "./unreachable.ts";
import type { UploadTarget } from "./upload.ts";

/** Longer than a coordinator takes to start again; a CI job should not wait for a dead one much longer. */
const SILENCE_MS_MAX = 120_000;
/**
 * Longest without a byte before the connection counts as dead. The coordinator sends views or comments far more
 * often.
 */
const IDLE_TIMEOUT_MS = 45_000;
const RETRY_MS_MIN = 200;
const RETRY_MS_MAX = 3_000;

export interface WatchOptions {
  /** Only events after this id; 0 for the whole history of the rollout. */
  readonly after?: number;
  readonly signal?: AbortSignal;
  /** Longest the coordinator may be away in one go. */
  readonly silenceMsMax?: number;
}

/** What the coordinator says, and whether there is a connection to it. */
export type WatchedItem = WatchItem | { readonly kind: "connection"; readonly isUp: boolean };

/**
 * Ends after the view of an ended rollout. Throws FleetError wait-timeout when the coordinator stays away, what the
 * coordinator answers when it refuses, and the signal's reason when aborted.
 */
export async function* watchRollout(
  target: UploadTarget,
  options: WatchOptions,
): AsyncGenerator<WatchedItem> {
  const { signal, silenceMsMax = SILENCE_MS_MAX } = options;
  const place: Place = { after: options.after ?? 0, lostAt: null, retryMs: RETRY_MS_MIN };
  while (!(yield* readOnce(target, place, signal))) {
    if (place.lostAt === null) {
      place.lostAt = performance.now();
      yield { kind: "connection", isUp: false };
    }
    if (performance.now() - place.lostAt > silenceMsMax) throw gaveUp(target.url, silenceMsMax);
    await delay(place.retryMs, undefined, signal === undefined ? {} : { signal });
    place.retryMs = Math.min(RETRY_MS_MAX, place.retryMs * 2);
  }
}

/** Where a watch is, over all its connections. */
interface Place {
  /** Newest event that has been handed on. */
  after: number;
  lostAt: number | null;
  retryMs: number;
}

/** One connection. Returns whether the rollout has ended; false when the connection ended first. */
async function* readOnce(
  target: UploadTarget,
  place: Place,
  signal: AbortSignal | undefined,
): AsyncGenerator<WatchedItem, boolean> {
  try {
    for await (const item of readStream(target, place.after, signal)) {
      if (place.lostAt !== null) yield { kind: "connection", isUp: true };
      place.lostAt = null;
      place.retryMs = RETRY_MS_MIN;
      if (isRepeated(item, place)) continue;
      yield item;
      if (item.kind === "rollout" && ROLLOUT_TERMINAL_PHASES.includes(item.rollout.phase)) return true;
    }
  } catch (error) {
    signal?.throwIfAborted();
    if (!isWorthRetrying(error)) throw error;
  }
  return false;
}

/** A coordinator that was restarted may send again what it had already sent. */
function isRepeated(item: WatchItem, place: Place): boolean {
  if (item.kind !== "history") return false;
  if (item.event.id <= place.after) return true;
  place.after = item.event.id;
  return false;
}

async function* readStream(
  target: UploadTarget,
  after: number,
  signal: AbortSignal | undefined,
): AsyncGenerator<WatchItem> {
  const idle = new AbortController();
  const timer = setTimeout(() => idle.abort(), IDLE_TIMEOUT_MS);
  try {
    const response = await openStream(
      target,
      after,
      AbortSignal.any(signal ? [signal, idle.signal] : [idle.signal]),
    );
    const parser = createSseParser({ charsMax: ANSWER_BYTES_MAX });
    const decoder = new TextDecoder();
    for await (const chunk of response.body ?? []) {
      timer.refresh();
      for (const event of parser.push(decoder.decode(chunk, { stream: true }))) {
        const item = decodeEvent(event, target.url);
        if (item !== null) yield item;
      }
    }
  } catch (cause) {
    if (cause instanceof RangeError) throw notACoordinator(target.url, cause.message, cause);
    throw cause instanceof FleetError ? cause : unreachable(target.url, cause);
  } finally {
    clearTimeout(timer);
    idle.abort();
  }
}

async function openStream(
  { url, path, headers }: UploadTarget,
  after: number,
  signal: AbortSignal,
): Promise<Response> {
  const response = await fetch(`${url}${path}?after=${after}`, {
    headers: { ...headers, accept: "text/event-stream" },
    redirect: "manual",
    signal,
  });
  if (!response.ok) throw refusal(response.status, await readText(response, url), url);
  if (response.headers.get("content-type")?.startsWith("text/event-stream") === true) return response;
  throw notACoordinator(url, "the watch is not an event stream");
}

/** Null for an event that only a newer coordinator knows. */
function decodeEvent(event: ServerEvent, url: string): WatchItem | null {
  if (event.event === "rollout")
    return { kind: "rollout", rollout: decodeText(rolloutViewSchema, event.data, url) };
  if (event.event === "history")
    return { kind: "history", event: decodeText(fleetEventSchema, event.data, url) };
  return null;
}

function isWorthRetrying(error: unknown): boolean {
  return (
    error instanceof FleetError && (error.code === "coordinator-unreachable" || error.code === "overloaded")
  );
}

function gaveUp(url: string, silenceMsMax: number): FleetError {
  const seconds = Math.round(silenceMsMax / 1000);
  return new FleetError("wait-timeout", `the coordinator at ${url} has been away for ${seconds} s`);
}
