// The client against a coordinator that refuses, is gone, or is something else altogether.
// The client against a made-up coordinator: what it asks, what it believes, what it says when that fails.
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createClient } from "../../../cli/client.ts";
import type { FleetError } from "../../../protocol/errors.ts";
import { FakeCoordinator } from "../support/fake-coordinator.ts";
import { APP, release, rollout, version } from "../support/fixtures.ts";

const failure = (code: string, message: RegExp) =>
  expect.objectContaining({ code, message: expect.stringMatching(message) as string }) as FleetError;

describe("the client", () => {
  let fake: FakeCoordinator;
  beforeEach(async () => {
    fake = await FakeCoordinator.open();
  });
  afterEach(() => fake.close());

  const client = (token = fake.token) => createClient({ url: fake.url, token });

  it("asks with the token and decodes what it is told", async () => {
    fake.releases = [release("v1")];
    expect(await client().status()).toEqual(fake.status);
    expect(await client().nodes()).toEqual(fake.nodes);
    expect(await client().releases(APP)).toEqual(fake.releases);
    expect(await client().release(APP, version("v1"))).toEqual(fake.releases[0]);
    expect(await client().release(APP, version("v1+b.2"))).toBeNull();
    expect(fake.paths("GET")).toEqual([
      "/v1/status",
      "/v1/nodes",
      "/v1/releases?app=shop",
      "/v1/releases/shop/v1",
      "/v1/releases/shop/v1%2Bb.2",
    ]);
  });

  it("drops keys that only a newer coordinator knows", async () => {
    Object.assign(fake.status, { mood: "sunny" });
    expect(await client().status()).not.toHaveProperty("mood");
  });

  it("tells a refusal as the coordinator told it", async () => {
    await expect(client("wrong").status()).rejects.toThrow(failure("token-wrong", /not known here/));
    fake.refusals.set("POST /v1/rollbacks", { code: "no-previous", message: "nothing before v1" });
    const refused = client().rollBack({ app: APP, version: null });
    await expect(refused).rejects.toThrow(failure("no-previous", /nothing before v1/));
  });

  it("names the address that cannot be reached, and why", async () => {
    const { url } = fake;
    await fake.close();
    const lost = createClient({ url, token: "x" });
    await expect(lost.status()).rejects.toThrow(
      failure("coordinator-unreachable", /127\.0\.0\.1:\d+: the connection was refused/),
    );
    const upload = lost.putArtifact(rollout().sha256, { filePath: import.meta.filename, length: 10 });
    await expect(upload).rejects.toThrow(failure("coordinator-unreachable", /the connection was refused/));
    const unknown = createClient({ url: "http://coordinator.invalid:1", token: "x" });
    await expect(unknown.status()).rejects.toThrow(
      failure("coordinator-unreachable", /coordinator\.invalid/),
    );
    const refused = createClient({ url: "http://127.0.0.1:6000", token: "x" });
    await expect(refused.status()).rejects.toThrow(
      failure("coordinator-unreachable", /let it listen on another/),
    );
    fake = await FakeCoordinator.open();
  });

  it("knows a server that is no coordinator", async () => {
    const answers = [
      { status: 200, body: "<html>", message: /not JSON/ },
      { status: 200, body: "{}", message: /coordinatorVersion/ },
      { status: 502, body: "Bad Gateway", message: /HTTP status 502/ },
      { status: 302, body: "", message: /HTTP status 302/ },
      {
        status: 418,
        body: '{"error":{"code":"teapot","message":"short and stout","next":"pour"}}',
        message: /short and stout \(teapot\)/,
      },
    ];
    const other = createServer((_, response) => {
      const { status, body } = answers[asked] ?? { status: 500, body: "" };
      response.writeHead(status, { location: "http://127.0.0.1:1/" }).end(body);
    });
    let asked = 0;
    other.listen({ host: "127.0.0.1", port: 0 });
    await once(other, "listening");
    const url = `http://127.0.0.1:${(other.address() as AddressInfo).port}`;
    for (const { message } of answers) {
      await expect(createClient({ url, token: "x" }).status()).rejects.toThrow(
        failure("protocol-error", message),
      );
      asked += 1;
    }
    other.closeAllConnections();
    other.close();
  });

  it("knows how far the coordinator's clock is ahead, once it is further than HTTP's seconds", async () => {
    const asking = client();
    await asking.status();
    expect(asking.clockLeadMs()).toBe(0);
  });
});
