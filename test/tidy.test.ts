// The project keeps its own rules of style and hygiene, and each rule would notice being broken.
import { describe, expect, test } from "vitest";
import { findLockFaults, findTraces } from "./support/repository.ts";
import { readProject } from "./support/source.ts";
import { FILE_LINES_MAX, FUNCTION_LINES_MAX, findUntidiness, LINE_CHARS_MAX, RULES } from "./support/tidy.ts";

const project = readProject();

test("every source file keeps the rules", () => {
  expect(findUntidiness(project)).toEqual([]);
});

test("no file tells of a machine, a registry or a credential", () => {
  expect(findTraces(project)).toEqual([]);
});

test("the lock file installs from any registry and on every platform", () => {
  const lock = project.find(({ path }) => path === "package-lock.json");
  expect(findLockFaults(lock?.text ?? "")).toEqual([]);
});

/** Names of the rules that a file breaks. */
function broken(path: string, text: string): readonly string[] {
  return findUntidiness([{ path, text }]).map((fault) => / \((\S+):/.exec(fault)?.[1] ?? fault);
}

describe("each rule notices", () => {
  const head = "// What this file owns.\n";
  const samples: Readonly<Record<string, readonly [path: string, text: string][]>> = {
    pure: [
      ["peer/core/a.ts", `${head}const now = Date.now();`],
      ["seeder/core/a.ts", `${head}const x = new Date(0);`],
      ["coordinator/core/a.ts", `${head}const x = Math.random();`],
      ["coordinator/core/a.ts", `${head}const x = new Intl.Collator();`],
      ["protocol/a.ts", `${head}["b"].sort((a, b) => a.localeCompare(b));`],
      ["protocol/a.ts", `${head}const x = [performance];`],
      ["sim/engine.ts", `${head}setTimeout(() => {}, 1);`],
      ["sim/engine.ts", `${head}const id = crypto.randomUUID();`],
      ["sim/engine.ts", `${head}const x = globalThis["Date"];`],
    ],
    header: [
      ["peer/shell/a.ts", "export const a = 1;\n// Too late.\n"],
      ["cli/a.ts", "#!/usr/bin/env node\nexport const a = 1;\n"],
      ["cli/a.ts", `${"// A chapter.\n".repeat(7)}export const a = 1;\n`],
    ],
    "file-length": [["test/a.ts", `${head}${"export {};\n".repeat(FILE_LINES_MAX)}`]],
    "function-length": [
      ["peer/shell/a.ts", `${head}function f() {\n${"f();\n".repeat(FUNCTION_LINES_MAX - 1)}}`],
      ["peer/shell/a.ts", `${head}const f = () => {\n${"f();\n".repeat(FUNCTION_LINES_MAX - 1)}};`],
      ["peer/shell/a.ts", `${head}class A { f() {\n${"f();\n".repeat(FUNCTION_LINES_MAX - 1)}} }`],
    ],
    "line-length": [["scripts/a.mjs", `${head}// ${"x".repeat(LINE_CHARS_MAX)}`]],
    "named-exports": [["cli/a.ts", `${head}export default 1;`]],
    "no-any": [["test/a.ts", `${head}const a: any = 1;`]],
    "no-assertion": [["test/a.ts", `${head}const a = b!;`]],
    "no-silencing": [
      ["peer/shell/a.ts", `${head}// @ts-expect-error: no.\nexport {};`],
      ["test/a.ts", `${head}// @ts-ignore\nexport {};`],
    ],
    "no-leftovers": [["test/a.ts", `${head}export const a = 1; // FIX${"ME"} later`]],
    "error-codes": [
      ["peer/shell/a.ts", `${head}const outcome = { code: "hook-exploded" };`],
      ["cli/a.ts", `${head}if (error.code === "detachd") process.exit();`],
    ],
    silent: [
      ["peer/shell/a.ts", `${head}process.stdout.write("hello");`],
      ["coordinator/index.ts", `${head}console.warn("hello");`],
    ],
  };

  test("and every rule has a sample", () => {
    expect(Object.keys(samples).sort()).toEqual(RULES.map(({ name }) => name).sort());
  });

  for (const [rule, cases] of Object.entries(samples)) {
    test.each(cases)(`${rule}: %s`, (path, text) => {
      expect(broken(path, text)).toEqual([rule]);
    });
  }
});

describe("no rule objects to", () => {
  const head = "// What this file owns.\n";

  test.each([
    [
      "a member that only shares a global's name",
      "peer/core/a.ts",
      "x.performance(); const y = { process: 1 };",
    ],
    ["Math that is no chance", "sim/a.ts", "Math.max(1, 2);"],
    ["a clock in a shell", "peer/shell/clock.ts", "setTimeout(() => {}, Date.now());"],
    ["a default export in a config file", "vitest.config.ts", "export default {};"],
    [
      "an expected type error in a test",
      "test/a.test.ts",
      "// @ts-expect-error: a plain string is no id.\nf();",
    ],
    ["a known code", "peer/shell/a.ts", `const outcome = { code: "hook-timeout" };`],
    ["a code of the operating system", "peer/shell/a.ts", `if (error.code === "ENOENT") f();`],
    ["output of a command", "cli/a.ts", `process.stdout.write("1");`],
    ["a long story in describe", "test/a.test.ts", `describe("x", () => {\n${"f();\n".repeat(80)}});`],
  ])("%s", (_, path, text) => {
    expect(broken(path, head + text)).toEqual([]);
  });

  test("a program with a first line for the shell and a comment block", () => {
    expect(broken("cli/a.ts", "#!/usr/bin/env node\n/*\n * What it owns.\n */\nexport {};\n")).toEqual([]);
  });
});

describe("the search for traces finds", () => {
  test.each([
    ["a home folder", `const path = "/${"home"}/ada/fleet";`],
    ["the home of the super user", `see /${"root"}/fleet/package.json`],
    ["a registry", `"resolved": "https://registry.${"npmjs"}.org/ws/-/ws-8.tgz"`],
    ["a token for a registry", `//example.org/:_${"auth"}Token=abc`],
    ["a private key", `-----BEGIN ${"PRIVATE"} KEY-----`],
  ])("%s", (_, text) => {
    expect(findTraces([{ path: "a.md", text: `fine\n${text}` }])).toEqual([
      expect.stringMatching(/^a\.md:2 has /),
    ]);
  });

  test("nothing in paths that every machine has, or in addresses of the web", () => {
    const text = "/usr/bin/env, /tmp/x, /var/lib/fleet, https://example.org/home/page and ./work/dir";
    expect(findTraces([{ path: "a.md", text }])).toEqual([]);
  });
});

describe("the check of the lock file finds", () => {
  test("a package that is tied to one address", () => {
    const lock = { packages: { "": {}, "node_modules/a": { resolved: "https://example.org/a.tgz" } } };
    expect(findLockFaults(JSON.stringify(lock))).toEqual([
      "node_modules/a is tied to https://example.org/a.tgz",
    ]);
  });

  test("a binary of another platform that was forgotten", () => {
    const packages = {
      "": { dependencies: { a: "1" } },
      "node_modules/a": { optionalDependencies: { "@a/linux": "1", "@a/mac": "1" } },
      "node_modules/a/node_modules/@a/linux": { version: "1" },
    };
    expect(findLockFaults(JSON.stringify({ packages }))).toEqual([
      "@a/mac, which node_modules/a needs, has no entry",
    ]);
  });
});
