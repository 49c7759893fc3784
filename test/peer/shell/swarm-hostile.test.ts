// What strangers do to a swarm: nothing they send ends the process, fills its memory or stops a release.
import { readFile } from "node:fs/promises";
import type { Socket } from "node:net";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { BLOCK_BYTES } from "../../../peer/core/geometry.ts";
import {
  connectTo,
  handshakeBytes,
  isCutOff,
  KIND,
  messageBytes,
  numbers,
  readMessages,
  serveBlocks,
} from "./raw-peer.ts";
import { neighbourOf, nodeIdOf, randomSample, type Sample, TestBed } from "./swarm-fixture.ts";

const MIB = 1024 * 1024;

let bed: TestBed;
let sockets: Socket[];
let served = 100;

beforeEach(async () => {
  bed = await TestBed.create();
  sockets = [];
});

afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  await bed.close();
});

async function reach(member: { readonly swarm: { readonly port: number } }, from?: string): Promise<Socket> {
  const socket = await connectTo(member.swarm.port, from);
  sockets.push(socket);
  return socket;
}

/** The member still does its work: a fresh peer gets everything from it. */
async function expectServing(
  origin: { readonly swarm: { readonly port: number }; readonly id: string },
  sample: Sample,
): Promise<void> {
  served += 1;
  const peer = await bed.member(sample, { id: nodeIdOf(served) });
  peer.torrent.setNeighbours([neighbourOf(origin, true)]);
  await peer.torrent.completed;
  await peer.swarm.close();
  expect((await readFile(peer.filePath)).equals(sample.data)).toBe(true);
}

function wholeBlock(sample: Sample, piece: number, offset: number, length: number): Buffer {
  const at = piece * sample.artifact.pieceLength + offset;
  return Buffer.from(sample.data.subarray(at, at + length));
}

describe("a swarm among strangers", () => {
  it("completes although a peer flips bits, bans it and asks it no more", async () => {
    const sample = randomSample(4 * MIB, 64 * 1024);
    const origin = await bed.origin(sample);
    const liar = await serveBlocks(sample.artifact.infoHash, {
      id: "liar",
      block: ({ piece, offset, length }) => {
        const bytes = wholeBlock(sample, piece, offset, length);
        bytes[7] = (bytes[7] ?? 0) ^ 1;
        return bytes;
      },
    });
    const peer = await bed.member(sample, { id: nodeIdOf(1) });
    peer.torrent.setNeighbours([
      { id: "liar", host: "127.0.0.1", port: liar.port, dial: true, far: null, feeds: null },
    ]);
    await vi.waitUntil(() => liar.requests.length > 0);
    peer.torrent.setNeighbours([
      { id: "liar", host: "127.0.0.1", port: liar.port, dial: true, far: null, feeds: null },
      neighbourOf(origin, true),
    ]);
    await peer.torrent.completed;
    const asked = liar.requests.length;
    liar.close();
    expect((await readFile(peer.filePath)).equals(sample.data)).toBe(true);
    // One bad piece is enough: it never came near its share of the 256 blocks.
    expect(asked).toBeLessThan(100);
    expect(peer.torrent.stats().links).toBe(1);
  });

  it("completes although a peer claims everything and never answers", async () => {
    const sample = randomSample(2 * MIB, 64 * 1024);
    const origin = await bed.origin(sample);
    const mute = await serveBlocks(sample.artifact.infoHash, { id: "mute", block: () => null });
    const peer = await bed.member(sample, { id: nodeIdOf(1) });
    peer.torrent.setNeighbours([
      { id: "mute", host: "127.0.0.1", port: mute.port, dial: true, far: null, feeds: null },
      neighbourOf(origin, true),
    ]);
    await peer.torrent.completed;
    mute.close();
    expect((await readFile(peer.filePath)).equals(sample.data)).toBe(true);
  });

  it("cuts off what does not speak BitTorrent, and what wants a torrent it does not have", async () => {
    const sample = randomSample(MIB, 64 * 1024);
    const origin = await bed.origin(sample);
    const garbage = await reach(origin);
    garbage.write(Buffer.alloc(4096, 0x41));
    expect(await isCutOff(garbage)).toBe(true);
    const elsewhere = await reach(origin);
    elsewhere.write(handshakeBytes("12".repeat(20)));
    expect(await isCutOff(elsewhere)).toBe(true);
    await expectServing(origin, sample);
  });

  it.each([
    ["two gigabytes", Buffer.from([0x7f, 0xff, 0xff, 0xff, KIND.piece])],
    ["a bitfield of a megabyte", messageBytes(KIND.bitfield, Buffer.alloc(MIB)).subarray(0, 100)],
    ["a HAVE without a piece", messageBytes(KIND.have)],
    ["a HAVE of piece 2^32-1", messageBytes(KIND.have, numbers(0xffff_ffff))],
    [
      "a bitfield with pieces that do not exist",
      messageBytes(KIND.bitfield, Buffer.from([0xff, 0xff, 0xff])),
    ],
    ["a request of no bytes", messageBytes(KIND.request, numbers(0, 0, 0))],
    ["a request of two gigabytes", messageBytes(KIND.request, numbers(0, 0, 0x7fff_ffff))],
    ["a request beyond the piece", messageBytes(KIND.request, numbers(0, 65_536, 16_384))],
    ["a request of piece 2^31", messageBytes(KIND.request, numbers(0x8000_0000, 0, 16_384))],
    ["a megabyte and more of blocks nobody asked for", unaskedBlocks()],
  ])("cuts off a remote that sends %s", async (_what, bytes) => {
    // 17 pieces: three bytes of bitfield, with bits to spare.
    const sample = randomSample(17 * 64 * 1024, 64 * 1024);
    const origin = await bed.origin(sample);
    const socket = await reach(origin);
    const interested = messageBytes(KIND.interested);
    socket.write(Buffer.concat([handshakeBytes(sample.artifact.infoHash), interested, bytes]));
    expect(await isCutOff(socket)).toBe(true);
    await expectServing(origin, sample);
  });

  it.each([
    [
      "a metadata request before the extended handshake",
      [messageBytes(KIND.extended, bencoded(1, "d8:msg_typei0e5:piecei0ee"))],
    ],
    [
      "an extended handshake that names no number",
      [messageBytes(KIND.extended, bencoded(0, "d1:md11:ut_metadatad8:toStringi1eeee"))],
    ],
    [
      "an extended handshake nested ten thousand deep",
      [messageBytes(KIND.extended, bencoded(0, "l".repeat(10_000)))],
    ],
    [
      "a suggestion, an allowed piece, a port and a kind nobody knows",
      [13, 17, 9, 200].map((kind) => messageBytes(kind, numbers(0xffff_ffff))),
    ],
  ])("takes no notice of %s", async (_what, messages) => {
    const sample = randomSample(MIB, 64 * 1024);
    const origin = await bed.origin(sample);
    const socket = await reach(origin);
    const answered = new Promise<number>((resolve) => {
      readMessages(socket, ({ kind, payload }) => {
        if (kind === KIND.piece) resolve(payload.length - 8);
      });
    });
    const handshake = handshakeBytes(sample.artifact.infoHash, { extended: true });
    const request = messageBytes(KIND.request, numbers(0, 0, BLOCK_BYTES));
    socket.write(Buffer.concat([handshake, ...messages, messageBytes(KIND.interested), request]));
    // What comes after it on the same connection is answered as ever.
    expect(await answered).toBe(BLOCK_BYTES);
    await expectServing(origin, sample);
  });

  it("holds little for remotes that ask for everything and read nothing, and cuts off who goes on", async () => {
    const sample = randomSample(64 * MIB, MIB);
    const origin = await bed.child(sample, { id: nodeIdOf(1), complete: true });
    await expectServing(origin, sample);
    // 64 x 1000 blocks are a gigabyte; what is held for them must not show.
    const flood = Array.from({ length: 1_000 }, (_, index) =>
      messageBytes(KIND.request, numbers(index % 64, BLOCK_BYTES * (index % 61), BLOCK_BYTES)),
    );
    const greedy = await Promise.all(Array.from({ length: 64 }, () => reach(origin)));
    for (const socket of greedy) {
      socket.pause();
      const interested = messageBytes(KIND.interested);
      socket.write(Buffer.concat([handshakeBytes(sample.artifact.infoHash), interested, ...flood]));
    }
    await origin.until(({ stats }) => stats.links >= 64);
    await expectServing(origin, sample);
    expect((await origin.report()).rssBytes).toBeLessThan(350 * MIB);
    const more = Array.from({ length: 8_000 }, (_, index) =>
      messageBytes(KIND.request, numbers(0, index, 1)),
    );
    for (const socket of greedy) socket.write(Buffer.concat(more));
    await origin.until(({ stats }) => stats.links === 0);
    await expectServing(origin, sample);
  });

  it("is not kept busy by connections that never say what they want", async () => {
    const sample = randomSample(MIB, 64 * 1024);
    const origin = await bed.origin(sample);
    // More than may wait, from another address than the peer that comes after them.
    const idle = await Promise.all(Array.from({ length: 300 }, () => reach(origin, "127.0.0.2")));
    for (const socket of idle) socket.write(Buffer.from([19]));
    await expectServing(origin, sample);
  });

  it("lets a neighbour in when strangers fill the places for those on no list", async () => {
    const sample = randomSample(MIB, 64 * 1024);
    const peer = await bed.member(sample, { id: nodeIdOf(1) });
    const origin = await bed.origin(sample);
    peer.torrent.setNeighbours([neighbourOf(origin, false)]);
    const strangers = await Promise.all(
      Array.from({ length: 40 }, (_, index) => reach(peer, `127.0.1.${1 + (index % 10)}`)),
    );
    for (const socket of strangers) socket.write(handshakeBytes(sample.artifact.infoHash));
    await vi.waitUntil(() => peer.torrent.stats().links === 16);
    origin.torrent.setNeighbours([neighbourOf(peer, true)]);
    await peer.torrent.completed;
    expect(peer.torrent.stats().links).toBe(17);
  });
});

function bencoded(extension: number, text: string): Buffer {
  return Buffer.concat([Buffer.from([extension]), Buffer.from(text)]);
}

function unaskedBlocks(): Buffer {
  const block = Buffer.concat([numbers(1, 0), Buffer.alloc(BLOCK_BYTES)]);
  return Buffer.concat(Array.from({ length: 70 }, () => messageBytes(KIND.piece, block)));
}
