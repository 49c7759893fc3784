// Somebody who knows a release's infohash and means harm: opens connections to a swarm port and says what no client
// would. Keeps every socket it opened until told to let go, so that a victim can be looked at under attack.
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import type { Socket } from "node:net";
import {
  connectTo,
  handshakeBytes,
  isCutOff,
  KIND,
  messageBytes,
  numbers,
  readMessages,
} from "../../peer/shell/raw-peer.ts";

export const BLOCK_BYTES = 16 * 1024;
const MIB = 1024 * 1024;

/** A release in the swarm of a process. */
export interface Victim {
  readonly port: number;
  readonly infoHash: string;
  readonly pieceCount: number;
  readonly pieceLength: number;
}

export class Attacker {
  readonly victim: Victim;
  readonly #sockets: Socket[] = [];
  #lastHost = 1;

  constructor(victim: Victim) {
    this.victim = victim;
  }

  /** Open connections that the victim has not ended. */
  get openCount(): number {
    return this.#sockets.filter((socket) => !socket.destroyed).length;
  }

  /** A bare connection, by default from an address of its own. */
  async connect(from: string = this.#nextAddress()): Promise<Socket> {
    const socket = await connectTo(this.victim.port, from);
    this.#sockets.push(socket);
    return socket;
  }

  /** A connection that has said hello, as whoever it likes. */
  async join(options: { from?: string; id?: string; fast?: boolean } = {}): Promise<Socket> {
    const { from, ...handshake } = options;
    const socket = await this.connect(from);
    socket.write(handshakeBytes(this.victim.infoHash, { extended: true, ...handshake }));
    return socket;
  }

  /** Joins, says this, and waits until the victim has ended the connection. */
  async isCutOffFor(bytes: Uint8Array): Promise<true> {
    const socket = await this.join();
    socket.write(bytes);
    return isCutOff(socket);
  }

  release(): void {
    for (const socket of this.#sockets.splice(0)) socket.destroy();
  }

  #nextAddress(): string {
    this.#lastHost += 1;
    return `127.7.${this.#lastHost >> 8}.${this.#lastHost & 255}`;
  }
}

/** Writes it again and again, as fast as the victim takes it; gives up when it takes no more or ends the connection. */
async function flood(socket: Socket, bytes: Uint8Array, times: number): Promise<void> {
  for (let time = 0; time < times && !socket.destroyed; time += 1) {
    if (socket.write(bytes)) continue;
    if (!(await drains(socket))) return;
  }
}

async function drains(socket: Socket): Promise<boolean> {
  const given = new AbortController();
  const timer = setTimeout(() => given.abort(), FLOOD_PATIENCE_MS);
  socket.once("close", () => given.abort());
  try {
    await once(socket, "drain", { signal: given.signal });
    return true;
  } catch {
    // Cut off, or made to wait.
    return false;
  } finally {
    clearTimeout(timer);
  }
}

/** Three that send without end and read nothing of what comes back. */
async function floodUnread(attacker: Attacker, bytes: Uint8Array, times: number): Promise<void> {
  const sockets = await Promise.all(Array.from({ length: 3 }, () => attacker.join()));
  for (const socket of sockets) socket.pause();
  await Promise.all(sockets.map((socket) => flood(socket, bytes, times)));
}

/** A victim that has taken nothing for this long makes the flood wait, which is what it should do. */
const FLOOD_PATIENCE_MS = 300;

function repeated(message: Uint8Array, count: number): Buffer {
  return Buffer.concat(Array.from({ length: count }, () => message));
}

const INTERESTED = messageBytes(KIND.interested);
const UNINTERESTED = messageBytes(3);
const HAVE_ALL = messageBytes(KIND.haveAll);
const UNCHOKE = messageBytes(KIND.unchoke);
const CHOKE = messageBytes(KIND.choke);

/** Nobody is listened to who is not interested. */
function asked(bytes: Uint8Array): Buffer {
  return Buffer.concat([INTERESTED, bytes]);
}

function request(piece: number, offset: number, length = BLOCK_BYTES): Buffer {
  return messageBytes(KIND.request, numbers(piece, offset, length));
}

/** The blocks of the artifact, over and over. */
function requests({ pieceCount, pieceLength }: Victim, count: number): Buffer {
  const blocksPerPiece = pieceLength / BLOCK_BYTES;
  // The last piece may be short.
  const pieces = pieceCount - 1;
  return Buffer.concat(
    Array.from({ length: count }, (_, index) =>
      request(Math.floor(index / blocksPerPiece) % pieces, BLOCK_BYTES * (index % blocksPerPiece)),
    ),
  );
}

function extended(extension: number, text: string): Buffer {
  return messageBytes(KIND.extended, Buffer.concat([Buffer.from([extension]), Buffer.from(text)]));
}

/** A remote that refuses may serve a moment later; a node waits longer than this. */
const ASK_AGAIN_MS = 100;

/**
 * Reads blocks from a connection as somebody who asks properly, and again when it is refused. Rejects when the
 * connection ends before the block is here.
 */
export function blockReader(socket: Socket): (piece: number) => Promise<Buffer> {
  const waiting: ((block: Buffer) => void)[] = [];
  readMessages(socket, ({ kind, payload }) => {
    if (kind === KIND.piece) waiting.shift()?.(Buffer.from(payload.subarray(8)));
    if (kind === KIND.reject)
      setTimeout(() => socket.write(messageBytes(KIND.request, payload)), ASK_AGAIN_MS).unref();
  });
  socket.write(INTERESTED);
  return (piece) =>
    new Promise((resolve, reject) => {
      waiting.push(resolve);
      socket.once("close", () => reject(new Error("the connection ended before the block came")));
      socket.write(request(piece, 0));
    });
}

/** What ends a connection the moment it arrives. */
export const FATAL_MESSAGES: Readonly<Record<string, (victim: Victim) => Uint8Array>> = {
  "a message of two gigabytes": () => Buffer.from([0x7f, 0xff, 0xff, 0xff, KIND.piece]),
  "a message of four gigabytes of a kind nobody knows": () => Buffer.from([0xff, 0xff, 0xff, 0xff, 99]),
  "a megabyte of noise": () => randomBytes(MIB).fill(0xfe, 0, 4),
  "a bitfield of a megabyte": () => messageBytes(KIND.bitfield, Buffer.alloc(MIB)),
  "two bitfields": ({ pieceCount }) =>
    repeated(messageBytes(KIND.bitfield, Buffer.alloc(Math.ceil(pieceCount / 8)).fill(0x80, 0, 1)), 2),
  "a HAVE of a piece that does not exist": ({ pieceCount }) => messageBytes(KIND.have, numbers(pieceCount)),
  "a request of no bytes": () => asked(request(0, 0, 0)),
  "a request of two gigabytes": () => asked(request(0, 0, 0x7fff_ffff)),
  "a request beyond the end of a piece": ({ pieceLength }) => asked(request(0, pieceLength)),
  "a request of a piece that does not exist": ({ pieceCount }) => asked(request(pieceCount, 0)),
  "two megabytes of blocks nobody asked for": () =>
    repeated(messageBytes(KIND.piece, Buffer.concat([numbers(0, 0), Buffer.alloc(BLOCK_BYTES)])), 128),
};

/** What a process that serves a release is done by those who want its memory, its time or its places. */
export const ATTACKS: Readonly<Record<string, (attacker: Attacker) => Promise<void>>> = {
  "extensions it never agreed to": async (attacker) => {
    const socket = await attacker.join();
    for (const bytes of [
      extended(1, "d8:msg_typei0e5:piecei0ee"),
      extended(0, "d1:md11:ut_metadatad8:toStringi1eeee"),
      extended(0, "l".repeat(10_000)),
      extended(0, "d1:md11:ut_metadatai3ee13:metadata_sizei999999999999ee"),
      extended(3, "d8:msg_typei1e5:piecei-1e10:total_sizei1ee"),
      ...[9, 13, 17, 200].map((kind) => messageBytes(kind, numbers(0xffff_ffff))),
    ])
      socket.write(bytes);
  },
  "16 384 requests each on sockets that do not read": async (attacker) => {
    const asked = requests(attacker.victim, 16_384);
    const sockets = await Promise.all(Array.from({ length: 12 }, () => attacker.join()));
    for (const socket of sockets) {
      socket.pause();
      socket.write(Buffer.concat([INTERESTED, asked]));
    }
  },
  "the same request a million times": async (attacker) => {
    const socket = await attacker.join();
    socket.pause();
    socket.write(INTERESTED);
    await flood(socket, repeated(request(0, 0), 10_000), 100);
  },
  "requests that are taken back at once, half a million times": async (attacker) => {
    const cancel = messageBytes(KIND.cancel, numbers(1, 0, BLOCK_BYTES));
    await floodUnread(attacker, repeated(Buffer.concat([request(1, 0), cancel]), 10_000), 17);
  },
  "a million requests before it is unchoked": async (attacker) => {
    await floodUnread(attacker, repeated(request(0, 0), 10_000), 34);
  },
  "a million cancels of what was never asked for": async (attacker) => {
    const socket = await attacker.join();
    await flood(socket, repeated(messageBytes(KIND.cancel, numbers(0, 0, BLOCK_BYTES)), 10_000), 100);
  },
  "a million HAVEs": async (attacker) => {
    const socket = await attacker.join();
    await flood(socket, repeated(messageBytes(KIND.have, numbers(0)), 10_000), 100);
  },
  "interest that comes and goes a million times": async (attacker) => {
    const socket = await attacker.join();
    socket.pause();
    await flood(socket, repeated(Buffer.concat([INTERESTED, UNINTERESTED]), 10_000), 100);
  },
  "somebody complete who chokes and unchokes half a million times": async (attacker) => {
    for (const fast of [true, false]) {
      const socket = await attacker.join({ fast });
      socket.pause();
      const { pieceCount } = attacker.victim;
      const all = Buffer.alloc(Math.ceil(pieceCount / 8));
      for (let piece = 0; piece < pieceCount; piece += 1)
        all[piece >> 3] = (all[piece >> 3] ?? 0) | (0x80 >> (piece & 7));
      socket.write(fast ? HAVE_ALL : messageBytes(KIND.bitfield, all));
      await flood(socket, repeated(Buffer.concat([UNCHOKE, CHOKE]), 10_000), 50);
    }
  },
  "somebody complete who refuses whatever it is asked for": async (attacker) => {
    const socket = await attacker.join();
    readMessages(socket, ({ kind, payload }) => {
      if (kind === KIND.request) socket.write(messageBytes(KIND.reject, payload));
    });
    socket.write(Buffer.concat([HAVE_ALL, UNCHOKE]));
    await flood(socket, repeated(messageBytes(KIND.reject, numbers(0, 0, BLOCK_BYTES)), 10_000), 20);
  },
  "two million keep-alives": async (attacker) => {
    const socket = await attacker.join();
    await flood(socket, Buffer.alloc(4 * 10_000), 200);
  },
  "handshakes that stop after a byte, and more of them than may wait": async (attacker) => {
    const sockets = await Promise.all(Array.from({ length: 400 }, () => attacker.connect("127.6.6.6")));
    for (const socket of sockets) socket.write(Buffer.from([19]));
  },
  "five hundred connections of one address": async (attacker) => {
    await Promise.all(Array.from({ length: 500 }, () => attacker.join({ from: "127.6.6.7" })));
  },
  "a thousand connections that come and go": async (attacker) => {
    for (let round = 0; round < 10; round += 1) {
      const sockets = await Promise.all(Array.from({ length: 100 }, () => attacker.join()));
      for (const [index, socket] of sockets.entries()) {
        if (index % 2 === 0) socket.end();
        else socket.resetAndDestroy();
      }
    }
  },
  "connections that are closed on one side only": async (attacker) => {
    const sockets = await Promise.all(Array.from({ length: 100 }, () => attacker.join()));
    for (const socket of sockets) {
      socket.pause();
      socket.write(Buffer.concat([INTERESTED, requests(attacker.victim, 64)]));
      socket.end();
    }
  },
  "handshakes for torrents it does not have": async (attacker) => {
    const sockets = await Promise.all(Array.from({ length: 100 }, () => attacker.connect()));
    for (const socket of sockets) socket.write(handshakeBytes(randomBytes(20).toString("hex")));
    await Promise.all(sockets.map(isCutOff));
  },
  "bytes that are no handshake": async (attacker) => {
    const sockets = await Promise.all(Array.from({ length: 100 }, () => attacker.connect()));
    for (const socket of sockets) socket.write(randomBytes(4096).fill(0x20, 0, 1));
    await Promise.all(sockets.map(isCutOff));
  },
};
