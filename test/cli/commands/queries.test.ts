// Commands that only ask: nodes, releases, status, version, and what every command line has in common.
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { FakeCoordinator } from "../support/fake-coordinator.ts";
import { node, release, rollout, rolloutNodes, STARTED_AT, status, version } from "../support/fixtures.ts";
import { fleet } from "../support/test-host.ts";

describe("commands that ask", () => {
  let fake: FakeCoordinator;
  beforeEach(async () => {
    fake = await FakeCoordinator.open();
  });
  afterEach(() => fake.close());

  const run = (...args: string[]) => fleet(args, { env: fake.env, now: () => STARTED_AT + 600_000 });

  it("nodes shows who is there and what is live on each", async () => {
    fake.nodes = [node(1), node(2, { online: false, labels: { evil: "\u001b[2Jx" }, apps: [] })];
    const { code, stdout } = await run("nodes", "--app", "shop");
    expect(code).toBe(0);
    expect(stdout.split("\n")).toEqual([
      "NODE    STATE                     LIVE  INSTALLED  LABELS      ADDRESS         AGENT",
      "node-1  online                    v41   v41,v40    zone=a      127.0.0.1:7001  0.1.0",
      "node-2  offline, seen 10 min ago  -     -          evil=·[2Jx  127.0.0.1:7002  0.1.0",
      "",
    ]);
    expect((await run("nodes")).stdout).toContain("shop:v41");
    expect((await run("nodes", "--json")).host.jsonLines).toEqual([{ nodes: fake.nodes }]);
  });

  it("releases lists the newest first, with their standing", async () => {
    const first = release("v1");
    const second = {
      ...release("v2", { standing: "bad" }),
      manifest: { ...first.manifest, version: version("v2"), sequence: 2 },
    };
    fake.releases = [first, second];
    const { stdout, host } = await run("releases");
    expect(stdout.split("\n").map((line) => line.slice(0, 60).trimEnd())).toEqual([
      "APP   VERSION  NUMBER  STANDING     SIZE  PUBLISHED   SHA-25",
      "shop  v2            2  bad        100 MB  10 min ago  ababab",
      "shop  v1            1  published  100 MB  10 min ago  ababab",
      "",
    ]);
    expect(host.stderr.text).toBe("");
    expect((await run("releases", "--json")).host.lastJson).toEqual({ releases: fake.releases });
  });

  it("status sums the fleet up", async () => {
    const nodes = rolloutNodes(2, () => ({ phase: "healthy" }));
    const ended = rollout({
      phase: "rolled-back",
      waves: [1, 1],
      nodes,
      message: "node-1 did not become healthy",
    });
    fake.status = status({ rollouts: [ended] });
    const { stdout } = await run("status");
    expect(stdout).toContain(`${fake.url}  fleet 0.1.0, 2 of 2 nodes online`);
    expect(stdout).toMatch(/^shop +v41 +v41 on 2$/m);
    expect(stdout).toMatch(
      /^r7 +release shop v42 +rolled back +2 +1, 1 +10 min ago +node-1 did not become healthy$/m,
    );
    expect((await run("status", "--json")).host.lastJson).toEqual(fake.status);
  });

  it("each says what to do when there is nothing yet", async () => {
    fake.nodes = [];
    fake.status = status({ apps: [] });
    expect((await run("nodes")).stdout).toContain("fleet peer");
    expect((await run("releases")).stdout).toContain("fleet publish");
    expect((await run("status")).stdout).toContain("no app has been published yet");
  });

  it("a refusal has a message, a next step and the exit code of its kind, in text and as JSON", async () => {
    fake.refusals.set("GET /v1/nodes", { code: "token-expired", message: "the token ended yesterday" });
    const { code, stdout, stderr, host } = await run("nodes", "--json");
    expect(code).toBe(5);
    expect(host.lastJson).toEqual({
      error: {
        code: "token-expired",
        message: "the token ended yesterday",
        next: "Make a new token with `fleet token create`.",
      },
    });
    expect(stderr).toBe("error: the token ended yesterday\n  Make a new token with `fleet token create`.\n");
    expect(stdout).not.toContain(fake.token);
  });

  it("no token ever appears in what is printed", async () => {
    for (const args of [["nodes"], ["status"], ["releases"], ["stage", "v1", "--app", "shop"]]) {
      const { stdout, stderr } = await run(...args);
      expect(stdout + stderr).not.toContain(fake.token.slice(-64));
    }
  });
});

describe("a command line that makes no sense", () => {
  it.each([
    [["nodez"], "unknown command 'nodez'; did you mean nodes?", "`fleet --help` shows what it takes."],
    [["release"], "missing required argument 'version'", "`fleet release --help` shows what it takes."],
    [
      ["release", "v1", "--rollin", "3"],
      "unknown option '--rollin'; did you mean --rolling?",
      "`fleet release --help`",
    ],
    [["release", "v1", "--rolling"], "option '--rolling <n|n%>' argument missing", "`fleet release --help`"],
    [["nodes", "--url"], "option '--url <url>' argument missing", "`fleet nodes --help`"],
    [["coordinator"], "required option '--data <dir>' not specified", "`fleet coordinator --help`"],
    [["nodes"], "no coordinator is named", "FLEET_URL"],
    [["release", "v1", "--rolling", "0"], "--rolling 0", "10%"],
    [["release", "v1", "--rolling", "150%"], "--rolling 150%", "10%"],
    [["release", "v1", "--rolling", "abc"], "--rolling abc", "10%"],
    [["release", "no spaces"], "VERSION: expected a version", "letters, digits"],
    [["stage", "v1", "--origin-mbit", "5"], "--origin-mbit needs --link-mbit", ""],
    [["stage", "v1", "--link-mbit", "fast"], "--link-mbit fast: expected a rate in Mbit/s", ""],
    [
      ["token", "create", "king", "--data", "x"],
      "a token is for a `node` or an `operator`, not for king",
      "",
    ],
    [
      ["token", "create", "operator", "--data", "x", "--trust", "A".repeat(43)],
      "--trust is for node tokens",
      "",
    ],
    [
      ["token", "create", "node", "--data", "x", "--trust", "abc"],
      "--trust: expected an Ed25519 public key",
      "",
    ],
    [
      ["token", "create", "node", "--data", "x", "--expires", "soon"],
      "--expires soon: expected a duration",
      "",
    ],
    [["coordinator", "--data", "x", "--listen", "7700"], "--listen 7700: the port is missing", ""],
    [
      ["peer", "--root", "r", "--state", "s", "--label", "zone", "--url", "http://x:1"],
      "--label zone: expected KEY=VALUE",
      "",
    ],
    [
      ["peer", "--root", "r", "--state", "s", "--name", "a b", "--url", "http://x:1"],
      "--name: expected a node name",
      "",
    ],
    [
      ["peer", "--root", "r", "--state", "s", "--url", "http://x:1", "--log-level", "loud"],
      "--log-level loud: expected",
      "",
    ],
  ])("%j exits 2 and says why", async (args, message, next) => {
    const { code, stdout, stderr } = await fleet(args);
    expect(code).toBe(2);
    expect(stdout).toBe("");
    expect(stderr).toContain(`error: ${message}`);
    expect(stderr).toContain(next);
    const asJson = await fleet(withJson(args));
    expect(asJson.code).toBe(2);
    expect(asJson.host.lastJson).toMatchObject({
      error: { message: expect.stringContaining(message) as string },
    });
  });

  it("shows help on stderr when no command is named", async () => {
    const { code, stdout, stderr } = await fleet([]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toContain("Usage: fleet");
  });
});

describe("help and version", () => {
  it("go to stdout and exit 0", async () => {
    for (const args of [
      ["--help"],
      ["help", "release"],
      ["release", "--help"],
      ["token", "create", "--help"],
    ]) {
      const { code, stdout, stderr } = await fleet(args);
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
      expect(stdout).toContain("Usage: fleet");
    }
    expect((await fleet(["--version"])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
    expect((await fleet(["version", "--json"])).host.lastJson).toMatchObject({
      version: expect.any(String) as string,
      protocol: 1,
    });
  });
});

/** Where it cannot be taken for the value of the option before it. */
function withJson(args: readonly string[]): readonly string[] {
  const at = args.findIndex((argument) => argument.startsWith("--"));
  return args.toSpliced(at === -1 ? args.length : at, 0, "--json");
}
