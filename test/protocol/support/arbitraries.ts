// Random values of any schema, made from the JSON Schema it documents itself with. So every message is covered from the
// moment it exists, and a schema whose documentation promises more than its decoder takes is found out.
import fc from "fast-check";
import type { CoordinatorMessage, NodeMessage } from "../../../protocol/messages.ts";
import { coordinatorMessageSchema, nodeMessageSchema } from "../../../protocol/messages.ts";
import type { JsonSchema, Schema } from "../../../protocol/schema.ts";

/** Longest list, text or byte string that is usual in a random value; the true maximum comes up now and then. */
const USUAL_LENGTH_MAX = 12;

const ASCII = Array.from({ length: 95 }, (_, index) => String.fromCharCode(32 + index));

export function arbitraryOf<T>(schema: Schema<T>): fc.Arbitrary<T> {
  return arbitraryOfJson(schema.json) as fc.Arbitrary<T>;
}

export interface Sample {
  readonly from: "coordinator" | "node";
  readonly kind: string;
  readonly message: fc.Arbitrary<CoordinatorMessage | NodeMessage>;
}

/** One entry per kind of message, in both directions. */
export const SAMPLES: readonly Sample[] = [
  ...samplesOf("coordinator", coordinatorMessageSchema),
  ...samplesOf("node", nodeMessageSchema),
];

function samplesOf(
  from: Sample["from"],
  schema: Schema<CoordinatorMessage> | Schema<NodeMessage>,
): readonly Sample[] {
  return (schema.json.oneOf as readonly JsonSchema[]).map((member) => ({
    from,
    kind: String((member.properties as Readonly<Record<string, JsonSchema>>).kind?.const),
    message: arbitraryOfJson(member) as fc.Arbitrary<CoordinatorMessage | NodeMessage>,
  }));
}

function arbitraryOfJson(schema: JsonSchema): fc.Arbitrary<unknown> {
  if (schema.const !== undefined) return fc.constant(schema.const);
  if (Array.isArray(schema.enum)) return fc.constantFrom(...(schema.enum as unknown[]));
  const choices = schema.oneOf ?? schema.anyOf;
  if (Array.isArray(choices)) return fc.oneof(...(choices as JsonSchema[]).map(arbitraryOfJson));
  switch (schema.type) {
    case "object":
      return schema.properties === undefined ? mapOf(schema) : objectOf(schema);
    case "array":
      return listOf(schema);
    case "integer":
      return fc.integer({ min: Number(schema.minimum), max: Number(schema.maximum) });
    case "number":
      return fc
        .double({ min: Number(schema.minimum), max: Number(schema.maximum), noNaN: true })
        .filter((value) => !Object.is(value, -0));
    case "boolean":
      return fc.boolean();
    case "null":
      return fc.constant(null);
    default:
      return schema.contentEncoding === "binary" ? bytesOf(schema) : textOf(schema);
  }
}

function objectOf(schema: JsonSchema): fc.Arbitrary<unknown> {
  const properties = Object.entries(schema.properties as Readonly<Record<string, JsonSchema>>);
  return fc.record(Object.fromEntries(properties.map(([name, each]) => [name, arbitraryOfJson(each)])), {
    noNullPrototype: true,
  });
}

function mapOf({ propertyNames, additionalProperties, maxProperties }: JsonSchema): fc.Arbitrary<unknown> {
  return fc.dictionary(
    textOf(propertyNames as JsonSchema),
    arbitraryOfJson(additionalProperties as JsonSchema),
    { maxKeys: Math.min(Number(maxProperties), USUAL_LENGTH_MAX), noNullPrototype: true },
  );
}

function listOf({ items, minItems, maxItems }: JsonSchema): fc.Arbitrary<unknown> {
  const item = arbitraryOfJson(items as JsonSchema);
  const [min, max] = [Number(minItems), Number(maxItems)];
  const usual = fc.array(item, { minLength: min, maxLength: Math.min(max, Math.max(min, 3)) });
  const longest = fc.array(item, { minLength: max, maxLength: max });
  return max > 64 ? usual : fc.oneof({ arbitrary: usual, weight: 20 }, { arbitrary: longest, weight: 1 });
}

function bytesOf({ minLength, maxLength }: JsonSchema): fc.Arbitrary<unknown> {
  const [min, max] = [Number(minLength), Number(maxLength)];
  const usual = fc.uint8Array({ minLength: min, maxLength: Math.max(min, Math.min(max, 64)) });
  const longest = fc.nat(255).map((byte) => new Uint8Array(max).fill(byte));
  return fc.oneof({ arbitrary: usual, weight: 50 }, { arbitrary: longest, weight: 1 });
}

function textOf({ pattern, minLength, maxLength }: JsonSchema): fc.Arbitrary<string> {
  const [min, max] = [Number(minLength), Number(maxLength)];
  if (pattern !== undefined) return patternedText(new RegExp(String(pattern)), min, max);
  const usual = fc.string({ unit: "binary", minLength: min, maxLength: Math.min(max, USUAL_LENGTH_MAX) });
  const longest = fc.constantFrom("x", "é", "€").map((letter) => letter.repeat(max));
  return fc.oneof({ arbitrary: usual, weight: 20 }, { arbitrary: longest, weight: 1 });
}

/** For patterns that allow one set of characters at the ends and one inside, as all of ours do. */
function patternedText(pattern: RegExp, min: number, max: number): fc.Arbitrary<string> {
  const length = Math.max(min, Math.min(max, 3));
  const ends = ASCII.filter((letter) => pattern.test(letter.repeat(length)));
  const [first = ""] = ends;
  const inside = ASCII.filter((letter) =>
    pattern.test(first + letter + first.repeat(Math.max(0, length - 2))),
  );
  const usual = Math.max(min, Math.min(max, USUAL_LENGTH_MAX));
  return fc
    .oneof(
      { arbitrary: fc.integer({ min, max: usual }), weight: 20 },
      { arbitrary: fc.constant(max), weight: 1 },
    )
    .chain((size) => {
      const middle = fc.array(fc.constantFrom(...inside), {
        minLength: Math.max(0, size - 2),
        maxLength: Math.max(0, size - 2),
      });
      const end = fc.constantFrom(...ends);
      return fc.tuple(end, middle, end).map(([a, between, z]) => [a, ...between, z].join("").slice(0, size));
    });
}
