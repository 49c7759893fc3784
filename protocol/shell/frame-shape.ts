// Walks a msgpack frame without building anything, so that a hostile one is refused before it can cost memory or stack.
// Format bytes: https://github.com/msgpack/msgpack/blob/master/spec.md
import { DecodeError } from "../schema.ts";

export interface FrameShapeLimits {
  readonly depthMax: number;
  readonly valuesMax: number;
}

/**
 * Throws {@link DecodeError} unless `frame` is exactly one msgpack value within the limits, without extension
 * types.
 */
export function checkFrameShape(frame: Uint8Array, limits: FrameShapeLimits): void {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  // How many values are still to come at each open level; the frame itself is one value.
  const open: number[] = [1];
  let offset = 0;
  let values = 0;
  while (open.length > 0) {
    const level = open.length - 1;
    const remaining = open[level] ?? 0;
    if (remaining === 0) {
      open.pop();
      continue;
    }
    open[level] = remaining - 1;
    values += 1;
    if (values > limits.valuesMax) throw new DecodeError("frame", `at most ${limits.valuesMax} values`);
    const item = readItem(view, offset);
    offset = item.end;
    if (offset > view.byteLength) throw new DecodeError("frame", "a complete msgpack value");
    if (item.children === 0) continue;
    if (open.length > limits.depthMax) throw new DecodeError("frame", `at most ${limits.depthMax} levels`);
    if (item.children > limits.valuesMax)
      throw new DecodeError("frame", `at most ${limits.valuesMax} values`);
    open.push(item.children);
  }
  if (offset !== view.byteLength) throw new DecodeError("frame", "one msgpack value and nothing after it");
}

interface Item {
  readonly end: number;
  readonly children: number;
}

function readItem(view: DataView, start: number): Item {
  const format = byteAt(view, start);
  const next = start + 1;
  if (format <= 0x7f || format >= 0xe0) return leaf(next);
  if (format <= 0x8f) return { end: next, children: 2 * (format & 0x0f) };
  if (format <= 0x9f) return { end: next, children: format & 0x0f };
  if (format <= 0xbf) return leaf(next + (format & 0x1f));
  switch (format) {
    case 0xc0: // nil
    case 0xc2: // false
    case 0xc3: // true
      return leaf(next);
    case 0xc4: // bin 8
    case 0xd9: // str 8
      return leaf(next + 1 + sizeAt(view, next, 1));
    case 0xc5: // bin 16
    case 0xda: // str 16
      return leaf(next + 2 + sizeAt(view, next, 2));
    case 0xc6: // bin 32
    case 0xdb: // str 32
      return leaf(next + 4 + sizeAt(view, next, 4));
    case 0xcc: // uint 8
    case 0xd0: // int 8
      return leaf(next + 1);
    case 0xcd: // uint 16
    case 0xd1: // int 16
      return leaf(next + 2);
    case 0xca: // float 32
    case 0xce: // uint 32
    case 0xd2: // int 32
      return leaf(next + 4);
    case 0xcb: // float 64
    case 0xcf: // uint 64
    case 0xd3: // int 64
      return leaf(next + 8);
    case 0xdc: // array 16
      return { end: next + 2, children: sizeAt(view, next, 2) };
    case 0xdd: // array 32
      return { end: next + 4, children: sizeAt(view, next, 4) };
    case 0xde: // map 16
      return { end: next + 2, children: 2 * sizeAt(view, next, 2) };
    case 0xdf: // map 32
      return { end: next + 4, children: 2 * sizeAt(view, next, 4) };
    default:
      throw new DecodeError("frame", "plain msgpack without extension types");
  }
}

function leaf(end: number): Item {
  return { end, children: 0 };
}

function byteAt(view: DataView, offset: number): number {
  if (offset >= view.byteLength) throw new DecodeError("frame", "a complete msgpack value");
  return view.getUint8(offset);
}

function sizeAt(view: DataView, offset: number, width: 1 | 2 | 4): number {
  if (offset + width > view.byteLength) throw new DecodeError("frame", "a complete msgpack value");
  if (width === 1) return view.getUint8(offset);
  return width === 2 ? view.getUint16(offset) : view.getUint32(offset);
}
