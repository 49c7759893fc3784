// The archive rules on their own: what they make of honest entries, and that no accepted symlink can lead out.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type ArchiveEntry, ArchiveRules, type EntryHeader } from "../../../peer/core/archive-rules.ts";
import { FleetError } from "../../../protocol/errors.ts";

function header(name: string, fields: Partial<EntryHeader> = {}): EntryHeader {
  return { name, type: "file", size: 0, mode: 0o644, mtimeSeconds: 5, linkName: "", ...fields };
}

function admitAll(...headers: readonly EntryHeader[]): readonly ArchiveEntry[] {
  const rules = new ArchiveRules();
  return headers.map((each) => rules.admit(each));
}

describe("the rules", () => {
  test("take ./ in front of names and as the root as tar programs write them", () => {
    const [root, entry] = admitAll(header("./", { type: "directory" }), header("./a/b"));
    expect(root).toEqual({ kind: "directory", path: "", mtimeSeconds: 5, newDirectories: [] });
    expect(entry).toMatchObject({ kind: "file", path: "a/b", newDirectories: ["a"] });
  });

  test("name each missing directory once, parents first", () => {
    const entries = admitAll(header("a/b/c"), header("a/d", { type: "directory" }), header("a/d/e"));
    expect(entries.map(({ newDirectories }) => newDirectories)).toEqual([["a", "a/b"], ["a/d"], []]);
  });

  test("let a directory be named again, as updated archives do", () => {
    const entries = admitAll(header("a/b"), header("a", { type: "directory", mtimeSeconds: 9 }));
    expect(entries[1]).toEqual({ kind: "directory", path: "a", mtimeSeconds: 9, newDirectories: [] });
  });

  test.each([
    [0o4755, 0o555],
    [0o2777, 0o555],
    [0o1644, 0o444],
    [0o600, 0o400],
    [0o000, 0o400],
    [0o111, 0o511],
  ])("install a file of mode %o as %o", (mode, installed) => {
    expect(admitAll(header("f", { mode }))[0]).toMatchObject({ mode: installed });
  });

  test("let a hardlink name a file, or another hardlink, that came before", () => {
    const link = { type: "hardlink", linkName: "./a" } as const;
    const entries = admitAll(header("a"), header("b", link), header("c", { ...link, linkName: "b" }));
    expect(entries.slice(1)).toMatchObject([{ existing: "a" }, { existing: "b" }]);
  });

  test.each(["b", "../c", "./x/y", "..", ".", "b/", "../a/b"])("let a/l link to %s", (linkName) => {
    expect(admitAll(header("a/l", { type: "symlink", linkName }))[0]).toMatchObject({ target: linkName });
  });

  test("count the directories that deep names bring along", () => {
    const rules = new ArchiveRules();
    // 60 levels per entry: the limit of two million names is met long before as many entries.
    const fill = () => {
      for (let entry = 0; entry < 40_000; entry += 1)
        rules.admit(header(`${entry}/${"d/".repeat(59)}`, { type: "directory" }));
    };
    expect(fill).toThrow(/2000000 files and directories/);
  });

  test("shorten a hostile name in the message and escape what a terminal would obey", () => {
    const name = `/\u001b[2J${"x".repeat(3_000)}`;
    expect(() => admitAll(header(name))).toThrow(/^entry "\/\\u001b\[2Jx{150,200}…" is absolute$/);
  });
});

const segment = fc.constantFrom("a", "b", "c", ".", "..");
const path = fc.array(segment, { minLength: 1, maxLength: 5 }).map((segments) => segments.join("/"));
const anyHeader = fc.record({
  name: path,
  type: fc.constantFrom("file", "directory", "symlink", "symlink", "hardlink"),
  size: fc.constant(0),
  mode: fc.integer({ min: 0, max: 0o7777 }),
  mtimeSeconds: fc.constant(0),
  linkName: path,
}) satisfies fc.Arbitrary<EntryHeader>;

/** The entries a fresh rule book takes, skipping those it refuses. */
function admitted(headers: readonly EntryHeader[]): readonly ArchiveEntry[] {
  const taken: EntryHeader[] = [];
  return headers.flatMap((each) => {
    // A refusal ends an archive, so each try starts from the archive of what was taken before.
    const rules = new ArchiveRules();
    for (const earlier of taken) rules.admit(earlier);
    try {
      const entry = rules.admit(each);
      taken.push(each);
      return [entry];
    } catch (cause) {
      expect(cause).toBeInstanceOf(FleetError);
      return [];
    }
  });
}

/** Walks as a kernel does, following every link; null once it would leave the root. */
function follow(links: ReadonlyMap<string, string>, start: readonly string[], target: string): boolean {
  const here = [...start];
  const pending = target.split("/").reverse();
  for (let steps = 0; pending.length > 0 && steps < 1_000; steps += 1) {
    const next = pending.pop();
    if (next === undefined || next === "" || next === ".") continue;
    if (next === "..") {
      if (here.pop() === undefined) return false;
      continue;
    }
    const link = links.get([...here, next].join("/"));
    if (link === undefined) here.push(next);
    else pending.push(...link.split("/").reverse());
  }
  return true;
}

test("no chain of accepted symlinks leads out of the archive", () => {
  fc.assert(
    fc.property(fc.array(anyHeader, { maxLength: 12 }), (headers) => {
      const entries = admitted(headers);
      const links = new Map(
        entries.flatMap((entry) => (entry.kind === "symlink" ? [[entry.path, entry.target]] : [])),
      );
      for (const [place, target] of links)
        expect(follow(links, place.split("/").slice(0, -1), target)).toBe(true);
      for (const entry of entries) expect(follow(links, [], entry.path)).toBe(true);
    }),
    { numRuns: 2_000 },
  );
});

test("no accepted entry lies behind a symlink or takes a place twice", () => {
  fc.assert(
    fc.property(fc.array(anyHeader, { maxLength: 12 }), (headers) => {
      const entries = admitted(headers);
      const notDirectories = entries.filter(({ kind }) => kind !== "directory").map((entry) => entry.path);
      expect(new Set(notDirectories).size).toBe(notDirectories.length);
      for (const blocker of notDirectories)
        expect(entries.filter((entry) => entry.path.startsWith(`${blocker}/`))).toEqual([]);
      const directories = entries.flatMap(({ newDirectories }) => newDirectories);
      expect(new Set(directories).size).toBe(directories.length);
      expect(directories.filter((directory) => notDirectories.includes(directory))).toEqual([]);
    }),
    { numRuns: 1_000 },
  );
});
