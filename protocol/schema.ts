// The one way unknown values become typed ones: small composable schemas, each a decoder with limits and
// the JSON Schema that documents it. Never does IO and never coerces.

/** What a value must look like, in the vocabulary of JSON Schema draft 2020-12. */
export type JsonSchema = { readonly [keyword: string]: unknown };

export interface Schema<T> {
  /** Returns the typed value or throws a {@link DecodeError} that names the path. */
  readonly decode: (value: unknown, path: string) => T;
  readonly json: JsonSchema;
}

export type Infer<S> = S extends Schema<infer T> ? T : never;

/** A value from outside does not have the promised shape. `path` says where, e.g. `hello.labels.zone`. */
export class DecodeError extends Error {
  override readonly name = "DecodeError";
  readonly path: string;

  constructor(path: string, expected: string) {
    super(`${path === "" ? "value" : path}: expected ${expected}`);
    this.path = path;
  }
}

export function decode<T>(schema: Schema<T>, value: unknown, path = ""): T {
  return schema.decode(value, path);
}

/** Text of at most `max` UTF-16 units; `pattern` must match all of it. */
export function text(options: {
  min?: number;
  max: number;
  pattern?: RegExp;
  expected?: string;
}): Schema<string> {
  const { min = 0, max, pattern } = options;
  const expected = options.expected ?? `text of ${min} to ${max} characters`;
  return {
    decode(value, path) {
      if (typeof value !== "string" || value.length < min || value.length > max)
        throw new DecodeError(path, expected);
      if (pattern !== undefined && !pattern.test(value)) throw new DecodeError(path, expected);
      return value;
    },
    json: {
      type: "string",
      minLength: min,
      maxLength: max,
      ...(pattern === undefined ? {} : { pattern: pattern.source }),
    },
  };
}

/** Gives a validated text schema a branded type: the only place a plain string becomes an id. */
export function branded<B extends string>(schema: Schema<string>): Schema<B> {
  return schema as Schema<B>;
}

export function integer(min: number, max: number = Number.MAX_SAFE_INTEGER): Schema<number> {
  return {
    decode(value, path) {
      if (typeof value !== "number" || !Number.isSafeInteger(value) || value < min || value > max)
        throw new DecodeError(path, `a whole number from ${min} to ${max}`);
      return value;
    },
    json: { type: "integer", minimum: min, maximum: max },
  };
}

/** A finite number, for rates and seconds. */
export function real(min: number, max: number): Schema<number> {
  return {
    decode(value, path) {
      if (typeof value !== "number" || !Number.isFinite(value) || value < min || value > max)
        throw new DecodeError(path, `a number from ${min} to ${max}`);
      return value;
    },
    json: { type: "number", minimum: min, maximum: max },
  };
}

export const flag: Schema<boolean> = {
  decode(value, path) {
    if (typeof value !== "boolean") throw new DecodeError(path, "true or false");
    return value;
  },
  json: { type: "boolean" },
};

/** Raw bytes; a frame decoder hands them over as `Uint8Array`. Not for JSON. */
export function bytes(min: number, max: number): Schema<Uint8Array> {
  return {
    decode(value, path) {
      if (!(value instanceof Uint8Array) || value.length < min || value.length > max)
        throw new DecodeError(path, `${min} to ${max} bytes`);
      return value;
    },
    json: { type: "string", contentEncoding: "binary", minLength: min, maxLength: max },
  };
}

export function literal<const L extends string | number | boolean>(...allowed: readonly L[]): Schema<L> {
  return {
    decode(value, path) {
      const found = allowed.find((candidate) => candidate === value);
      if (found === undefined)
        throw new DecodeError(path, allowed.map((a) => JSON.stringify(a)).join(" or "));
      return found;
    },
    json: allowed.length === 1 ? { const: allowed[0] } : { enum: allowed },
  };
}

export function list<T>(item: Schema<T>, max: number, min = 0): Schema<readonly T[]> {
  return {
    decode(value, path) {
      if (!Array.isArray(value) || value.length > max || value.length < min)
        throw new DecodeError(path, `a list of ${min} to ${max} items`);
      return value.map((entry: unknown, index) => item.decode(entry, `${path}[${index}]`));
    },
    json: { type: "array", items: item.json, minItems: min, maxItems: max },
  };
}

/** A map from short keys to values, with a cap on its size. */
export function dictionary<T>(
  key: Schema<string>,
  item: Schema<T>,
  max: number,
): Schema<Readonly<Record<string, T>>> {
  return {
    decode(value, path) {
      const entries = Object.entries(plainObject(value, path));
      if (entries.length > max) throw new DecodeError(path, `at most ${max} entries`);
      const decoded: [string, T][] = entries.map(([name, entry]) => [
        key.decode(name, `${path} key`),
        item.decode(entry, `${path}.${name}`),
      ]);
      return Object.fromEntries(decoded);
    },
    json: { type: "object", propertyNames: key.json, additionalProperties: item.json, maxProperties: max },
  };
}

export function nullable<T>(schema: Schema<T>): Schema<T | null> {
  return {
    decode: (value, path) => (value === null || value === undefined ? null : schema.decode(value, path)),
    json: { anyOf: [schema.json, { type: "null" }] },
  };
}

/** Longer than every key we know, so that a mistyped one is shown whole. */
const UNKNOWN_KEY_CHARS_MAX = 64;

type Fields = Readonly<Record<string, Schema<unknown>>>;
type Decoded<F extends Fields> = { readonly [K in keyof F]: Infer<F[K]> };

/** An object with exactly these fields in the result. Unknown keys are dropped, so a newer sender can add some. */
export function object<F extends Fields>(fields: F): Schema<Decoded<F>> {
  return objectSchema(fields, false);
}

/** As {@link object}, but an unknown key is refused: for what a person writes or a key signs. */
export function strictObject<F extends Fields>(fields: F): Schema<Decoded<F>> {
  return objectSchema(fields, true);
}

function objectSchema<F extends Fields>(fields: F, strict: boolean): Schema<Decoded<F>> {
  const names = Object.keys(fields);
  return {
    decode(value, path) {
      const source = plainObject(value, path);
      if (strict) refuseUnknownKeys(source, names, path);
      const prefix = path === "" ? "" : `${path}.`;
      const decoded = Object.entries(fields).map(([name, schema]) => [
        name,
        schema.decode(source[name], `${prefix}${name}`),
      ]);
      return Object.fromEntries(decoded) as Decoded<F>;
    },
    json: {
      type: "object",
      properties: Object.fromEntries(Object.entries(fields).map(([name, schema]) => [name, schema.json])),
      required: names,
      ...(strict ? { additionalProperties: false } : {}),
    },
  };
}

/** A closed union told apart by its `kind`. Every member is an object schema with a literal `kind`. */
export function union<M extends Readonly<Record<string, Schema<{ readonly kind: string }>>>>(
  members: M,
): Schema<{ [K in keyof M]: Infer<M[K]> }[keyof M]> {
  return {
    decode(value, path) {
      const { kind } = plainObject(value, path);
      const member = typeof kind === "string" && Object.hasOwn(members, kind) ? members[kind] : undefined;
      if (member === undefined)
        throw new DecodeError(`${path === "" ? "" : `${path}.`}kind`, Object.keys(members).join(", "));
      return member.decode(value, path) as { [K in keyof M]: Infer<M[K]> }[keyof M];
    },
    json: { oneOf: Object.values(members).map((member) => member.json) },
  };
}

function plainObject(value: unknown, path: string): Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null || Array.isArray(value) || value instanceof Uint8Array)
    throw new DecodeError(path, "an object");
  return value as Record<string, unknown>;
}

function refuseUnknownKeys(source: object, names: readonly string[], path: string): void {
  for (const key of Object.keys(source)) {
    if (!names.includes(key))
      throw new DecodeError(
        `${path === "" ? "" : `${path}.`}${shortened(key)}`,
        `one of ${names.join(", ")}`,
      );
  }
}

/** Keys come from outside, and an error message is no place for a megabyte. */
function shortened(key: string): string {
  return key.length <= UNKNOWN_KEY_CHARS_MAX ? key : `${key.slice(0, UNKNOWN_KEY_CHARS_MAX)}…`;
}
