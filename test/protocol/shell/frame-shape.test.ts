// The walk over a frame that builds nothing: what it lets through, and that hostile frames cost no memory and no stack.
import { execFileSync } from "node:child_process";
import path from "node:path";
import fc from "fast-check";
import { Packr } from "msgpackr/pack";
import { describe, expect, test } from "vitest";
import { FRAME_DEPTH_MAX, FRAME_VALUES_MAX } from "../../../protocol/limits.ts";
import { checkFrameShape } from "../../../protocol/shell/frame-shape.ts";
import { hex } from "../support/frames.ts";

const packr = new Packr({ useRecords: false });
const limits = { depthMax: FRAME_DEPTH_MAX, valuesMax: FRAME_VALUES_MAX };

function complaintAbout(frame: Uint8Array, within = limits): string | null {
  try {
    checkFrameShape(frame, within);
    return null;
  } catch (error) {
    expect(error).toMatchObject({ name: "DecodeError" });
    return (error as Error).message;
  }
}

test("every value that msgpack has without extensions is let through", () => {
  const plain = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: FRAME_DEPTH_MAX - 1 },
      fc.oneof(fc.integer(), fc.maxSafeInteger(), fc.double(), fc.boolean(), fc.constant(null)),
      fc.oneof(fc.string({ maxLength: 300 }), fc.uint8Array({ maxLength: 300 }).map(Buffer.from)),
      fc.array(tie("value"), { maxLength: 20 }),
      fc.dictionary(fc.string(), tie("value"), { maxKeys: 20 }),
    ),
  })).value;
  fc.assert(fc.property(plain, (value) => complaintAbout(packr.pack(value)) === null));
});

describe("every format byte", () => {
  // Format byte, then a smallest body that makes it a whole value.
  const whole: readonly [name: string, digits: string][] = [
    ["positive fixint", "7f"],
    ["negative fixint", "e0"],
    ["fixmap", "81 01 02"],
    ["fixarray", "91 c0"],
    ["fixstr", "a1 61"],
    ["nil", "c0"],
    ["false", "c2"],
    ["true", "c3"],
    ["bin 8", "c4 01 ff"],
    ["bin 16", "c5 0001 ff"],
    ["bin 32", "c6 00000001 ff"],
    ["float 32", "ca 00000000"],
    ["float 64", "cb 0000000000000000"],
    ["uint 8", "cc ff"],
    ["uint 16", "cd ffff"],
    ["uint 32", "ce ffffffff"],
    ["uint 64", "cf ffffffffffffffff"],
    ["int 8", "d0 80"],
    ["int 16", "d1 8000"],
    ["int 32", "d2 80000000"],
    ["int 64", "d3 8000000000000000"],
    ["str 8", "d9 01 61"],
    ["str 16", "da 0001 61"],
    ["str 32", "db 00000001 61"],
    ["array 16", "dc 0001 c0"],
    ["array 32", "dd 00000001 c0"],
    ["map 16", "de 0001 01 02"],
    ["map 32", "df 00000001 01 02"],
  ];

  test.each(whole)("%s is let through whole, and refused at every shorter length", (_, digits) => {
    const frame = hex(digits);
    expect(complaintAbout(frame)).toBeNull();
    for (let length = 0; length < frame.length; length += 1)
      expect(complaintAbout(frame.subarray(0, length))).toBe("frame: expected a complete msgpack value");
  });

  const extensions = [
    "c1",
    "c7 00 00",
    "c8 0000 00",
    "c9 00000000 00",
    "d4 00 00",
    "d5 00 0000",
    "d6 00 00000000",
  ];
  test.each([...extensions, "d4 72 40 91 a1 61 01", "d7 ff 0000000000000000", `d8 00 ${"00".repeat(16)}`])(
    "an extension is refused, alone and inside: %s",
    (digits) => {
      for (const frame of [
        hex(digits),
        hex(`91 ${digits}`),
        hex(`81 a1 61 ${digits}`),
        hex(`81 ${digits} c0`),
      ])
        expect(complaintAbout(frame)).toBe("frame: expected plain msgpack without extension types");
    },
  );
});

describe("limits", () => {
  test("lists and maps may nest to the limit and no deeper", () => {
    expect(complaintAbout(hex(`${"91".repeat(FRAME_DEPTH_MAX)}c0`))).toBeNull();
    expect(complaintAbout(hex(`${"91".repeat(FRAME_DEPTH_MAX + 1)}c0`))).toContain("levels");
    expect(complaintAbout(hex(`${"81a161".repeat(FRAME_DEPTH_MAX + 1)}c0`))).toContain("levels");
  });

  test("a frame may hold values to the limit and no more, however they are spread", () => {
    const valuesMax = 9;
    expect(complaintAbout(hex("98 0000000000000000"), { ...limits, valuesMax })).toBeNull();
    expect(complaintAbout(hex("99 000000000000000000"), { ...limits, valuesMax })).toContain("values");
    expect(complaintAbout(hex("92 93000000 93000000"), { ...limits, valuesMax })).toBeNull();
    expect(complaintAbout(hex("92 93000000 9400000000"), { ...limits, valuesMax })).toContain("values");
    expect(complaintAbout(hex("84 0001 0001 0001 0001"), { ...limits, valuesMax })).toBeNull();
    expect(complaintAbout(hex("85 0001 0001 0001 0001 0001"), { ...limits, valuesMax })).toContain("values");
  });

  test("empty lists count as values too", () => {
    expect(complaintAbout(hex(`dc 8001 ${"90".repeat(0x8001)}`))).toContain(
      `at most ${FRAME_VALUES_MAX} values`,
    );
  });
});

test("a second value after the first is refused", () => {
  for (const digits of ["c0 c0", "90 90", "a1 61 00", "81 01 02 03"])
    expect(complaintAbout(hex(digits))).toBe("frame: expected one msgpack value and nothing after it");
});

test("a million levels do not reach the end of the stack", () => {
  expect(complaintAbout(Buffer.alloc(1_000_000, 0x91))).toContain("levels");
});

test("claims of huge lengths are refused in a process that could not hold even one of them", () => {
  const script = path.join(import.meta.dirname, "../support/claim-huge-lengths.ts");
  const output = execFileSync(process.execPath, ["--max-old-space-size=24", script], { encoding: "utf8" });
  expect(output).toMatch(/^[1-9][0-9]* frames refused\n$/);
});
