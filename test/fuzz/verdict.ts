// Judges what the decoders make of a frame: a message that is one, or a DecodeError. Anything else is a fault of ours.
import { isDeepStrictEqual } from "node:util";
import type { CoordinatorMessage, NodeMessage } from "../../protocol/messages.ts";
import { DecodeError } from "../../protocol/schema.ts";
import { decodeCoordinatorFrame, decodeNodeFrame, encodeFrame } from "../../protocol/shell/frame.ts";
import { comparable } from "../protocol/support/frames.ts";

export type Decoder = (frame: Uint8Array) => CoordinatorMessage | NodeMessage;

export const DECODERS: readonly Decoder[] = [decodeCoordinatorFrame, decodeNodeFrame];

/** How many of the decoders took the frame as a message. Throws when one of them did something it must not do. */
export function judge(frame: Uint8Array, decoders = DECODERS): number {
  const before = Buffer.from(frame);
  const accepted = decoders.filter((decoder) => isAccepted(decoder, frame)).length;
  if (!before.equals(frame)) throw new Error("decoding changed the frame");
  if (Object.keys(Object.prototype).length > 0) throw new Error("decoding added to every object's prototype");
  return accepted;
}

function isAccepted(decoder: Decoder, frame: Uint8Array): boolean {
  const message = decodeOrNull(decoder, frame);
  if (message === null) return false;
  // What was taken in can be sent on, and is then the same.
  const again = decoder(encodeFrame(message));
  if (!isDeepStrictEqual(comparable(again), comparable(message)))
    throw new Error(`a ${message.kind} message is another one when it is sent on`);
  return true;
}

function decodeOrNull(decoder: Decoder, frame: Uint8Array): ReturnType<Decoder> | null {
  try {
    return decoder(frame);
  } catch (error) {
    if (error instanceof DecodeError) return null;
    throw new Error("decoding failed with something else than a DecodeError", { cause: error });
  }
}
