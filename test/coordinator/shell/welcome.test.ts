// A node gets orders only once its hello is on disk: what was meant for its last connection must not reach the new one.
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { setImmediate as nextTurn } from "node:timers/promises";
import { expect, it, onTestFinished } from "vitest";
import { Authenticator } from "../../../coordinator/shell/authenticator.ts";
import { ControlChannel, type ControlChannelOptions } from "../../../coordinator/shell/control-channel.ts";
import { SHELL_LIMITS } from "../../../coordinator/shell/limits.ts";
import { MemoryStore } from "../../../coordinator/shell/memory-store.ts";
import type { CoordinatorMessage } from "../../../protocol/messages.ts";
import { captureLogs } from "./support/logs.ts";
import { TestNode } from "./support/node.ts";

type Submit = ControlChannelOptions["submit"];
type Submitted = Parameters<Submit>;

/** A channel in front of a loop that commits when the test says so. */
async function openChannel() {
  const { logger } = captureLogs();
  const submitted: Submitted[] = [];
  const { promise: firstEvent, resolve } = Promise.withResolvers<Submitted>();
  const now = () => performance.now();
  const authenticator = new Authenticator({
    tokens: new MemoryStore().tokens,
    limits: SHELL_LIMITS,
    logger,
    now,
  });
  const channel = new ControlChannel({
    ...{ authenticator, limits: SHELL_LIMITS, logger, now },
    submit: (...event) => {
      submitted.push(event);
      resolve(event);
    },
    hasRoom: () => true,
    isAdmitted: () => true,
    onInspection: () => undefined,
  });
  const server = createServer().on("upgrade", (request, socket, head) =>
    channel.accept(request, socket, head),
  );
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(async () => {
    await channel.close();
    server.close();
  });
  return {
    channel,
    submitted,
    firstEvent,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
  };
}

function order(generation: number): CoordinatorMessage {
  return { kind: "deactivate", generation, rolloutId: "r1" as never, app: "shop" as never };
}

it("no order comes before the welcome, and none that was meant for an earlier connection", async () => {
  const { channel, firstEvent, url } = await openChannel();
  const node = new TestNode(url);
  await node.greet();
  const [event, commit] = await firstEvent;
  expect(event).toMatchObject({ kind: "node-hello", nodeId: node.id, remoteHost: "127.0.0.1" });
  channel.send(node.id, order(1));
  commit?.();
  channel.send(node.id, order(2));
  expect(await node.next("deactivate")).toEqual(order(2));
});

it("a connection that ended before its hello was committed is not welcomed", async () => {
  const { channel, submitted, firstEvent, url } = await openChannel();
  const node = new TestNode(url);
  await node.greet();
  const [, commit] = await firstEvent;
  await node.close();
  while (submitted.length < 2) await nextTurn();
  commit?.();
  channel.send(node.id, order(1));
  expect(node.received).toEqual([]);
  expect(submitted.map(([event]) => event.kind)).toEqual(["node-hello", "node-gone"]);
});
