// scripts/setup.mjs, with a stand-in for npm: what it installs when, and what it says when it cannot.
import { spawnSync } from "node:child_process";
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";

const setupScript = path.resolve(import.meta.dirname, "../../scripts/setup.mjs");

/** Counts its runs, then leaves node_modules as `exitCode` says: whole, or cut short after the first package. */
const fakeNpm = `
const { appendFileSync, mkdirSync, writeFileSync } = require("node:fs");
appendFileSync("npm-runs", process.argv.slice(2).join(" ") + "\\n");
mkdirSync("node_modules/.bin", { recursive: true });
const fail = process.env.FAKE_NPM_FAILS === "yes";
const node = "#!/bin/sh\\necho " + (process.env.FAKE_NODE ?? "v24.0.0");
if (!fail) writeFileSync("node_modules/.bin/node", node, { mode: 0o755 });
process.exit(fail ? 1 : 0);
`;

let folder = "";

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "fleet-setup-"));
  await mkdir(path.join(folder, "scripts"));
  await cp(setupScript, path.join(folder, "scripts/setup.mjs"));
  await writeFile(path.join(folder, "package-lock.json"), "{}");
  await writeFile(path.join(folder, "npm-cli.js"), fakeNpm);
});

afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

function setup(environment: Readonly<Record<string, string>> = {}): {
  status: number | null;
  stderr: string;
} {
  const { status, stderr } = spawnSync(process.execPath, ["scripts/setup.mjs"], {
    cwd: folder,
    encoding: "utf8",
    env: { PATH: process.env.PATH, npm_execpath: path.join(folder, "npm-cli.js"), ...environment },
  });
  return { status, stderr };
}

async function npmRuns(): Promise<readonly string[]> {
  const log = await readFile(path.join(folder, "npm-runs"), "utf8").catch(() => "");
  return log.split("\n").filter((line) => line !== "");
}

test("a clean clone is installed once, without running the packages' own scripts", async () => {
  expect(setup()).toEqual({ status: 0, stderr: expect.stringContaining("installing its packages") });
  expect(setup()).toEqual({ status: 0, stderr: "" });
  const runs = await npmRuns();
  expect(runs).toHaveLength(1);
  expect(runs[0]).toMatch(/^ci .*--ignore-scripts .*--include=dev/);
});

test("a changed lock file is installed again", async () => {
  setup();
  await writeFile(path.join(folder, "package-lock.json"), '{"changed":true}');
  expect(setup().status).toBe(0);
  expect(await npmRuns()).toHaveLength(2);
});

test("an install that failed half-way is told, and done again by the next run", async () => {
  const failed = setup({ FAKE_NPM_FAILS: "yes" });
  expect(failed.status).toBe(1);
  expect(failed.stderr).toContain("npm ci ended with status 1");
  expect(setup().status).toBe(0);
  expect(await npmRuns()).toHaveLength(2);
});

test("a repair that fails does not leave the earlier install marked as good", async () => {
  setup();
  await writeFile(path.join(folder, "package-lock.json"), '{"changed":true}');
  setup({ FAKE_NPM_FAILS: "yes" });
  await writeFile(path.join(folder, "package-lock.json"), "{}");
  setup();
  expect(await npmRuns()).toHaveLength(3);
});

test("a Node that is too old is named, with what is needed", () => {
  const { status, stderr } = setup({ FAKE_NODE: "v22.17.1" });
  expect(status).toBe(1);
  expect(stderr).toContain("Node 22.18 or newer is needed, but this is Node 22.17.1");
});

test("the first Node that runs TypeScript by itself is new enough", () => {
  expect(setup({ FAKE_NODE: "v22.18.0" }).status).toBe(0);
});
