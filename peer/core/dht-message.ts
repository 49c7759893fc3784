// What a DHT message (BEP 5) has to look like before the library that speaks it may see it, and where one may go.
// A message is rebuilt from the fields that were checked, so the library never meets what a stranger has written.
import {
  type BencodeDictionary,
  type BencodeValue,
  decodeBencode,
  encodeBencode,
  latin1Bytes,
  latin1Text,
} from "./bencode.ts";

/** Node ids and keys of the DHT are as long as a SHA-1. */
export const DHT_ID_BYTES = 20;
/** What the library makes, and hands back to us. */
const TOKEN_BYTES = 20;
const TRANSACTION_BYTES = 2;
/** An IPv4 address and a port. */
const CONTACT_BYTES = 6;
/** The nearest nodes that an answer names: one bucket of the library's table. */
const NODES_MAX = 20;
/** Announcements that a node takes before it begins to forget: it names the newest and as many before them. */
export const DHT_PEERS_MAX = 64;
/** Peers that an answer names: all that are remembered, which just fit a datagram of {@link DATAGRAM_BYTES_MAX}. */
export const ANSWER_PEERS_MAX = 2 * DHT_PEERS_MAX + 1;
/** Passes through every network in one piece. */
export const DATAGRAM_BYTES_MAX = 1_200;

const QUERIES: ReadonlySet<string> = new Set(["ping", "find_node", "get_peers", "announce_peer"]);
const MULTICAST_NET = 224;

export interface DatagramContext {
  /** The one key that is asked for and announced in this DHT. */
  readonly key: Uint8Array;
  /** Where the datagram comes from. */
  readonly port: number;
}

export interface Contact {
  /** IPv4, dotted. */
  readonly host: string;
  readonly port: number;
}

/** The same message with nothing in it that was not checked; null when it is none of ours. */
export function sanitizeDhtMessage(bytes: Uint8Array, context: DatagramContext): Uint8Array | null {
  const message = asDictionary(decodeBencode(bytes));
  const transaction = bytesOf(message, "t", TRANSACTION_BYTES);
  if (message === null || transaction === null) return null;
  const body = bodyOf(message, context);
  if (body === null) return null;
  return encodeBencode(sorted([...body, ["t", transaction]]));
}

/**
 * Whether a datagram or a connection may go there because somebody in the DHT said so. Nobody can send us to our own
 * machine unless the release has other nodes there as well, nor to everybody at once.
 */
export function mayContact({ host, port }: Contact, options: { loopback: boolean }): boolean {
  const parts = host.split(".");
  if (parts.length !== 4 || !parts.every((part) => /^[0-9]{1,3}$/.test(part) && Number(part) <= 255))
    return false;
  const net = Number(parts[0]);
  if (net === 0 || net >= MULTICAST_NET || (isLoopback(host) && !options.loopback)) return false;
  return Number.isInteger(port) && port >= 1 && port <= 65_535;
}

/** An IPv4 address of this machine itself. */
export function isLoopback(host: string): boolean {
  return host.startsWith("127.");
}

type Entry = readonly [string, BencodeValue];

function bodyOf(message: BencodeDictionary, context: DatagramContext): readonly Entry[] | null {
  const kind = textOf(message.get("y"));
  switch (kind) {
    case "q":
      return queryOf(message, context);
    case "r": {
      const answer = answerOf(asDictionary(message.get("r")));
      return answer === null ? null : [["r", answer], entryOfKind(kind)];
    }
    case "e":
      // Its code and its text are of no use to anybody; that there was an error is.
      return [["e", [0, latin1Bytes("refused")]], entryOfKind(kind)];
    default:
      return null;
  }
}

function queryOf(message: BencodeDictionary, context: DatagramContext): readonly Entry[] | null {
  const name = textOf(message.get("q"));
  const given = asDictionary(message.get("a"));
  if (name === null || !QUERIES.has(name) || given === null) return null;
  const id = bytesOf(given, "id", DHT_ID_BYTES);
  const rest = argumentsOf(name, given, context);
  if (id === null || rest === null) return null;
  return [["a", sorted([...rest, ["id", id]])], ["q", latin1Bytes(name)], entryOfKind("q")];
}

function argumentsOf(
  name: string,
  given: BencodeDictionary,
  context: DatagramContext,
): readonly Entry[] | null {
  switch (name) {
    case "find_node": {
      const target = bytesOf(given, "target", DHT_ID_BYTES);
      return target === null ? null : [["target", target]];
    }
    case "get_peers":
      return hasKey(given, context.key) ? [["info_hash", context.key]] : null;
    case "announce_peer":
      return announcementOf(given, context);
    default:
      return [];
  }
}

/** A node's UDP port has the number of its TCP port, so nobody can announce a service that is not a node. */
function announcementOf(given: BencodeDictionary, { key, port }: DatagramContext): readonly Entry[] | null {
  const token = bytesOf(given, "token", TOKEN_BYTES);
  if (token === null || !hasKey(given, key) || given.get("port") !== port || port === 0) return null;
  return [
    ["implied_port", 0],
    ["info_hash", key],
    ["port", port],
    ["token", token],
  ];
}

function answerOf(given: BencodeDictionary | null): BencodeDictionary | null {
  const id = bytesOf(given, "id", DHT_ID_BYTES);
  if (given === null || id === null) return null;
  const entries: Entry[] = [["id", id]];
  for (const [name, check] of OPTIONAL_ANSWERS) {
    const value = given.get(name);
    if (value === undefined) continue;
    if (!check(value)) return null;
    entries.push([name, value]);
  }
  return sorted(entries);
}

const OPTIONAL_ANSWERS: readonly (readonly [string, (value: BencodeValue) => boolean])[] = [
  ["nodes", isNodes],
  ["token", (value) => value instanceof Uint8Array && value.length === TOKEN_BYTES],
  ["values", isPeers],
];

function isNodes(value: BencodeValue): boolean {
  const each = DHT_ID_BYTES + CONTACT_BYTES;
  return value instanceof Uint8Array && value.length % each === 0 && value.length <= NODES_MAX * each;
}

function isPeers(value: BencodeValue): boolean {
  if (!Array.isArray(value) || value.length > ANSWER_PEERS_MAX) return false;
  return value.every((peer) => peer instanceof Uint8Array && peer.length === CONTACT_BYTES);
}

function hasKey(given: BencodeDictionary, key: Uint8Array): boolean {
  const asked = bytesOf(given, "info_hash", DHT_ID_BYTES);
  return asked?.every((byte, index) => byte === key[index]) ?? false;
}

function bytesOf(from: BencodeDictionary | null, name: string, length: number): Uint8Array | null {
  const value = from?.get(name);
  return value instanceof Uint8Array && value.length === length ? value : null;
}

function textOf(value: BencodeValue | undefined): string | null {
  return value instanceof Uint8Array ? latin1Text(value) : null;
}

function asDictionary(value: BencodeValue | null | undefined): BencodeDictionary | null {
  return value instanceof Map ? value : null;
}

function entryOfKind(kind: string): Entry {
  return ["y", latin1Bytes(kind)];
}

function sorted(entries: readonly Entry[]): BencodeDictionary {
  return new Map([...entries].sort(([a], [b]) => (a < b ? -1 : 1)));
}
