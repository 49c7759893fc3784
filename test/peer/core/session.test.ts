// The control session in virtual time: greeting, heartbeats, silence, refusals and the waits between attempts.
import { describe, expect, test } from "vitest";
import { RETRY_CAP_MS, RETRY_FIRST_MS, retryDelayMs } from "../../../peer/core/backoff.ts";
import { type SessionEffect, SessionMachine } from "../../../peer/core/session.ts";
import { HANDSHAKE_TIMEOUT_MS } from "../../../protocol/limits.ts";

const INTERVAL_MS = 5_000;
const nonce = new Uint8Array(32);

function machine(everAdmitted = false, random = 0): SessionMachine {
  return new SessionMachine({ everAdmitted, random: () => random });
}

function online(session = machine()): SessionMachine {
  session.handle({ kind: "start" }, 0);
  session.handle({ kind: "opened" }, 0);
  session.handle({ kind: "challenge", nonce }, 0);
  session.handle({ kind: "welcome", heartbeatIntervalMs: INTERVAL_MS }, 0);
  return session;
}

function kinds(effects: readonly SessionEffect[]): string[] {
  return effects.map((effect) => effect.kind);
}

describe("the wait before another attempt", () => {
  test("starts short, doubles and stops growing at the cap, for any count and any draw", () => {
    expect(retryDelayMs(0, 0)).toBe(RETRY_FIRST_MS / 2);
    for (let attempt = 0; attempt < 2_000; attempt += 1) {
      const ceiling = Math.min(RETRY_CAP_MS, RETRY_FIRST_MS * 2 ** Math.min(attempt, 20));
      for (const random of [0, 0.5, 0.999_999]) {
        const delay = retryDelayMs(attempt, random);
        expect(delay).toBeGreaterThanOrEqual(ceiling / 2);
        expect(delay).toBeLessThanOrEqual(ceiling);
      }
    }
  });

  test("spreads a thousand nodes that lost the coordinator an hour ago below a tenth of them a second", () => {
    const perSecond = new Map<number, number>();
    for (let node = 0; node < 1_000; node += 1) {
      const second = Math.floor(retryDelayMs(60, node / 1_000) / 1_000);
      perSecond.set(second, (perSecond.get(second) ?? 0) + 1);
    }
    expect(Math.max(...perSecond.values())).toBeLessThanOrEqual(100);
  });
});

describe("the control session", () => {
  test("connects, answers the challenge and is online after the welcome", () => {
    const session = machine();
    expect(kinds(session.handle({ kind: "start" }, 0))).toEqual(["connect"]);
    expect(session.handle({ kind: "opened" }, 1)).toEqual([]);
    expect(session.handle({ kind: "challenge", nonce }, 2)).toEqual([{ kind: "greet", nonce }]);
    expect(session.online).toBe(false);
    expect(kinds(session.handle({ kind: "welcome", heartbeatIntervalMs: INTERVAL_MS }, 3))).toEqual([
      "online",
    ]);
    expect(session.online).toBe(true);
  });

  test("takes no welcome before it has a connection", () => {
    const session = machine();
    session.handle({ kind: "start" }, 0);
    expect(session.handle({ kind: "welcome", heartbeatIntervalMs: INTERVAL_MS }, 0)).toEqual([]);
    expect(session.online).toBe(false);
  });

  test("beats at the interval while the coordinator is heard", () => {
    const session = online();
    for (let beat = 1; beat <= 20; beat += 1) {
      expect(session.deadline()).toBe(beat * INTERVAL_MS);
      expect(kinds(session.handle({ kind: "tick" }, beat * INTERVAL_MS))).toEqual(["beat"]);
      session.handle({ kind: "heard" }, beat * INTERVAL_MS + 1);
    }
  });

  test("gives a silent coordinator up after three intervals and tries again", () => {
    const session = online();
    session.handle({ kind: "tick" }, INTERVAL_MS);
    session.handle({ kind: "tick" }, 2 * INTERVAL_MS);
    expect(kinds(session.handle({ kind: "tick" }, 3 * INTERVAL_MS))).toEqual(["disconnect", "waiting"]);
    const retryAt = session.deadline() ?? 0;
    expect(kinds(session.handle({ kind: "tick" }, retryAt))).toEqual(["connect"]);
  });

  test("gives up on a connection that opens but never welcomes", () => {
    const session = machine();
    session.handle({ kind: "start" }, 0);
    session.handle({ kind: "opened" }, 5);
    expect(session.deadline()).toBe(5 + HANDSHAKE_TIMEOUT_MS);
    expect(kinds(session.handle({ kind: "tick" }, 5 + HANDSHAKE_TIMEOUT_MS))).toEqual([
      "disconnect",
      "waiting",
    ]);
  });

  test("waits longer with each failure, and short again after a connection that held", () => {
    const session = machine();
    session.handle({ kind: "start" }, 0);
    let now = 0;
    const delays: number[] = [];
    for (let failure = 0; failure < 12; failure += 1) {
      session.handle({ kind: "closed" }, now);
      const retryAt = session.deadline() ?? 0;
      delays.push(retryAt - now);
      now = retryAt;
      session.handle({ kind: "tick" }, now);
    }
    expect(delays.slice(0, 3)).toEqual([125, 250, 500]);
    expect(delays.at(-1)).toBe(RETRY_CAP_MS / 2);
    session.handle({ kind: "opened" }, now);
    session.handle({ kind: "welcome", heartbeatIntervalMs: INTERVAL_MS }, now);
    session.handle({ kind: "closed" }, now + 60_000);
    expect(session.deadline()).toBe(now + 60_000 + 125);
  });

  test("does not start with short waits again when connections break right after the welcome", () => {
    const session = online();
    session.handle({ kind: "closed" }, 10);
    const first = (session.deadline() ?? 0) - 10;
    session.handle({ kind: "tick" }, 10 + first);
    session.handle({ kind: "opened" }, 200);
    session.handle({ kind: "welcome", heartbeatIntervalMs: INTERVAL_MS }, 200);
    session.handle({ kind: "closed" }, 210);
    expect((session.deadline() ?? 0) - 210).toBeGreaterThan(first);
  });

  test.each(["token-wrong", "token-expired", "token-revoked", "protocol-version"])(
    "gives up for good on %s when it was never admitted",
    (code) => {
      const session = machine(false);
      session.handle({ kind: "start" }, 0);
      session.handle({ kind: "opened" }, 0);
      const effects = session.handle({ kind: "refuse", code, message: "no" }, 1);
      expect(effects.at(-1)).toEqual({ kind: "give-up", code, message: "no" });
      expect(session.deadline()).toBeNull();
      expect(session.handle({ kind: "closed" }, 2)).toEqual([]);
    },
  );

  test("keeps trying slowly when a coordinator that once admitted it refuses", () => {
    const session = machine(true);
    session.handle({ kind: "start" }, 0);
    session.handle({ kind: "opened" }, 0);
    const effects = session.handle({ kind: "refuse", code: "token-revoked", message: "no" }, 0);
    expect(kinds(effects)).toEqual(["disconnect", "waiting"]);
    expect(session.deadline()).toBe(RETRY_CAP_MS / 2);
  });

  test("tries again after a refusal that passes", () => {
    const session = machine(false);
    session.handle({ kind: "start" }, 0);
    session.handle({ kind: "opened" }, 0);
    expect(kinds(session.handle({ kind: "refuse", code: "overloaded", message: "busy" }, 0))).toEqual([
      "disconnect",
      "waiting",
    ]);
  });
});
