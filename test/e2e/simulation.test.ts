// `fleet sim` as users run it: from one file, whose threads are that same file, and stopped in the middle.
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { cp, mkdir, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { build } from "../../scripts/build.ts";

const run = promisify(execFile);
const source = path.resolve(import.meta.dirname, "../../cli/main.ts");
const SMALL = ["sim", "run", "--nodes", "4,12", "--size", "8MiB", "--pieces", "16", "--json"];

let folder = "";
let bundle = "";

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "fleet-simulation-"));
  const { bundlePath } = await build({ outDirectory: path.join(folder, "dist") });
  await mkdir(path.join(folder, "alone"));
  bundle = path.join(folder, "alone/fleet.mjs");
  await cp(bundlePath, bundle);
});

afterAll(() => rm(folder, { recursive: true, force: true }));

test("one file alone simulates what the sources simulate, on threads of its own", async () => {
  const options = { cwd: path.dirname(bundle), env: {} };
  const alone = await run(process.execPath, [bundle, ...SMALL], options);
  const fromSource = await run(process.execPath, [source, ...SMALL], options);
  expect(JSON.parse(alone.stdout)).toEqual(JSON.parse(fromSource.stdout));
  expect(alone.stderr.trimEnd().split("\n")).toHaveLength(6);
  expect(alone.stderr).toMatch(/^fleet, 12 nodes, seed [123]: last /m);
});

test("one file alone writes the report, the charts and the numbers", async () => {
  const out = path.join(folder, "report");
  await run(process.execPath, [bundle, ...SMALL, "--out", out], { cwd: folder, env: {} });
  const names = await readdir(out);
  expect(names).toContain("results.json");
  expect(names.filter((name) => name.endsWith(".svg")).length).toBeGreaterThanOrEqual(4);
  expect(await readFile(path.join(out, "report.html"), "utf8")).toContain("<svg");
});

test("Ctrl-C ends a long simulation at once, with the exit code of a stopped program", async () => {
  const args = [bundle, "sim", "run", "--nodes", "2,20000", "--pieces", "4096", "--seeds", "1"];
  // The small fleet is begun last: when its line is there, the large one is under way.
  const child = spawn(process.execPath, args, { cwd: folder, stdio: ["ignore", "pipe", "pipe"] });
  let errors = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    errors += text;
    if (text.includes("2 nodes, seed 1: last")) child.kill("SIGINT");
  });
  const [code] = (await once(child, "close")) as [number | null];
  expect(errors).toContain("error: stopped before all simulations had run");
  expect(code).toBe(130);
});
