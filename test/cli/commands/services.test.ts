// coordinator and peer: from the ready line to the graceful stop, together in one process.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { runFleet } from "../../../cli/program.ts";
import { removeTree } from "../../../peer/index.ts";
import { fleet, TestHost } from "../support/test-host.ts";

describe("long-running commands", () => {
  let directory: string;
  const running: { host: TestHost; ended: Promise<number> }[] = [];

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "fleet-services-"));
  });

  afterEach(async () => {
    for (const { host, ended } of running.splice(0).reverse()) {
      host.signal("SIGTERM");
      await ended;
    }
    await removeTree(directory);
    await rm(directory, { recursive: true, force: true });
  });

  function start(args: readonly string[], options: ConstructorParameters<typeof TestHost>[0] = {}) {
    const host = new TestHost({ cwd: directory, ...options });
    const service = { host, ended: runFleet(args, host) };
    running.push(service);
    return service;
  }

  const listening = ["--data", "data", "--listen", "127.0.0.1:0", "--swarm-listen", "127.0.0.1:0"];

  async function startCoordinator(): Promise<string> {
    const { host, ended } = start(["coordinator", ...listening, "--json"]);
    await Promise.race([host.printed('"kind":"ready"'), ended]);
    return String(host.lastJson.url);
  }

  it("the coordinator says where it is, and on its first start what comes next", async () => {
    const first = start(["coordinator", ...listening]);
    await first.host.printed("fleet release v1");
    expect(first.host.stdout.text).toMatch(
      /^coordinator ready at http:\/\/127\.0\.0\.1:\d+, swarm on port \d+\n$/,
    );
    expect(first.host.stderr.text).toContain("fleet token create operator --data data");
    first.host.signal("SIGINT");
    expect(await first.ended).toBe(0);
    await fleet(["token", "create", "operator", "--data", "data"], { cwd: directory });
    const second = start(["coordinator", ...listening]);
    await second.host.printed("coordinator ready");
    second.host.signal("SIGTERM");
    expect(await second.ended).toBe(0);
    expect(second.host.stderr.text).not.toContain("Nobody has a token");
    expect(second.host.openListeners).toBe(0);
  });

  it("the coordinator refuses a port that is taken, and a folder that is in use", async () => {
    const url = await startCoordinator();
    const { port } = new URL(url);
    const elsewhere = await fleet(
      ["coordinator", "--data", "other", "--listen", `127.0.0.1:${port}`, "--swarm-listen", "127.0.0.1:0"],
      { cwd: directory },
    );
    expect(elsewhere.code).toBe(5);
    expect(elsewhere.stderr).toContain(`port ${port}`);
    const same = await fleet(["coordinator", ...listening], { cwd: directory });
    expect(same.code).toBe(5);
    expect(same.stderr).toContain("another coordinator");
  });

  it("the coordinator refuses a cap that is no rate, and a zone that no label could name", async () => {
    const rate = await fleet(["coordinator", ...listening, "--upload-max", "5"], { cwd: directory });
    expect(rate.code).toBe(2);
    expect(rate.stderr).toContain("--upload-max");
    expect(rate.stderr).toContain("50Mbit");
    const zone = await fleet(["coordinator", ...listening, "--zone", "z".repeat(300)], { cwd: directory });
    expect(zone.code).toBe(2);
    expect(zone.stderr).toContain("--zone");
  });

  it("a peer joins with a token, comes back without one, and is told apart by its name", async () => {
    const url = await startCoordinator();
    const create = (kind: string) => fleet(["token", "create", kind, "--data", "data"], { cwd: directory });
    await writeFile(join(directory, "node.token"), (await create("node")).stdout);
    const operator = (await create("operator")).stdout.trim();
    const place = ["--root", "root", "--state", "state", "--listen", "127.0.0.1:0", "--url", url];
    const joining = start(["peer", ...place, "--token-file", "node.token", "--label", "zone=a=b"]);
    await joining.host.printed("test-host has joined");
    const nodes = await fleet(["nodes", "--json"], {
      cwd: directory,
      env: { FLEET_URL: url, FLEET_TOKEN: operator },
    });
    expect(nodes.host.lastJson).toMatchObject({
      nodes: [{ name: "test-host", online: true, labels: { zone: "a=b" } }],
    });
    joining.host.signal("SIGTERM");
    expect(await joining.ended).toBe(0);
    await rm(join(directory, "node.token"));
    const again = start(["peer", ...place, "--token-file", "node.token", "--name", "renamed", "--json"], {
      env: { FLEET_TOKEN: operator },
    });
    await again.host.printed('"kind":"ready"');
    expect(again.host.lastJson).toMatchObject({ name: "renamed", url });
    expect(again.host.stderr.text).toContain("there is no token file");
  });

  it("a peer that is refused for good says why and ends", async () => {
    const url = await startCoordinator();
    const place = ["--root", "root", "--state", "state", "--listen", "127.0.0.1:0", "--url", url];
    const tokenless = await fleet(["peer", ...place], { cwd: directory });
    expect(tokenless.code).toBe(5);
    expect(tokenless.stderr).toContain("error: ");
    const operator = (await fleet(["token", "create", "operator", "--data", "data"], { cwd: directory }))
      .stdout;
    await writeFile(join(directory, "wrong.token"), operator);
    const wrong = await fleet(["peer", ...place, "--token-file", "wrong.token"], { cwd: directory });
    expect(wrong.code).toBe(5);
    expect(wrong.stderr).toContain("joining needs a node token");
  });
});
