// Reads the project's own source: which files there are, and their syntax trees.
// The only place that knows the parser; never judges what it reads.
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { parseSync } from "rolldown/utils";

export const projectRoot = path.resolve(import.meta.dirname, "../..");

/** A file as the checks see it. `path` is relative to the project, with forward slashes. */
export interface SourceFile {
  readonly path: string;
  readonly text: string;
}

/** A node of an ESTree with TypeScript; what it holds beyond these depends on `type`. */
export interface SyntaxNode {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly [field: string]: unknown;
}

export interface Comment {
  readonly value: string;
  readonly start: number;
  readonly end: number;
}

export interface Syntax {
  readonly program: SyntaxNode;
  readonly comments: readonly Comment[];
}

const FOLDERS_LEFT_OUT: ReadonlySet<string> = new Set([".git", "node_modules", "dist", ".cache", "coverage"]);

/** Every file of the project that a person wrote, plus the lock file. */
export function readProject(): readonly SourceFile[] {
  return filesUnder("").map((name) => ({
    path: name,
    text: readFileSync(path.join(projectRoot, name), "utf8"),
  }));
}

export function isScript(file: SourceFile): boolean {
  return /\.(ts|mts|mjs|cjs|js)$/.test(file.path);
}

/** Throws when the text is not TypeScript. */
export function parse(file: SourceFile): Syntax {
  const { program, comments, errors } = parseSync(file.path, file.text, { lang: "ts" });
  const [error] = errors;
  if (error !== undefined) throw new Error(`${file.path}: ${error.message}`);
  return { program: program as unknown as SyntaxNode, comments };
}

/** Calls `visit` for the node and everything below it, parents first. */
export function walk(
  node: SyntaxNode,
  visit: (node: SyntaxNode, parent: SyntaxNode | null) => void,
  parent: SyntaxNode | null = null,
): void {
  visit(node, parent);
  for (const child of childrenOf(node)) walk(child, visit, node);
}

export function lineOf(file: SourceFile, offset: number): number {
  return file.text.slice(0, offset).split("\n").length;
}

export function isNode(value: unknown): value is SyntaxNode {
  return typeof value === "object" && value !== null && "type" in value && typeof value.type === "string";
}

function childrenOf(node: SyntaxNode): readonly SyntaxNode[] {
  return Object.values(node)
    .flatMap((value) => (Array.isArray(value) ? (value as unknown[]) : [value]))
    .filter(isNode);
}

function filesUnder(folder: string): readonly string[] {
  return readdirSync(path.join(projectRoot, folder), { withFileTypes: true })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const name = folder === "" ? entry.name : `${folder}/${entry.name}`;
      if (entry.isDirectory()) return FOLDERS_LEFT_OUT.has(entry.name) ? [] : filesUnder(name);
      return entry.isFile() && !entry.name.endsWith(".tgz") ? [name] : [];
    });
}
