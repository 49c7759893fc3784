// Health probes against real servers and programs.
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { createServer, type RequestListener } from "node:http";
import { type AddressInfo, createServer as createTcpServer, type Server } from "node:net";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { makeDirectory } from "../../../peer/shell/files.ts";
import { ProbeRunner, probeHttp, probeTcp } from "../../../peer/shell/probes.ts";
import { RootPaths, StatePaths } from "../../../peer/shell/state-directory.ts";
import { nodeIdSchema } from "../../../protocol/ids.ts";
import { type Probe, versionDirectoryName } from "../../../protocol/manifest.ts";
import { temporaryFolder } from "../../support/folders.ts";
import { manifestOf } from "../releases.ts";

async function listening(server: Server): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  return (server.address() as AddressInfo).port;
}

async function httpServer(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  onTestFinished(() => server.closeAllConnections());
  return `http://127.0.0.1:${await listening(server)}`;
}

function limit(timeoutMs = 5_000) {
  return { timeoutMs, signal: new AbortController().signal };
}

describe("an http probe", () => {
  test("passes on the expected status and says what else it got", async () => {
    const url = await httpServer((request, response) => {
      response.writeHead(request.url === "/good" ? 204 : 500).end();
    });
    expect(await probeHttp(`${url}/good`, 204, limit())).toBeNull();
    expect(await probeHttp(`${url}/bad`, 200, limit())).toBe(`GET ${url}/bad answered 500, expected 200`);
  });

  test("does not follow a redirect", async () => {
    let followed = false;
    const url = await httpServer((request, response) => {
      if (request.url === "/elsewhere") followed = true;
      response.writeHead(302, { location: "/elsewhere" }).end();
    });
    expect(await probeHttp(url, 200, limit())).toBe(`GET ${url} answered 302, expected 200`);
    expect(await probeHttp(url, 302, limit())).toBeNull();
    expect(followed).toBe(false);
  });

  test("does not wait for a body without end", async () => {
    const url = await httpServer((_, response) => {
      response.writeHead(200);
      const timer = setInterval(() => response.write("x".repeat(10_000)), 1);
      response.on("close", () => clearInterval(timer));
    });
    expect(await probeHttp(url, 200, limit())).toBeNull();
  });

  test("a service that accepts and never answers fails in time", async () => {
    const url = await httpServer(() => {});
    expect(await probeHttp(url, 200, limit(100))).toBe(`GET ${url} gave no answer within 0.1 s`);
  });

  test("a port nobody listens on and an address that is none are named", async () => {
    const server = createTcpServer();
    const port = await listening(server);
    server.close();
    await once(server, "close");
    expect(await probeHttp(`http://127.0.0.1:${port}`, 200, limit())).toMatch(/failed: .*ECONNREFUSED/);
    expect(await probeHttp("ftp://127.0.0.1/", 200, limit())).toBe(
      "ftp://127.0.0.1/ is not an http or https address",
    );
    expect(await probeHttp("no address", 200, limit())).toMatch(/is not an http or https address/);
  });

  test("an answer that is not HTTP is a failure, not a crash", async () => {
    const port = await listening(createTcpServer((socket) => socket.end("220 smtp ready\r\n")));
    expect(await probeHttp(`http://127.0.0.1:${port}`, 200, limit())).toMatch(/failed: /);
  });
});

describe("a tcp probe", () => {
  test("passes when a connection opens", async () => {
    const port = await listening(createTcpServer((socket) => socket.destroy()));
    expect(await probeTcp(`127.0.0.1:${port}`, limit())).toBeNull();
    expect(await probeTcp(`localhost:${port}`, limit())).toBeNull();
  });

  test("names a refusal and an address that is none", async () => {
    const server = createTcpServer();
    const port = await listening(server);
    server.close();
    await once(server, "close");
    expect(await probeTcp(`127.0.0.1:${port}`, limit())).toMatch(/^connecting to .* failed: .*ECONNREFUSED/);
    for (const address of ["127.0.0.1", "127.0.0.1:0", "127.0.0.1:99999", ":80", "a:b:80"])
      expect(await probeTcp(address, limit())).toBe(`${address} is not HOST:PORT`);
  });
});

describe("a round", () => {
  async function runner(probes: readonly Probe[], labels: Record<string, string> = {}, timeoutMs = 5_000) {
    const folder = await temporaryFolder();
    const state = new StatePaths(join(folder, "state"));
    const root = new RootPaths(join(folder, "root"));
    const manifest = manifestOf("v1", { health: { probes, timeoutMs } });
    const directory = root.version(
      manifest.app,
      versionDirectoryName(manifest.version, manifest.artifact.sha256),
    );
    await makeDirectory(directory);
    const nodeId = nodeIdSchema.decode("0".repeat(32), "id");
    const probing = new ProbeRunner({ node: { nodeId, name: "n1", labels }, root, state });
    return {
      directory,
      state,
      round: (signal = new AbortController().signal) => probing.round(manifest, signal),
    };
  }

  test("passes when every probe passes, with labels filled in", async () => {
    const url = await httpServer((_, response) => response.end());
    const port = new URL(url).port;
    const { round } = await runner(
      [
        { kind: "http", url: "http://127.0.0.1:{label.port}/", expectStatus: 200 },
        { kind: "tcp", address: "127.0.0.1:{label.port}" },
        { kind: "exec", argv: ["test", "{label.port}", "=", port] },
      ],
      { port },
    );
    expect(await round()).toEqual({ problem: null, logTail: [] });
  });

  test("an exec probe runs in the release, sees its environment and reports its output", async () => {
    const { round, directory } = await runner([{ kind: "exec", argv: ["./check"] }]);
    await writeFile(join(directory, "check"), "#!/bin/sh\necho $FLEET_HOOK $FLEET_VERSION; exit 2\n", {
      mode: 0o755,
    });
    expect(await round()).toEqual({
      problem: "./check (exec probe of web v1) exited with 2",
      logTail: ["probe v1"],
    });
  });

  test("an exec probe that hangs is ended", async () => {
    const { round } = await runner([{ kind: "exec", argv: ["sleep", "300"] }], {}, 200);
    expect((await round()).problem).toBe("sleep (exec probe of web v1) was still running after 0.2 s");
  });

  test("the first failing probe in the release's order is the one that is named", async () => {
    const { round } = await runner([
      { kind: "exec", argv: ["true"] },
      { kind: "exec", argv: ["sh", "-c", "sleep 0.1; exit 1"] },
      { kind: "exec", argv: ["false"] },
    ]);
    expect((await round()).problem).toMatch(/^sh /);
  });

  test("an exec probe that cannot even be given a log is a failure, not a crash", async () => {
    const { round, state } = await runner([{ kind: "exec", argv: ["true"] }]);
    await makeDirectory(state.directory);
    await writeFile(state.logs, "in the way");
    expect((await round()).problem).toMatch(/^cannot run the exec probe: E/);
  });

  test("a missing label is a failure that names it", async () => {
    const { round } = await runner([{ kind: "tcp", address: "127.0.0.1:{label.port}" }]);
    expect((await round()).problem).toBe('this node has no label "port", which a tcp probe asks for');
  });

  test("ends at once when it is given up", async () => {
    const abort = new AbortController();
    const url = await httpServer(() => abort.abort());
    const { round } = await runner(
      [
        { kind: "http", url, expectStatus: 200 },
        { kind: "exec", argv: ["sleep", "300"] },
      ],
      {},
      300_000,
    );
    expect((await round(abort.signal)).problem).not.toBeNull();
  });
});
