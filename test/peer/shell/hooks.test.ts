// Hooks of a release as real processes: environment, placeholders, and failures as a report carries them.
import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pino } from "pino";
import { expect, test } from "vitest";
import { linkTargetOf } from "../../../peer/core/app-journal.ts";
import { makeDirectory } from "../../../peer/shell/files.ts";
import { failureOf, HookRunner } from "../../../peer/shell/hooks.ts";
import { RootPaths, StatePaths } from "../../../peer/shell/state-directory.ts";
import { nodeIdSchema } from "../../../protocol/ids.ts";
import { releaseRefOf } from "../../../protocol/manifest.ts";
import { temporaryFolder } from "../../support/folders.ts";
import { manifestOf } from "../releases.ts";

const v1 = linkTargetOf(releaseRefOf(manifestOf("v1")));
const v2 = linkTargetOf(releaseRefOf(manifestOf("v2")));
const nodeId = nodeIdSchema.decode("0123456789abcdef".repeat(2), "id");

async function setUp(labels: Record<string, string> = {}) {
  const folder = await temporaryFolder();
  const state = new StatePaths(join(folder, "state"));
  const root = new RootPaths(join(folder, "root"));
  const directory = join(folder, "root", "web", "versions", v2.directory);
  await makeDirectory(directory);
  await makeDirectory(state.journals);
  const logger = pino({ level: "silent" });
  const runner = new HookRunner({ node: { nodeId, name: "n1", labels }, root, state, logger });
  const run = (argv: readonly string[], timeoutMs = 20_000) =>
    runner.run({
      kind: "run-hook",
      attempt: 1,
      target: v2,
      hook: "postActivate",
      spec: { argv, timeoutMs },
      timeoutMs,
      from: v1,
    });
  return { folder, directory, state, run };
}

test("a hook sees exactly the documented environment, and its shared folder is there", async () => {
  const { folder, directory, run } = await setUp({ port: "8080", "rack.unit-name": "r1" });
  process.env.FLEET_TOKEN = "a secret of the agent";
  expect(await run(["sh", "-c", 'env >seen; [ -d "$FLEET_SHARED_DIR" ]'])).toBeNull();
  delete process.env.FLEET_TOKEN;
  const lines = (await readFile(join(directory, "seen"), "utf8")).trim().split("\n");
  // What a shell sets for itself.
  const seen = lines.filter((line) => !/^(PWD|OLDPWD|SHLVL|_)=/.test(line)).toSorted();
  const app = join(folder, "root", "web");
  const passed = ["PATH", "HOME", "LANG"].flatMap((name) =>
    process.env[name] === undefined ? [] : [`${name}=${process.env[name]}`],
  );
  expect(seen).toEqual(
    [
      ...passed,
      "FLEET_APP=web",
      "FLEET_HOOK=postActivate",
      "FLEET_LABEL_PORT=8080",
      "FLEET_LABEL_RACK_UNIT_NAME=r1",
      `FLEET_LIVE_LINK=${app}/live`,
      `FLEET_NODE_ID=${nodeId}`,
      "FLEET_NODE_NAME=n1",
      "FLEET_PREVIOUS_VERSION=v1",
      `FLEET_RELEASE_DIR=${directory}`,
      `FLEET_SHARED_DIR=${app}/shared`,
      "FLEET_VERSION=v2",
    ].toSorted(),
  );
});

test("a label stays one argument, whatever is in it", async () => {
  const { directory, run } = await setUp({ name: "x; touch pwned $(touch pwned)\n'" });
  await writeFile(join(directory, "note"), '#!/bin/sh\nprintf "%s|" "$@" >args\n', { mode: 0o755 });
  expect(await run(["./note", "--name={label.name}", "last"])).toBeNull();
  expect(await readFile(join(directory, "args"), "utf8")).toBe(
    "--name=x; touch pwned $(touch pwned)\n'|last|",
  );
  expect(existsSync(join(directory, "pwned"))).toBe(false);
});

test("a label that is not there fails the hook by name, before anything runs", async () => {
  const { directory, run } = await setUp();
  expect(await run(["sh", "-c", "touch ran", "{label.port}"])).toEqual({
    code: "hook-failed",
    message: 'this node has no label "port", which the postActivate hook of web v2 asks for',
    logTail: [],
  });
  expect(existsSync(join(directory, "ran"))).toBe(false);
});

test("failing, hanging and missing hooks are told apart", async () => {
  const { run } = await setUp();
  const name = "the postActivate hook of web v2";
  expect(await run(["sh", "-c", "echo why; exit 7"])).toEqual({
    code: "hook-failed",
    message: `${name} exited with 7`,
    logTail: ["why"],
  });
  expect(await run(["sleep", "300"], 100)).toMatchObject({
    code: "hook-timeout",
    message: `${name} was still running after 0.1 s`,
  });
  const missing = await run(["./nothing"]);
  expect(missing?.code).toBe("hook-failed");
  expect(missing?.message).toMatch(/could not be started: .*ENOENT/);
});

test("nothing is remembered of a hook that has ended", async () => {
  const { state, run } = await setUp();
  await run(["true"]);
  expect(existsSync(state.runningHook(releaseRefOf(manifestOf("v2")).app))).toBe(false);
});

test("a bug is no failure of a hook", () => {
  expect(() => failureOf(new TypeError("undefined is not a function"), "doing")).toThrow(TypeError);
});
