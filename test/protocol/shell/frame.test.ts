// Frames of the control channel: what is sent arrives as it was, and nothing else gets in.
import fc from "fast-check";
import { Packr } from "msgpackr/pack";
import { describe, expect, test } from "vitest";
import { decodeCoordinatorFrame, decodeNodeFrame, encodeFrame } from "../../../protocol/shell/frame.ts";
import { SAMPLES } from "../support/arbitraries.ts";
import { comparable, decodeFrom, hex, shortMap, shortText, tryDecode } from "../support/frames.ts";

const plainPackr = new Packr({ useRecords: false });
const heartbeat = encodeFrame({ kind: "heartbeat" });

describe.each(SAMPLES)("$kind from a $from", ({ from, message }) => {
  test("arrives as it was sent", () => {
    fc.assert(
      fc.property(message, (sent) => {
        expect(comparable(decodeFrom(from, encodeFrame(sent)))).toEqual(comparable(sent));
      }),
    );
  });

  test("is refused wherever it is cut off, and with anything after it", () => {
    fc.assert(
      fc.property(message, (sent) => {
        const frame = encodeFrame(sent);
        const step = Math.ceil(frame.length / 2_000);
        for (let length = 0; length < frame.length; length += step)
          expect(tryDecode(from, frame.subarray(0, length))).toBeNull();
        expect(tryDecode(from, Buffer.concat([frame, Buffer.of(0xc0)]))).toBeNull();
      }),
      { numRuns: 10 },
    );
  });

  test("is refused or read as some other message when one bit is flipped", () => {
    fc.assert(
      fc.property(message, fc.nat(), (sent, place) => {
        const frame = Buffer.from(encodeFrame(sent));
        const bit = place % (frame.length * 8);
        frame[bit >> 3] = (frame[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        const read = tryDecode(from, frame);
        if (read !== null) expect(comparable(decodeFrom(from, encodeFrame(read)))).toEqual(comparable(read));
      }),
      { numRuns: 300 },
    );
  });

  test("is refused by the other side", () => {
    fc.assert(
      fc.property(message, (sent) => {
        expect(tryDecode(from === "node" ? "coordinator" : "node", encodeFrame(sent))).toBeNull();
      }),
      { numRuns: 5 },
    );
  });

  test("is refused when one of its fields is missing, unless that may be null", () => {
    fc.assert(
      fc.property(message, (sent) => {
        for (const name of Object.keys(sent)) {
          const { [name]: left, ...rest } = sent as unknown as Readonly<Record<string, unknown>>;
          const read = tryDecode(from, plainPackr.pack(rest));
          if (read !== null) expect((read as unknown as Record<string, unknown>)[name] ?? null).toBeNull();
          expect(left).not.toBeUndefined();
        }
      }),
      { numRuns: 10 },
    );
  });

  test("may carry fields of a newer sender, which are dropped", () => {
    fc.assert(
      fc.property(message, fc.jsonValue({ maxDepth: 3 }), (sent, extra) => {
        const frame = plainPackr.pack({ ...sent, zzzFromTheFuture: extra });
        expect(comparable(decodeFrom(from, frame))).toEqual(comparable(sent));
      }),
      { numRuns: 20 },
    );
  });
});

describe("anything else is refused", () => {
  test("random bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(tryDecode("node", bytes)).toBeNull();
        expect(tryDecode("coordinator", bytes)).toBeNull();
      }),
      { numRuns: 2_000 },
    );
  });

  test("any value that is no message", () => {
    fc.assert(
      fc.property(fc.anything({ maxDepth: 4, withBigInt: false }), (value) => {
        expect(tryDecode("node", plainPackr.pack(value))).toBeNull();
      }),
      { numRuns: 500 },
    );
  });

  test.each([
    ["no bytes at all", ""],
    ["an unused format byte", "c1"],
    ["nothing but nil", "c0"],
    ["two messages", Buffer.concat([heartbeat, heartbeat]).toString("hex")],
  ])("%s", (_, digits) => {
    expect(() => decodeNodeFrame(hex(digits))).toThrow(expect.objectContaining({ name: "DecodeError" }));
  });

  test.each(["unknown", "", "__proto__", "constructor", "toString", "hasOwnProperty", "welcome"])(
    "a message of kind %j, naming the kinds there are",
    (kind) => {
      const frame = shortMap(shortText("kind"), shortText(kind));
      expect(() => decodeNodeFrame(frame)).toThrow(/^kind: expected hello, heartbeat, /);
    },
  );

  test.each([
    ["a number", "07"],
    ["a list with the kind", "91a96865617274626561 74"],
    ["nil", "c0"],
    ["bytes", "c4096865617274626561 74"],
  ])("a kind that is %s", (_, digits) => {
    expect(() => decodeNodeFrame(shortMap(shortText("kind"), hex(digits)))).toThrow("kind: expected hello");
  });
});

describe("keys that reach for the prototype", () => {
  test("neither reach it nor come through", () => {
    const evil = shortMap(shortText("polluted"), hex("c3"));
    const frame = shortMap(shortText("__proto__"), evil, shortText("kind"), shortText("heartbeat"));
    const message = decodeNodeFrame(frame);
    expect(Object.getPrototypeOf(message)).toBe(Object.prototype);
    expect(Object.keys(message)).toEqual(["kind"]);
    expect("polluted" in {}).toBe(false);
  });

  test("do not stand in for a field that is missing", () => {
    const kind = shortMap(shortText("kind"), shortText("heartbeat"));
    expect(() => decodeNodeFrame(shortMap(shortText("__proto__"), kind))).toThrow("kind: expected hello");
  });
});

describe("version numbers", () => {
  const challenge = { kind: "challenge", nonce: new Uint8Array(32) };

  test("of another version are read, so that the refusal can name both", () => {
    expect(decodeCoordinatorFrame(plainPackr.pack({ ...challenge, protocol: 999 }))).toMatchObject({
      protocol: 999,
    });
  });

  test.each([0, -1, 1_001, 1.5, "1", null])("that make no sense are refused: %j", (protocol) => {
    expect(() => decodeCoordinatorFrame(plainPackr.pack({ ...challenge, protocol }))).toThrow(
      /^protocol: expected/,
    );
  });
});

test("text that is not UTF-8 stays inside its own field", () => {
  const message = { kind: "refuse", code: "internal", message: "MMMMMMMMMMMMMMMMMMMM" } as const;
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 20, maxLength: 20 }), (noise) => {
      const frame = Buffer.from(encodeFrame(message));
      frame.set(noise, frame.indexOf("MMMM"));
      expect(decodeCoordinatorFrame(frame)).toMatchObject({ kind: "refuse", code: "internal" });
    }),
    { numRuns: 1_000 },
  );
});

test("bytes that arrive in the middle of a larger buffer are read from their own place", () => {
  const frame = encodeFrame({ kind: "activating", generation: 7, step: "probing" });
  const around = Buffer.concat([Buffer.from("before"), frame, Buffer.from("after")]);
  const message = decodeNodeFrame(around.subarray(6, 6 + frame.length));
  expect(message).toEqual({ kind: "activating", generation: 7, step: "probing" });
});

test("numbers too large to be exact are refused, not rounded", () => {
  const frame = (digits: string): Uint8Array =>
    shortMap(
      ...[shortText("kind"), shortText("activating"), shortText("step"), shortText("probing")],
      ...[shortText("generation"), hex(digits)],
    );
  expect(decodeNodeFrame(frame("cf 001fffffffffffff"))).toMatchObject({
    generation: Number.MAX_SAFE_INTEGER,
  });
  for (const digits of [
    "cf 0020000000000000",
    "cf ffffffffffffffff",
    "d3 ffffffffffffffff",
    "cb 7ff0000000000000",
  ])
    expect(() => decodeNodeFrame(frame(digits))).toThrow(/^generation: expected a whole number/);
});
