// Writes the results in docs/benchmarks.md from the JSON of `npm run bench:swarm`: bench/results, or the files named.
// Adds no judgement of its own: what it says beside the numbers follows from them.
import { existsSync } from "node:fs";
import { readdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { resultsText } from "../bench/swarm/page.ts";
import type { BenchReport } from "../bench/swarm/report.ts";
import { withSections } from "./generate-docs.ts";

const root = path.resolve(import.meta.dirname, "..");
const RESULTS = path.join(root, "bench/results");
export const PAGE = "docs/benchmarks.md";

/** Paths of the results that are kept, in the order in which the page shows them. */
export async function keptResults(): Promise<readonly string[]> {
  if (!existsSync(RESULTS)) return [];
  const names = (await readdir(RESULTS)).filter((name) => name.endsWith(".json"));
  return names.toSorted().map((name) => path.join(RESULTS, name));
}

/** The page as it is, with these results in it. */
export async function pageWith(files: readonly string[]): Promise<string> {
  const reports = files.map(async (file) => JSON.parse(await readFile(file, "utf8")) as BenchReport);
  const results = resultsText(await Promise.all(reports));
  return withSections(await readFile(path.join(root, PAGE), "utf8"), new Map([["benchmarks", results]]));
}

if (import.meta.main) {
  const named = process.argv.slice(2);
  await writeFile(path.join(root, PAGE), await pageWith(named.length === 0 ? await keptResults() : named));
  process.stdout.write(`${PAGE}\n`);
}
