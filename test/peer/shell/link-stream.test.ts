// What a link holds for a remote that keeps it answering and does not read, and what it says was taken.
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { afterEach, describe, expect, it, vi } from "vitest";
import { HANDSHAKE_BYTES } from "../../../peer/core/handshake.ts";
import { LinkStream } from "../../../peer/shell/link-stream.ts";

const REJECT = Buffer.alloc(17, 1);
const KIB = 1024;
const MIB = 1024 * KIB;
const sockets: Socket[] = [];

afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
});

async function open(
  onFlushed: (flushedBytes: number) => void = () => undefined,
): Promise<{ link: LinkStream; near: Socket; remote: Socket }> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const remote = connect((server.address() as AddressInfo).port, "127.0.0.1");
  const [near] = (await once(server, "connection")) as [Socket];
  server.close();
  sockets.push(near, remote);
  const link = new LinkStream(near, {
    ...{ link: 1, infoHash: "00".repeat(20), pieceCount: 1 },
    onHandshake: () => undefined,
  });
  link.write(Buffer.alloc(HANDSHAKE_BYTES));
  link.joinWire(
    () => undefined,
    () => onFlushed(link.flushedBytes),
  );
  return { link, near, remote };
}

describe("a link of the swarm", () => {
  it("sends the messages of one turn together when the turn ends", async () => {
    const { link, near } = await open();
    const before = near.bytesWritten;
    for (let count = 0; count < 100; count += 1) link.send(REJECT);
    expect(near.bytesWritten).toBe(before);
    await new Promise(setImmediate);
    expect(near.bytesWritten).toBe(before + 100 * REJECT.length);
  });

  it("stops reading from who does not read in the middle of a turn, however long that turn is", async () => {
    const { link, near, remote } = await open();
    remote.pause();
    answerUntilPaused(link, near);
    expect(near.isPaused()).toBe(true);
    expect(near.writableLength).toBeLessThan(3 * MIB);
  });

  it("tells how far blocks have been taken, whatever their length and whatever is sent beside them", async () => {
    const told: number[] = [];
    const { link } = await open((flushedBytes) => told.push(flushedBytes));
    link.send(REJECT);
    await new Promise(setImmediate);
    const head = Buffer.alloc(13);
    const ends = [1, 16 * KIB].map((length) => link.sendBlock(head, Buffer.alloc(length)));
    link.send(REJECT);
    await vi.waitUntil(() => told.length > 0);
    const blocksEndAt = REJECT.length + 2 * head.length + 1 + 16 * KIB;
    expect(ends).toEqual([REJECT.length + head.length + 1, blocksEndAt]);
    expect(told).toEqual([blocksEndAt + REJECT.length]);
  });

  it("reads again once the remote has taken what waited", async () => {
    const { link, near, remote } = await open();
    remote.pause();
    answerUntilPaused(link, near);
    remote.resume();
    await once(near, "resume");
  });
});

/** All in one turn of the event loop, and no more than a test should hold. */
function answerUntilPaused(link: LinkStream, near: Socket): void {
  while (!near.isPaused() && near.bytesWritten < 32 * MIB) link.send(REJECT);
}
