// The rules every file keeps that neither compiler nor linter checks, one function each, in one table.
// Owns what is measured and why; who may import whom is layering.ts.
import { ERRORS } from "../../protocol/errors.ts";
import {
  type Comment,
  isNode,
  isScript,
  lineOf,
  parse,
  type SourceFile,
  type Syntax,
  type SyntaxNode,
  walk,
} from "./source.ts";

interface Found {
  readonly line: number;
  readonly what: string;
}

interface Rule {
  readonly name: string;
  readonly why: string;
  readonly applies: (path: string) => boolean;
  readonly find: (file: SourceFile, syntax: Syntax) => readonly Found[];
}

export const FILE_LINES_MAX = 400;
export const FUNCTION_LINES_MAX = 70;
export const LINE_CHARS_MAX = 120;
const HEADER_LINES_MAX = 6;

const PURE = /^(protocol\/[^/]+|(peer|seeder|coordinator)\/core\/.+|sim\/(?!shell\/).+)\.ts$/;
const PRODUCT = /^(protocol|peer|seeder|coordinator|sim|cli|web)\//;

/** What a pure file must be given instead of taking: time, chance, the machine, and text order of some locale. */
const IMPURE_GLOBALS: ReadonlySet<string> = new Set(
  "Date Intl performance crypto process console fetch globalThis eval Function WeakRef FinalizationRegistry".split(
    " ",
  ),
);
const IMPURE_TIMERS: ReadonlySet<string> = new Set(
  "setTimeout setInterval setImmediate clearTimeout clearInterval queueMicrotask".split(" "),
);
const IMPURE_MEMBERS: ReadonlySet<string> = new Set(
  "localeCompare toLocaleString toLocaleLowerCase toLocaleUpperCase".split(" "),
);

export const RULES: readonly Rule[] = [
  {
    name: "pure",
    why: "time, chance and ids come in as arguments, else no run can be repeated",
    applies: (path) => PURE.test(path),
    find: findImpurity,
  },
  {
    name: "header",
    why: "a file opens with 1 to 6 comment lines that say what it owns and what it must never do",
    applies: () => true,
    find: findMissingHeader,
  },
  {
    name: "file-length",
    why: "a long file has more than one job: split it by topic",
    applies: () => true,
    find: findLongFile,
  },
  {
    name: "function-length",
    why: "a function that does not fit the screen hides a decision: give the parts names",
    applies: () => true,
    find: findLongFunctions,
  },
  {
    name: "line-length",
    why: "long lines are not read to their end",
    applies: () => true,
    find: findLongLines,
  },
  {
    name: "named-exports",
    why: "a thing has one name everywhere, so that searching for it finds it",
    // Tools and packages that others wrote ask for, or are described by, a default export.
    applies: (path) => !/^stubs\/|\.config\.ts$|\.d\.ts$/.test(path),
    find: (file, { program }) => findNodes(file, program, "ExportDefaultDeclaration", "a default export"),
  },
  {
    name: "no-any",
    why: "`unknown` and a schema say the same without switching the compiler off",
    applies: () => true,
    find: (file, { program }) => findNodes(file, program, "TSAnyKeyword", "`any`"),
  },
  {
    name: "no-assertion",
    why: "`!` is a claim nobody checks: handle the absent case, or assert it",
    applies: () => true,
    find: (file, { program }) => findNodes(file, program, "TSNonNullExpression", "`!`"),
  },
  {
    name: "no-silencing",
    why: "what the compiler says is mended, not hidden; tests may expect an error to prove a type",
    applies: () => true,
    find: findSilencing,
  },
  {
    name: "no-leftovers",
    why: "what is not done is not promised in the source",
    applies: () => true,
    find: (file, { comments }) => findComments(file, comments, /\b(TODO|FIXME|XXX|HACK)\b/),
  },
  {
    name: "error-codes",
    why: "every code a person can meet is in protocol/errors.ts, with its exit code and what to do next",
    applies: (path) => PRODUCT.test(path) && path !== "protocol/errors.ts",
    find: findUnknownCodes,
  },
  {
    name: "silent",
    why: "only commands write to standard output, which scripts read",
    applies: (path) => PRODUCT.test(path) && !path.startsWith("cli/"),
    find: findOutput,
  },
];

/** One sentence per break of a rule in the project's scripts; empty when all is well. */
export function findUntidiness(files: readonly SourceFile[]): readonly string[] {
  return files.filter(isScript).flatMap((file) => {
    const syntax = parse(file);
    return RULES.filter(({ applies }) => applies(file.path)).flatMap((rule) =>
      rule
        .find(file, syntax)
        .map(({ line, what }) => `${file.path}:${line} has ${what} (${rule.name}: ${rule.why})`),
    );
  });
}

function findImpurity(file: SourceFile, { program }: Syntax): readonly Found[] {
  const found: Found[] = [];
  walk(program, (node, parent) => {
    const what = impurityOf(node, parent);
    if (what !== null) found.push({ line: lineOf(file, node.start), what });
  });
  return found;
}

function impurityOf(node: SyntaxNode, parent: SyntaxNode | null): string | null {
  if (node.type === "MemberExpression") {
    const member = nameOf(node.property);
    if (nameOf(node.object) === "Math" && member === "random") return "Math.random";
    return member !== null && IMPURE_MEMBERS.has(member) ? member : null;
  }
  const name = nameOf(node);
  if (name === null || !(IMPURE_GLOBALS.has(name) || IMPURE_TIMERS.has(name))) return null;
  return parent !== null && namesAMember(node, parent) ? null : name;
}

/** `clock.performance` and `{ process: … }` name a member of something else, not the global. */
function namesAMember(node: SyntaxNode, parent: SyntaxNode): boolean {
  if (parent.type === "MemberExpression") return parent.property === node && parent.computed === false;
  const isKey = parent.key === node && parent.computed !== true;
  return isKey && parent.shorthand !== true;
}

function findMissingHeader({ text }: SourceFile): readonly Found[] {
  const lines = headerLinesOf(text.replace(/^#!.*\n/, ""));
  if (lines === 0) return [{ line: 1, what: "no comment at its top" }];
  return lines > HEADER_LINES_MAX ? [{ line: 1, what: `${lines} comment lines at its top` }] : [];
}

function headerLinesOf(text: string): number {
  const block = /^\/\*[\s\S]*?\*\//.exec(text)?.[0];
  if (block !== undefined) return block.split("\n").length;
  const lines = text.split("\n");
  const end = lines.findIndex((line) => !line.startsWith("//"));
  return end === -1 ? lines.length : end;
}

function findLongFile(file: SourceFile): readonly Found[] {
  const lines = file.text.replace(/\n$/, "").split("\n").length;
  return lines > FILE_LINES_MAX ? [{ line: 1, what: `${lines} lines, of at most ${FILE_LINES_MAX}` }] : [];
}

const FUNCTIONS = new Set(["FunctionDeclaration", "FunctionExpression", "ArrowFunctionExpression"]);

function findLongFunctions(file: SourceFile, { program }: Syntax): readonly Found[] {
  const found: Found[] = [];
  walk(program, (node, parent) => {
    if (!FUNCTIONS.has(node.type) || (parent !== null && nameOf(parent.callee) === "describe")) return;
    const line = lineOf(file, node.start);
    const length = lineOf(file, node.end) - line + 1;
    if (length > FUNCTION_LINES_MAX)
      found.push({ line, what: `a function of ${length} lines, of at most ${FUNCTION_LINES_MAX}` });
  });
  return found;
}

function findLongLines(file: SourceFile): readonly Found[] {
  return file.text.split("\n").flatMap((text, index) => {
    const isTooLong = text.length > LINE_CHARS_MAX;
    return isTooLong
      ? [{ line: index + 1, what: `${text.length} characters, of at most ${LINE_CHARS_MAX}` }]
      : [];
  });
}

function findNodes(file: SourceFile, program: SyntaxNode, type: string, what: string): readonly Found[] {
  const found: Found[] = [];
  walk(program, (node) => {
    if (node.type === type) found.push({ line: lineOf(file, node.start), what });
  });
  return found;
}

function findComments(file: SourceFile, comments: readonly Comment[], pattern: RegExp): readonly Found[] {
  return comments.flatMap((comment) => {
    const word = pattern.exec(comment.value)?.[0];
    return word === undefined ? [] : [{ line: lineOf(file, comment.start), what: word }];
  });
}

function findSilencing(file: SourceFile, { comments }: Syntax): readonly Found[] {
  const isTest = file.path.startsWith("test/");
  return findComments(file, comments, isTest ? /@ts-(ignore|nocheck)/ : /@ts-(ignore|nocheck|expect-error)/);
}

/** `code: "…"` and `.code === "…"`; upper-case codes are the operating system's. */
function findUnknownCodes(file: SourceFile, { program }: Syntax): readonly Found[] {
  const found: Found[] = [];
  walk(program, (node) => {
    for (const code of codesIn(node)) {
      if (!Object.hasOwn(ERRORS, code))
        found.push({ line: lineOf(file, node.start), what: `the unknown code ${code}` });
    }
  });
  return found;
}

function codesIn(node: SyntaxNode): readonly string[] {
  if (node.type === "Property" && nameOf(node.key) === "code") return codeTexts(node.value);
  if (node.type !== "BinaryExpression" || !isNode(node.left) || node.left.type !== "MemberExpression")
    return [];
  return nameOf(node.left.property) === "code" ? codeTexts(node.right) : [];
}

function codeTexts(node: unknown): readonly string[] {
  if (!isNode(node) || node.type !== "Literal" || typeof node.value !== "string") return [];
  return /^[a-z][a-z-]*$/.test(node.value) ? [node.value] : [];
}

function findOutput(file: SourceFile, { program }: Syntax): readonly Found[] {
  const found: Found[] = [];
  walk(program, (node) => {
    if (node.type !== "MemberExpression") return;
    const isOutput = nameOf(node.object) === "process" && nameOf(node.property) === "stdout";
    if (isOutput || nameOf(node.object) === "console")
      found.push({
        line: lineOf(file, node.start),
        what: `output through ${file.text.slice(node.start, node.end)}`,
      });
  });
  return found;
}

function nameOf(node: unknown): string | null {
  return isNode(node) && node.type === "Identifier" && typeof node.name === "string" ? node.name : null;
}
