// Schemas: what each lets through, what it says when it refuses, and the JSON Schema it documents itself with.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  branded,
  bytes,
  decode,
  dictionary,
  flag,
  integer,
  list,
  literal,
  nullable,
  object,
  real,
  type Schema,
  strictObject,
  text,
  union,
} from "../../protocol/schema.ts";

const shape = union({
  circle: object({ kind: literal("circle"), radius: integer(1, 9) }),
  square: strictObject({ kind: literal("square"), sides: list(real(0, 1), 2) }),
});

describe("a schema lets through", () => {
  const accepted: readonly (readonly [name: string, schema: Schema<unknown>, value: unknown])[] = [
    ["text at its shortest", text({ min: 2, max: 4 }), "ab"],
    ["text at its longest", text({ min: 2, max: 4 }), "abcd"],
    ["text that fits its pattern", text({ max: 4, pattern: /^a+$/ }), "aaa"],
    ["an integer at its least", integer(-3, 3), -3],
    ["an integer at its most", integer(-3, 3), 3],
    ["the largest exact integer", integer(0), Number.MAX_SAFE_INTEGER],
    ["a real number at an end", real(0, 0.5), 0.5],
    ["either truth", flag, false],
    ["bytes of the right length", bytes(2, 2), Uint8Array.of(1, 2)],
    ["a Buffer as bytes", bytes(2, 2), Buffer.of(1, 2)],
    ["each literal", literal("a", "b"), "b"],
    ["a literal that is no text", literal(true), true],
    ["a list at its longest", list(flag, 2), [true, false]],
    ["an empty list", list(flag, 2), []],
    ["a dictionary at its fullest", dictionary(text({ max: 1 }), flag, 1), { a: true }],
    ["null where it may be", nullable(flag), null],
    ["a member of a union", shape, { kind: "circle", radius: 2 }],
    ["another member of it", shape, { kind: "square", sides: [0.5] }],
    ["an object without a prototype", object({ a: flag }), Object.assign(Object.create(null), { a: true })],
  ];

  test.each(accepted)("%s", (_, schema, value) => {
    expect(decode(schema, value)).toEqual(value);
  });
});

describe("a schema refuses", () => {
  const refused: readonly (readonly [name: string, schema: Schema<unknown>, value: unknown])[] = [
    ["text that is too short", text({ min: 2, max: 4 }), "a"],
    ["text that is too long", text({ min: 2, max: 4 }), "abcde"],
    ["a number where text belongs", text({ max: 4 }), 1],
    ["a String object", text({ max: 4 }), Object("a")],
    ["text that fits its pattern only in part", text({ max: 4, pattern: /^a+$/ }), "aab"],
    ["text that fits but for a line's end", text({ max: 4, pattern: /^a+$/ }), "aa\n"],
    ["an integer below its least", integer(-3, 3), -4],
    ["an integer above its most", integer(-3, 3), 4],
    ["a fraction as an integer", integer(-3, 3), 0.5],
    ["an integer as text", integer(-3, 3), "1"],
    ["an integer that cannot be exact", integer(0), 2 ** 53],
    ["a big integer", integer(0), 1n],
    ["a real number that is none", real(0, 1), Number.NaN],
    ["an endless real number", real(0, Number.MAX_VALUE), Number.POSITIVE_INFINITY],
    ["a real number out of range", real(0, 1), 1.01],
    ["one as truth", flag, 1],
    ["bytes that are too few", bytes(2, 3), Uint8Array.of(1)],
    ["bytes that are too many", bytes(2, 3), new Uint8Array(4)],
    ["text as bytes", bytes(0, 9), "ab"],
    ["wider elements as bytes", bytes(0, 9), new Uint16Array(2)],
    ["a list as bytes", bytes(0, 9), [1, 2]],
    ["another literal", literal("a", "b"), "c"],
    ["a literal of another type", literal(1), "1"],
    ["a list that is too long", list(flag, 2), [true, true, true]],
    ["a list that is too short", list(flag, 2, 1), []],
    ["a list with a wrong item", list(flag, 2), [true, 1]],
    ["something like a list", list(flag, 2), { length: 1, 0: true }],
    ["a dictionary with too many entries", dictionary(text({ max: 1 }), flag, 1), { a: true, b: true }],
    ["a dictionary with a wrong key", dictionary(text({ max: 1 }), flag, 1), { ab: true }],
    ["a dictionary with a wrong value", dictionary(text({ max: 1 }), flag, 1), { a: 1 }],
    ["a list as a dictionary", dictionary(text({ max: 1 }), flag, 1), [true]],
    ["null where it may not be", flag, null],
    ["an object without its field", object({ a: flag }), {}],
    ["null as an object", object({ a: flag }), null],
    ["a list as an object", object({ length: integer(0) }), []],
    ["bytes as an object", object({ length: integer(0) }), new Uint8Array(1)],
    ["a field that is only inherited", strictObject({ a: flag }), Object.create({ a: 1 })],
    ["an unknown key where all are known", strictObject({ a: flag }), { a: true, b: 1 }],
    ["a union's member of no known kind", shape, { kind: "line" }],
    ["a union's member that is wrong", shape, { kind: "circle", radius: 10 }],
    ["a union's member named by what objects inherit", shape, { kind: "constructor" }],
  ];

  test.each(refused)("%s", (_, schema, value) => {
    expect(() => decode(schema, value, "it")).toThrow(expect.objectContaining({ name: "DecodeError" }));
  });
});

describe("a refusal", () => {
  test("says where, down to the item", () => {
    const schema = object({ fleet: list(object({ labels: dictionary(text({ max: 9 }), flag, 9) }), 9) });
    const value = { fleet: [{ labels: {} }, { labels: { zone: "a" } }] };
    expect(() => decode(schema, value)).toThrow("fleet[1].labels.zone: expected true or false");
    expect(() => decode(schema, value, "config")).toThrow(
      expect.objectContaining({ path: "config.fleet[1].labels.zone" }),
    );
  });

  test("says what was expected, in the words of the schema when it has some", () => {
    expect(() => decode(text({ max: 3, expected: "a short name" }), "long")).toThrow(
      "value: expected a short name",
    );
    expect(() => decode(shape, { kind: 1 })).toThrow("kind: expected circle, square");
  });

  test("names an unknown key and those there are", () => {
    const schema = strictObject({ app: flag, version: flag });
    expect(() => decode(schema, { app: true, verison: true })).toThrow(
      "verison: expected one of app, version",
    );
  });

  test("stays short whatever the key", () => {
    const key = "k".repeat(1_000_000);
    expect(() => decode(strictObject({ a: flag }), { [key]: 1 }, "x")).toThrow(
      /^x\.k{64}…: expected one of a$/,
    );
  });
});

describe("what comes out", () => {
  test("has exactly the known fields, in the schema's order", () => {
    const schema = object({ b: flag, a: nullable(flag) });
    expect(Object.entries(decode(schema, { a: true, extra: 1, b: false }))).toEqual([
      ["b", false],
      ["a", true],
    ]);
  });

  test("has null for an absent field that may be null", () => {
    expect(decode(object({ a: nullable(flag) }), {})).toEqual({ a: null });
  });

  test("is a copy: changing what came in does not change it", () => {
    const value = { sides: [0.5], kind: "square" };
    const decoded = decode(shape, value);
    value.sides[0] = 7;
    expect(decoded).toEqual({ sides: [0.5], kind: "square" });
  });

  test("keeps a key that is the name of a prototype as a plain entry", () => {
    const schema = dictionary(text({ max: 20 }), flag, 9);
    const decoded = decode(schema, JSON.parse('{"__proto__":true,"constructor":false}'));
    expect(Object.keys(decoded).sort()).toEqual(["__proto__", "constructor"]);
    expect(Object.getPrototypeOf(decoded)).toBe(Object.prototype);
  });

  test("is never anything but a value or a DecodeError, for any input at all", () => {
    fc.assert(
      fc.property(fc.anything({ withNullPrototype: true, withTypedArray: true, withMap: true }), (value) => {
        try {
          decode(shape, value);
        } catch (error) {
          expect(error).toMatchObject({ name: "DecodeError" });
        }
      }),
    );
  });
});

test("every schema documents itself as JSON Schema", () => {
  expect(shape.json).toEqual({
    oneOf: [
      {
        type: "object",
        properties: { kind: { const: "circle" }, radius: { type: "integer", minimum: 1, maximum: 9 } },
        required: ["kind", "radius"],
      },
      {
        type: "object",
        properties: {
          kind: { const: "square" },
          sides: {
            type: "array",
            items: { type: "number", minimum: 0, maximum: 1 },
            minItems: 0,
            maxItems: 2,
          },
        },
        required: ["kind", "sides"],
        additionalProperties: false,
      },
    ],
  });
  expect(nullable(literal("a", "b")).json).toEqual({ anyOf: [{ enum: ["a", "b"] }, { type: "null" }] });
  expect(bytes(1, 2).json).toEqual({ type: "string", contentEncoding: "binary", minLength: 1, maxLength: 2 });
  expect(dictionary(text({ max: 1, pattern: /^a$/ }), flag, 3).json).toEqual({
    type: "object",
    propertyNames: { type: "string", minLength: 0, maxLength: 1, pattern: "^a$" },
    additionalProperties: { type: "boolean" },
    maxProperties: 3,
  });
});

test("an id is made only by its schema", () => {
  const idSchema: Schema<string & { readonly brand: "id" }> = branded(text({ max: 3, pattern: /^[a-z]+$/ }));
  // @ts-expect-error: a plain string is no id.
  const id: string & { readonly brand: "id" } = "abc";
  expect(idSchema.decode("abc", "id")).toBe(id);
});
