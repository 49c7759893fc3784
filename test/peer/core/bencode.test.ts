// Bencoding of strangers: what is canonical comes back as it was, everything else is refused.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type BencodeValue, decodeBencode, encodeBencode, latin1Bytes } from "../../../peer/core/bencode.ts";

const decode = (text: string): BencodeValue | null => decodeBencode(latin1Bytes(text));

const value: fc.Arbitrary<BencodeValue> = fc.letrec<{ value: BencodeValue }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small", maxDepth: 3 },
    fc.integer(),
    fc.uint8Array({ maxLength: 30 }),
    fc.array(tie("value"), { maxLength: 4 }),
    fc
      .uniqueArray(fc.string({ minLength: 1, maxLength: 16 }), { maxLength: 4 })
      .map((keys) => keys.map((key) => key.replaceAll(/[^ -~]/g, "x")))
      .chain((keys) =>
        fc
          .tuple(...[...new Set(keys)].sort().map((key) => fc.tuple(fc.constant(key), tie("value"))))
          .map((entries) => new Map(entries)),
      ),
  ),
})).value;

describe("decodeBencode", () => {
  it("gives back what was encoded", () => {
    fc.assert(
      fc.property(value, (one) => {
        expect(decodeBencode(encodeBencode(one))).toEqual(one);
      }),
    );
  });

  it("accepts no two ways of writing the same", () => {
    fc.assert(
      fc.property(value, fc.nat(), fc.nat(255), (one, at, byte) => {
        const bytes = encodeBencode(one);
        bytes[at % bytes.length] = byte;
        const read = decodeBencode(bytes);
        if (read !== null) expect(encodeBencode(read)).toEqual(bytes);
      }),
    );
  });

  it("reads what BEP 5 shows", () => {
    const ping = decode("d1:ad2:id20:abcdefghij0123456789e1:q4:ping1:t2:aa1:y1:qe");
    expect(ping).toEqual(
      new Map<string, BencodeValue>([
        ["a", new Map([["id", latin1Bytes("abcdefghij0123456789")]])],
        ["q", latin1Bytes("ping")],
        ["t", latin1Bytes("aa")],
        ["y", latin1Bytes("q")],
      ]),
    );
  });

  it.each([
    ["nothing", ""],
    ["more than one value", "i1ei2e"],
    ["a number with zeros in front", "i01e"],
    ["minus nothing", "i-0e"],
    ["a number without digits", "ie"],
    ["a number beyond what is exact", "i1000000000000000e"],
    ["a number without an end", "i5"],
    ["a string longer than there is", "5:abcd"],
    ["a string with a length written long", "01:a"],
    ["a string whose length never ends", "999999999999:"],
    ["a list without an end", "l"],
    ["a dictionary without an end", "d"],
    ["a key without a value", "d1:ae"],
    ["a key that is no string", "di1ei2ee"],
    ["a key twice", "d1:ai1e1:ai2ee"],
    ["keys in the wrong order", "d1:bi1e1:ai2ee"],
    ["a key longer than any we know", `d17:${"k".repeat(17)}i1ee`],
    ["a tower of lists", "l".repeat(600) + "e".repeat(600)],
    ["more values than a message has", `l${"i1e".repeat(400)}e`],
  ])("refuses %s", (_, text) => {
    expect(decode(text)).toBeNull();
  });
});
