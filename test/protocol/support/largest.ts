// The value of a schema that takes the most bytes in a frame, to hold the limits on parts against the limits on wholes.
import type { JsonSchema } from "../../../protocol/schema.ts";

/** Three bytes in UTF-8 for one UTF-16 unit: no text of the same length takes more. */
const WIDE = "€";

export function largestOf(schema: JsonSchema): unknown {
  if (schema.const !== undefined) return schema.const;
  if (Array.isArray(schema.enum)) return longest(schema.enum);
  if (Array.isArray(schema.anyOf)) return longest((schema.anyOf as JsonSchema[]).map(largestOf));
  if (Array.isArray(schema.oneOf)) return longest((schema.oneOf as JsonSchema[]).map(largestOf));
  switch (schema.type) {
    case "object":
      return schema.properties === undefined ? largestMap(schema) : largestObject(schema);
    case "array":
      return Array.from({ length: Number(schema.maxItems) }, () => largestOf(schema.items as JsonSchema));
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

function largestObject(schema: JsonSchema): unknown {
  const properties = Object.entries(schema.properties as Readonly<Record<string, JsonSchema>>);
  return Object.fromEntries(properties.map(([name, property]) => [name, largestOf(property)]));
}

function largestMap({ propertyNames, additionalProperties, maxProperties }: JsonSchema): unknown {
  const entries = Array.from({ length: Number(maxProperties) }, (_, index) => [
    largestText(propertyNames as JsonSchema, String(index)),
    largestOf(additionalProperties as JsonSchema),
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
