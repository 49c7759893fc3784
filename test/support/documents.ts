// What a Markdown document points at: links, headings, files and npm scripts, and which of them are not there.
// Looks only into the world it is given, so that it can be tested with one that is made up.
import path from "node:path";
import type { SourceFile } from "./source.ts";

export interface World {
  /** Whether the project has this file or folder. */
  readonly exists: (path: string) => boolean;
  readonly documents: readonly SourceFile[];
  /** Names of the npm scripts. */
  readonly scripts: readonly string[];
}

/** One sentence per reference that leads nowhere. */
export function findDeadReferences(document: SourceFile, world: World): readonly string[] {
  return [
    ...linksOf(document).filter((link) => !leadsSomewhere(document, link, world)),
    ...filesNamedIn(document).filter((name) => !world.exists(name)),
    ...scriptsNamedIn(document)
      .filter((name) => !world.scripts.includes(name))
      .map((name) => `npm run ${name}`),
  ].map((reference) => `${document.path} points at ${reference}, which is not there`);
}

/** Targets within the project. */
function linksOf({ text }: SourceFile): readonly string[] {
  const prose = text.replace(/^```[\s\S]*?^```/gm, "").replace(/`[^`\n]*`/g, "");
  const targets = [...prose.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = ""]) => target);
  return targets.filter((target) => !/^[a-z]+:/.test(target));
}

function leadsSomewhere(document: SourceFile, link: string, world: World): boolean {
  const [name = "", anchor] = link.split("#");
  const place = name === "" ? document.path : path.posix.join(path.posix.dirname(document.path), name);
  if (anchor === undefined) return world.exists(place);
  const target = world.documents.find((each) => each.path === place);
  return target !== undefined && anchorsOf(target).includes(anchor);
}

/** As hosts of repositories make them: lower case, hyphens for spaces, and nothing but letters, digits and these. */
function anchorsOf({ text }: SourceFile): readonly string[] {
  return [...text.matchAll(/^#{1,6} (.+)$/gm)].map(([, heading = ""]) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, "")
      .replaceAll(" ", "-"),
  );
}

const OUR_FOLDERS =
  /^(?:protocol|peer|seeder|coordinator|cli|sim|web|test|bench|scripts|stubs|docs|\.ci|\.github)\//;

/** Files in backticks by their whole path; names in capitals stand for a name of the reader's choice. */
function filesNamedIn({ text }: SourceFile): readonly string[] {
  const named = [...text.matchAll(/`([\w.-]+(?:\/[\w.-]+)+\/?)`/g)].map(([, name = ""]) => name);
  return named.filter((name) => OUR_FOLDERS.test(name) && !/\/[A-Z]+\.ts$/.test(name));
}

function scriptsNamedIn({ text }: SourceFile): readonly string[] {
  return [...text.matchAll(/\bnpm run ([a-z][a-z:-]*)/g)].map(([, name = ""]) => name);
}
