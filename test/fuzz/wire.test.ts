// A short run of the fuzzer over what strangers say on a swarm port: whatever is damaged and wherever it is cut, the
// guard either refuses the remote or hands on whole messages that its parser knows.
import { expect, test } from "vitest";
import { HANDSHAKE_BYTES, parseHandshake, peerIdOf } from "../../peer/core/handshake.ts";
import { WireGuard } from "../../peer/core/wire-guard.ts";
import { createPrng, type Prng } from "../../protocol/prng.ts";
import { mutate } from "./mutate.ts";

const INFO_HASH = "cd".repeat(20);
const PIECE_COUNT = 100;
const RUNS = 20_000;
/** Kind and length of every message a parser may see. */
const LENGTHS = new Map<number, readonly [number, number]>([
  ...[0, 1, 2, 3, 14, 15].map((kind) => [kind, [1, 1]] as [number, [number, number]]),
  [4, [5, 5]],
  [5, [14, 14]],
  [6, [13, 13]],
  [7, [10, 9 + 16 * 1024]],
  [8, [13, 13]],
  [16, [13, 13]],
]);

function message(kind: number, payload: readonly number[]): Buffer {
  const bytes = Buffer.from([0, 0, 0, 1 + payload.length, kind, ...payload]);
  return bytes;
}

function handshake(reserved: number): Buffer {
  const bytes = Buffer.alloc(HANDSHAKE_BYTES, reserved);
  bytes.write("\u0013BitTorrent protocol", "latin1");
  bytes.write(INFO_HASH, 28, "hex");
  bytes.set(peerIdOf("origin"), 48);
  return bytes;
}

const number = [0, 0, 0, 7];
const messages = [
  Buffer.alloc(4),
  ...[0, 1, 2, 3, 14, 15].map((kind) => message(kind, [])),
  message(4, number),
  message(5, Array(13).fill(0)),
  ...[6, 8, 16].map((kind) => message(kind, [...number, 0, 0, 0, 0, 0, 0, 64, 0])),
  message(7, [...number, ...number, 1, 2, 3]),
  message(20, [0, ...Buffer.from("d1:md11:ut_metadatai3eee")]),
  message(9, [0, 80]),
];

/** A conversation of a stranger: mostly right, damaged somewhere. */
function conversation(prng: Prng): Uint8Array {
  const said = Array.from(
    { length: 1 + prng.below(12) },
    () => messages[prng.below(messages.length)] ?? messages[0],
  );
  const opening = prng.below(4) === 0 ? mutate([handshake(0)], prng.child(1)) : handshake(prng.below(256));
  const rest = Buffer.concat(said.filter((part) => part !== undefined));
  return Buffer.concat([opening, prng.below(4) === 0 ? rest : mutate([rest], prng.child(2))]);
}

/** What the guard hands on of the bytes in pieces of random length; null when it refuses the remote. */
function guarded(bytes: Uint8Array, prng: Prng): Buffer | null {
  const guard = new WireGuard({ infoHash: INFO_HASH, pieceCount: PIECE_COUNT });
  const passed: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = 1 + prng.below(prng.below(2) === 0 ? 8 : 400);
    const verdict = guard.push(bytes.subarray(at, at + length));
    if (verdict.kind === "violation") return null;
    // The guard uses its memory again.
    passed.push(...verdict.parts.map((part) => Uint8Array.from(part)));
    at += length;
  }
  return Buffer.concat(passed);
}

/** Messages in it. Throws at the first that no parser should see. */
function countMessages(passed: Buffer): number {
  if (passed.length === 0) return 0;
  expect(parseHandshake(passed)).toMatchObject({ infoHash: INFO_HASH });
  expect([...passed.subarray(20, 27), (passed[27] ?? 0) & ~4]).toEqual(Array(8).fill(0));
  let count = 0;
  for (let at = HANDSHAKE_BYTES; at < passed.length; count += 1) {
    const length = passed.readUInt32BE(at);
    const [min, max] =
      length === 0 ? [0, 0] : (LENGTHS.get(passed[at + 4] ?? -1) ?? [Number.NaN, Number.NaN]);
    expect(length >= min && length <= max).toBe(true);
    at += 4 + length;
    expect(at).toBeLessThanOrEqual(passed.length);
  }
  return count;
}

test("damaged conversations are refused, or reach the parser as whole messages that it knows", () => {
  const seeds = createPrng(1);
  let [refused, messagesPassed] = [0, 0];
  for (let run = 0; run < RUNS; run += 1) {
    const prng = seeds.child(run);
    const passed = guarded(conversation(prng), prng.child(3));
    if (passed === null) refused += 1;
    else messagesPassed += countMessages(passed);
  }
  // Were either of them none, the damage would be too coarse or too fine to show anything.
  expect(refused).toBeGreaterThan(RUNS / 20);
  expect(messagesPassed).toBeGreaterThan(RUNS);
});

test("the same bytes are judged alike however they are cut", () => {
  const seeds = createPrng(2);
  for (let run = 0; run < RUNS / 4; run += 1) {
    const bytes = conversation(seeds.child(run));
    const [once, again] = [1, 2].map((seed) => guarded(bytes, createPrng(run).child(seed)));
    expect(once?.toString("hex")).toBe(again?.toString("hex"));
  }
});
