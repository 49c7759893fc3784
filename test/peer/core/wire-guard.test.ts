// What the guard lets through of a stranger's bytes, however they are cut.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { HANDSHAKE_BYTES, peerIdOf } from "../../../peer/core/handshake.ts";
import { type GuardVerdict, WireGuard } from "../../../peer/core/wire-guard.ts";

const INFO_HASH = "ab".repeat(20);
const PIECE_COUNT = 20;

function handshake(options: { infoHash?: string; id?: string; reserved?: number } = {}): Uint8Array {
  const bytes = Buffer.alloc(HANDSHAKE_BYTES, options.reserved ?? 0);
  bytes.write("\u0013BitTorrent protocol", "latin1");
  bytes.write(options.infoHash ?? INFO_HASH, 28, "hex");
  bytes.set(peerIdOf(options.id ?? "origin"), 48);
  return bytes;
}

function message(kind: number, length: number): Buffer {
  const bytes = Buffer.alloc(4 + length, kind);
  bytes.writeUInt32BE(length);
  return bytes;
}

const KEEP_ALIVE = Buffer.alloc(4);

const passing: Buffer[] = [
  KEEP_ALIVE,
  ...[0, 1, 2, 3, 14, 15].map((kind) => message(kind, 1)),
  message(4, 5),
  message(5, 1 + Math.ceil(PIECE_COUNT / 8)),
  message(6, 13),
  message(7, 9 + 16 * 1024),
  message(7, 10),
  message(8, 13),
  message(16, 13),
  message(64, 2),
];
const ignored: Buffer[] = [
  message(9, 3),
  message(13, 5),
  message(17, 5),
  message(20, 2),
  message(20, 65_536),
  message(99, 700),
];
const violating: Buffer[] = [
  message(0, 2),
  message(4, 4),
  message(4, 1),
  message(5, 2),
  message(5, 400),
  message(6, 12),
  message(7, 9),
  message(7, 9 + 16 * 1024 + 1),
  message(8, 17),
  message(20, 65_537),
  message(64, 1),
  message(64, 3),
  message(77, 70_000),
];

interface Outcome {
  readonly passed: Buffer;
  readonly handshakes: (string | null)[];
  readonly reason: string | null;
  /** Every part after the handshake begins and ends with a message. */
  readonly partsAreWhole: boolean;
}

function feed(bytes: Uint8Array, cuts: readonly number[]): Outcome {
  const guard = new WireGuard({ infoHash: INFO_HASH, pieceCount: PIECE_COUNT });
  const passed: Uint8Array[] = [];
  const handshakes: (string | null)[] = [];
  let partsAreWhole = true;
  const places = [0, ...cuts.toSorted((a, b) => a - b), bytes.length];
  for (const [index, from] of places.slice(0, -1).entries()) {
    const verdict: GuardVerdict = guard.push(bytes.subarray(from, places[index + 1]));
    if (verdict.kind === "violation")
      return { passed: Buffer.concat(passed), handshakes, reason: verdict.reason, partsAreWhole };
    if (verdict.handshake !== null) handshakes.push(verdict.handshake.id);
    const parts = verdict.handshake === null ? verdict.parts : verdict.parts.slice(1);
    partsAreWhole &&= parts.every(isWhole);
    // They hold good until the next call only.
    passed.push(...verdict.parts.map((part) => Uint8Array.from(part)));
  }
  return { passed: Buffer.concat(passed), handshakes, reason: null, partsAreWhole };
}

function isWhole(part: Uint8Array): boolean {
  const bytes = Buffer.from(part);
  let at = 0;
  while (at + 4 <= bytes.length) at += 4 + bytes.readUInt32BE(at);
  return at === bytes.length;
}

const messages = fc.array(fc.oneof(fc.constantFrom(...passing), fc.constantFrom(...ignored)), {
  maxLength: 30,
});

function withCuts(stream: Buffer): fc.Arbitrary<number[]> {
  return fc.array(fc.nat(stream.length), { maxLength: 40 });
}

describe("WireGuard", () => {
  it("leaves a message that was cut as it is until the next call, also when another one is cut behind it", () => {
    const guard = new WireGuard({ infoHash: INFO_HASH, pieceCount: PIECE_COUNT });
    guard.push(handshake());
    const blocks = Array.from({ length: 6 }, (_, index) => {
      const block = message(7, 9 + 16 * 1024);
      block.fill(index + 100, 13);
      return block;
    });
    const stream = Buffer.concat(blocks);
    const passed: Buffer[] = [];
    // Each chunk ends one block and begins the next.
    for (let at = 0; at < stream.length; at += 16 * 1024) {
      const verdict = guard.push(stream.subarray(at, at + 16 * 1024));
      if (verdict.kind !== "pass") return expect.fail(verdict.reason);
      passed.push(Buffer.concat(verdict.parts));
    }
    expect(Buffer.concat(passed).equals(stream)).toBe(true);
  });

  it("passes the messages a fleet speaks and drops the others, wherever the stream is cut", () => {
    const cases = messages.chain((list) => {
      const stream = Buffer.concat([handshake(), ...list]);
      return fc.record({ list: fc.constant(list), stream: fc.constant(stream), cuts: withCuts(stream) });
    });
    fc.assert(
      fc.property(cases, ({ list, stream, cuts }) => {
        const expected = Buffer.concat([handshake(), ...list.filter((entry) => passing.includes(entry))]);
        const outcome = feed(stream, cuts);
        expect(outcome.reason).toBeNull();
        expect(outcome.passed.equals(expected)).toBe(true);
        expect(outcome.handshakes).toEqual(["origin"]);
        expect(outcome.partsAreWhole).toBe(true);
      }),
    );
  });

  it.each(violating.map((bytes) => [bytes[4], bytes.readUInt32BE(0), bytes] as const))(
    "cuts off a remote that sends kind %i with %i bytes, before the message is whole",
    (_kind, _length, bytes) => {
      const head = Buffer.concat([handshake(), message(4, 5), bytes.subarray(0, 5)]);
      expect(feed(head, []).reason).toMatch(/sent a message of kind/);
      expect(feed(head, [70, 71, 72, 73, 74, 75, 76, 77, 78, 79]).reason).toMatch(/sent a message of kind/);
    },
  );

  it("cuts off a remote that announces two gigabytes", () => {
    const giant = Buffer.from([0x7f, 0xff, 0xff, 0xff, 7]);
    expect(feed(Buffer.concat([handshake(), giant]), []).reason).toMatch(/2147483647 bytes/);
  });

  it("cuts off what is not BitTorrent and what is another torrent", () => {
    expect(feed(Buffer.from(`GET / HTTP/1.1\r\n${"x".repeat(80)}`), []).reason).toMatch(/BitTorrent/);
    expect(feed(handshake({ infoHash: "00".repeat(20) }), []).reason).toMatch(/another torrent/);
  });

  it("keeps extensions from the parser: of all reserved bits only the fast extension's is left", () => {
    const { passed } = feed(handshake({ reserved: 0xff }), []);
    expect([...passed.subarray(20, 28)]).toEqual([0, 0, 0, 0, 0, 0, 0, 4]);
  });

  it("never throws on garbage", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), fc.boolean(), (bytes, opened) => {
        feed(opened ? Buffer.concat([handshake(), bytes]) : bytes, [1, 50, 69, 74]);
      }),
    );
  });
});
