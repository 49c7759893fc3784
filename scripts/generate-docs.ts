// Writes the generated sections of the documentation: what stands between `<!-- generated: NAME -->` and
// `<!-- end of generated -->`. Must never touch a character outside of them.
import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { errorsTable, limitsTable, manifestTable, messagesTable, shapesTable } from "./docs-tables.ts";

const root = path.resolve(import.meta.dirname, "..");
/** Files with generated sections. */
export const DOCUMENTS = ["docs/PROTOCOL.md"];

const SECTION = /(<!-- generated: (?<name>[a-z-]+) -->\n)[\s\S]*?(<!-- end of generated -->)/g;

/** The document with every section as the source says now. Throws for a section nobody can generate. */
export function withSections(document: string, sections: ReadonlyMap<string, string>): string {
  return document.replace(SECTION, (_, start: string, name: string, end: string) => {
    const section = sections.get(name);
    if (section === undefined) throw new Error(`no section is called ${name}`);
    return `${start}${section}\n${end}`;
  });
}

export async function readSections(): Promise<ReadonlyMap<string, string>> {
  const limitsSource = await readFile(path.join(root, "protocol/limits.ts"), "utf8");
  return new Map([
    ["limits", limitsTable(limitsSource)],
    ["errors", errorsTable()],
    ["coordinator-messages", messagesTable("coordinator")],
    ["node-messages", messagesTable("node")],
    ["shapes", shapesTable()],
    ["manifest", manifestTable()],
  ]);
}

if (import.meta.main) {
  const sections = await readSections();
  for (const document of DOCUMENTS) {
    const file = path.join(root, document);
    await writeFile(file, withSections(await readFile(file, "utf8"), sections));
    process.stdout.write(`${document}\n`);
  }
}
