// What no file of the repository may hold: traces of one machine or registry, and a lock file that only works here.
// Judges text as it lies on disk, of every kind of file; the rules for source code are tidy.ts.
import type { SourceFile } from "./source.ts";

interface Trace {
  readonly name: string;
  readonly pattern: RegExp;
}

/** Written with escapes and classes, so that this file holds none of what it looks for. */
const TRACES: readonly Trace[] = [
  {
    name: "a path of one machine",
    pattern: /(?<![\w.~-])\/(?:root|work|home\/[a-z]\w*|Users\/\w+)\/[\w.-]+/,
  },
  {
    name: "the host of a package registry",
    pattern: /\b(?:registry\.[a-z]+js|[a-z]+\.yarnpkg|npm\.pkg)\.(?:org|com)\b/,
  },
  { name: "a credential", pattern: /_auth(?:Token)?\s*=\s*\S|-----BEGIN [A-Z ]*PRIVATE K[E]Y-----/ },
];

/** One sentence per trace. */
export function findTraces(files: readonly SourceFile[]): readonly string[] {
  return files.flatMap((file) =>
    file.text.split("\n").flatMap((line, index) =>
      TRACES.flatMap(({ name, pattern }) => {
        const match = pattern.exec(line)?.[0];
        return match === undefined ? [] : [`${file.path}:${index + 1} has ${name}: ${match}`];
      }),
    ),
  );
}

interface LockedPackage {
  readonly version?: string;
  readonly resolved?: string;
  readonly link?: boolean;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

/**
 * One sentence per flaw of a package-lock.json: an address it ties itself to, or a dependency without an entry.
 * npm forgets the binaries of other platforms when a registry does not have them, and `npm ci` then refuses the lock.
 */
export function findLockFaults(lockText: string): readonly string[] {
  const { packages } = JSON.parse(lockText) as { packages: Readonly<Record<string, LockedPackage>> };
  return Object.entries(packages).flatMap(([place, locked]) => [
    ...addressOf(place, locked),
    ...Object.keys({ ...locked.dependencies, ...locked.optionalDependencies })
      .filter((name) => !isLocked(packages, place, name))
      .map((name) => `${name}, which ${place || "the project"} needs, has no entry`),
  ]);
}

function addressOf(place: string, { resolved, link }: LockedPackage): readonly string[] {
  return resolved === undefined || link === true ? [] : [`${place} is tied to ${resolved}`];
}

/** Looks where Node would: beside the package, then upwards. */
function isLocked(packages: Readonly<Record<string, LockedPackage>>, place: string, name: string): boolean {
  const folders = place === "" ? [] : place.split(/\/?node_modules\//).filter((part) => part !== "");
  for (let depth = folders.length; depth >= 0; depth -= 1) {
    const path = [...folders.slice(0, depth), name].map((folder) => `node_modules/${folder}`).join("/");
    if (packages[path] !== undefined) return true;
  }
  return false;
}
