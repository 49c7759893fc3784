// Live streams of rollouts (Server-Sent Events): every event of the history, views coalesced to a few per second, and
// an end when the rollout ends. Whoever comes back is told what it missed.
import type { ServerResponse } from "node:http";
import { type FleetEvent, ROLLOUT_TERMINAL_PHASES, type RolloutView } from "../../protocol/api.ts";
import { FleetError } from "../../protocol/errors.ts";
import type { Millis, RolloutId } from "../../protocol/ids.ts";
import type { ShellLimits } from "./limits.ts";
import type { Store } from "./store.ts";
import { viewText, WatchClient } from "./watch-client.ts";

export interface WatchersOptions {
  readonly rollout: (id: RolloutId) => RolloutView | null;
  readonly store: Pick<Store, "readEvents">;
  readonly limits: ShellLimits;
  readonly now: () => Millis;
}

interface Feed {
  readonly clients: Set<WatchClient>;
  shownAt: Millis;
  timer: NodeJS.Timeout | null;
}

export class Watchers {
  readonly #options: WatchersOptions;
  readonly #feeds = new Map<RolloutId, Feed>();
  #clientCount = 0;

  constructor(options: WatchersOptions) {
    this.#options = options;
  }

  /** Takes the response over. Throws FleetError rollout-unknown or overloaded before it has written anything. */
  open(id: RolloutId, after: number, response: ServerResponse): void {
    const { limits, store, rollout } = this.#options;
    const view = rollout(id);
    if (view === null) throw new FleetError("rollout-unknown", `there is no rollout ${id}`);
    if (this.#clientCount >= limits.watchersMax)
      throw new FleetError("overloaded", `${this.#clientCount} clients are watching already`);
    const missed = store.readEvents({ after, limit: limits.historyEventsMax, rolloutId: id });
    response.writeHead(200, {
      "content-type": "text/event-stream; charset=utf-8",
      "cache-control": "no-store",
      // Asks a proxy in front not to hold the stream back.
      "x-accel-buffering": "no",
    });
    const client = this.#join(id, response);
    client.replay(missed);
    if (isTerminal(view)) client.end(viewText(view));
    else client.show(viewText(view));
  }

  /** To be called after each committed batch. */
  publish({ events, rollouts }: { events: readonly FleetEvent[]; rollouts: ReadonlySet<RolloutId> }): void {
    for (const event of events) {
      if (event.rolloutId === null) continue;
      for (const client of this.#feeds.get(event.rolloutId)?.clients ?? []) client.tell(event);
    }
    for (const id of rollouts) this.#refresh(id);
  }

  close(): void {
    for (const feed of this.#feeds.values()) this.#finish(feed, ": the coordinator is shutting down\n\n");
  }

  #join(id: RolloutId, response: ServerResponse): WatchClient {
    const { limits, now, rollout } = this.#options;
    const feed = this.#feeds.get(id) ?? { clients: new Set(), shownAt: now(), timer: null };
    const client = new WatchClient({
      response,
      limits,
      latestView: () => rollout(id),
      onGone: () => {
        this.#clientCount -= 1;
        feed.clients.delete(client);
        if (feed.clients.size === 0) this.#drop(id, feed);
      },
    });
    this.#feeds.set(id, feed);
    feed.clients.add(client);
    this.#clientCount += 1;
    return client;
  }

  #refresh(id: RolloutId): void {
    const feed = this.#feeds.get(id);
    if (feed === undefined) return;
    const view = this.#options.rollout(id);
    if (view === null) return this.#finish(feed, ": this rollout is no longer remembered\n\n");
    if (isTerminal(view)) return this.#finish(feed, viewText(view));
    if (feed.timer !== null) return;
    const waitMs = feed.shownAt + this.#options.limits.watchIntervalMs - this.#options.now();
    if (waitMs <= 0) return this.#show(feed, view);
    feed.timer = setTimeout(() => {
      feed.timer = null;
      const latest = this.#options.rollout(id);
      if (latest !== null) this.#show(feed, latest);
    }, waitMs);
  }

  #show(feed: Feed, view: RolloutView): void {
    feed.shownAt = this.#options.now();
    const text = viewText(view);
    for (const client of feed.clients) client.show(text);
  }

  #finish(feed: Feed, text: string): void {
    if (feed.timer !== null) clearTimeout(feed.timer);
    feed.timer = null;
    for (const client of feed.clients) client.end(text);
  }

  #drop(id: RolloutId, feed: Feed): void {
    if (feed.timer !== null) clearTimeout(feed.timer);
    if (this.#feeds.get(id) === feed) this.#feeds.delete(id);
  }
}

function isTerminal(view: RolloutView): boolean {
  return ROLLOUT_TERMINAL_PHASES.includes(view.phase);
}
