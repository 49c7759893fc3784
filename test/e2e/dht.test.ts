// Real nodes that find each other without a coordinator, and what datagrams can do to such a node: nothing that lasts.
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { DhtSeal } from "../../peer/shell/dht-seal.ts";
import { killerMessages, queryBytes, RawDht } from "../peer/shell/raw-dht.ts";
import { Lab } from "./support/lab.ts";
import { OrderedNode, type Published, publishRandom } from "./support/ordered-node.ts";
import { memoryOf } from "./support/process-state.ts";

const MIB = 1024 * 1024;
/** What Node allocates for a datagram is freed later than it comes; a queue of these would hold ten times as much. */
const GROWTH_BYTES_MAX = 128 * MIB;
const FLOOD_DATAGRAMS = 100_000;
/** As many as fit the socket's buffer, so that the flood reaches the process. */
const FLOOD_BATCH = 100;
/** The coordinator has to be missed, the node announced, and found after that; with room for a busy machine. */
const FOUND_WITHIN_MS = 60_000;

describe("a node's DHT", () => {
  let lab: Lab;

  beforeEach(async () => {
    lab = await Lab.open();
  });

  afterEach(() => lab.close());

  it("brings nodes together that only a third knows, and their reports wait for the coordinator", async () => {
    const published = await publishRandom(lab, "v1", 8);
    const [full, middle, empty] = [
      await OrderedNode.start(lab, "full"),
      await OrderedNode.start(lab, "middle"),
      await OrderedNode.start(lab, "empty"),
    ];
    full.order(published, published.origin);
    await full.staged();
    await published.closeOrigin();
    // All that links the two: each has the address of a third, which has nothing to give and is not dialled.
    full.introduce(published, middle.acquaintance);
    empty.order(published, middle.acquaintance);
    middle.order(published);
    await Promise.all([full.isolate(), empty.isolate()]);
    await expect
      .poll(() => empty.hasInstalled(published), { timeout: FOUND_WITHIN_MS, interval: 50 })
      .toBe(true);
    expect(await middle.hasInstalled(published)).toBe(false);
    await empty.reconnect();
    await empty.staged();
  });

  it("is not there when it is not wanted", async () => {
    const published = await publishRandom(lab, "v1", 1);
    const node = await OrderedNode.start(lab, "node-1", ["--no-dht"]);
    const other = await OrderedNode.start(lab, "node-2");
    for (const one of [node, other]) one.order(published, published.origin);
    await Promise.all([node.staged(), other.staged()]);
    const insider = await rawDht(published);
    await insider.ask(queryBytes("ping", {}), other.port);
    const { answers } = insider;
    await insider.send(queryBytes("ping", {}), node.port).catch(() => undefined);
    await insider.ask(queryBytes("ping", {}), other.port);
    expect(insider.answers).toBe(answers + 1);
  });

  it("survives datagrams that end an unguarded one, from strangers and from those who know the release", async () => {
    const [first, second] = [await publishRandom(lab, "v1", 1), await publishRandom(lab, "v2", 1)];
    const node = await OrderedNode.start(lab, "node-1");
    node.order(first, first.origin);
    await node.staged();
    const [insider, stranger] = [await rawDht(first), await rawDht(null)];
    for (const message of killerMessages(new DhtSeal(first.infoHash).key)) {
      await stranger.send(message, node.port);
      await insider.send(message, node.port);
    }
    await insider.ask(queryBytes("ping", {}), node.port);
    node.order(second, second.origin);
    await node.staged(2);
    expect(node.running.process.exitCode).toBeNull();
  });

  it("does not grow with a flood, and works on when it is over", async () => {
    const [first, second] = [await publishRandom(lab, "v1", 1), await publishRandom(lab, "v2", 1)];
    const node = await OrderedNode.start(lab, "node-1");
    node.order(first, first.origin);
    await node.staged();
    const pid = node.running.process.pid ?? 0;
    const [insider, stranger] = [await rawDht(first), await rawDht(null)];
    const { key } = new DhtSeal(first.infoHash);
    await insider.ask(queryBytes("ping", {}), node.port);
    const before = await memoryOf(pid);
    await flood(FLOOD_DATAGRAMS, (index) => {
      const id = Buffer.alloc(20, `${index}`);
      const announcement = queryBytes("announce_peer", { id, info_hash: key, port: 1 + (index % 65_535) });
      return index % 2 === 0
        ? stranger.send(Buffer.alloc(1_200, index), node.port)
        : insider.send(index % 4 === 1 ? announcement : queryBytes("ping", { id }), node.port);
    });
    await insider.ask(queryBytes("get_peers", { info_hash: key }), node.port);
    const after = await memoryOf(pid);
    expect(after.peakBytes - before.rssBytes).toBeLessThan(GROWTH_BYTES_MAX);
    node.order(second, second.origin);
    await node.staged(2);
  });
});

async function rawDht(published: Published | null): Promise<RawDht> {
  const raw = await RawDht.open(published?.infoHash ?? null);
  onTestFinished(() => raw.close());
  return raw;
}

async function flood(count: number, send: (index: number) => Promise<void>): Promise<void> {
  for (let sent = 0; sent < count; sent += FLOOD_BATCH)
    await Promise.all(Array.from({ length: FLOOD_BATCH }, (_, index) => send(sent + index)));
}
