// Reads a YAML file through a schema and says of every mistake in which file, line and column it is.
import { readFileSync } from "node:fs";
import { isMap, LineCounter, type Node, parseDocument } from "yaml";
import { FleetError } from "../../protocol/errors.ts";
import { DecodeError, type Schema } from "../../protocol/schema.ts";
import { UnknownKeyError } from "./section.ts";

/** A configuration file is a page or two; anything this large is the wrong file. */
const FILE_CHARS_MAX = 256 * 1024;

/** Null when there is no such file. FleetError file-missing when it cannot be read, config-invalid when it is wrong. */
export function readYamlFile<T>(path: string, schema: Schema<T>): T | null {
  let source: string;
  try {
    source = readFileSync(path, "utf8");
  } catch (cause) {
    if (cause instanceof Error && "code" in cause && cause.code === "ENOENT") return null;
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new FleetError("file-missing", `cannot read ${path}: ${why}`, { cause });
  }
  return decodeYaml(source, path, schema);
}

/** `name` is how the file is called in errors. FleetError config-invalid. */
export function decodeYaml<T>(source: string, name: string, schema: Schema<T>): T {
  if (source.length > FILE_CHARS_MAX) throw invalid(`${name}: larger than ${FILE_CHARS_MAX} characters`);
  const lines = new LineCounter();
  const document = parseDocument(source, { lineCounter: lines, prettyErrors: false, stringKeys: true });
  const place = (offset: number): string => {
    const { line, col } = lines.linePos(offset);
    return `${name}:${line}:${col}`;
  };
  const [problem] = [...document.errors, ...document.warnings];
  if (problem !== undefined) throw invalid(`${place(problem.pos[0])}: ${problem.message}`);
  try {
    const value: unknown = document.contents === null ? {} : document.toJS({ maxAliasCount: 100 });
    return schema.decode(value, "");
  } catch (cause) {
    if (cause instanceof UnknownKeyError)
      throw invalid(
        `${place(offsetOf(document.contents, tokensOf(cause.parentPath), cause.key))}: ${cause.message}`,
      );
    if (cause instanceof DecodeError)
      throw invalid(`${place(offsetOf(document.contents, tokensOf(cause.path), null))}: ${cause.message}`);
    if (cause instanceof ReferenceError) throw invalid(`${name}: ${cause.message}`);
    throw cause;
  }
}

function invalid(message: string): FleetError {
  return new FleetError("config-invalid", message);
}

/** `health.http[0].url` → `health`, `http`, `0`, `url`. */
function tokensOf(path: string): readonly string[] {
  return path.split(/[.[\]]+/).filter((token) => token !== "");
}

/** Where the value at `tokens` starts, or its key `key`; the nearest enclosing value when it is not there. */
function offsetOf(root: Node | null, tokens: readonly string[], key: string | null): number {
  let node: unknown = root;
  let offset = root?.range?.[0] ?? 0;
  for (const token of tokens) {
    node = childOf(node, token);
    const start = startOf(node);
    if (start === null) break;
    offset = start;
  }
  if (key === null || !isMap(node)) return offset;
  const pair = node.items.find((item) => startOf(item.key) !== null && String(item.key) === key);
  return startOf(pair?.key) ?? offset;
}

function childOf(node: unknown, token: string): unknown {
  if (typeof node !== "object" || node === null || !("get" in node) || typeof node.get !== "function")
    return null;
  const index = /^[0-9]+$/.test(token) && !isMap(node) ? Number(token) : token;
  return node.get(index, true) as unknown;
}

function startOf(node: unknown): number | null {
  if (typeof node !== "object" || node === null || !("range" in node) || !Array.isArray(node.range))
    return null;
  return typeof node.range[0] === "number" ? node.range[0] : null;
}
