// The value of a schema that takes the most bytes in a frame, to hold the limits on parts against the limits on wholes.
import type { JsonSchema } from "../../../protocol/schema.ts";

/** Three bytes in UTF-8 for one UTF-16 unit: no text of the same length takes more. */
const WIDE = "€";

/** `itemsMax` keeps lists and maps short where not their number but what is in them matters. */
export function largestOf(schema: JsonSchema, itemsMax = Number.POSITIVE_INFINITY): unknown {
  if (schema.const !== undefined) return schema.const;
  if (Array.isArray(schema.enum)) return longest(schema.enum);
  if (Array.isArray(schema.anyOf))
    return longest((schema.anyOf as JsonSchema[]).map((each) => largestOf(each, itemsMax)));
  if (Array.isArray(schema.oneOf))
    return longest((schema.oneOf as JsonSchema[]).map((each) => largestOf(each, itemsMax)));
  switch (schema.type) {
    case "object":
      return schema.properties === undefined ? largestMap(schema, itemsMax) : largestObject(schema, itemsMax);
    case "array":
      return largestList(schema, itemsMax);
    case "integer":
      return schema.maximum;
    case "number":
      // Needs all eight bytes of a double.
      return Number(schema.maximum) - 0.1;
    case "boolean":
      return true;
    case "null":
      return null;
    default:
      return schema.contentEncoding === "binary"
        ? new Uint8Array(Number(schema.maxLength))
        : largestText(schema, "");
  }
}

function largestList({ items, maxItems, minItems }: JsonSchema, itemsMax: number): unknown {
  const length = Math.max(Number(minItems), Math.min(Number(maxItems), itemsMax));
  return Array.from({ length }, () => largestOf(items as JsonSchema, itemsMax));
}

function largestObject(schema: JsonSchema, itemsMax: number): unknown {
  const properties = Object.entries(schema.properties as Readonly<Record<string, JsonSchema>>);
  return Object.fromEntries(properties.map(([name, property]) => [name, largestOf(property, itemsMax)]));
}

function largestMap(schema: JsonSchema, itemsMax: number): unknown {
  const { propertyNames, additionalProperties, maxProperties } = schema;
  const entries = Array.from({ length: Math.min(Number(maxProperties), itemsMax) }, (_, index) => [
    largestText(propertyNames as JsonSchema, String(index)),
    largestOf(additionalProperties as JsonSchema, itemsMax),
  ]);
  return Object.fromEntries(entries) as unknown;
}

function largestText({ pattern, maxLength }: JsonSchema, ending: string): string {
  const candidates = [WIDE, "a", "0"].map(
    (letter) => letter.repeat(Number(maxLength) - ending.length) + ending,
  );
  const found = candidates.find((text) => pattern === undefined || new RegExp(String(pattern)).test(text));
  if (found === undefined) throw new Error(`no text found for ${String(pattern)}`);
  return found;
}

function longest(values: readonly unknown[]): unknown {
  const sized = values.map((value) => ({ value, size: JSON.stringify(value).length }));
  return sized.reduce((a, b) => (b.size > a.size ? b : a)).value;
}
