// Messages on their way to one node: encoded only when its link takes them, so that a slow node costs a queue of small
// objects and not of frames. Says when the node is too far behind; whoever owns the connection ends it.
import type { WebSocket } from "ws";
import type { Millis } from "../../protocol/ids.ts";
import type { CoordinatorMessage } from "../../protocol/messages.ts";
import { encodeFrame } from "../../protocol/shell/frame.ts";
import type { ShellLimits } from "./limits.ts";
import type { SendBudget } from "./send-budget.ts";

export interface OutboxOptions {
  readonly socket: WebSocket;
  readonly budget: SendBudget;
  readonly limits: ShellLimits;
  readonly now: () => Millis;
}

export class Outbox {
  readonly #options: OutboxOptions;
  readonly #messages: CoordinatorMessage[] = [];
  #bytesInFlight = 0;
  #lastFlushAt: Millis;
  #closed = false;
  readonly #pump = (): void => {
    while (!this.#closed && this.#mayEncode()) this.#sendNext();
  };

  constructor(options: OutboxOptions) {
    this.#options = options;
    this.#lastFlushAt = options.now();
  }

  /** False when the queue is full and the message was not taken. */
  push(message: CoordinatorMessage): boolean {
    if (this.#messages.length >= this.#options.limits.outboxMessagesMax) return false;
    this.#messages.push(message);
    this.#pump();
    return true;
  }

  /** The node has read nothing for too long of what it was sent. */
  get stalled(): boolean {
    const waitedMs = this.#options.now() - this.#lastFlushAt;
    return this.#bytesInFlight > 0 && waitedMs > this.#options.limits.sendStallMs;
  }

  close(): void {
    this.#closed = true;
    this.#messages.length = 0;
    this.#options.budget.forget(this.#pump);
    this.#options.budget.give(this.#bytesInFlight);
    this.#bytesInFlight = 0;
  }

  #mayEncode(): boolean {
    if (this.#messages.length === 0) return false;
    if (this.#bytesInFlight >= this.#options.limits.nodeBytesInFlightMax) return false;
    return this.#options.budget.hasRoom(this.#pump);
  }

  #sendNext(): void {
    const message = this.#messages.shift();
    if (message === undefined) return;
    const frame = encodeFrame(message);
    if (this.#bytesInFlight === 0) this.#lastFlushAt = this.#options.now();
    this.#bytesInFlight += frame.length;
    this.#options.budget.take(frame.length);
    // A failed write closes the connection, and close() settles the books.
    this.#options.socket.send(frame, { binary: true }, () => this.#flushed(frame.length));
  }

  #flushed(bytes: number): void {
    if (this.#closed) return;
    this.#lastFlushAt = this.#options.now();
    this.#bytesInFlight -= bytes;
    this.#options.budget.give(bytes);
    this.#pump();
  }
}
