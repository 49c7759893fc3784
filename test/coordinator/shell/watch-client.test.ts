// A client that reads slowly costs a bounded buffer and misses views, never events; one that does not read is cut off.
import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import { Duplex } from "node:stream";
import { setImmediate as nextTurn } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { SHELL_LIMITS } from "../../../coordinator/shell/limits.ts";
import { historyText, viewText, WatchClient } from "../../../coordinator/shell/watch-client.ts";
import type { RolloutView } from "../../../protocol/api.ts";
import { event } from "../../conformance/store.ts";

const LATEST = { id: "latest" } as unknown as RolloutView;
const FILLER = "x".repeat(100_000);

/** A connection that asks for something and then takes the answer only while it is open. */
class Connection extends Duplex {
  text = "";
  open = true;
  #release: (() => void) | null = null;

  override _read(): void {
    // The whole request is pushed at once.
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString();
    if (this.open) done();
    else this.#release = done;
  }

  takeOne(): void {
    this.#release?.();
  }

  reopen(): void {
    this.open = true;
    this.takeOne();
  }
}

let connection: Connection;
let response: ServerResponse;
let client: WatchClient;
let isGone: boolean;

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval", "setTimeout", "clearTimeout"] });
  isGone = false;
  connection = new Connection();
  const server = createServer();
  const asked = once(server, "request");
  server.emit("connection", connection);
  // HTTP/1.0, so that the body comes without chunk sizes in between.
  connection.push("GET / HTTP/1.0\r\n\r\n");
  [, response] = (await asked) as [unknown, ServerResponse];
  client = new WatchClient({
    response,
    limits: { ...SHELL_LIMITS, watchBufferBytesMax: 50_000 },
    latestView: () => LATEST,
    onGone: () => {
      isGone = true;
    },
  });
});
afterEach(() => {
  connection.destroy();
  vi.useRealTimers();
});

/** Fills the connection so that nothing more goes through. */
function clog(): void {
  connection.open = false;
  client.show(FILLER);
}

/** What has come through since then, once the connection takes everything again. */
async function itemsAfterClog(): Promise<readonly string[]> {
  connection.reopen();
  await nextTurn();
  return (connection.text.split(FILLER)[1] ?? "").split(/(?<=\n\n)/);
}

describe("a watching client", () => {
  it("gets what it is told", async () => {
    client.tell(event(1));
    client.show(viewText(LATEST));
    await nextTurn();
    expect(connection.text).toContain(historyText(event(1)) + viewText(LATEST));
  });

  it("that is busy misses views but no events, and gets the latest view when it is ready", async () => {
    clog();
    client.show("an old view\n\n");
    client.tell(event(1));
    client.show("another old view\n\n");
    expect(await itemsAfterClog()).toEqual([historyText(event(1)), viewText(LATEST)]);
  });

  it("that falls too far behind is dropped with a word on how to go on", async () => {
    clog();
    for (let id = 1; !response.writableEnded; id += 1) client.tell(event(id));
    expect(response.writableLength).toBeLessThan(200_000);
    expect((await itemsAfterClog()).at(-1)).toBe(": too slow; continue with ?after= and the last id\n\n");
  });

  it("that takes nothing at all is cut off", async () => {
    clog();
    vi.advanceTimersByTime(2 * SHELL_LIMITS.watchKeepAliveMs);
    await nextTurn();
    expect(connection.destroyed).toBe(true);
    expect(isGone).toBe(true);
  });

  it("that does not take its last word is cut off", async () => {
    clog();
    client.end("the end");
    vi.advanceTimersByTime(2 * SHELL_LIMITS.watchKeepAliveMs);
    await nextTurn();
    expect(connection.destroyed).toBe(true);
  });

  it("that takes a little at a time may take its last word too", async () => {
    clog();
    for (let id = 1; id <= 3; id += 1) client.tell(event(id));
    client.end("the end");
    while (!connection.text.endsWith("the end")) {
      connection.takeOne();
      await nextTurn();
      vi.advanceTimersByTime(SHELL_LIMITS.watchKeepAliveMs);
      expect(connection.destroyed).toBe(false);
    }
  });

  it("hears now and then that the stream is alive", async () => {
    for (let count = 1; count <= 2; count += 1) {
      vi.advanceTimersByTime(SHELL_LIMITS.watchKeepAliveMs);
      await nextTurn();
      expect(connection.text.match(/: still here\n\n/g)).toHaveLength(count);
    }
  });
});
