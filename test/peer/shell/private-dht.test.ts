// The DHT of a release over real sockets: who finds whom, and what strangers and insiders can do to it.
import { createSocket } from "node:dgram";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it, onTestFinished, vi } from "vitest";
import { latin1Bytes } from "../../../peer/core/bencode.ts";
import type { Contact } from "../../../peer/core/dht-message.ts";
import { channelOf, DhtSeal } from "../../../peer/shell/dht-seal.ts";
import { type DhtSocket, openDhtSocket } from "../../../peer/shell/dht-socket.ts";
import { PrivateDht } from "../../../peer/shell/private-dht.ts";
import { type InfoHash, infoHashSchema } from "../../../protocol/ids.ts";
import { killerMessages, queryBytes, RawDht } from "./raw-dht.ts";
import { nodeIdOf, randomSample, silent, TestBed } from "./swarm-fixture.ts";

const RELEASE = infoHashSchema.decode("a1".repeat(20), "infohash");
const OTHER = infoHashSchema.decode("b2".repeat(20), "infohash");

class Node {
  readonly port: number;
  readonly found: Contact[] = [];
  /** Searches that have ended. */
  searches = 0;
  readonly dht: PrivateDht;

  constructor(socket: DhtSocket, port: number, infoHash: InfoHash) {
    this.port = port;
    this.dht = new PrivateDht({
      channel: socket.channel(infoHash),
      port,
      logger: silent,
      onFound: (contacts) => {
        this.searches += 1;
        this.found.push(...contacts);
      },
    });
    onTestFinished(async () => {
      this.dht.close();
      await socket.close();
    });
  }

  static async start(infoHash = RELEASE): Promise<Node> {
    const port = await freePort();
    const socket = await openDhtSocket({ host: "127.0.0.1", port, logger: silent });
    if (socket === null) throw new Error(`port ${port} was taken meanwhile`);
    return new Node(socket, port, infoHash);
  }

  meet(...others: readonly Node[]): void {
    const list = others.map(({ port }, index) => ({
      id: nodeIdOf(index),
      host: "127.0.0.1",
      port,
      dial: false,
      far: null,
      feeds: null,
    }));
    this.dht.meet(list);
  }

  /** Searches until it has found so many: greetings may still be on their way. */
  async finds(count: number): Promise<void> {
    await vi.waitUntil(
      () => {
        this.dht.search();
        return this.found.length >= count;
      },
      { timeout: 15_000, interval: 100 },
    );
  }
}

async function freePort(): Promise<number> {
  const socket = createSocket("udp4");
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  const { port } = socket.address() as AddressInfo;
  socket.close();
  await once(socket, "close");
  return port;
}

/** Announces until one of them remembers it: greetings may still be on their way. */
async function announce(node: Node, keeper: Node): Promise<void> {
  await vi.waitUntil(
    () => {
      node.dht.announce();
      keeper.dht.search();
      return keeper.found.some(({ port }) => port === node.port);
    },
    { timeout: 15_000, interval: 100 },
  );
}

describe("PrivateDht", () => {
  it("finds a node through one that both know", async () => {
    const [a, middle, c] = [await Node.start(), await Node.start(), await Node.start()];
    a.meet(middle);
    await announce(a, middle);
    c.meet(middle);
    await c.finds(1);
    expect(c.found).toContainEqual({ host: "127.0.0.1", port: a.port });
  });

  it("finds a node that is several acquaintances away", async () => {
    const chain = await Promise.all(Array.from({ length: 6 }, () => Node.start()));
    for (const [index, node] of chain.entries()) node.meet(...chain.slice(index + 1, index + 2));
    const [first, second] = chain;
    const last = chain.at(-1);
    if (first === undefined || second === undefined || last === undefined) throw new Error("six are needed");
    await announce(first, second);
    await last.finds(1);
    expect(last.found).toContainEqual({ host: "127.0.0.1", port: first.port });
  });

  it("ends a search that finds nobody, with or without somebody to ask", async () => {
    const [a, b] = [await Node.start(), await Node.start()];
    a.dht.announce();
    await vi.waitUntil(() => a.searches === 1);
    a.meet(b);
    a.dht.search();
    await vi.waitUntil(() => a.searches === 2);
    expect(a.found).toEqual([]);
  });

  it("meets only nodes of its own release", async () => {
    const [a, b] = [await Node.start(), await Node.start(OTHER)];
    const insider = await RawDht.open(OTHER);
    onTestFinished(() => insider.close());
    a.meet(b);
    b.meet(a);
    await announceNowhere(a);
    const nodes = await insider.ask(queryBytes("find_node", { target: latin1Bytes("x".repeat(20)) }), b.port);
    // That is the insider itself.
    expect(nodes.includes("5:nodes26:")).toBe(true);
  });

  it("answers nobody who does not know the release, and survives whatever they send", async () => {
    const node = await Node.start();
    const [stranger, insider] = [await RawDht.open(null), await RawDht.open(RELEASE)];
    onTestFinished(() => {
      stranger.close();
      insider.close();
    });
    const { key } = new DhtSeal(RELEASE);
    const ping = queryBytes("ping", {});
    await stranger.send(ping, node.port);
    for (const message of killerMessages(key)) await stranger.send(message, node.port);
    for (const message of killerMessages(key)) await insider.send(message, node.port);
    const pong = await insider.ask(ping, node.port);
    expect(channelOf(pong)).toBe(new DhtSeal(RELEASE).channel);
    expect(stranger.answers).toBe(0);
  });

  it("shows a listener nothing of the infohash", async () => {
    const insider = await RawDht.open(RELEASE);
    const node = await Node.start();
    onTestFinished(() => insider.close());
    const { key } = new DhtSeal(RELEASE);
    const answer = await insider.ask(queryBytes("get_peers", { info_hash: key }), node.port);
    expect(answer.includes(Buffer.from(RELEASE, "hex"))).toBe(false);
    expect(answer.includes(RELEASE)).toBe(false);
    expect(key.equals(Buffer.from(RELEASE, "hex"))).toBe(false);
  });
});

/** One whole announcement of a node that nobody answers. */
async function announceNowhere(node: Node): Promise<void> {
  const before = node.searches;
  node.dht.announce();
  await vi.waitUntil(() => node.searches > before);
}

describe("openDhtSocket", () => {
  it("does without when its port is taken or there is only IPv6", async () => {
    const taken = createSocket("udp4");
    taken.bind(0, "127.0.0.1");
    await once(taken, "listening");
    onTestFinished(() => {
      taken.close();
    });
    const { port } = taken.address() as AddressInfo;
    expect(await openDhtSocket({ host: "127.0.0.1", port, logger: silent })).toBeNull();
    expect(await openDhtSocket({ host: "::1", port: 0, logger: silent })).toBeNull();
  });
});

describe("DhtSeal", () => {
  it("opens what was sealed for its release, and nothing that was changed on the way", () => {
    const seal = new DhtSeal(RELEASE);
    const datagram = seal.seal(latin1Bytes("hello"));
    expect(seal.open(datagram)?.toString()).toBe("hello");
    expect(new DhtSeal(OTHER).open(datagram)).toBeNull();
    for (let at = 12; at < datagram.length; at++) {
      const changed = Buffer.from(datagram);
      changed[at] = (changed[at] ?? 0) ^ 1;
      expect(seal.open(changed)).toBeNull();
    }
  });

  it("names its channel, and nothing else does", () => {
    const seal = new DhtSeal(RELEASE);
    expect(channelOf(seal.seal(latin1Bytes("x")))).toBe(seal.channel);
    expect(channelOf(seal.seal(new Uint8Array(0)))).toBeNull();
    expect(channelOf(Buffer.alloc(100))).toBeNull();
    expect(channelOf(Buffer.alloc(0))).toBeNull();
  });
});

describe("openSwarm with a DHT", () => {
  let bed: TestBed;

  afterEach(() => bed.close());

  it("brings two nodes together that only a third knows, once the coordinator is away", async () => {
    bed = await TestBed.create();
    const sample = randomSample(1_000_000, 64 * 1024);
    const [full, middle, empty] = [
      await bed.origin(sample, nodeIdOf(1)),
      await bed.member(sample, { id: nodeIdOf(2) }),
      await bed.member(sample, { id: nodeIdOf(3) }),
    ];
    // Nobody is to dial anybody, so that all they have is each other's address.
    const place = (member: { swarm: { port: number }; id: string }) => ({
      id: member.id,
      host: "127.0.0.1",
      port: member.swarm.port,
      dial: false,
      far: null,
      feeds: null,
    });
    full.torrent.setNeighbours([place(middle)]);
    empty.torrent.setNeighbours([place(middle)]);
    middle.torrent.setNeighbours([]);
    for (const { swarm } of [full, empty]) swarm.setCoordinatorAway(true);
    await empty.torrent.completed;
    expect(full.torrent.stats().uploadedBytes).toBe(sample.artifact.length);
  });
});
