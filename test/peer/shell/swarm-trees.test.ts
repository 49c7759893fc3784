// Stripes that are brought along trees, over real sockets: members of a fleet, and remotes that speak for themselves.
import { readFile } from "node:fs/promises";
import type { Socket } from "node:net";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { FEED_KIND, feedMessage } from "../../../peer/core/feed-message.ts";
import type { StripeSet } from "../../../protocol/stripes.ts";
import {
  connectTo,
  handshakeBytes,
  isCutOff,
  KIND,
  messageBytes,
  numbers,
  readMessages,
} from "./raw-peer.ts";
import { type Member, neighbourOf, nodeIdOf, randomSample, TestBed } from "./swarm-fixture.ts";

const EVEN = 1;
const ODD = 2;
const PIECE_BYTES = 16 * 1024;
const PIECES = 200;
const sample = randomSample(PIECES * PIECE_BYTES, PIECE_BYTES);

let bed: TestBed;
let sockets: Socket[];

beforeEach(async () => {
  bed = await TestBed.create();
  sockets = [];
});

afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  await bed.close();
});

const fedBy = (member: Member, feeds: StripeSet | null, dial: boolean) => ({
  ...neighbourOf(member, dial),
  feeds,
});

/** Even pieces go from the origin to `left` and on from there, odd ones to `right`; `leaf` passes nothing on. */
async function trees() {
  const origin = await bed.origin(sample);
  const member = (rank: number) =>
    bed.member(sample, { id: nodeIdOf(rank), rank, rankCount: 3, paused: true });
  const [left, right, leaf] = [await member(1), await member(2), await member(3)];
  left.torrent.setNeighbours([fedBy(origin, EVEN, true), fedBy(right, ODD, false), fedBy(leaf, null, false)]);
  right.torrent.setNeighbours([fedBy(origin, ODD, true), fedBy(left, EVEN, true), fedBy(leaf, null, false)]);
  leaf.torrent.setNeighbours([fedBy(left, EVEN, true), fedBy(right, ODD, true)]);
  const members = [left, right, leaf];
  await vi.waitUntil(() => leaf.torrent.stats().links === 2 && right.torrent.stats().links === 3);
  return { origin, left, right, leaf, members };
}

async function expectSame(members: readonly Member[]): Promise<void> {
  for (const { filePath } of members) expect((await readFile(filePath)).equals(sample.data)).toBe(true);
}

describe("a swarm with trees", () => {
  it("brings everything to everybody once, and out of the origin once", async () => {
    const { origin, members } = await trees();
    for (const { torrent } of members) torrent.setPaused(false);
    await Promise.all(members.map(({ torrent }) => torrent.completed));
    await expectSame(members);
    for (const { torrent } of members) expect(torrent.stats().receivedBytes).toBe(sample.artifact.length);
    expect(origin.torrent.stats().uploadedBytes).toBe(sample.artifact.length);
  });

  it("goes on without the one that passes a stripe on, and without the origin once all is out", async () => {
    const { origin, left, right, leaf } = await trees();
    for (const { torrent } of [left, right, leaf]) torrent.setPaused(false);
    await left.torrent.completed;
    await right.torrent.completed;
    await origin.swarm.close();
    await left.swarm.close();
    await leaf.torrent.completed;
    await expectSame([right, leaf]);
  });

  it("stands still while it is paused, and misses nothing after", async () => {
    const { members, leaf } = await trees();
    for (const { torrent } of members) torrent.setPaused(false);
    await vi.waitUntil(() => leaf.torrent.stats().verifiedBytes > 10 * PIECE_BYTES);
    leaf.torrent.setPaused(true);
    leaf.torrent.setPaused(false);
    await Promise.all(members.map(({ torrent }) => torrent.completed));
    await expectSame(members);
  });
});

describe("an origin", () => {
  /** Says hello, and collects what comes; a node of the fleet, or a client that names itself as another program. */
  async function remote(port: number, id?: string) {
    const socket = await connectTo(port);
    sockets.push(socket);
    const pieces: number[] = [];
    readMessages(socket, ({ kind, payload }) => {
      if (kind === KIND.piece) pieces.push(payload.readUInt32BE(0));
    });
    socket.write(handshakeBytes(sample.artifact.infoHash, id === undefined ? {} : { id }));
    return { socket, pieces };
  }

  /** What it was to bring unasked would have come before. */
  async function expectOnlyWhatIsAsked(socket: Socket, pieces: readonly number[]): Promise<void> {
    const request = messageBytes(KIND.request, numbers(7, 0, PIECE_BYTES));
    socket.write(Buffer.concat([messageBytes(KIND.interested), request]));
    await vi.waitUntil(() => pieces.length > 0);
    expect(pieces).toEqual([7]);
  }

  it("brings a node what it wants, each piece once, as the node acknowledges them", async () => {
    const origin = await bed.origin(sample);
    const { socket, pieces } = await remote(origin.swarm.port, nodeIdOf(9));
    socket.write(feedMessage(EVEN));
    await vi.waitUntil(() => pieces.length > 0);
    while (pieces.length < PIECES / 2) {
      const count = pieces.length;
      for (const piece of pieces) socket.write(messageBytes(KIND.have, numbers(piece)));
      await vi.waitUntil(() => pieces.length > count);
    }
    expect(pieces.toSorted((a, b) => a - b)).toEqual(Array.from({ length: PIECES / 2 }, (_, n) => 2 * n));
  });

  it("brings nothing to a client that is no node, which may ask as before", async () => {
    const origin = await bed.origin(sample);
    const { socket, pieces } = await remote(origin.swarm.port);
    socket.write(feedMessage(EVEN));
    await expectOnlyWhatIsAsked(socket, pieces);
  });

  it("takes no notice of stripes that there are not", async () => {
    const origin = await bed.origin(sample);
    const { socket, pieces } = await remote(origin.swarm.port, nodeIdOf(9));
    socket.write(messageBytes(FEED_KIND, Uint8Array.of(64)));
    await expectOnlyWhatIsAsked(socket, pieces);
  });

  it("cuts off a node that changes its mind without end", async () => {
    const origin = await bed.origin(sample);
    const { socket } = await remote(origin.swarm.port, nodeIdOf(9));
    for (let turn = 0; turn < 400; turn += 1) socket.write(feedMessage(turn % 2 === 0 ? EVEN : ODD));
    expect(await isCutOff(socket)).toBe(true);
  });
});
