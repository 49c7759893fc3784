// What data messages say is what was written, in order, whatever stands between them and however the wire cuts them.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  haveMessage,
  pieceHead,
  readDataMessages,
  requestMessage,
} from "../../../peer/core/data-messages.ts";
import { HANDSHAKE_BYTES, peerIdOf } from "../../../peer/core/handshake.ts";
import { WireGuard } from "../../../peer/core/wire-guard.ts";

const INFO_HASH = "ab".repeat(20);
const PIECE_COUNT = 20;

interface Sample {
  readonly bytes: Uint8Array;
  readonly heard: readonly unknown[];
}

const uint32 = fc.integer({ min: 0, max: 0xffff_ffff });
const data: fc.Arbitrary<Sample> = fc.oneof(
  uint32.map((piece) => ({ bytes: haveMessage(piece), heard: ["have", piece] })),
  fc.tuple(uint32, uint32, uint32).map((numbers) => ({
    bytes: requestMessage(...numbers),
    heard: ["request", ...numbers],
  })),
  fc.tuple(uint32, uint32, fc.uint8Array({ minLength: 1, maxLength: 40 })).map(([piece, offset, block]) => ({
    bytes: Buffer.concat([pieceHead(piece, offset, block.length), block]),
    heard: ["piece", piece, offset, ...block],
  })),
);
/** Keep-alive, unchoke, bitfield, cancel and feed: the wire's business. */
const other: fc.Arbitrary<Sample> = fc
  .constantFrom("00000000", "0000000101", "0000000405000000", `0000000d08${"00".repeat(12)}`, "000000024001")
  .map((hex) => ({ bytes: Buffer.from(hex, "hex"), heard: ["passed", hex] }));

function listenTo(heard: unknown[][]): (bytes: Uint8Array) => void {
  const listener = {
    onHave: (piece: number) => heard.push(["have", piece]),
    onRequest: (...numbers: number[]) => heard.push(["request", ...numbers]),
    onPiece: (piece: number, offset: number, block: Uint8Array) =>
      heard.push(["piece", piece, offset, ...block]),
  };
  return (bytes) =>
    readDataMessages(bytes, listener, (passed) =>
      heard.push(["passed", Buffer.from(passed).toString("hex")]),
    );
}

/** Others that follow one another are passed in any grouping. */
function joinPassed(heard: readonly (readonly unknown[])[]): unknown[][] {
  const joined: unknown[][] = [];
  for (const [what, ...rest] of heard) {
    const last = joined.at(-1);
    if (what === "passed" && last?.[0] === "passed") last[1] = `${last[1]}${rest[0]}`;
    else joined.push([what, ...rest]);
  }
  return joined;
}

describe("readDataMessages", () => {
  it("tells of data messages and passes all others on, in their order, behind the guard and however cut", () => {
    const samples = fc.array(fc.oneof(data, other), { maxLength: 12 });
    const cuts = fc.array(fc.integer({ min: 0, max: 600 }), { maxLength: 6 });
    fc.assert(
      fc.property(samples, cuts, (sent, places) => {
        const guard = new WireGuard({ infoHash: INFO_HASH, pieceCount: PIECE_COUNT });
        guard.push(handshake());
        const heard: unknown[][] = [];
        const read = listenTo(heard);
        const bytes = Buffer.concat(sent.map((sample) => sample.bytes));
        const ends = [...places.toSorted((a, b) => a - b), bytes.length];
        for (const [index, end] of ends.entries()) {
          const verdict = guard.push(bytes.subarray(ends[index - 1] ?? 0, end));
          if (verdict.kind === "violation") throw new Error(verdict.reason);
          for (const part of verdict.parts) read(part);
        }
        expect(joinPassed(heard)).toEqual(joinPassed(sent.map((sample) => [...sample.heard])));
      }),
    );
  });

  it("writes what BEP 3 says", () => {
    const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
    expect(hex(haveMessage(258))).toBe("000000050400000102");
    expect(hex(requestMessage(1, 16_384, 100))).toBe("0000000d06000000010000400000000064");
    expect(hex(pieceHead(0xffff_ffff, 2, 16_384))).toBe("0000400907ffffffff00000002");
  });
});

function handshake(): Uint8Array {
  const bytes = Buffer.alloc(HANDSHAKE_BYTES);
  bytes.write("\u0013BitTorrent protocol", "latin1");
  bytes.write(INFO_HASH, 28, "hex");
  bytes.set(peerIdOf("origin"), 48);
  return bytes;
}
