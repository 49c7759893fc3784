// Frames on the control WebSocket: bytes ⇄ typed messages. The only place msgpack meets the protocol.
// This entry is plain JavaScript: hostile bytes never reach the native string decoder of the main one.
import { Packr } from "msgpackr/pack";
import { FRAME_DEPTH_MAX, FRAME_VALUES_MAX } from "../limits.ts";
import {
  type CoordinatorMessage,
  coordinatorMessageSchema,
  type NodeMessage,
  nodeMessageSchema,
} from "../messages.ts";
import { DecodeError, type Schema } from "../schema.ts";
import { checkFrameShape } from "./frame-shape.ts";

const packr = new Packr({
  useRecords: false,
  mapsAsObjects: true,
  variableMapSize: true,
  int64AsType: "number",
});

export function encodeFrame(message: CoordinatorMessage | NodeMessage): Uint8Array {
  return packr.pack(message);
}

/** Throws {@link DecodeError} for anything but a well-formed message from a coordinator. */
export function decodeCoordinatorFrame(frame: Uint8Array): CoordinatorMessage {
  return decodeFrame(coordinatorMessageSchema, frame);
}

/** Throws {@link DecodeError} for anything but a well-formed message from a node. */
export function decodeNodeFrame(frame: Uint8Array): NodeMessage {
  return decodeFrame(nodeMessageSchema, frame);
}

function decodeFrame<T>(schema: Schema<T>, frame: Uint8Array): T {
  checkFrameShape(frame, { depthMax: FRAME_DEPTH_MAX, valuesMax: FRAME_VALUES_MAX });
  return schema.decode(unpack(frame), "");
}

function unpack(frame: Uint8Array): unknown {
  try {
    return packr.unpack(frame) as unknown;
  } catch {
    throw new DecodeError("", "a msgpack frame");
  }
}
