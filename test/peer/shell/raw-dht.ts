// Datagrams written by hand, to say over UDP what no well-behaved node would, with and without knowing the release.
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { type BencodeValue, encodeBencode, latin1Bytes } from "../../../peer/core/bencode.ts";
import { DhtSeal } from "../../../peer/shell/dht-seal.ts";
import type { InfoHash } from "../../../protocol/ids.ts";

type Fields = Readonly<Record<string, BencodeValue>>;

const ID = latin1Bytes("iiiiiiiiiiiiiiiiiiii");

function dictionary(fields: Fields): ReadonlyMap<string, BencodeValue> {
  return new Map(Object.entries(fields).sort(([a], [b]) => (a < b ? -1 : 1)));
}

export function queryBytes(name: string, fields: Fields): Uint8Array {
  const q = latin1Bytes(name);
  return encodeBencode(
    dictionary({ t: latin1Bytes("tt"), y: latin1Bytes("q"), q, a: dictionary({ id: ID, ...fields }) }),
  );
}

/** Each ends a process that hands it to the library as it comes, or is meant to. */
export function killerMessages(key: Uint8Array): readonly Uint8Array[] {
  const t = latin1Bytes("tt");
  return [
    queryBytes("get_peers", { info_hash: 5 }),
    queryBytes("announce_peer", { info_hash: key, port: 1, token: 5 }),
    queryBytes("put", { token: 5, v: latin1Bytes("x") }),
    queryBytes("find_node", { target: 5 }),
    queryBytes("get", { target: 5 }),
    queryBytes("find_node", { target: latin1Bytes("x") }),
    encodeBencode(dictionary({ t, y: latin1Bytes("r"), r: dictionary({ id: 5, nodes: 5, values: 5 }) })),
    encodeBencode(dictionary({ t, y: latin1Bytes("r"), r: dictionary({ id: ID, values: [1, 2] }) })),
    encodeBencode(dictionary({ t: 5, y: latin1Bytes("r"), r: 5 })),
    encodeBencode(dictionary({ t, y: latin1Bytes("e"), e: dictionary({ a: 1 }) })),
    encodeBencode(dictionary({ y: dictionary({}) })),
    latin1Bytes("d1:y1:q1:q9:get_peers"),
    latin1Bytes("l".repeat(1_000)),
    new Uint8Array(0),
    new Uint8Array(1_400),
  ];
}

/** A UDP socket on loopback of somebody who may know a release; close it. */
export class RawDht {
  readonly #socket: Socket;
  readonly #seal: DhtSeal | null;
  /** Datagrams that came. */
  answers = 0;

  private constructor(socket: Socket, seal: DhtSeal | null) {
    this.#socket = socket;
    this.#seal = seal;
    socket.on("message", () => {
      this.answers += 1;
    });
  }

  static async open(infoHash: InfoHash | null): Promise<RawDht> {
    const socket = createSocket("udp4");
    socket.bind(0, "127.0.0.1");
    await once(socket, "listening");
    return new RawDht(socket, infoHash === null ? null : new DhtSeal(infoHash));
  }

  /** Resolves when the operating system has it. */
  send(message: Uint8Array, port: number): Promise<void> {
    const datagram = this.#seal?.seal(message) ?? message;
    return new Promise((resolve, reject) =>
      this.#socket.send(datagram, port, "127.0.0.1", (error) => (error === null ? resolve() : reject(error))),
    );
  }

  /** The first answer to a query, as it comes, asked again until there is one: datagrams may be lost. */
  async ask(message: Uint8Array, port: number): Promise<Buffer> {
    const answered = once(this.#socket, "message");
    const again = setInterval(() => void this.send(message, port), 100);
    this.#socket.once("close", () => clearInterval(again));
    try {
      await this.send(message, port);
      const [answer] = (await answered) as [Buffer];
      return answer;
    } finally {
      clearInterval(again);
    }
  }

  close(): void {
    this.#socket.close();
  }
}
