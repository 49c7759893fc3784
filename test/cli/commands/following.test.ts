// stage, release, rollback and status --follow: what is asked of the coordinator, what is printed, how it ends.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { runFleet } from "../../../cli/program.ts";
import { FakeCoordinator, type WatchScript } from "../support/fake-coordinator.ts";
import { event, release, rollout, rolloutNodes, STARTED_AT, status } from "../support/fixtures.ts";
import { fleet, TestHost, type TestHostOptions } from "../support/test-host.ts";

const staged = rollout({
  lane: "stage",
  phase: "succeeded",
  finishedAt: STARTED_AT + 3_000,
  originUploadedBytes: 110_000_000,
  nodes: rolloutNodes(2, (index) => ({ phase: "staged", seconds: index, receivedBytes: 100_000_000 })),
});
const healthy = rolloutNodes(2, () => ({ phase: "healthy", seconds: 1, receivedBytes: 100_000_000 }));
const succeeded = rollout({
  phase: "succeeded",
  finishedAt: STARTED_AT + 9_000,
  waves: [1, 1],
  wave: 1,
  nodes: healthy,
});
const rolledBack = rollout({
  phase: "rolled-back",
  code: "rollout-failed",
  message: "node-1 did not become healthy",
  finishedAt: STARTED_AT + 9_000,
  nodes: rolloutNodes(1, () => ({
    phase: "failed",
    code: "health-timeout",
    message: "GET / answered 500",
    logTail: ["boom"],
  })),
});

const endsWith =
  (view: typeof staged): WatchScript =>
  (stream) => {
    stream.history(event(1, "rollout-started", { message: "release to 2 nodes" }));
    stream.history(event(12, "node-healthy", { node: "node-1", message: "healthy" }));
    stream.view(view);
  };

describe("following a rollout", () => {
  let fake: FakeCoordinator;
  let directory: string;
  beforeEach(async () => {
    fake = await FakeCoordinator.open();
    fake.releases = [release("v42")];
    fake.rollout = rollout({ nodes: rolloutNodes(2) });
    directory = await mkdtemp(join(tmpdir(), "fleet-follow-"));
    await writeFile(join(directory, "fleet.yaml"), "app: shop\nstrategy: { rolling: 25% }\n");
  });
  afterEach(async () => {
    await fake.close();
    await rm(directory, { recursive: true });
  });

  const options = (more: TestHostOptions = {}): TestHostOptions => ({
    cwd: directory,
    ...more,
    env: { ...fake.env, ...more.env },
  });
  const run = (...args: string[]) => fleet(args, options());
  const postedTo = (path: string) =>
    fake.asked.find((asked) => asked.method === "POST" && asked.path === path)?.body;

  it("stage prints every node's seconds and the figures over all", async () => {
    fake.watches = [endsWith(staged)];
    const { code, stdout } = await run("stage", "v42", "--link-mbit", "800");
    expect(code).toBe(0);
    expect(postedTo("/v1/stages")).toEqual({ app: "shop", version: "v42" });
    expect(stdout).toContain("    0.10s rollout-started      release to 2 nodes\n");
    expect(stdout).toMatch(/node-1 +1\.00 +100 MB/);
    expect(stdout).toContain("min 1.00 s, p50 1.00 s, p95 2.00 s, last 2.00 s");
    expect(stdout).toContain("1.10 times the artifact");
    expect(stdout).toContain("1.00 s at these link rates; last is 2.00 times that");
  });

  it("stage --json ends with one object of results, after one object per event", async () => {
    fake.watches = [endsWith(staged)];
    const { code, host, stderr } = await run(
      "stage",
      "v42",
      "--json",
      "--link-mbit",
      "1600",
      "--origin-mbit",
      "80",
    );
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(host.jsonLines.map(({ kind }) => kind)).toEqual([
      "rollout-started",
      "node-healthy",
      "stage-result",
    ]);
    expect(host.lastJson).toMatchObject({
      ...{ minSeconds: 1, p50Seconds: 1, p95Seconds: 2, lastSeconds: 2, boundSeconds: 10 },
      ...{ originBytesOverSize: 1.1, receivedBytes: 200_000_000, phase: "succeeded" },
      nodes: [
        { name: "node-1", seconds: 1 },
        { name: "node-2", seconds: 2 },
      ],
    });
  });

  it("release sends the strategy of flags and fleet.yaml, and exits 0 when it is live", async () => {
    fake.watches = [endsWith(succeeded)];
    const { code, stdout, stderr } = await run("release", "v42", "--canary", "2");
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const strategy = { canary: 2, rolling: { kind: "percent", value: 25 }, healthTimeoutMs: 120_000 };
    expect(postedTo("/v1/rollouts")).toEqual({ app: "shop", version: "v42", strategy });
    expect(stdout).toContain("+ shop v42 is live on 2 of 2 nodes after 9.00 s".replace("+", "✓"));
  });

  it("a release that was rolled back exits 3 with the failing node's log, or its result as JSON", async () => {
    fake.watches = [endsWith(rolledBack)];
    const { code, stdout, stderr } = await run("release", "v42");
    expect(code).toBe(3);
    expect(stdout).toContain("✗ node-1  failed  health-timeout: GET / answered 500\n      │ boom\n");
    expect(stderr).toContain("error: shop v42 was rolled back: node-1: GET / answered 500");
    expect(stderr).toContain("  See the last probe's result");
    const asJson = await run("release", "v42", "--json");
    expect(asJson.code).toBe(3);
    expect(asJson.host.lastJson).toMatchObject({
      kind: "rollout-result",
      phase: "rolled-back",
      version: "v42",
    });
  });

  it("a release that no node may take exits 5", async () => {
    const nodes = rolloutNodes(2, () => ({
      phase: "stage-failed",
      code: "manifest-untrusted",
      message: "signed by nobody",
    }));
    fake.watches = [
      endsWith(rollout({ phase: "failed", code: "stage-failed", message: "2 nodes could not", nodes })),
    ];
    const { code, stderr } = await run("release", "v42");
    expect(code).toBe(5);
    expect(stderr).toContain("node-1: signed by nobody (and 1 more node)");
  });

  it("refuses what cannot work before a rollout exists", async () => {
    const cases: [string[], string][] = [
      [["release", "v9"], "shop v9 is not published"],
      [["release", "v42", "--rolling", "0"], "--rolling 0"],
      [["release", "v42", "nowhere.tar"], "nowhere.tar: there is no such file"],
    ];
    for (const [args, message] of cases) {
      const { code, stderr } = await run(...args);
      expect(code).toBe(2);
      expect(stderr).toContain(message);
    }
    const [first] = fake.releases;
    const health = {
      ...release("v42").manifest.health,
      probes: [{ kind: "tcp", address: "x:1" }] as const,
      intervalMs: 60_000,
    };
    if (first !== undefined) fake.releases = [{ ...first, manifest: { ...first.manifest, health } }];
    const { code, stderr } = await run("release", "v42", "--health-timeout", "1m");
    expect(code).toBe(2);
    expect(stderr).toContain("--health-timeout 1m is over before 3 rounds 1m apart can pass");
    expect(fake.paths("POST")).toEqual([]);
  });

  it("rollback asks for the version or for none, and is content when a running release was undone", async () => {
    fake.watches = [endsWith(rolledBack)];
    const undone = await run("rollback");
    expect({ code: undone.code, stderr: undone.stderr }).toEqual({ code: 0, stderr: "" });
    expect(undone.stdout).toContain("✓ shop v42 was rolled back");
    expect(postedTo("/v1/rollbacks")).toEqual({ app: "shop", version: null });
    fake.watches = [endsWith({ ...succeeded, lane: "rollback" })];
    expect((await run("rollback", "v41")).code).toBe(0);
    expect(fake.asked.at(-2)?.body).toEqual({ app: "shop", version: "v41" });
  });

  it("status --follow takes the running rollout, and one that ended is told at once", async () => {
    expect((await run("status", "--follow")).stdout).toContain("no rollout is running");
    fake.status = status({ rollouts: [rollout()] });
    fake.watches = [endsWith(succeeded)];
    expect((await run("status", "--follow")).stdout).toContain("is live on 2 of 2 nodes");
    fake.rollout = rolledBack;
    fake.watches = [];
    const ended = await run("status", "--follow", "r7");
    expect(ended.code).toBe(3);
    expect(ended.stdout).toContain("was rolled back");
    expect((await run("status", "--follow", "R!")).code).toBe(2);
  });

  it("says on stderr when the connection is lost and found again", async () => {
    fake.watches = [(stream) => stream.cut(), endsWith(succeeded)];
    const { code, stderr } = await run("release", "v42");
    expect(code).toBe(0);
    expect(stderr).toBe("no connection to the coordinator; trying again\nthe coordinator is back\n");
  });

  it("Ctrl-C leaves the rollout alone and says how to come back; a second one ends the process", async () => {
    for (const isTTY of [false, true]) {
      fake.watches = [(stream) => stream.history(event(1, "rollout-started", { message: "off it goes" }))];
      const host = new TestHost(options({ isTTY }));
      const running = runFleet(["release", "v42"], host);
      await host.printed(isTTY ? "release shop v42" : "off it goes");
      host.signal("SIGINT");
      host.signal("SIGINT");
      expect(host.exitCodes).toEqual([130]);
      expect(await running).toBe(130);
      expect(host.stderr.text).toBe(
        "left r7, which brings out shop v42\n  It goes on without you; come back with `fleet status --follow r7`.\n",
      );
      expect(host.openListeners).toBe(0);
    }
  });

  it("on a terminal draws in place, and leaves only the summary", async () => {
    fake.watches = [endsWith(succeeded)];
    const { stdout } = await fleet(
      ["release", "v42"],
      options({ isTTY: true, columns: 100, rows: 30, env: { NO_COLOR: "1" } }),
    );
    expect(stdout).toContain("\u001b[?25l");
    expect(stdout).toContain("fetch     ");
    expect(stdout).not.toContain("\u001b[3");
    expect(stdout.split("\u001b[J\u001b[?25h").at(-1)).toMatch(/^✓ shop v42 is live on 2 of 2 nodes/);
  });

  it("a terminal that can do nothing gets lines", async () => {
    fake.watches = [endsWith(succeeded)];
    const { stdout } = await fleet(
      ["release", "v42"],
      options({ isTTY: true, env: { TERM: "dumb", LC_ALL: "C" } }),
    );
    expect(stdout).not.toContain("\u001b");
    expect(stdout).toContain("rollout-started");
    expect(stdout).toContain("+ shop v42 is live");
  });
});
