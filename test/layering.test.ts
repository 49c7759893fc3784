// The borders between folders hold, and the check that says so would notice if they did not.
import { describe, expect, test } from "vitest";
import { findLayeringFaults } from "./support/layering.ts";
import { readProject, type SourceFile } from "./support/source.ts";

test("every import of the project is one that its folder may make", () => {
  expect(findLayeringFaults(readProject())).toEqual([]);
});

describe("the check itself", () => {
  function faultsOf(path: string, text: string): readonly string[] {
    const file: SourceFile = { path, text };
    return findLayeringFaults([file]);
  }

  test.each([
    ["a core that imports node:fs", "peer/core/a.ts", `import { readFileSync } from "node:fs";`],
    ["a core that imports only a type of node", "seeder/core/a.ts", `import type { Stats } from "node:fs";`],
    ["a core that imports an npm package", "coordinator/core/a.ts", `import { WebSocket } from "ws";`],
    ["a core that imports its shell", "peer/core/a.ts", `import { x } from "../shell/x.ts";`],
    ["a core that imports another role's core", "coordinator/core/a.ts", `import "../../peer/core/x.ts";`],
    ["a core that imports the protocol's shell", "peer/core/a.ts", `import "../../protocol/shell/frame.ts";`],
    ["the protocol importing a role", "protocol/a.ts", `import { x } from "../peer/core/x.ts";`],
    ["the pure protocol importing its shell", "protocol/a.ts", `import { x } from "./shell/frame.ts";`],
    ["a peer that imports the coordinator", "peer/shell/a.ts", `import "../../coordinator/index.ts";`],
    ["a shell that reaches into another role", "seeder/shell/a.ts", `import "../../peer/shell/unpack.ts";`],
    ["a second entry point", "seeder/shell/a.ts", `import "../../peer/second.ts";`],
    ["a shell with another role's package", "coordinator/shell/a.ts", `import w from "webtorrent";`],
    ["the simulator importing a shell", "sim/engine.ts", `import { x } from "../peer/shell/x.ts";`],
    ["the simulator importing node", "sim/engine.ts", `import { randomBytes } from "node:crypto";`],
    ["a command that reaches into a shell", "cli/a.ts", `import { x } from "../peer/shell/x.ts";`],
    ["a command that reaches into a core", "cli/a.ts", `import { x } from "../coordinator/core/x.ts";`],
    ["anything importing a test", "peer/shell/a.ts", `import { x } from "../../test/support/x.ts";`],
  ])("finds %s", (_, path, text) => {
    expect(faultsOf(path, text)).toHaveLength(1);
  });

  test.each([
    ["a re-export", `export { x } from "node:fs";`],
    ["a re-export of everything", `export * from "node:fs";`],
    ["a dynamic import", `const x = await import("node:fs");`],
    ["the type of an import", `type X = import("node:fs").Stats;`],
    ["a require", `const x = require("node:fs");`],
    ["an import assignment", `import x = require("node:fs");`],
    ["an import for its effects", `import "node:fs";`],
    ["a builtin without its prefix", `import fs from "fs";`],
  ])("sees %s", (_, text) => {
    expect(faultsOf("peer/core/a.ts", text)).toHaveLength(1);
  });

  test("finds a folder that nobody has thought about", () => {
    expect(faultsOf("lib/a.ts", "export {};")).toEqual([expect.stringContaining("lib/a.ts is in no layer")]);
  });

  test("finds a dynamic import whose target is computed", () => {
    expect(faultsOf("cli/a.ts", `await import(process.argv[2]);`)).toEqual([
      expect.stringContaining("cli/a.ts:1 imports a computed name"),
    ]);
  });

  test("says where, what is allowed, and why", () => {
    const [fault] = faultsOf("peer/core/a.ts", `// Head.\nimport { x } from "node:fs";`);
    expect(fault).toMatch(
      /^peer\/core\/a\.ts:2 imports node:fs, but peer\/core may import only peer\/core, protocol: /,
    );
    expect(fault).toContain("simulator");
  });

  test.each([
    ["peer/core/a.ts", `import { x } from "../../protocol/limits.ts"; import { y } from "./sub/b.ts";`],
    [
      "coordinator/shell/a.ts",
      `import { x } from "../../peer/index.ts"; import { DatabaseSync } from "node:sqlite";`,
    ],
    ["protocol/shell/a.ts", `import { Packr } from "msgpackr/pack";`],
    ["sim/engine.ts", `import { x } from "../peer/core/x.ts";`],
    ["test/a.test.ts", `import { x } from "../peer/shell/x.ts"; import { rolldown } from "rolldown";`],
  ])("lets %s import what it may", (path, text) => {
    expect(faultsOf(path, text)).toEqual([]);
  });
});
