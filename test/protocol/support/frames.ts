// Shared by the tests of frames: decoding by direction, comparing values that hold bytes, and msgpack written by hand.
import type { CoordinatorMessage, NodeMessage } from "../../../protocol/messages.ts";
import { DecodeError } from "../../../protocol/schema.ts";
import { decodeCoordinatorFrame, decodeNodeFrame } from "../../../protocol/shell/frame.ts";
import type { Sample } from "./arbitraries.ts";

export function decodeFrom(from: Sample["from"], frame: Uint8Array): CoordinatorMessage | NodeMessage {
  return from === "coordinator" ? decodeCoordinatorFrame(frame) : decodeNodeFrame(frame);
}

/** The message, or null when the frame is refused as it should be. Any other failure is passed on. */
export function tryDecode(from: Sample["from"], frame: Uint8Array): CoordinatorMessage | NodeMessage | null {
  try {
    return decodeFrom(from, frame);
  } catch (error) {
    if (error instanceof DecodeError) return null;
    throw error;
  }
}

/** A value with its byte strings as text, since a Buffer and a Uint8Array of the same bytes count as different. */
export function comparable(value: unknown): unknown {
  if (value instanceof Uint8Array) return `bytes ${Buffer.from(value).toString("hex")}`;
  if (Array.isArray(value)) return value.map(comparable);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, comparable(entry)]));
}

/** Bytes from hex digits with any spacing. */
export function hex(digits: string): Uint8Array {
  return Buffer.from(digits.replace(/\s/g, ""), "hex");
}

/** A msgpack text of less than 32 bytes. */
export function shortText(text: string): Uint8Array {
  const bytes = Buffer.from(text);
  return Buffer.concat([Buffer.of(0xa0 | bytes.length), bytes]);
}

/** A msgpack map of less than 16 entries, from keys and values that are msgpack already. */
export function shortMap(...keysAndValues: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat([Buffer.of(0x80 | (keysAndValues.length / 2)), ...keysAndValues]);
}
