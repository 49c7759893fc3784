// A whole peer meets a coordinator that speaks the real protocol: hello, refusals, reconnects, locks and secrets.
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { pino } from "pino";
import { describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import {
  APPS_PER_NODE_MAX,
  COORDINATOR_FRAME_BYTES_MAX,
  LOG_LINE_CHARS_MAX,
  LOG_TAIL_LINES_MAX,
} from "../../../protocol/limits.ts";
import { createToken, formatToken, type TokenKind } from "../../../protocol/shell/token.ts";
import { until } from "../processes.ts";
import { activateOrderOf, publisher, startLab } from "./fake-fleet.ts";
import { testRelease } from "./fake-world.ts";

const v1 = testRelease("v1");

/** What a WebSocket is closed with when a message is too long, RFC 6455 section 7.4.1. */
const TOO_BIG = 1_009;

describe("joining", () => {
  test("the hello is signed over the challenge and says who and where the node is", async () => {
    const one = await startLab();
    const peer = await one.start({ listen: { host: "127.0.0.1", port: 0 } });
    await peer.admitted;
    expect(one.coordinator.hellos[0]).toMatchObject({
      name: "node-1",
      labels: { zone: "a" },
      agentVersion: "1.0.0",
      swarm: { host: "127.0.0.1", port: peer.swarmPort },
      apps: [],
    });
    await one.coordinator.next("heartbeat", 1);
  });

  test("a node that listens everywhere leaves its address to the coordinator", async () => {
    const one = await startLab();
    await (await one.start()).admitted;
    expect(one.coordinator.hellos[0]?.swarm.host).toBeNull();
  });

  test("publisher keys in the join token are trusted, at the next start too", async () => {
    const one = await startLab(v1);
    const joinToken = formatToken(createToken("node", [publisher.publicKey]));
    const peer = await one.start({ trust: [], joinToken: ` ${joinToken}\n` });
    await peer.admitted;
    expect(one.coordinator.hellos[0]?.joinToken).toBe(joinToken);
    await peer.close();
    await (await one.start({ trust: [] })).admitted;
    await one.stage(v1);
  });

  test.each(["token-wrong", "token-expired", "protocol-version"])(
    "a node that is new to the fleet reports %s and stops trying",
    async (code) => {
      const one = await startLab();
      one.coordinator.answer = { refuse: code };
      const peer = await one.start();
      await expect(peer.admitted).rejects.toMatchObject({ code, message: "not today" });
      expect(one.coordinator.connections).toHaveLength(1);
    },
  );

  test("a node that was admitted once keeps trying", async () => {
    const one = await startLab();
    const first = await one.start();
    await first.admitted;
    await until("remembered", async () =>
      (await readFile(join(one.folder, "state", "node.json"), "utf8")).includes('"admitted":true'),
    );
    await first.close();
    one.coordinator.answer = { refuse: "token-revoked" };
    const second = await one.start();
    let settled = false;
    second.admitted.then(
      () => {
        settled = true;
      },
      () => {
        settled = true;
      },
    );
    await until("refused", () => one.coordinator.hellos.length === 2);
    await new Promise((resolve) => setImmediate(resolve));
    expect(settled).toBe(false);
  });

  test("a node that loses the coordinator comes back", async () => {
    const one = await startLab();
    await (await one.start()).admitted;
    one.coordinator.disconnect();
    await until("a second hello", () => one.coordinator.hellos.length === 2);
    await one.coordinator.next("heartbeat");
  });

  test("a coordinator that sends what is no message is left and tried again", async () => {
    const one = await startLab();
    await (await one.start()).admitted;
    one.coordinator.sendRaw(new Uint8Array([0xc1, 0xff]));
    await until("a second hello", () => one.coordinator.hellos.length === 2);
  });

  test("nothing is done for a coordinator before it has welcomed the node", async () => {
    const one = await startLab();
    one.coordinator.answer = "silence";
    const peer = await one.start();
    await until("hello", () => one.coordinator.hellos.length === 1);
    const [hello] = one.coordinator.hellos;
    one.coordinator.send(activateOrderOf(v1, 5));
    if (hello) one.coordinator.welcome(hello);
    await peer.admitted;
    one.coordinator.send(activateOrderOf(v1, 6));
    expect(await one.coordinator.next("activated")).toMatchObject({ generation: 6 });
    expect(one.coordinator.sent("activated")).toHaveLength(1);
  });

  test("a hello with more log lines than fit leaves them out, and no app", async () => {
    const one = await startLab();
    const outcome = {
      kind: "failed",
      code: "hook-failed",
      message: "failed",
      logTail: Array.from({ length: LOG_TAIL_LINES_MAX }, () => "\u8a9e".repeat(LOG_LINE_CHARS_MAX)),
      restored: "none",
    };
    const journals = join(one.folder, "state", "apps");
    await mkdir(journals, { recursive: true });
    for (let index = 0; index < APPS_PER_NODE_MAX; index += 1) {
      const app = `app-${index}`;
      const order = { kind: "deactivate", generation: 1, rolloutId: "r1", app };
      const current = { order, from: null, fallback: null, phase: null, failure: null, outcome };
      const journal = { format: 1, app, healthy: null, previous: null, current, next: null };
      await writeFile(join(journals, `${app}.json`), JSON.stringify(journal));
    }
    await (await one.start()).admitted;
    const apps = one.coordinator.hellos[0]?.apps ?? [];
    expect(apps).toHaveLength(APPS_PER_NODE_MAX);
    for (const { lastOrder } of apps) expect(lastOrder?.outcome).toEqual({ ...outcome, logTail: [] });
  });

  test("a coordinator that sends more than a message may have is left before it is all here", async () => {
    const one = await startLab();
    await (await one.start()).admitted;
    one.coordinator.sendRaw(new Uint8Array(COORDINATOR_FRAME_BYTES_MAX + 1));
    await until("left", () => one.coordinator.connections[0]?.readyState === WebSocket.CLOSED);
    expect(one.coordinator.closeCodes[0]).toBe(TOO_BIG);
  });

  test("no secret of the token gets into the log", async () => {
    const one = await startLab(v1);
    const token = createToken("node", [publisher.publicKey]);
    const log = new PassThrough();
    const peer = await one.start({ joinToken: formatToken(token), logger: pino({ level: "trace" }, log) });
    await peer.admitted;
    await one.stage(v1);
    await one.activate(v1);
    await peer.close();
    const text = String(log.read());
    expect(text).toContain("welcomed by the coordinator");
    expect(text).not.toContain(token.secret);
  });

  test.each([
    ["a token that is none", { joinToken: "secret" }, "token-wrong"],
    ["an operator's token", { joinToken: tokenOf("operator") }, "permission-denied"],
    ["an address that is none", { url: "coordinator" }, "usage"],
  ])("%s is refused before anything starts", async (_, change, code) => {
    const one = await startLab();
    await expect(one.start(change)).rejects.toMatchObject({ code });
    expect(one.coordinator.connections).toHaveLength(0);
  });

  test("the swarm is told when the coordinator goes away and when it is back", async () => {
    const lab = await startLab();
    await lab.start();
    await until("a session", () => lab.world.coordinatorAway === false);
    lab.coordinator.answer = "silence";
    lab.coordinator.disconnect();
    await until("the loss is known", () => lab.world.coordinatorAway === true);
    lab.coordinator.answer = "welcome";
    lab.coordinator.disconnect();
    await until("another session", () => lab.world.coordinatorAway === false);
  });

  test("two agents never share a state directory", async () => {
    const one = await startLab();
    const peer = await one.start();
    await expect(one.start()).rejects.toMatchObject({ code: "data-locked" });
    await peer.close();
    await one.start();
  });
});

function tokenOf(kind: TokenKind): string {
  return formatToken(createToken(kind, []));
}
