// The built product: one file that runs alone, and a package that installs without network, scripts or dependencies.
import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type BuildResult, build } from "../../scripts/build.ts";

const run = promisify(execFile);
const root = path.resolve(import.meta.dirname, "../..");

let folder = "";
let result: BuildResult;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "fleet-bundle-"));
  result = await build({ outDirectory: path.join(folder, "dist") });
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

async function versionIn(manifestPath: string): Promise<string> {
  return (JSON.parse(await readFile(manifestPath, "utf8")) as { version: string }).version;
}

test("the bundle runs alone in an empty folder, with no configuration around it", async () => {
  const empty = path.join(folder, "empty");
  await mkdir(empty);
  await cp(result.bundlePath, path.join(empty, "fleet.mjs"));
  const { stdout } = await run(process.execPath, ["fleet.mjs", "--version"], { cwd: empty, env: {} });
  expect(stdout.trim()).toBe(await versionIn(path.join(root, "package.json")));
});

test("the bundle is executable and names its interpreter", async () => {
  const { stdout } = await run(result.bundlePath, ["--version"], {
    env: { PATH: path.dirname(process.execPath) },
  });
  expect(stdout.trim()).toBe(result.version);
});

test("nothing of the machine it was built on is in the bundle", async () => {
  const source = await readFile(result.bundlePath, "utf8");
  expect(source).not.toContain(root);
  expect(source).not.toContain(folder);
});

test("the package installs globally, offline, and puts fleet on the path", async () => {
  const prefix = path.join(folder, "prefix");
  const npm = process.env.npm_execpath;
  const [program, ...head] = npm === undefined ? ["npm"] : [process.execPath, npm];
  const flags = ["--offline", "--prefix", prefix, "--no-audit", "--no-fund", "--loglevel=error"];
  await run(program, [...head, "install", "--global", ...flags, result.packagePath], {
    cwd: folder,
    env: { PATH: process.env.PATH, HOME: folder },
  });
  const { stdout } = await run(path.join(prefix, "bin/fleet"), ["--version"], {
    env: { PATH: path.dirname(process.execPath) },
  });
  expect(stdout.trim()).toBe(result.version);
});

test("the package has no dependencies, no scripts, and states the Node it needs", async () => {
  const text = await readFile(path.join(folder, "dist/package/package.json"), "utf8");
  expect(Object.keys(JSON.parse(text) as object).sort()).toEqual(
    ["bin", "description", "engines", "license", "name", "type", "version"].sort(),
  );
  const files = await readdir(path.join(folder, "dist/package"));
  expect(files.sort()).toEqual([
    "LICENSE",
    "README.md",
    "THIRD-PARTY-LICENSES.txt",
    "fleet.mjs",
    "package.json",
  ]);
});

test("the licences of bundled packages are there, and only of those", async () => {
  const text = await readFile(path.join(folder, "dist/THIRD-PARTY-LICENSES.txt"), "utf8");
  expect(text).toMatch(/^webtorrent 3\./m);
  expect(text).toMatch(/^ws 8\./m);
  expect(text).toContain("Permission is hereby granted, free of charge");
  expect(text).not.toMatch(/^(bufferutil|vitest|typescript|webrtc-polyfill) /m);
});

test("the same sources give the same bytes", async () => {
  const again = await build({ outDirectory: path.join(folder, "again") });
  expect(await readFile(again.packagePath)).toEqual(await readFile(result.packagePath));
});
