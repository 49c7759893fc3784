// The documentation points only at what is there, and the check that says so would notice if it did not.
import { existsSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { findDeadReferences, type World } from "./support/documents.ts";
import { projectRoot, readProject } from "./support/source.ts";

const project = readProject();
const documents = project.filter((file) => file.path.endsWith(".md"));
const manifest = project.find((file) => file.path === "package.json");
const { scripts } = JSON.parse(manifest?.text ?? "{}") as { scripts: Readonly<Record<string, string>> };

const ourWorld: World = {
  exists: (name) => existsSync(path.join(projectRoot, name)),
  documents,
  scripts: Object.keys(scripts),
};

test.each(documents)("$path points only at what is there", (document) => {
  expect(findDeadReferences(document, ourWorld)).toEqual([]);
});

describe("the check itself", () => {
  const other = { path: "docs/other.md", text: "# A heading: with `code`, and more\n" };
  const world: World = {
    exists: (name) => ["README.md", "docs/other.md", "docs", "peer/core/a.ts"].includes(name),
    documents: [other],
    scripts: ["check"],
  };

  function faultsOf(text: string): number {
    return findDeadReferences({ path: "docs/this.md", text }, world).length;
  }

  test.each([
    ["a link to a file that is not there", "[x](missing.md)"],
    ["a link that goes up too far", "[x](../../README.md)"],
    ["a link to a heading that is not there", "[x](other.md#nothing)"],
    ["a link to a heading of its own that is not there", "[x](#nothing)"],
    ["a file that is not there", "see `peer/core/b.ts`"],
    ["a script that is not there", "Run `npm run chekc`."],
  ])("finds %s", (_, text) => {
    expect(faultsOf(text)).toBe(1);
  });

  test.each([
    [
      "links to what is there",
      "[a](../README.md) [b](other.md#a-heading-with-code-and-more) [c](https://example.org/x)",
    ],
    ["links in code", "```\n[x](missing.md)\n```\nand `[x](missing.md)`"],
    ["files and scripts that are there", "`peer/core/a.ts`, `npm run check`"],
    ["a name that the reader chooses", "`cli/commands/NAME.ts`"],
    ["a path of somebody else's", "`versions/v1/bin`"],
  ])("lets be %s", (_, text) => {
    expect(faultsOf(text)).toBe(0);
  });
});
