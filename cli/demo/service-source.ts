// The service that the demonstration releases: a small HTTP server that starts, stops and reports its health.
// Kept as text because it travels inside the released artifact and must also be there in the bundled command.

/**
 * `node service.mjs start|stop|serve`, with FLEET_* set as hooks get them. `release.json` says `{ version,
 * healthy }`.
 */
export const SERVICE_SOURCE = `// A small web service with start and stop commands, as a deployed program would have.
import { spawn } from "node:child_process";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

const pidFile = join(process.env.FLEET_SHARED_DIR, "service.pid");
const port = Number(process.env.FLEET_LABEL_PORT);
const release = JSON.parse(readFileSync(new URL("./release.json", import.meta.url), "utf8"));

const commands = { start, stop, serve };
await commands[process.argv[2]]();

function start() {
  const child = spawn(process.execPath, [process.argv[1], "serve"], { detached: true, stdio: "ignore" });
  writeFileSync(pidFile, String(child.pid));
  child.unref();
}

async function stop() {
  if (!existsSync(pidFile)) return;
  const pid = Number(readFileSync(pidFile, "utf8"));
  rmSync(pidFile);
  while (signal(pid)) await delay(10);
}

function serve() {
  const server = createServer((request, response) => {
    const status = request.url === "/health" && !release.healthy ? 500 : 200;
    response.writeHead(status, { "content-type": "application/json", connection: "close" });
    response.end(JSON.stringify({ version: release.version, node: process.env.FLEET_NODE_NAME }));
  });
  server.listen(port, "127.0.0.1");
  // Whoever removes the demonstration's folder ends the service with it.
  setInterval(() => existsSync(pidFile) || process.exit(0), 500);
}

function signal(pid) {
  try {
    process.kill(pid, "SIGTERM");
    return true;
  } catch {
    return false;
  }
}
`;
