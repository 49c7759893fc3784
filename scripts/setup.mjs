// Makes `npm start`, `npm test` and the rest work from a clean clone: installs the locked packages when they are
// missing, stale or half installed, and makes sure that the Node the scripts get is new enough.
// Plain JavaScript without packages, because it runs on whatever Node is there before anything is installed.
// Must never touch anything outside node_modules, and never run a package's own install scripts.
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const modules = path.join(root, "node_modules");
/** Written last, so an install that was cut short has none and is done again. */
const stampFile = path.join(modules, ".fleet-setup");
const pinnedNode = path.join(modules, ".bin", "node");
/** First 22.x that strips types without a flag; package.json's `engines` says the same. */
const nodeVersionMin = [22, 18];

const wanted = wantedStamp();
if (readStamp() !== wanted) await install(wanted);
checkNode();

/** The lock decides what is installed; the platform decides which binaries of it. */
function wantedStamp() {
  const lock = createHash("sha256")
    .update(readFileSync(path.join(root, "package-lock.json")))
    .digest("hex");
  return `${lock} ${process.platform}-${process.arch}\n`;
}

function readStamp() {
  return existsSync(stampFile) ? readFileSync(stampFile, "utf8") : null;
}

async function install(stamp) {
  process.stderr.write("fleet: installing its packages into node_modules (about 400 MB, once) ...\n");
  rmSync(stampFile, { force: true });
  const { status, signal } = await runNpmCi();
  if (status !== 0) {
    fail(`npm ci ended with ${signal ?? `status ${status}`}; mend what it says above, then run this again`);
  }
  linkPinnedNode();
  mkdirSync(modules, { recursive: true });
  writeFileSync(stampFile, stamp);
}

async function runNpmCi() {
  const [program, ...prefix] = npmCommand();
  // NODE_ENV=production or a configured `omit` must not leave out the tools that this checkout runs with.
  const flags = ["--no-audit", "--no-fund", "--ignore-scripts", "--include=dev", "--include=optional"];
  const npm = spawn(program, [...prefix, "ci", "--loglevel=error", ...flags], {
    cwd: root,
    stdio: ["ignore", "ignore", "inherit"],
  });
  // An interrupted npm tidies up before it ends. Leaving earlier would let the next run start in the middle of that.
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(name, () => npm.kill(name));
  try {
    const [status, signal] = await once(npm, "exit");
    return { status, signal };
  } catch (error) {
    return fail(`npm could not be started: ${error.message}`);
  }
}

/** The npm that runs this script, on its own Node: the one in node_modules is about to be replaced. */
function npmCommand() {
  const { npm_execpath: npm, npm_node_execpath: node } = process.env;
  if (npm === undefined || !/npm-cli\.c?js$/.test(npm)) return ["npm"];
  return [node !== undefined && existsSync(node) ? node : process.execPath, npm];
}

/**
 * Puts the pinned Node first on the PATH of npm scripts. npm 10 forgets its link when it skips the same program of
 * another platform; and where the program cannot start (no glibc), the scripts must find the system's Node instead.
 */
function linkPinnedNode() {
  const program = path.join("..", `node-${process.platform}-${process.arch}`, "bin", "node");
  if (!existsSync(path.join(modules, ".bin", program))) return;
  if (!existsSync(pinnedNode)) symlinkSync(program, pinnedNode);
  if (versionOf(pinnedNode) === null) rmSync(pinnedNode, { force: true });
}

function checkNode() {
  const version = existsSync(pinnedNode) ? versionOf(pinnedNode) : process.versions.node;
  if (version !== null && isNewEnough(version)) return;
  const what = version === null ? "the Node in node_modules does not start" : `this is Node ${version}`;
  const needed = `Node ${nodeVersionMin.join(".")} or newer is needed`;
  fail(`${needed}, but ${what}; install one from nodejs.org or your system's packages`);
}

function versionOf(node) {
  const { status, stdout } = spawnSync(node, ["--version"], { encoding: "utf8" });
  return status === 0 ? stdout.trim().replace(/^v/, "") : null;
}

function isNewEnough(version) {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  return major > nodeVersionMin[0] || (major === nodeVersionMin[0] && minor >= nodeVersionMin[1]);
}

function fail(message) {
  process.stderr.write(`fleet: ${message}\n`);
  process.exit(1);
}
