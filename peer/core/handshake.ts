// The opening of a BitTorrent connection (BEP 3) and the peer id in it, which tells a fleet's nodes apart.
// Pure parsing of bytes from strangers; never proves who they are.
import { assert } from "../../protocol/machine.ts";

/** Protocol name, reserved bits, infohash, peer id. */
export const HANDSHAKE_BYTES = 68;
const PROTOCOL = bytesOf("\u0013BitTorrent protocol");
const RESERVED_AT = 20;
const INFO_HASH_AT = 28;
const PEER_ID_AT = 48;
export const PEER_ID_BYTES = 20;

/** In front of 16 raw bytes of a node id, which is 32 hex digits. */
const NODE_ID_TAG = "FLN1";
/** In front of any other short name, such as `origin`, padded with zeros. */
const NAME_TAG = "FLS1";
const NODE_ID_PATTERN = /^[0-9a-f]{32}$/;
const NAME_PATTERN = /^[!-~]{1,16}$/;

/** Bit for the fast extension (BEP 6) in the last reserved byte: the only extension a fleet speaks. */
const FAST_BIT = 0x04;

export interface Handshake {
  /** 40 hex digits. */
  readonly infoHash: string;
  /** The id of a fleet's node, null for any other client. A claim, not a proof. */
  readonly id: string | null;
}

/** Null when these 68 bytes do not open a BitTorrent connection. */
export function parseHandshake(bytes: Uint8Array): Handshake | null {
  if (bytes.length < HANDSHAKE_BYTES || !PROTOCOL.every((byte, index) => bytes[index] === byte)) return null;
  return {
    infoHash: toHex(bytes.subarray(INFO_HASH_AT, PEER_ID_AT)),
    id: idOfPeerId(bytes.subarray(PEER_ID_AT, HANDSHAKE_BYTES)),
  };
}

/** The same handshake from a remote that speaks the fast extension at most. */
export function withoutExtensions(handshake: Uint8Array): Uint8Array {
  const plain = handshake.slice(0, HANDSHAKE_BYTES);
  plain.fill(0, RESERVED_AT, INFO_HASH_AT - 1);
  plain[INFO_HASH_AT - 1] = (plain[INFO_HASH_AT - 1] ?? 0) & FAST_BIT;
  return plain;
}

/** How a node names itself on the wire; `id` is a node id or a printable name of at most 16 characters. */
export function peerIdOf(id: string): Uint8Array {
  const peerId = new Uint8Array(PEER_ID_BYTES);
  if (NODE_ID_PATTERN.test(id)) {
    peerId.set(bytesOf(NODE_ID_TAG));
    for (let index = 0; index < 16; index++)
      peerId[4 + index] = Number.parseInt(id.slice(2 * index, 2 * index + 2), 16);
    return peerId;
  }
  assert(NAME_PATTERN.test(id), `${id} cannot be a name in the swarm`);
  peerId.set(bytesOf(NAME_TAG + id));
  return peerId;
}

function idOfPeerId(peerId: Uint8Array): string | null {
  const tag = textOf(peerId.subarray(0, 4));
  const rest = peerId.subarray(4);
  if (tag === NODE_ID_TAG) return toHex(rest);
  const name = textOf(rest).replace(/\0+$/, "");
  return tag === NAME_TAG && NAME_PATTERN.test(name) ? name : null;
}

function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function bytesOf(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

function textOf(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes);
}
