// From a value that a schema takes, all those that are just beyond one of its ranges: one item too many, one letter too
// few, one more than the most. A decoder that lets one through does not keep what its documentation promises.
import type { JsonSchema } from "../../../protocol/schema.ts";

export interface Beyond {
  /** Where and how it is beyond, for the name of a failure. */
  readonly what: string;
  readonly value: unknown;
}

export function justBeyond(schema: JsonSchema, value: unknown, path = ""): readonly Beyond[] {
  const member = memberFor(schema, value);
  if (member !== null) return justBeyond(member, value, path);
  if (value === null || schema.const !== undefined || Array.isArray(schema.enum))
    return [{ what: path, value: -1 }];
  if (value instanceof Uint8Array) return lengthsBeyond(schema, path, (length) => new Uint8Array(length));
  switch (schema.type) {
    case "object":
      return schema.properties === undefined
        ? mapsBeyond(schema, value, path)
        : fieldsBeyond(schema, value, path);
    case "array":
      return listsBeyond(schema, value as readonly unknown[], path);
    case "string":
      return lengthsBeyond(schema, path, (length) =>
        String(value).padEnd(length, String(value).at(0)).slice(0, length),
      );
    case "boolean":
      return [{ what: path, value: 1 }];
    default:
      return [schema.minimum, schema.maximum].map((limit, index) => ({
        what: `${path} ${index === 0 ? "below" : "above"} ${String(limit)}`,
        value: index === 0 ? Number(limit) - 1 : Number(limit) + 1,
      }));
  }
}

/** Of several shapes, the one that the value has. */
function memberFor(schema: JsonSchema, value: unknown): JsonSchema | null {
  if (Array.isArray(schema.anyOf)) return value === null ? null : ((schema.anyOf as JsonSchema[])[0] ?? null);
  if (!Array.isArray(schema.oneOf)) return null;
  const kindOf = (member: JsonSchema): unknown =>
    (member.properties as { readonly kind: JsonSchema }).kind.const;
  const { kind } = value as { readonly kind: unknown };
  return (schema.oneOf as JsonSchema[]).find((member) => kindOf(member) === kind) ?? null;
}

function lengthsBeyond(
  schema: JsonSchema,
  path: string,
  make: (length: number) => unknown,
): readonly Beyond[] {
  const lengths = [Number(schema.minLength) - 1, Number(schema.maxLength) + 1].filter(
    (length) => length >= 0,
  );
  return lengths.map((length) => ({ what: `${path} of length ${length}`, value: make(length) }));
}

function fieldsBeyond(schema: JsonSchema, value: unknown, path: string): readonly Beyond[] {
  const properties = Object.entries(schema.properties as Readonly<Record<string, JsonSchema>>);
  const fields = value as Readonly<Record<string, unknown>>;
  return properties.flatMap(([name, property]) =>
    justBeyond(property, fields[name], `${path}.${name}`).map(({ what, value: wrong }) => ({
      what,
      value: { ...fields, [name]: wrong },
    })),
  );
}

function listsBeyond(
  { items, minItems, maxItems }: JsonSchema,
  list: readonly unknown[],
  path: string,
): readonly Beyond[] {
  const [first = null] = list;
  const lengths = [Number(minItems) - 1, Number(maxItems) + 1].filter((length) => length >= 0);
  const sizes = lengths.map((length) => ({
    what: `${path} of ${length} items`,
    value: Array.from({ length }, () => first),
  }));
  if (list.length === 0) return sizes;
  const inside = justBeyond(items as JsonSchema, first, `${path}[0]`);
  return [...sizes, ...inside.map(({ what, value }) => ({ what, value: [value, ...list.slice(1)] }))];
}

function mapsBeyond(
  { additionalProperties, maxProperties }: JsonSchema,
  value: unknown,
  path: string,
): readonly Beyond[] {
  const entries = Object.entries(value as Readonly<Record<string, unknown>>);
  const [[key, first] = ["a", ""]] = entries;
  const many = Array.from({ length: Number(maxProperties) + 1 }, (_, index) => [
    `${key.slice(0, 40)}${index}`,
    first,
  ]);
  const inside = justBeyond(additionalProperties as JsonSchema, first, `${path}.${key.slice(0, 9)}`);
  return [
    { what: `${path} of ${many.length} entries`, value: Object.fromEntries(many) as unknown },
    ...inside.map(({ what, value: wrong }) => ({
      what,
      value: { ...Object.fromEntries(entries), [key]: wrong },
    })),
  ];
}
