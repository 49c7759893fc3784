// The control connection as a machine: when to connect, greet, beat, give up on silence, and how long to wait
// before the next attempt. Knows nothing of sockets and nothing of orders.
import { type ErrorCode, isErrorCode } from "../../protocol/errors.ts";
import type { Millis } from "../../protocol/ids.ts";
import { HANDSHAKE_TIMEOUT_MS } from "../../protocol/limits.ts";
import { assertNever, type Machine } from "../../protocol/machine.ts";
import { retryDelayMs } from "./backoff.ts";

/** A connection that held this long was a good one: the next loss starts with short waits again. */
const STABLE_AFTER_MS = 10_000;
/** As many silent heartbeat intervals as the coordinator grants a node. */
const SILENT_INTERVALS = 3;
/** Attempt number that puts the wait at its cap: a refusal will not go away within seconds. */
const SLOW_ATTEMPT = 8;

/** Refusals that only a person can mend. */
const LASTING_REFUSALS: ReadonlySet<string> = new Set<ErrorCode>([
  "token-missing",
  "token-wrong",
  "token-expired",
  "token-revoked",
  "permission-denied",
  "protocol-version",
]);

export type SessionEvent =
  | { readonly kind: "start" }
  | { readonly kind: "opened" }
  | { readonly kind: "challenge"; readonly nonce: Uint8Array }
  | { readonly kind: "welcome"; readonly heartbeatIntervalMs: number }
  | { readonly kind: "refuse"; readonly code: string; readonly message: string }
  /** Anything at all arrived, a pong included. */
  | { readonly kind: "heard" }
  | { readonly kind: "closed" }
  | { readonly kind: "tick" };

export type SessionEffect =
  | { readonly kind: "connect" }
  | { readonly kind: "greet"; readonly nonce: Uint8Array }
  | { readonly kind: "online" }
  /** Send a heartbeat, and a ping that a living coordinator answers. */
  | { readonly kind: "beat" }
  | { readonly kind: "disconnect"; readonly reason: string }
  | { readonly kind: "waiting"; readonly delayMs: number; readonly attempt: number }
  /** Refused for good by a coordinator that has never admitted this node: nothing more will be tried. */
  | { readonly kind: "give-up"; readonly code: ErrorCode; readonly message: string };

type State =
  | { readonly kind: "idle" }
  | { readonly kind: "waiting"; readonly until: Millis }
  | { readonly kind: "connecting"; readonly until: Millis }
  | { readonly kind: "greeting"; readonly until: Millis }
  | {
      readonly kind: "online";
      readonly since: Millis;
      readonly beatAt: Millis;
      readonly heardAt: Millis;
      readonly intervalMs: number;
    }
  | { readonly kind: "given-up" };

export interface SessionOptions {
  /** The coordinator has admitted this node before, perhaps in an earlier life of the process. */
  readonly everAdmitted: boolean;
  /** Uniform in [0, 1). */
  readonly random: () => number;
}

export class SessionMachine implements Machine<SessionEvent, SessionEffect> {
  readonly #random: () => number;
  #everAdmitted: boolean;
  #state: State = { kind: "idle" };
  #attempt = 0;

  constructor(options: SessionOptions) {
    this.#random = options.random;
    this.#everAdmitted = options.everAdmitted;
  }

  get online(): boolean {
    return this.#state.kind === "online";
  }

  handle(event: SessionEvent, now: Millis): readonly SessionEffect[] {
    if (this.#state.kind === "given-up") return [];
    switch (event.kind) {
      case "start":
        return this.#connect(now);
      case "opened":
        this.#state = { kind: "greeting", until: now + HANDSHAKE_TIMEOUT_MS };
        return [];
      case "challenge":
        return this.#state.kind === "greeting" ? [{ kind: "greet", nonce: event.nonce }] : [];
      case "welcome":
        return this.#welcomed(event.heartbeatIntervalMs, now);
      case "refuse":
        return this.#refused(event.code, event.message, now);
      case "heard":
        if (this.#state.kind === "online") this.#state = { ...this.#state, heardAt: now };
        return [];
      case "closed":
        return this.#closed(now);
      case "tick":
        return this.#tick(now);
      default:
        return assertNever(event);
    }
  }

  deadline(): Millis | null {
    switch (this.#state.kind) {
      case "idle":
      case "given-up":
        return null;
      case "online":
        return Math.min(this.#state.beatAt, silentAt(this.#state));
      default:
        return this.#state.until;
    }
  }

  #connect(now: Millis): readonly SessionEffect[] {
    this.#state = { kind: "connecting", until: now + HANDSHAKE_TIMEOUT_MS };
    return [{ kind: "connect" }];
  }

  #welcomed(intervalMs: number, now: Millis): readonly SessionEffect[] {
    if (this.#state.kind !== "greeting") return [];
    this.#everAdmitted = true;
    this.#state = { kind: "online", since: now, beatAt: now + intervalMs, heardAt: now, intervalMs };
    return [{ kind: "online" }];
  }

  #refused(code: string, message: string, now: Millis): readonly SessionEffect[] {
    if (!LASTING_REFUSALS.has(code)) {
      return [{ kind: "disconnect", reason: `refused: ${message}` }, ...this.#wait(now)];
    }
    if (!this.#everAdmitted) {
      this.#state = { kind: "given-up" };
      const known = isErrorCode(code) ? code : "internal";
      return [
        { kind: "disconnect", reason: `refused: ${message}` },
        { kind: "give-up", code: known, message },
      ];
    }
    this.#attempt = SLOW_ATTEMPT;
    return [{ kind: "disconnect", reason: `refused: ${message}` }, ...this.#wait(now)];
  }

  #closed(now: Millis): readonly SessionEffect[] {
    if (this.#state.kind === "waiting" || this.#state.kind === "idle") return [];
    return this.#wait(now);
  }

  #wait(now: Millis): readonly SessionEffect[] {
    if (this.#state.kind === "online" && now - this.#state.since >= STABLE_AFTER_MS) this.#attempt = 0;
    const attempt = this.#attempt;
    const delayMs = retryDelayMs(attempt, this.#random());
    this.#attempt += 1;
    this.#state = { kind: "waiting", until: now + delayMs };
    return [{ kind: "waiting", delayMs, attempt }];
  }

  #tick(now: Millis): readonly SessionEffect[] {
    const state = this.#state;
    if (state.kind === "online") return this.#tickOnline(state, now);
    if (state.kind === "idle" || state.kind === "given-up" || now < state.until) return [];
    if (state.kind === "waiting") return this.#connect(now);
    const reason =
      state.kind === "connecting" ? "no connection in time" : "the coordinator did not welcome in time";
    return [{ kind: "disconnect", reason }, ...this.#wait(now)];
  }

  #tickOnline(state: Extract<State, { kind: "online" }>, now: Millis): readonly SessionEffect[] {
    if (now >= silentAt(state)) {
      return [{ kind: "disconnect", reason: "the coordinator went silent" }, ...this.#wait(now)];
    }
    if (now < state.beatAt) return [];
    this.#state = { ...state, beatAt: now + state.intervalMs };
    return [{ kind: "beat" }];
  }
}

function silentAt(state: Extract<State, { kind: "online" }>): Millis {
  return state.heardAt + SILENT_INTERVALS * state.intervalMs;
}
