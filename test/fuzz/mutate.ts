// Damages frames the way an attacker or a bad cable would.
// All chance comes from the given generator, so a seed repeats a run.
import type { Prng } from "../../protocol/prng.ts";
import { mutateValue } from "./mutate-value.ts";

/** Longest frame that is made; longer ones only take longer to refuse. */
const FRAME_BYTES_MAX = 8_192;
const ROUNDS_MAX = 4;

/** Bytes that mean something at many places: formats with lengths, extensions, ends of ranges. */
const TELLING_BYTES = [
  ...[0x00, 0x01, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc4, 0xc5, 0xc6, 0xc7, 0xc8, 0xc9],
  ...[
    0xca, 0xcb, 0xcf, 0xd3, 0xd4, 0xd5, 0xd6, 0xd7, 0xd8, 0xd9, 0xda, 0xdb, 0xdc, 0xdd, 0xde, 0xdf, 0xe0,
    0xff,
  ],
];

type Mutation = (frame: Buffer, prng: Prng, others: readonly Uint8Array[]) => Buffer;

const MUTATIONS: readonly Mutation[] = [
  flipBit,
  setByte,
  insertBytes,
  removeBytes,
  repeatBytes,
  overwriteLength,
  cutOff,
  splice,
  wrap,
];

/** One of `frames`: half of the time with damaged bytes, half of the time with other values in it. */
export function mutate(frames: readonly Uint8Array[], prng: Prng): Uint8Array {
  const frame = Buffer.from(pick(frames, prng) ?? []);
  const withOtherValues = prng.below(2) === 0 ? mutateValue(frame, prng) : null;
  return withOtherValues ?? damage(frame, prng, frames);
}

function damage(frame: Buffer, prng: Prng, others: readonly Uint8Array[]): Buffer {
  let damaged = frame;
  for (let round = prng.below(ROUNDS_MAX); round >= 0; round -= 1) {
    const mutation = pick(MUTATIONS, prng) ?? flipBit;
    damaged = mutation(damaged, prng, others).subarray(0, FRAME_BYTES_MAX);
  }
  return damaged;
}

function flipBit(frame: Buffer, prng: Prng): Buffer {
  const bit = prng.below(frame.length * 8 + 1);
  frame[bit >> 3] = (frame[bit >> 3] ?? 0) ^ (1 << (bit & 7));
  return frame;
}

function setByte(frame: Buffer, prng: Prng): Buffer {
  frame[prng.below(frame.length + 1)] = pick(TELLING_BYTES, prng) ?? 0;
  return frame;
}

function insertBytes(frame: Buffer, prng: Prng): Buffer {
  const bytes = Buffer.from(Array.from({ length: 1 + prng.below(8) }, () => prng.below(256)));
  return insert(frame, prng.below(frame.length + 1), bytes);
}

function removeBytes(frame: Buffer, prng: Prng): Buffer {
  const start = prng.below(frame.length + 1);
  return Buffer.concat([frame.subarray(0, start), frame.subarray(start + 1 + prng.below(16))]);
}

/** Long runs of one format byte are deep nesting; runs of a part are too many values. */
function repeatBytes(frame: Buffer, prng: Prng): Buffer {
  const start = prng.below(frame.length + 1);
  const part = frame.subarray(start, start + 1 + prng.below(4));
  return insert(frame, start, Buffer.concat(Array.from({ length: prng.below(400) }, () => part)));
}

function overwriteLength(frame: Buffer, prng: Prng): Buffer {
  const head = Buffer.from([
    pick([0xc4, 0xc5, 0xc6, 0xd9, 0xda, 0xdb, 0xdc, 0xdd, 0xde, 0xdf], prng) ?? 0,
    0,
    0,
    0,
    0,
  ]);
  head.writeUInt32BE(prng.below(2) === 0 ? prng.uint32() : prng.below(frame.length + 2), 1);
  head.copy(frame, prng.below(frame.length + 1));
  return frame;
}

function cutOff(frame: Buffer, prng: Prng): Buffer {
  return frame.subarray(0, prng.below(frame.length + 1));
}

function splice(frame: Buffer, prng: Prng, others: readonly Uint8Array[]): Buffer {
  const other = pick(others, prng) ?? frame;
  return Buffer.concat([
    frame.subarray(0, prng.below(frame.length + 1)),
    other.subarray(prng.below(other.length + 1)),
  ]);
}

function wrap(frame: Buffer, prng: Prng): Buffer {
  const heads = ["91", "81a46b696e64", "81a95f5f70726f746f5f5f", "dc0001", "df00000001c0"];
  return Buffer.concat([Buffer.from(pick(heads, prng) ?? "", "hex"), frame]);
}

function insert(frame: Buffer, at: number, bytes: Uint8Array): Buffer {
  return Buffer.concat([frame.subarray(0, at), bytes, frame.subarray(at)]);
}

function pick<T>(items: readonly T[], prng: Prng): T | undefined {
  return items[prng.below(items.length)];
}
