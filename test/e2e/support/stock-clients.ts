// BitTorrent clients that are not ours, unmodified, as processes: what is installed, and how to make it fetch or seed.
// Everything is kept on this machine: no DHT, no local discovery, no tracker but the one a test runs.
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { createServer as createHttpServer, type Server } from "node:http";
import { type AddressInfo, createServer } from "node:net";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const LIBTORRENT_SCRIPT = fileURLToPath(new URL("libtorrent-client.py", import.meta.url));

export interface StockJob {
  readonly torrentPath: string;
  /** Where the content is, or goes. */
  readonly directory: string;
}

export interface StockSeeder {
  readonly port: number;
  close(): Promise<void>;
}

export interface StockClient {
  /** With its version, or why it cannot be used here. */
  readonly title: string;
  readonly isInstalled: boolean;
  /** Resolves once everything is there. */
  fetch(job: StockJob, peers: readonly string[]): Promise<void>;
  seed(job: StockJob): Promise<StockSeeder>;
}

export function stockClients(): readonly StockClient[] {
  return [aria2(), libtorrent()];
}

function aria2(): StockClient {
  const version = /aria2 version (\S+)/.exec(outputOf("aria2c", ["--version"]) ?? "")?.[1] ?? null;
  const isolated = [
    "--enable-dht=false",
    "--enable-dht6=false",
    "--bt-enable-lpd=false",
    "--enable-peer-exchange=false",
  ];
  const quiet = ["--no-conf", "--quiet", "--allow-overwrite=true", "--file-allocation=none"];
  const argsFor = ({ torrentPath, directory }: StockJob, port: number): string[] => [
    ...isolated,
    ...quiet,
    `--dir=${directory}`,
    `--listen-port=${port}`,
    torrentPath,
  ];
  return {
    title: version === null ? "aria2 (skipped: aria2c is not installed)" : `aria2 ${version}`,
    isInstalled: version !== null,
    async fetch(job, peers) {
      const tracker = await startTracker(peers);
      const { port } = tracker.address() as AddressInfo;
      const announce = `--bt-tracker=http://127.0.0.1:${port}/announce`;
      const child = spawn("aria2c", ["--seed-time=0", announce, ...argsFor(job, await freePort())], {
        stdio: "ignore",
      });
      const [code] = (await once(child, "close")) as [number | null];
      tracker.close();
      if (code !== 0) throw new Error(`aria2c exited with ${code}`);
    },
    async seed(job) {
      const port = await freePort();
      const args = ["--seed-ratio=0.0", "--check-integrity=true", ...argsFor(job, port)];
      return seederOf(spawn("aria2c", args, { stdio: "ignore" }), port);
    },
  };
}

function libtorrent(): StockClient {
  const probe = ["-c", "import libtorrent; print(libtorrent.version)"];
  // The first python3 of a search path is often one that has no packages of the system.
  const python =
    ["python3", "/usr/bin/python3"].find((candidate) => outputOf(candidate, probe) !== null) ?? null;
  const run = (mode: string, { torrentPath, directory }: StockJob, peers: readonly string[]): ChildProcess =>
    spawn(python ?? "python3", [LIBTORRENT_SCRIPT, mode, torrentPath, directory, ...peers], {
      stdio: ["pipe", "pipe", "inherit"],
    });
  return {
    title:
      python === null
        ? "libtorrent (skipped: python3 cannot import libtorrent)"
        : `libtorrent ${outputOf(python, probe)?.trim()}`,
    isInstalled: python !== null,
    async fetch(job, peers) {
      const child = run("fetch", job, peers);
      await firstLine(child);
      await seederOf(child, 0).close();
    },
    async seed(job) {
      const child = run("seed", job, []);
      return seederOf(child, Number((await firstLine(child)).split(" ")[1]));
    },
  };
}

function outputOf(program: string, args: readonly string[]): string | null {
  const { status, stdout } = spawnSync(program, args, { encoding: "utf8" });
  return status === 0 ? stdout : null;
}

async function firstLine(child: ChildProcess): Promise<string> {
  if (child.stdout === null) throw new Error("a client without output");
  const ended = once(child, "close").then(() => {
    throw new Error("the client ended before it was done");
  });
  ended.catch(() => undefined);
  const [line] = (await Promise.race([once(createInterface({ input: child.stdout }), "line"), ended])) as [
    string,
  ];
  return line;
}

function seederOf(child: ChildProcess, port: number): StockSeeder {
  return {
    port,
    async close() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const closed = once(child, "close");
      child.kill("SIGKILL");
      await closed;
    },
  };
}

/** A tracker that gives everybody the same peers. */
async function startTracker(peers: readonly string[]): Promise<Server> {
  const compact = Buffer.concat(peers.map(compactAddress));
  const head = Buffer.from(`d8:intervali60e5:peers${compact.length}:`);
  const server = createHttpServer((_, response) => {
    response.end(Buffer.concat([head, compact, Buffer.from("e")]));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return server;
}

function compactAddress(peer: string): Buffer {
  const [host = "", port = ""] = peer.split(":");
  const bytes = Buffer.from([...host.split(".").map(Number), 0, 0]);
  bytes.writeUInt16BE(Number(port), 4);
  return bytes;
}

async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}
