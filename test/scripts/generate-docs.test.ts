// The documentation says what the source says, and the generator touches nothing else.
import { readFile } from "node:fs/promises";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { limitsTable, markdownTable } from "../../scripts/docs-tables.ts";
import { DOCUMENTS, readSections, withSections } from "../../scripts/generate-docs.ts";

const root = path.resolve(import.meta.dirname, "../..");

test.each(DOCUMENTS)("%s is current: run `npm run docs` when this fails", async (document) => {
  const text = await readFile(path.join(root, document), "utf8");
  expect(text).toBe(withSections(text, await readSections()));
});

test("every section has a place in the documentation", async () => {
  const texts = await Promise.all(DOCUMENTS.map((document) => readFile(path.join(root, document), "utf8")));
  for (const name of (await readSections()).keys())
    expect(texts.join("")).toContain(`<!-- generated: ${name} -->`);
});

test("every limit says why it has its value", async () => {
  const source = await readFile(path.join(root, "protocol/limits.ts"), "utf8");
  const rows = limitsTable(source).split("\n").slice(2);
  expect(rows.length).toBeGreaterThan(30);
  expect(rows.filter((row) => /\|\s*\|$/.test(row))).toEqual([]);
});

describe("a section", () => {
  const document = "above\n<!-- generated: a -->\nold\n<!-- end of generated -->\nbelow\n";

  test("replaces what is between its markers and nothing else", () => {
    expect(withSections(document, new Map([["a", "new"]]))).toBe(
      "above\n<!-- generated: a -->\nnew\n<!-- end of generated -->\nbelow\n",
    );
  });

  test("may hold characters that mean something to a replacement", () => {
    expect(withSections(document, new Map([["a", "$1 $& $$"]]))).toContain("\n$1 $& $$\n");
  });

  test("that nobody can generate is an error", () => {
    expect(() => withSections(document, new Map())).toThrow("no section is called a");
  });
});

test("a bar in a cell does not end the cell", () => {
  expect(markdownTable(["a|b"], [["c"]])).toBe("| a\\|b |\n| --- |\n| c |");
});
