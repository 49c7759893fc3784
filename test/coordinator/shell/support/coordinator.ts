// A whole coordinator on loopback with a swarm that only remembers, and what a test needs to talk to it.
import { expect } from "vitest";
import type { ShellLimits } from "../../../../coordinator/shell/limits.ts";
import { SHELL_LIMITS } from "../../../../coordinator/shell/limits.ts";
import { type Coordinator, runCoordinator } from "../../../../coordinator/shell/run-coordinator.ts";
import { openTokenStore, type TokenStore } from "../../../../coordinator/shell/token-store.ts";
import { formatToken, type TokenKind } from "../../../../protocol/shell/token.ts";
import { createArtifactVerifier } from "../../../../seeder/index.ts";
import { type CapturedLogs, captureLogs } from "./logs.ts";
import type { TestRelease } from "./release.ts";
import { FakeSwarm } from "./swarm.ts";

const LOOPBACK = { host: "127.0.0.1", port: 0 };

export interface Reply {
  readonly status: number;
  readonly body: unknown;
  readonly headers: Headers;
}

export class TestCoordinator {
  readonly coordinator: Coordinator;
  readonly swarm: FakeSwarm;
  readonly logs: CapturedLogs;
  readonly tokens: TokenStore;
  readonly operator: string;

  private constructor(coordinator: Coordinator, swarm: FakeSwarm, logs: CapturedLogs, tokens: TokenStore) {
    this.coordinator = coordinator;
    this.swarm = swarm;
    this.logs = logs;
    this.tokens = tokens;
    this.operator = this.createToken("operator");
  }

  static async start(dataDirectory: string, limits: Partial<ShellLimits> = {}): Promise<TestCoordinator> {
    const swarm = new FakeSwarm();
    const logs = captureLogs();
    const coordinator = await runCoordinator(
      { dataDirectory, listen: LOOPBACK, swarmListen: LOOPBACK, version: "1.2.3", logger: logs.logger },
      {
        openSwarm: async () => swarm,
        createVerifier: createArtifactVerifier,
        limits: { ...SHELL_LIMITS, ...limits },
      },
    );
    return new TestCoordinator(coordinator, swarm, logs, openTokenStore(dataDirectory));
  }

  get url(): string {
    return this.coordinator.url;
  }

  createToken(kind: TokenKind, expiresAt: number | null = null): string {
    return formatToken(this.tokens.create(kind, { trust: [], expiresAt, note: "" }));
  }

  async close(): Promise<void> {
    this.tokens.close();
    await this.coordinator.close();
  }

  /** As an operator, unless another token is given; null sends none. */
  async call(
    method: string,
    path: string,
    options: { token?: string | null; body?: unknown; raw?: Buffer; headers?: Record<string, string> } = {},
  ): Promise<Reply> {
    const { token = this.operator, body, raw } = options;
    const headers = new Headers(options.headers);
    if (token !== null) headers.set("authorization", `Bearer ${token}`);
    const content = raw ?? (body === undefined ? null : JSON.stringify(body));
    const response = await fetch(this.url + path, {
      method,
      headers,
      body: content === null ? null : new Uint8Array(Buffer.from(content)),
    });
    const text = await response.text();
    return {
      status: response.status,
      headers: response.headers,
      body: text === "" ? null : JSON.parse(text),
    };
  }

  async publish(release: TestRelease): Promise<Reply> {
    await this.call("PUT", `/v1/artifacts/${release.sha256}`, { raw: release.bytes });
    return this.call("POST", "/v1/releases", { body: release.publish });
  }
}

/** What a reply with this error code looks like. */
export function refusal(status: number, code: string): object {
  return { status, body: { error: { code, message: expect.any(String), next: expect.any(String) } } };
}
