// The contract with WebTorrent's inside. A failure here means that the package has moved: read the list on top of
// webtorrent-adapter.ts, compare with the new source, and only then change the version.
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer } from "node:net";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import WebTorrent, { type Wire } from "webtorrent";
import { createEngine, type Engine, WEBTORRENT_VERSION } from "../../../peer/shell/webtorrent-adapter.ts";
import { connectTo, handshakeBytes, KIND, messageBytes, readMessages } from "./raw-peer.ts";
import { randomSample, TestBed } from "./swarm-fixture.ts";

const QUIET = {
  tracker: false,
  dht: false,
  lsd: false,
  utPex: false,
  natUpnp: false,
  natPmp: false,
  utp: false,
  webSeeds: false,
  secure: 0,
  maxConns: 10,
} as const;

/** A torrent of which nothing is here. */
const EMPTY = {
  store: class {
    readonly chunkLength = 32 * 1024;
    get(_index: number, _options: unknown, callback: (error: Error) => void): void {
      callback(new Error("empty"));
    }
    put(_index: number, _bytes: Uint8Array, callback: (error: Error) => void): void {
      callback(new Error("full"));
    }
    close(callback: (error: null) => void): void {
      callback(null);
    }
    destroy(callback: (error: null) => void): void {
      callback(null);
    }
  },
  storeCacheSlots: 0,
  deselect: true,
  private: true,
  uploads: 1,
  skipVerify: false,
  bitfield: new Uint8Array(2),
} as const;

const sample = randomSample(300_000, 32 * 1024);

let bed: TestBed;
let clients: WebTorrent[];
let engines: Engine[];

beforeEach(async () => {
  bed = await TestBed.create();
  clients = [];
  engines = [];
});

afterEach(async () => {
  await Promise.all(clients.map((client) => new Promise((resolve) => client.destroy(resolve))));
  await Promise.all(engines.map((engine) => engine.close()));
  await bed.close();
});

function stockClient(): WebTorrent {
  const client = new WebTorrent({ ...QUIET, peerId: Buffer.from("-WW0300-contract-tes") });
  clients.push(client);
  return client;
}

function engine(): Engine {
  const made = createEngine({
    id: "origin",
    port: 4_242,
    onError: (error) => {
      throw error;
    },
  });
  engines.push(made);
  return made;
}

describe("webtorrent", () => {
  it("is the version that the adapter was read against, and pinned to it", async () => {
    expect(WebTorrent.VERSION).toBe(WEBTORRENT_VERSION);
    const manifest = JSON.parse(await readFile("package.json", "utf8")) as Record<
      string,
      Record<string, string>
    >;
    const pinned = { ...manifest.dependencies, ...manifest.devDependencies };
    expect(pinned.webtorrent).toBe(WEBTORRENT_VERSION);
  });

  it("listens through client._connPool.tcpServer, which is open as soon as the client is made", async () => {
    const client = stockClient();
    const { tcpServer } = client._connPool;
    expect(tcpServer.listening).toBe(true);
    expect(client.listening).toBe(false);
    tcpServer.close();
    expect(tcpServer.listening).toBe(false);
  });

  it("drives wires through the methods that the adapter makes idle", async () => {
    const client = stockClient();
    const torrent = client.add(torrentFile(), EMPTY);
    await once(torrent, "ready");
    for (const name of ["_onWireWithMetadata", "_rechoke", "_update"] as const)
      expect(torrent[name], name).toBeTypeOf("function");
    const onWire = vi.spyOn(torrent, "_onWireWithMetadata");
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const remote = await connectTo((client._connPool.tcpServer.address() as { port: number }).port);
    remote.write(handshakeBytes(sample.artifact.infoHash));
    await vi.waitUntil(() => onWire.mock.calls.length === 1);
    const [wire] = onWire.mock.calls[0] ?? [];
    expect(wire?._debug).toBeTypeOf("function");
    expect(wire?.push).toBeTypeOf("function");
    expect(wire?.amChoking).toBe(true);
    remote.destroy();
    server.close();
  });

  it("reads what is given to wire._write before that returns", async () => {
    const client = stockClient();
    const torrent = client.add(torrentFile(), EMPTY);
    await once(torrent, "infoHash");
    const wired = once(torrent, "wire");
    const remote = await connectTo((client._connPool.tcpServer.address() as { port: number }).port);
    remote.write(handshakeBytes(sample.artifact.infoHash));
    const [wire] = (await wired) as [Wire];
    const heard: unknown[] = [];
    wire.on("interested", () => heard.push("interested"));
    wire.on("cancel", (...numbers: number[]) => heard.push(numbers));
    const cancel = Buffer.from("00000001000000020000000a", "hex");
    wire._write(Buffer.concat([messageBytes(KIND.interested), messageBytes(8, cancel)]), () =>
      heard.push("done"),
    );
    expect(heard).toEqual(["interested", [1, 2, 10], "done"]);
    remote.destroy();
  });

  it("hands on messages of a kind that it does not know, whole, from their kind on", async () => {
    const client = stockClient();
    const torrent = client.add(torrentFile(), EMPTY);
    await once(torrent, "infoHash");
    const wired = once(torrent, "wire");
    const remote = await connectTo((client._connPool.tcpServer.address() as { port: number }).port);
    remote.write(handshakeBytes(sample.artifact.infoHash));
    const [wire] = (await wired) as [Wire];
    const unknown = once(wire, "unknownmessage");
    remote.write(messageBytes(64, Uint8Array.of(3)));
    expect([...((await unknown)[0] as Uint8Array)]).toEqual([64, 3]);
    remote.destroy();
  });
});

describe("createEngine", () => {
  it("opens no port of its own and no other way in", async () => {
    const before = doors();
    const torrent = await engine().add(sample.torrentInfo, { pieceCount: 10, complete: true });
    // A closed server stays in the list until the next turn of the event loop.
    await vi.waitUntil(() => doors() <= before);
    await torrent.close();
  });

  it("lets WebTorrent say nothing on a link but its handshake: no bitfield, no extension, no choke", async () => {
    vi.useFakeTimers({ toFake: ["setInterval"] });
    try {
      const origin = await bed.origin(sample);
      const socket = await connectTo(origin.swarm.port);
      const kinds: number[] = [];
      readMessages(socket, ({ kind }) => kinds.push(kind));
      const interested = messageBytes(KIND.interested);
      socket.write(Buffer.concat([handshakeBytes(sample.artifact.infoHash, { extended: true }), interested]));
      await vi.waitUntil(() => kinds.length >= 2);
      // WebTorrent's rechoke timer, were it still there, would act now.
      await vi.advanceTimersByTimeAsync(11_000);
      socket.destroy();
      expect(kinds).toEqual([KIND.haveAll, KIND.unchoke]);
    } finally {
      vi.useRealTimers();
    }
  });

  it("sends its handshake before any message, also to one that came in", async () => {
    const origin = await bed.origin(sample);
    const socket = await connectTo(origin.swarm.port);
    socket.write(Buffer.concat([handshakeBytes(sample.artifact.infoHash), messageBytes(KIND.interested)]));
    let received: Buffer = Buffer.alloc(0);
    socket.on("data", (bytes: Buffer) => {
      received = Buffer.concat([received, bytes]);
    });
    await vi.waitUntil(() => received.length >= 78);
    socket.destroy();
    expect(received.subarray(1, 20).toString()).toBe("BitTorrent protocol");
    expect(received.subarray(28, 48).toString("hex")).toBe(sample.artifact.infoHash);
    expect(received.subarray(68).toString("hex")).toBe("000000010e0000000101");
  });

  it("takes the same torrent again after it was closed", async () => {
    const made = engine();
    const first = await made.add(sample.torrentInfo, { pieceCount: 10, complete: false });
    await first.close();
    const second = await made.add(sample.torrentInfo, { pieceCount: 10, complete: false });
    await second.close();
  });
});

/** Servers and UDP sockets of this process. */
function doors(): number {
  return process.getActiveResourcesInfo().filter((name) => /Server|UDP/.test(name)).length;
}

function torrentFile(): Uint8Array {
  return Buffer.concat([Buffer.from("d4:info"), sample.torrentInfo, Buffer.from("e")]);
}
