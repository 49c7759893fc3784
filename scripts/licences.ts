// Collects the licences of the packages whose code is in a bundle, as their terms ask.
// Must never guess: a package that states no licence stops the build.
import { readdir, readFile } from "node:fs/promises";
import path from "node:path";

interface Package {
  readonly title: string;
  readonly licence: string;
  readonly text: string;
}

/** One text with the licence of every package that one of `moduleIds` (absolute paths) belongs to, sorted by name. */
export async function licenceTexts(moduleIds: readonly string[]): Promise<string> {
  const folders = [...new Set(moduleIds.map(packageFolderOf).filter((folder) => folder !== null))].sort();
  const packages = await Promise.all(folders.map(readPackage));
  const sections = packages.map(({ title, licence, text }) => `${title}\nLicence: ${licence}\n\n${text}\n`);
  return ["fleet contains code of these packages.\n", ...sections].join(`${"-".repeat(80)}\n`);
}

/** `…/node_modules/name` or `…/node_modules/@scope/name`; null for our own modules and for virtual ones. */
function packageFolderOf(moduleId: string): string | null {
  const match = /^.*[\\/]node_modules[\\/](?:@[^\\/]+[\\/])?[^\\/]+(?=[\\/])/.exec(moduleId);
  return match === null || moduleId.startsWith("\0") ? null : match[0];
}

async function readPackage(folder: string): Promise<Package> {
  const manifest = JSON.parse(await readFile(path.join(folder, "package.json"), "utf8")) as Record<
    string,
    unknown
  >;
  const title = `${String(manifest.name)} ${String(manifest.version)}`;
  const licence = licenceOf(manifest);
  if (licence === null) throw new Error(`${title} states no licence in its package.json`);
  const files = await licenceFilesOf(folder);
  const texts = await Promise.all(files.map(async (file) => (await readFile(file, "utf8")).trim()));
  const text = texts.length === 0 ? authorOf(manifest) : texts.join("\n\n");
  return { title, licence, text };
}

/**
 * The licence, the notices that must be passed on with it (Apache License 2.0, section 4d), and the licences of code
 * that the package has taken in from elsewhere, which lie in a folder.
 */
async function licenceFilesOf(folder: string): Promise<readonly string[]> {
  const names = (await readdir(folder)).sort();
  const own = names.find((name) => /^(licen[cs]e|copying)(?!s$)/i.test(name));
  const notice = names.find((name) => /^notice/i.test(name));
  const others = names.includes("licenses") ? (await readdir(path.join(folder, "licenses"))).sort() : [];
  return [own, notice, ...others.map((name) => path.join("licenses", name))]
    .filter((name) => name !== undefined)
    .map((name) => path.join(folder, name));
}

/** `license` as npm has it now, or the older forms `{ type }` and `licenses`. */
function licenceOf(manifest: Readonly<Record<string, unknown>>): string | null {
  const { license, licenses } = manifest;
  const stated: unknown = license ?? (Array.isArray(licenses) ? (licenses as unknown[])[0] : null);
  if (typeof stated === "string") return stated;
  return typeof stated === "object" && stated !== null && "type" in stated ? String(stated.type) : null;
}

/** Some packages ship no licence text; then the terms are those of the named licence, and the author is named. */
function authorOf(manifest: Readonly<Record<string, unknown>>): string {
  const { author } = manifest;
  const name = typeof author === "object" && author !== null && "name" in author ? author.name : author;
  return typeof name === "string" ? `By ${name}.` : "Its package names no author.";
}
