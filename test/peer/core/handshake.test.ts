// How nodes name themselves in the BitTorrent handshake.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { HANDSHAKE_BYTES, parseHandshake, peerIdOf } from "../../../peer/core/handshake.ts";
import { BugError } from "../../../protocol/machine.ts";

function withPeerId(peerId: Uint8Array): Uint8Array {
  const bytes = Buffer.alloc(HANDSHAKE_BYTES);
  bytes.write("\u0013BitTorrent protocol", "latin1");
  bytes.write("0123456789abcdef0123456789abcdef01234567", 28, "hex");
  bytes.set(peerId, 48);
  return bytes;
}

describe("parseHandshake", () => {
  it("finds the infohash and the id of a node", () => {
    const id = "00ff".repeat(8);
    expect(parseHandshake(withPeerId(peerIdOf(id)))).toEqual({
      infoHash: "0123456789abcdef0123456789abcdef01234567",
      id,
    });
  });

  it("gives every id back that can be sent", () => {
    const hex = fc.string({ unit: fc.constantFrom(..."0123456789abcdef"), minLength: 32, maxLength: 32 });
    const name = fc.string({ unit: fc.constantFrom(..."abcXYZ019-_.:"), minLength: 1, maxLength: 16 });
    fc.assert(
      fc.property(fc.oneof(hex, name), (id) => {
        expect(peerIdOf(id)).toHaveLength(20);
        expect(parseHandshake(withPeerId(peerIdOf(id)))?.id).toBe(id);
      }),
    );
  });

  it("takes other clients for nobody in particular", () => {
    for (const peerId of [
      "-WW0300-abcdefghijkl",
      "FLS1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
      "FLS1a\0b\u0007aaaaaaaaaaaa",
    ])
      expect(parseHandshake(withPeerId(Buffer.from(peerId, "latin1")))?.id).toBeNull();
  });

  it("refuses what is too short or speaks another protocol", () => {
    expect(parseHandshake(withPeerId(peerIdOf("origin")).subarray(0, 67))).toBeNull();
    expect(parseHandshake(Buffer.alloc(HANDSHAKE_BYTES))).toBeNull();
  });

  it("treats a name that does not fit as a bug", () => {
    expect(() => peerIdOf("seventeen-letters")).toThrow(BugError);
    expect(() => peerIdOf("")).toThrow(BugError);
  });
});
