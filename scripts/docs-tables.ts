// Tables of the documentation that the source already holds: limits, messages and errors, as Markdown.
// Pure text in, text out; scripts/generate-docs.ts puts them into files.
import { ERRORS } from "../protocol/errors.ts";
import * as limits from "../protocol/limits.ts";
import {
  artifactSchema,
  manifestSchema,
  releaseRefSchema,
  signedManifestSchema,
} from "../protocol/manifest.ts";
import {
  appStateSchema,
  coordinatorMessageSchema,
  farShareSchema,
  labelsSchema,
  neighbourSchema,
  nodeMessageSchema,
  outcomeSchema,
} from "../protocol/messages.ts";
import type { JsonSchema } from "../protocol/schema.ts";

type Row = readonly string[];

export function markdownTable(head: Row, rows: readonly Row[]): string {
  const line = (cells: Row): string => `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}

export function errorsTable(): string {
  const rows = Object.entries(ERRORS).map(([code, { exitCode, httpStatus, next }]) => {
    return [`\`${code}\``, String(exitCode), String(httpStatus), next];
  });
  return markdownTable(["code", "exit", "HTTP", "what to do"], rows);
}

/** `source` is the text of protocol/limits.ts: its comments are the reasons. A limit without one shares the last. */
export function limitsTable(source: string): string {
  const values: Readonly<Record<string, unknown>> = limits;
  const declaration = /((?:^(?:\/\/|\/\*\*).*\n)*)^export const ([A-Z0-9_]+)\b/gm;
  const rows = [...source.matchAll(declaration)].map(([, comment = "", name = ""]) => {
    return [`\`${name}\``, formatLimit(name, Number(values[name])), reasonIn(comment)];
  });
  return markdownTable(["limit", "value", "why"], rows);
}

function reasonIn(comment: string): string {
  return comment
    .split("\n")
    .map((line) => line.replace(/^\s*(?:\/\*\*|\/\/)\s*|\s*\*\/$/g, ""))
    .join(" ")
    .trim();
}

function formatLimit(name: string, value: number): string {
  if (/_MS(_|$)/.test(name)) return value % 1000 === 0 ? `${value / 1000} s` : `${value} ms`;
  if (/BYTES|PIECE_LENGTH/.test(name)) return formatBytes(value);
  return formatCount(value);
}

function formatBytes(value: number): string {
  const units = ["bytes", "KiB", "MiB", "GiB", "TiB"];
  let [scaled, unit] = [value, 0];
  while (scaled >= 1024 && scaled % 1024 === 0 && unit < units.length - 1) {
    scaled /= 1024;
    unit += 1;
  }
  return `${formatCount(scaled)} ${units[unit]}`;
}

/** Groups of three with a thin gap, the same in every locale. */
function formatCount(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, " ");
}

export function messagesTable(direction: "coordinator" | "node"): string {
  const schema = direction === "coordinator" ? coordinatorMessageSchema : nodeMessageSchema;
  const rows = membersOf(schema.json).map(({ kind, fields }) => {
    return [
      `\`${kind}\``,
      fields.map(([name, type]) => `\`${name}\`: ${type}`).join("<br>") || "nothing more",
    ];
  });
  return markdownTable(["message", "fields"], rows);
}

interface Member {
  readonly kind: string;
  readonly fields: readonly [name: string, type: string][];
}

function membersOf(union: JsonSchema): readonly Member[] {
  return (union.oneOf as readonly JsonSchema[]).map((member) => {
    const { kind, ...fields } = member.properties as Readonly<Record<string, JsonSchema>>;
    return {
      kind: String(kind?.const),
      fields: Object.entries(fields).map(([name, field]) => [name, describe(field)]),
    };
  });
}

/** Shapes that occur in several messages: named there, spelled out once in a table of their own. */
const SHAPES: ReadonlyMap<JsonSchema, string> = new Map([
  [releaseRefSchema.json, "ReleaseRef"],
  [signedManifestSchema.json, "SignedManifest"],
  [neighbourSchema.json, "Neighbour"],
  [farShareSchema.json, "FarShare"],
  [labelsSchema.json, "Labels"],
  [appStateSchema.json, "AppState"],
  [outcomeSchema.json, "Outcome"],
]);

export function shapesTable(): string {
  const rows = [...SHAPES].map(([schema, name]) => [`\`${name}\``, spellOut(schema)]);
  return markdownTable(["shape", "fields"], rows);
}

export function manifestTable(): string {
  return `${fieldsTable(manifestSchema.json)}\n\n\`artifact\` has:\n\n${fieldsTable(artifactSchema.json)}`;
}

function fieldsTable(schema: JsonSchema): string {
  const fields = Object.entries(schema.properties as Readonly<Record<string, JsonSchema>>);
  const rows = fields.map(([name, field]) => [
    `\`${name}\``,
    field === artifactSchema.json ? "below" : describe(field),
  ]);
  return markdownTable(["field", "value"], rows);
}

/** A JSON Schema in a few words: what it takes to fill in a message by hand. */
function describe(schema: JsonSchema): string {
  return SHAPES.get(schema) ?? spellOut(schema);
}

function spellOut(schema: JsonSchema): string {
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (Array.isArray(schema.enum)) return schema.enum.map((value) => JSON.stringify(value)).join(" or ");
  if (Array.isArray(schema.anyOf)) return (schema.anyOf as JsonSchema[]).map(describe).join(" or ");
  if (Array.isArray(schema.oneOf)) return (schema.oneOf as JsonSchema[]).map(describe).join(" or ");
  switch (schema.type) {
    case "object":
      return schema.properties === undefined ? describeMap(schema) : describeFields(schema);
    case "array":
      return `list of ${describeCount(schema.minItems, schema.maxItems)} × ${describe(schema.items as JsonSchema)}`;
    case "integer":
    case "number":
      return describeNumber(schema);
    case "string":
      return describeText(schema);
    default:
      return String(schema.type);
  }
}

function describeMap({ propertyNames, additionalProperties, maxProperties }: JsonSchema): string {
  const [key, value] = [propertyNames as JsonSchema, additionalProperties as JsonSchema];
  return `map of ${describeCount(0, maxProperties)} × ${describe(key)} to ${describe(value)}`;
}

function describeFields(schema: JsonSchema): string {
  const fields = Object.entries(schema.properties as Readonly<Record<string, JsonSchema>>);
  return `{ ${fields.map(([name, field]) => `${name}: ${describe(field)}`).join("; ")} }`;
}

function describeNumber({ type, minimum, maximum }: JsonSchema): string {
  const kind = type === "integer" ? "integer" : "number";
  const min = formatCount(Number(minimum));
  return maximum === Number.MAX_SAFE_INTEGER
    ? `${kind} from ${min}`
    : `${kind} ${min} to ${formatCount(Number(maximum))}`;
}

function describeText({ contentEncoding, minLength, maxLength }: JsonSchema): string {
  const count = describeCount(minLength, maxLength);
  return contentEncoding === "binary" ? `${count} bytes` : `text of ${count}`;
}

function describeCount(min: unknown, max: unknown): string {
  const most = formatCount(Number(max));
  return min === max ? most : `${formatCount(Number(min))} to ${most}`;
}
