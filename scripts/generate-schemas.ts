// Writes docs/schema/*.schema.json from the schemas that the code itself decodes with. Removes nothing.
import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { publishedSchemas } from "../cli/schemas.ts";

const directory = path.resolve(import.meta.dirname, "../docs/schema");

/** The text of each file by its name: what is committed and what a test compares with. */
export function schemaFiles(): ReadonlyMap<string, string> {
  return new Map(
    [...publishedSchemas()].map(([name, schema]) => [
      `${name}.schema.json`,
      `${JSON.stringify(schema, null, 2)}\n`,
    ]),
  );
}

if (import.meta.main) {
  await mkdir(directory, { recursive: true });
  for (const [name, text] of schemaFiles()) {
    await writeFile(path.join(directory, name), text);
    process.stdout.write(`docs/schema/${name}\n`);
  }
}
