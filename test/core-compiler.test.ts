// The compiler itself refuses a core that is not pure: the project's own configuration, on cores made for this test.
import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, expect, test } from "vitest";

const run = promisify(execFile);
const root = path.resolve(import.meta.dirname, "..");

let folder = "";

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "fleet-core-"));
  for (const name of ["tsconfig.json", "tsconfig.core.json", "tsconfig.node.json"])
    await cp(path.join(root, name), path.join(folder, name));
  // With the real packages around, `node:fs` is refused because of the configuration, not because it is missing.
  await symlink(path.join(root, "node_modules"), path.join(folder, "node_modules"));
  await mkdir(path.join(folder, "peer/core"), { recursive: true });
  await mkdir(path.join(folder, "peer/shell"));
  await writeFile(path.join(folder, "package.json"), '{"type":"module"}');
  await writeFile(
    path.join(folder, "peer/core/sum.ts"),
    "export const sum = (a: number, b: number): number => a + b;",
  );
  await writeFile(path.join(folder, "peer/shell/clock.ts"), "export const now = (): number => Date.now();");
});

afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

/** What the compiler says of a core with this text; empty when it is content. */
async function compile(project: string, file: string, text: string): Promise<string> {
  await writeFile(path.join(folder, file), text);
  try {
    await run(path.join(root, "node_modules/.bin/tsc"), ["--build", project], { cwd: folder });
    return "";
  } catch (error) {
    return (error as { stdout: string }).stdout;
  }
}

test("a core that imports another core's function compiles", async () => {
  const text = 'import { sum } from "./sum.ts";\nexport const three: number = sum(1, 2);';
  expect(await compile("tsconfig.core.json", "peer/core/a.ts", text)).toBe("");
});

test.each([
  [
    "imports node:fs",
    'import { readFileSync } from "node:fs";\nexport const a = readFileSync("x");',
    "node:fs",
  ],
  ["imports a type of node", 'import type { Stats } from "node:fs";\nexport type A = Stats;', "node:fs"],
  ["imports a shell", 'import { now } from "../shell/clock.ts";\nexport const a = now();', "TS6307"],
  ["sets a timer", "setTimeout(() => {}, 1);\nexport {};", "setTimeout"],
  ["reads the environment", "export const a = process.env;", "process"],
  ["writes to the console", 'console.log("a");\nexport {};', "console"],
  ["draws from crypto", "export const a: string = crypto.randomUUID();", "crypto"],
])("a core that %s does not compile", async (_, text, complaint) => {
  expect(await compile("tsconfig.core.json", "peer/core/a.ts", text)).toContain(complaint);
});

test("the same import compiles in a shell", async () => {
  const text = 'import { readFileSync } from "node:fs";\nexport const a: string = readFileSync("x", "utf8");';
  expect(await compile("tsconfig.node.json", "peer/shell/a.ts", text)).toBe("");
});
