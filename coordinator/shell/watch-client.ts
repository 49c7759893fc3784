// One client of a live stream: shows it views no faster than it reads, and gives up on it when it falls too far behind.
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
  /** Size of the last view or replay: it may lie in the buffer without the client being slow. */
  #allowanceBytes = 0;
  /** It was busy when the last view came, and gets a fresh one as soon as it can take it. */
  #isOwedView = false;
  /** What lay in the buffer at the last check, and what has been put there since. */
  #waitedBytes = 0;
  #addedBytes = 0;

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

  /** What it has missed, before anything else. */
  replay(events: readonly FleetEvent[]): void {
    const text = events.map(historyText).join("");
    this.#allowanceBytes += text.length;
    this.#write(text);
  }

  tell(event: FleetEvent): void {
    if (this.#response.writableEnded) return;
    const behindBytes = this.#response.writableLength - this.#allowanceBytes;
    if (behindBytes > this.#options.limits.watchBufferBytesMax)
      return this.end(": too slow; continue with ?after= and the last id\n\n");
    this.#write(historyText(event));
  }

  show(text: string): void {
    if (this.#response.writableEnded) return;
    this.#isOwedView = this.#response.writableNeedDrain;
    if (this.#isOwedView) return;
    this.#allowanceBytes += text.length;
    this.#write(text);
  }

  /** Writes this last text. The client has as long to take it as it goes on reading. */
  end(text: string): void {
    if (this.#response.writableEnded) return;
    this.#write(text);
    this.#response.end();
  }

  #write(text: string): void {
    this.#addedBytes += Buffer.byteLength(text);
    this.#response.write(text);
  }

  #drained(): void {
    this.#allowanceBytes = 0;
    const view = this.#isOwedView ? this.#options.latestView() : null;
    if (view !== null) this.show(viewText(view));
  }

  #checkAlive(): void {
    const waitingBytes = this.#response.writableLength;
    const takenBytes = this.#waitedBytes + this.#addedBytes - waitingBytes;
    if (this.#waitedBytes > 0 && takenBytes <= 0) return void this.#response.destroy();
    this.#waitedBytes = waitingBytes;
    this.#addedBytes = 0;
    if (waitingBytes === 0 && !this.#response.writableEnded) this.#write(": still here\n\n");
  }
}

export function viewText(view: RolloutView): string {
  return `event: rollout\ndata: ${JSON.stringify(view)}\n\n`;
}

export function historyText(event: FleetEvent): string {
  return `event: history\nid: ${event.id}\ndata: ${JSON.stringify(event)}\n\n`;
}
