// Objects that people write in a file: every key optional or required with one sentence of help, unknown keys refused
// with the nearest right one. The same description gives the JSON Schema that editors use. Pure.
import { DecodeError, type JsonSchema, type Schema } from "../../protocol/schema.ts";
import { nearest } from "./nearest.ts";

/** A key that no one knows, told apart from a wrong value so that its own place in the file can be shown. */
export class UnknownKeyError extends Error {
  override readonly name = "UnknownKeyError";
  readonly parentPath: string;
  readonly key: string;

  constructor(parentPath: string, key: string, known: readonly string[]) {
    const close = nearest(key, known);
    const hint = close === null ? `known here: ${known.join(", ")}` : `did you mean \`${close}\`?`;
    super(`unknown key \`${key}\`; ${hint}`);
    this.parentPath = parentPath;
    this.key = key;
  }
}

export interface Key<T> {
  readonly schema: Schema<T>;
  readonly about: string;
  readonly isRequired: boolean;
}

export function required<T>(schema: Schema<T>, about: string): Key<T> {
  return { schema, about, isRequired: true };
}

/** Absent or left empty reads as null. */
export function optional<T>(schema: Schema<T>, about: string): Key<T | null> {
  const decode = (value: unknown, path: string) =>
    value === null || value === undefined ? null : schema.decode(value, path);
  return { schema: { decode, json: schema.json }, about, isRequired: false };
}

type Keys = Readonly<Record<string, Key<unknown>>>;
type Section<K extends Keys> = { readonly [Name in keyof K]: K[Name] extends Key<infer T> ? T : never };

export function section<K extends Keys>(keys: K): Schema<Section<K>> {
  const names = Object.keys(keys);
  return {
    decode(value, path) {
      if (typeof value !== "object" || value === null || Array.isArray(value))
        throw new DecodeError(path, `keys: ${names.join(", ")}`);
      const source = new Map(Object.entries(value));
      for (const name of source.keys())
        if (!names.includes(name)) throw new UnknownKeyError(path, name, names);
      const prefix = path === "" ? "" : `${path}.`;
      const decoded = Object.entries(keys).map(([name, key]) => [
        name,
        key.schema.decode(source.get(name), prefix + name),
      ]);
      return Object.fromEntries(decoded) as Section<K>;
    },
    json: sectionJson(keys),
  };
}

function sectionJson(keys: Keys): JsonSchema {
  const properties = Object.entries(keys).map(([name, { schema, about }]) => [
    name,
    { description: about, ...schema.json },
  ]);
  const requiredNames = Object.keys(keys).filter((name) => keys[name]?.isRequired === true);
  return {
    type: "object",
    properties: Object.fromEntries(properties) as JsonSchema,
    ...(requiredNames.length > 0 ? { required: requiredNames } : {}),
    additionalProperties: false,
  };
}

/** Either of two shapes of a value, told apart by `isFirst`. */
export function either<A, B>(
  isFirst: (value: unknown) => boolean,
  first: Schema<A>,
  second: Schema<B>,
): Schema<A | B> {
  return {
    decode: (value, path) => (isFirst(value) ? first : second).decode(value, path),
    json: { anyOf: [first.json, second.json] },
  };
}
