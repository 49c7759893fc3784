// The published schemas and the page about the command line say what the code does.
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import type { Command } from "commander";
import { describe, expect, it } from "vitest";
import { projectSection } from "../../cli/config/project-schema.ts";
import { decodeYaml } from "../../cli/config/yaml-file.ts";
import { buildProgram } from "../../cli/program.ts";
import { ERRORS } from "../../protocol/errors.ts";
import { schemaFiles } from "../../scripts/generate-schemas.ts";
import { TestHost } from "./support/test-host.ts";

const docs = path.resolve(import.meta.dirname, "../../docs");
const page = readFileSync(path.join(docs, "cli.md"), "utf8");
const commands = buildProgram(new TestHost(), async () => undefined).commands;

describe("docs/schema", () => {
  it.each([...schemaFiles()])("%s is what scripts/generate-schemas.ts writes", (name, text) => {
    expect(readFileSync(path.join(docs, "schema", name), "utf8")).toBe(text);
  });

  it("has no file that nothing generates", () => {
    expect(readdirSync(path.join(docs, "schema")).toSorted()).toEqual([...schemaFiles().keys()].toSorted());
  });
});

describe("docs/cli.md", () => {
  it("names every command and every option", () => {
    const missing = commands.flatMap(namesOf).filter((name) => !page.includes(name));
    expect(missing).toEqual([]);
  });

  it("lists every exit code there is", () => {
    const codes = new Set(Object.values(ERRORS).map(({ exitCode }) => exitCode));
    const missing = [...codes].filter((code) => !page.includes(`\n| ${code} | `));
    expect(missing).toEqual([]);
  });

  it("links to schemas that exist", () => {
    const linked = [...page.matchAll(/schema\/([a-z-]+\.schema\.json)/g)].map(([, name = ""]) => name);
    expect(linked.filter((name) => !schemaFiles().has(name))).toEqual([]);
    expect(linked.length).toBeGreaterThan(5);
  });

  it("shows a fleet.yaml that is right", () => {
    const example = /```yaml\n([\s\S]*?)```/.exec(page)?.[1] ?? "";
    expect(decodeYaml(example, "example", projectSection).app).toBe("shop");
  });
});

function namesOf(command: Command): readonly string[] {
  const options = command.options.map(({ long }) => long ?? "");
  return [
    `fleet ${command.name()}`,
    ...options,
    ...command.commands.flatMap((sub) => [sub.name(), ...namesOf(sub).slice(1)]),
  ];
}
