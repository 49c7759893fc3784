// Orders to many slow nodes cost a bounded amount of memory, and every node gets its turn.

import { describe, expect, it } from "vitest";
import type { WebSocket } from "ws";
import { SHELL_LIMITS } from "../../../coordinator/shell/limits.ts";
import { Outbox } from "../../../coordinator/shell/outbox.ts";
import { SendBudget } from "../../../coordinator/shell/send-budget.ts";
import type { CoordinatorMessage } from "../../../protocol/messages.ts";
import { decodeCoordinatorFrame, encodeFrame } from "../../../protocol/shell/frame.ts";

/** A socket that takes what it is given only when a test says so. */
class SlowSocket {
  readonly sent: CoordinatorMessage[] = [];
  readonly #pending: (() => void)[] = [];

  send(frame: Uint8Array, _options: object, onTaken: () => void): void {
    this.sent.push(decodeCoordinatorFrame(frame));
    this.#pending.push(onTaken);
  }

  takeOne(): void {
    this.#pending.shift()?.();
  }
}

const FRAME_BYTES = encodeFrame(order(1)).length;

function order(index: number): CoordinatorMessage {
  return { kind: "refuse", code: "internal", message: `order ${index}`.padEnd(900) };
}

function bench(limits: Partial<typeof SHELL_LIMITS> = {}, budget = new SendBudget(1_000_000)) {
  const clock = { now: 0 };
  const socket = new SlowSocket();
  const outbox = new Outbox({
    socket: socket as unknown as WebSocket,
    budget,
    limits: { ...SHELL_LIMITS, ...limits },
    now: () => clock.now,
  });
  return { outbox, socket, clock };
}

describe("an outbox", () => {
  it("sends in order, no more at once than a node may have in flight", () => {
    const { outbox, socket } = bench({ nodeBytesInFlightMax: 2 * FRAME_BYTES });
    for (let index = 1; index <= 4; index += 1) outbox.push(order(index));
    expect(socket.sent).toEqual([order(1), order(2)]);
    socket.takeOne();
    expect(socket.sent).toEqual([order(1), order(2), order(3)]);
  });

  it("takes no more messages than its limit", () => {
    const { outbox } = bench({ nodeBytesInFlightMax: 1, outboxMessagesMax: 2 });
    expect([1, 2, 3, 4].map((index) => outbox.push(order(index)))).toEqual([true, true, true, false]);
  });

  it("says when the node has not taken anything for too long", () => {
    const { outbox, socket, clock } = bench();
    outbox.push(order(1));
    outbox.push(order(2));
    clock.now = SHELL_LIMITS.sendStallMs;
    expect(outbox.stalled).toBe(false);
    socket.takeOne();
    clock.now += SHELL_LIMITS.sendStallMs;
    expect(outbox.stalled).toBe(false);
    clock.now += 1;
    expect(outbox.stalled).toBe(true);
    socket.takeOne();
    expect(outbox.stalled).toBe(false);
  });
});

describe("the budget that all nodes share", () => {
  it("makes later nodes wait until earlier ones have taken theirs", () => {
    const budget = new SendBudget(FRAME_BYTES);
    const [a, b, c] = [bench({}, budget), bench({}, budget), bench({}, budget)];
    for (const { outbox } of [a, b, c]) outbox.push(order(1));
    expect([a, b, c].map(({ socket }) => socket.sent.length)).toEqual([1, 0, 0]);
    a.socket.takeOne();
    expect([a, b, c].map(({ socket }) => socket.sent.length)).toEqual([1, 1, 0]);
    b.socket.takeOne();
    expect([a, b, c].map(({ socket }) => socket.sent.length)).toEqual([1, 1, 1]);
  });

  it("gets back what a closed connection held, and does not wait for one that has gone", () => {
    const budget = new SendBudget(FRAME_BYTES);
    const [a, b, c] = [bench({}, budget), bench({}, budget), bench({}, budget)];
    for (const { outbox } of [a, b, c]) outbox.push(order(1));
    b.outbox.close();
    a.outbox.close();
    expect([a, b, c].map(({ socket }) => socket.sent.length)).toEqual([1, 0, 1]);
    a.socket.takeOne();
    c.socket.takeOne();
    const late = bench({}, budget);
    late.outbox.push(order(1));
    expect(late.socket.sent.length).toBe(1);
  });
});
