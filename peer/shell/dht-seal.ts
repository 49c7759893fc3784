// What makes a datagram one of a certain release: a tag that only those can make and check who know its infohash.
// Shows a listener neither the infohash nor anything it could be computed from.
import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import type { InfoHash } from "../../protocol/ids.ts";
import { DHT_ID_BYTES } from "../core/dht-message.ts";

const MAGIC = Buffer.from("FLD1");
const CHANNEL_BYTES = 8;
const TAG_BYTES = 16;
const CHANNEL_AT = MAGIC.length;
const TAG_AT = CHANNEL_AT + CHANNEL_BYTES;
/** What a seal adds to a message. */
export const SEAL_BYTES = TAG_AT + TAG_BYTES;

export class DhtSeal {
  /** Says to which of its releases a node has to turn, 16 hex digits. */
  readonly channel: string;
  /** What peers of the release are announced under. */
  readonly key: Buffer;
  readonly #head: Buffer;
  readonly #secret: Buffer;

  constructor(infoHash: InfoHash) {
    const channel = derive("channel", infoHash).subarray(0, CHANNEL_BYTES);
    this.channel = channel.toString("hex");
    this.key = derive("key", infoHash).subarray(0, DHT_ID_BYTES);
    this.#head = Buffer.concat([MAGIC, channel]);
    this.#secret = derive("tag", infoHash);
  }

  seal(message: Uint8Array): Buffer {
    return Buffer.concat([this.#head, this.#tagOf(message), message]);
  }

  /** The message in a datagram of this channel; null when its tag was not made for it by one who knows the infohash. */
  open(datagram: Buffer): Buffer | null {
    const message = datagram.subarray(SEAL_BYTES);
    return timingSafeEqual(datagram.subarray(TAG_AT, SEAL_BYTES), this.#tagOf(message)) ? message : null;
  }

  #tagOf(message: Uint8Array): Buffer {
    return createHmac("sha256", this.#secret).update(message).digest().subarray(0, TAG_BYTES);
  }
}

/** The channel that a datagram claims to be of; null when it has none. */
export function channelOf(datagram: Buffer): string | null {
  if (datagram.length <= SEAL_BYTES || !datagram.subarray(0, CHANNEL_AT).equals(MAGIC)) return null;
  return datagram.toString("hex", CHANNEL_AT, TAG_AT);
}

function derive(purpose: string, infoHash: InfoHash): Buffer {
  return createHash("sha256").update(`fleet-dht-${purpose}-v1\n${infoHash}`).digest();
}
