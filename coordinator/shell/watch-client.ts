// One client of a live stream: writes to it no faster than it reads, and gives up on it when it falls too far behind.
import type { ServerResponse } from "node:http";
import type { FleetEvent, RolloutView } from "../../protocol/api.ts";
import type { ShellLimits } from "./limits.ts";

export interface WatchClientOptions {
  readonly response: ServerResponse;
  readonly limits: ShellLimits;
  /** The newest view; null when the rollout is no longer known. */
  readonly latestView: () => RolloutView | null;
  readonly onGone: () => void;
}

export class WatchClient {
  readonly #options: WatchClientOptions;
  readonly #response: ServerResponse;
  readonly #keepAlive: NodeJS.Timeout;
  /** Size of the last view: it may lie in the buffer without the client being slow. */
  #viewLength = 0;
  /** It was busy when the last view came, and gets a fresh one as soon as it can take it. */
  #owedView = false;
  #tookSomething = true;

  constructor(options: WatchClientOptions) {
    const { response, limits } = options;
    this.#options = options;
    this.#response = response;
    this.#keepAlive = setInterval(() => this.#checkAlive(), limits.watchKeepAliveMs);
    response.on("drain", () => this.#drained());
    response.on("close", () => {
      clearInterval(this.#keepAlive);
      options.onGone();
    });
  }

  tell(event: FleetEvent): void {
    if (this.#response.writableEnded) return;
    const waitingLength = this.#response.writableLength - this.#viewLength;
    if (waitingLength > this.#options.limits.watchBufferBytesMax)
      return this.end(": too slow; continue with ?after= and the last id\n\n");
    this.#response.write(historyText(event));
  }

  show(text: string): void {
    if (this.#response.writableEnded) return;
    this.#owedView = this.#response.writableNeedDrain;
    if (this.#owedView) return;
    this.#viewLength = text.length;
    this.#response.write(text);
  }

  /** Writes this last text, and cuts the connection when the client does not take it. */
  end(text: string): void {
    if (this.#response.writableEnded) return;
    this.#response.end(text);
    const deadline = setTimeout(() => this.#response.destroy(), this.#options.limits.lingerMs);
    this.#response.once("close", () => clearTimeout(deadline));
  }

  #drained(): void {
    this.#tookSomething = true;
    this.#viewLength = 0;
    const view = this.#owedView ? this.#options.latestView() : null;
    if (view !== null) this.show(viewText(view));
  }

  #checkAlive(): void {
    if (this.#response.writableNeedDrain && !this.#tookSomething) return void this.#response.destroy();
    this.#tookSomething = !this.#response.writableNeedDrain;
    if (!this.#response.writableEnded) this.#response.write(": still here\n\n");
  }
}

export function viewText(view: RolloutView): string {
  return `event: rollout\ndata: ${JSON.stringify(view)}\n\n`;
}

export function historyText(event: FleetEvent): string {
  return `event: history\nid: ${event.id}\ndata: ${JSON.stringify(event)}\n\n`;
}
