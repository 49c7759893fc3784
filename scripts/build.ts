// Builds what users install: dist/fleet.mjs, one file that runs with no node_modules, and a package around it that
// `npm i -g` installs without dependencies and without scripts. The same sources give the same bytes.
// Must never put into the bundle what cannot run everywhere: native bindings are left out.

import { createWriteStream } from "node:fs";
import { chmod, copyFile, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { isBuiltin } from "node:module";
import path from "node:path";
import { pipeline } from "node:stream/promises";
import { parseArgs } from "node:util";
import { createGzip } from "node:zlib";
import { type Plugin, rolldown } from "rolldown";
import { pack } from "tar-stream";
import { licenceTexts } from "./licences.ts";

const root = path.resolve(import.meta.dirname, "..");

export interface BuildOptions {
  readonly outDirectory: string;
  /** The module to bundle, with a first line for the shell; default cli/main.ts. */
  readonly entry?: string;
}

export interface BuildResult {
  readonly version: string;
  readonly bundlePath: string;
  /** What `npm i -g` takes. */
  readonly packagePath: string;
}

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly description: string;
  readonly license: string;
  readonly engines: Readonly<Record<string, string>>;
}

/** Empties and fills `outDirectory`. Throws when the bundle would need a module that is not in it. */
export async function build(options: BuildOptions): Promise<BuildResult> {
  const { outDirectory, entry = path.join(root, "cli/main.ts") } = options;
  const manifest = JSON.parse(await readFile(path.join(root, "package.json"), "utf8")) as Manifest;
  await rm(outDirectory, { recursive: true, force: true });
  await mkdir(path.join(outDirectory, "package"), { recursive: true });
  const bundlePath = path.join(outDirectory, "fleet.mjs");
  const moduleIds = await bundle(entry, bundlePath, manifest.version);
  await writeFile(path.join(outDirectory, "THIRD-PARTY-LICENSES.txt"), await licenceTexts(moduleIds));
  const packagePath = await fillPackage(outDirectory, manifest);
  return { version: manifest.version, bundlePath, packagePath };
}

/**
 * Packages use these only when they can load them, and do without otherwise. Each is a native binding, which one
 * portable file cannot hold; so is what WebTorrent would like for WebRTC and uTP, which the stubs folder stands in for.
 */
const NATIVE_EXTRAS: ReadonlySet<string> = new Set([
  "bufferutil",
  "utf-8-validate",
  "msgpackr-extract",
  "fs-native-extensions",
]);

/** Failing to load beats looking upwards from wherever the bundle lies, where anyone may have put such a module. */
const leaveOutNativeExtras: Plugin = {
  name: "leave-out-native-extras",
  resolveId: (id) => (NATIVE_EXTRAS.has(id) ? `\0left-out:${id}` : null),
  load: (id) =>
    id.startsWith("\0left-out:")
      ? `module.exports = null; throw new Error(${JSON.stringify(`${id.slice(10)} is not part of the bundle`)});`
      : null,
};

async function bundle(entry: string, file: string, version: string): Promise<readonly string[]> {
  const bundler = await rolldown({
    input: entry,
    cwd: root,
    platform: "node",
    plugins: [leaveOutNativeExtras],
    transform: { define: { __FLEET_VERSION__: JSON.stringify(version) } },
    onLog: (level, log) => {
      if (level === "warn") throw new Error(`the bundle is in doubt: ${log.message}`);
    },
  });
  const { output } = await bundler.write({
    file,
    format: "esm",
    codeSplitting: false,
  });
  await bundler.close();
  await chmod(file, 0o755);
  const [chunk] = output;
  // A module that is imported when it is needed lies in the same file, which is then listed as its own import.
  refuseForeignImports([...chunk.imports, ...chunk.dynamicImports].filter((name) => name !== chunk.fileName));
  return chunk.moduleIds;
}

function refuseForeignImports(specifiers: readonly string[]): void {
  const foreign = specifiers.filter((specifier) => !isBuiltin(specifier));
  if (foreign.length > 0) throw new Error(`the bundle would still import ${foreign.join(", ")}`);
}

/** Writes the folder that npm would publish, and the same as one tarball. */
async function fillPackage(outDirectory: string, manifest: Manifest): Promise<string> {
  const folder = path.join(outDirectory, "package");
  const files: [from: string, name: string][] = [
    [path.join(root, "LICENSE"), "LICENSE"],
    [path.join(root, "README.md"), "README.md"],
    [path.join(outDirectory, "THIRD-PARTY-LICENSES.txt"), "THIRD-PARTY-LICENSES.txt"],
    [path.join(outDirectory, "fleet.mjs"), "fleet.mjs"],
  ];
  for (const [from, name] of files) await copyFile(from, path.join(folder, name));
  await writeFile(path.join(folder, "package.json"), packageJson(manifest));
  const tarball = path.join(outDirectory, `${manifest.name}-${manifest.version}.tgz`);
  await packFolder(folder, ["package.json", ...files.map(([, name]) => name)], tarball);
  return tarball;
}

function packageJson({ name, version, description, license, engines }: Manifest): string {
  const fields = {
    name,
    version,
    description,
    license,
    type: "module",
    engines,
    bin: { fleet: "fleet.mjs" },
  };
  return `${JSON.stringify(fields, null, 2)}\n`;
}

async function packFolder(folder: string, names: readonly string[], tarball: string): Promise<void> {
  const archive = pack();
  const written = pipeline(archive, createGzip({ level: 9 }), createWriteStream(tarball));
  for (const name of names) {
    const mode = name === "fleet.mjs" ? 0o755 : 0o644;
    // A fixed time, so that the same sources give the same tarball.
    archive.entry(
      { name: `package/${name}`, mode, mtime: new Date(0) },
      await readFile(path.join(folder, name)),
    );
  }
  archive.finalize();
  await written;
}

if (import.meta.main) {
  const { values } = parseArgs({ options: { out: { type: "string", default: path.join(root, "dist") } } });
  const { bundlePath, packagePath } = await build({ outDirectory: path.resolve(values.out) });
  process.stdout.write(`${bundlePath}\n${packagePath}\n`);
}
