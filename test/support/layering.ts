// Who may import whom, as one table, and the check of source files against it.
// Owns the borders between folders; style within a folder is tidy.ts.
import path from "node:path";
import { isNode, isScript, lineOf, parse, type SourceFile, type SyntaxNode, walk } from "./source.ts";

interface Layer {
  /** Files this layer is made of. The first layer that matches a file is the file's layer. */
  readonly files: RegExp;
  readonly name: string;
  /** Names of layers it may import; its own always. */
  readonly layers: readonly string[];
  /** npm packages it may import; `node:` stands for all of Node's own modules. */
  readonly packages: readonly string[];
  readonly why: string;
}

const CORE_WHY =
  "a core only decides: it runs the same in the simulator, where there is no machine around it";
const SHELL_WHY = "roles meet at their entry points, so that the inside of each can change alone";
const ENTRY_WHY = "an entry point only says which parts of its own folder others may use";
const ENTRIES = ["peer/index.ts", "seeder/index.ts", "coordinator/index.ts"];

export const LAYERS: readonly Layer[] = [
  {
    name: "protocol",
    files: /^protocol\/[^/]+\.ts$/,
    layers: [],
    packages: [],
    why: "everyone shares the protocol, so it depends on nobody and runs everywhere, the browser included",
  },
  {
    name: "protocol/shell",
    files: /^protocol\/shell\//,
    layers: ["protocol"],
    packages: ["node:", "msgpackr"],
    why: "it turns bytes into messages and signatures, and knows no role",
  },
  { name: "peer/core", files: /^peer\/core\//, layers: ["protocol"], packages: [], why: CORE_WHY },
  { name: "seeder/core", files: /^seeder\/core\//, layers: ["protocol"], packages: [], why: CORE_WHY },
  {
    name: "coordinator/core",
    files: /^coordinator\/core\//,
    layers: ["protocol"],
    packages: [],
    why: CORE_WHY,
  },
  {
    name: "peer/shell",
    files: /^peer\/shell\//,
    layers: ["protocol", "protocol/shell", "peer/core"],
    packages: ["node:", "bittorrent-dht", "bittorrent-protocol", "pino", "tar-stream", "webtorrent", "ws"],
    why: SHELL_WHY,
  },
  {
    name: "seeder/shell",
    files: /^seeder\/shell\//,
    layers: ["protocol", "protocol/shell", "seeder/core", "peer/index.ts"],
    packages: ["node:", "pino", "tar-stream"],
    why: SHELL_WHY,
  },
  {
    name: "coordinator/shell",
    files: /^coordinator\/shell\//,
    layers: ["protocol", "protocol/shell", "coordinator/core", "peer/index.ts", "seeder/index.ts"],
    packages: ["node:", "pino", "ws"],
    why: SHELL_WHY,
  },
  {
    name: "peer/index.ts",
    files: /^peer\/[^/]+\.ts$/,
    layers: ["protocol", "peer/core", "peer/shell"],
    packages: [],
    why: ENTRY_WHY,
  },
  {
    name: "seeder/index.ts",
    files: /^seeder\/[^/]+\.ts$/,
    layers: ["protocol", "seeder/core", "seeder/shell"],
    packages: [],
    why: ENTRY_WHY,
  },
  {
    name: "coordinator/index.ts",
    files: /^coordinator\/[^/]+\.ts$/,
    layers: ["protocol", "coordinator/core", "coordinator/shell"],
    packages: [],
    why: ENTRY_WHY,
  },
  {
    name: "sim/shell",
    files: /^sim\/shell\//,
    layers: ["protocol", "sim"],
    packages: ["node:", "echarts"],
    why: "it only reads scenarios and prints reports; what is simulated is decided without it",
  },
  {
    name: "sim",
    files: /^sim\//,
    layers: ["protocol", "peer/core", "seeder/core", "coordinator/core"],
    packages: [],
    why: "the simulator runs the shipped cores, and a run must depend on nothing but its seed",
  },
  {
    name: "cli",
    files: /^cli\//,
    layers: ["protocol", "protocol/shell", "sim", "sim/shell", ...ENTRIES],
    packages: ["node:", "commander", "pino", "tar-stream", "yaml"],
    why: "commands use the roles through their entry points, as any other program would",
  },
  {
    name: "web",
    files: /^web\//,
    layers: ["protocol"],
    packages: [],
    why: "the dashboard speaks the protocol and nothing else",
  },
];

/** What surrounds the product may import anything. */
const OUTSIDE = /^(\.ci|bench|docs|scripts|stubs|test)\/|^[^/]+$/;

/** One sentence per import that the table does not allow; empty when all is well. */
export function findLayeringFaults(files: readonly SourceFile[]): readonly string[] {
  return files
    .filter((file) => isScript(file) && !OUTSIDE.test(file.path))
    .flatMap((file) => {
      const layer = layerOf(file.path);
      if (layer === null) return [`${file.path} is in no layer: give its folder a row in LAYERS`];
      return importsOf(file).flatMap((found) => judge(file, layer, found));
    });
}

interface Import {
  /** Null when the specifier is computed. */
  readonly specifier: string | null;
  readonly line: number;
}

function judge(file: SourceFile, layer: Layer, { specifier, line }: Import): readonly string[] {
  const place = `${file.path}:${line}`;
  if (specifier === null) return [`${place} imports a computed name, which cannot be checked: write it out`];
  if (mayImport(layer, file, specifier)) return [];
  const allowed = [layer.name, ...layer.layers, ...layer.packages].join(", ");
  return [`${place} imports ${specifier}, but ${layer.name} may import only ${allowed}: ${layer.why}`];
}

function mayImport(layer: Layer, file: SourceFile, specifier: string): boolean {
  if (!specifier.startsWith(".")) return layer.packages.includes(packageOf(specifier));
  const target = path.posix.join(path.posix.dirname(file.path), specifier);
  const name = layerOf(target)?.name;
  if (name === undefined) return false;
  return name === layer.name || (layer.layers.includes(name) && (!ENTRIES.includes(name) || name === target));
}

function layerOf(file: string): Layer | null {
  return LAYERS.find(({ files }) => files.test(file)) ?? null;
}

/** `@scope/name/deep` → `@scope/name`, `name/deep` → `name`, `node:fs/promises` → `node:`. */
function packageOf(specifier: string): string {
  if (specifier.startsWith("node:")) return "node:";
  return specifier
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/");
}

function importsOf(file: SourceFile): readonly Import[] {
  const found: Import[] = [];
  walk(parse(file).program, (node) => {
    const source = sourceOf(node);
    if (source !== null) found.push({ specifier: literalOf(source), line: lineOf(file, node.start) });
  });
  return found;
}

/** What a node imports from: every form in which TypeScript can name another module. */
function sourceOf(node: SyntaxNode): SyntaxNode | null {
  switch (node.type) {
    case "ImportDeclaration":
    case "ExportNamedDeclaration":
    case "ExportAllDeclaration":
    case "ImportExpression":
    case "TSImportType":
      return isNode(node.source) ? node.source : null;
    case "TSExternalModuleReference":
      return isNode(node.expression) ? node.expression : null;
    case "CallExpression":
      return requiredBy(node);
    default:
      return null;
  }
}

function requiredBy({ callee, arguments: given }: SyntaxNode): SyntaxNode | null {
  if (!isNode(callee) || callee.type !== "Identifier" || callee.name !== "require") return null;
  const argument: unknown = Array.isArray(given) ? given[0] : null;
  return isNode(argument) ? argument : null;
}

function literalOf(node: SyntaxNode): string | null {
  return node.type === "Literal" && typeof node.value === "string" ? node.value : null;
}
