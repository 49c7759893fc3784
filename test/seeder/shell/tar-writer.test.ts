// The headers the seeder writes: read back by the reader of the nodes and by a tar program.
import { execFileSync } from "node:child_process";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { TarReader } from "../../../peer/shell/tar-reader.ts";
import {
  encodeTarHeader,
  paddingAfter,
  TAR_END_BYTES,
  type TarEntry,
} from "../../../seeder/shell/tar-writer.ts";

function entryOf(fields: Partial<TarEntry>): TarEntry {
  return { kind: "file", path: "a", mode: 0o644, size: 0, target: "", ...fields };
}

/** The header as a node reads it. */
function readBack(entry: TarEntry) {
  const [event] = new TarReader().push(encodeTarHeader(entry));
  return event?.kind === "entry" ? event.header : null;
}

const segment = fc
  .string({ unit: "grapheme", minLength: 1, maxLength: 60 })
  .filter((text) => !/[/\\\0]/.test(text));
const anyPath = fc.array(segment, { minLength: 1, maxLength: 12 }).map((segments) => segments.join("/"));
const anyEntry = fc.oneof(
  fc.record({ kind: fc.constant("file" as const), path: anyPath, size: fc.nat({ max: 2 ** 45 }) }),
  fc.record({ kind: fc.constant("directory" as const), path: anyPath }),
  fc.record({ kind: fc.constant("symlink" as const), path: anyPath, target: anyPath }),
);

describe("a header", () => {
  test("is a whole number of blocks and says what the entry is, however long its names are", () => {
    fc.assert(
      fc.property(anyEntry, fc.integer({ min: 0, max: 0o777 }), (fields, mode) => {
        const entry = entryOf({ ...fields, mode });
        expect(encodeTarHeader(entry).length % 512).toBe(0);
        expect(readBack(entry)).toEqual({
          name: entry.kind === "directory" ? `${entry.path}/` : entry.path,
          type: entry.kind,
          size: entry.size,
          mode,
          mtimeSeconds: Date.UTC(1980, 0, 1) / 1000,
          linkName: entry.target,
        });
      }),
    );
  });

  test.each([98, 99, 100, 101, 102])("holds a name of %i bytes", (bytes) => {
    for (const kind of ["file", "directory"] as const)
      expect(readBack(entryOf({ kind, path: "n".repeat(bytes) }))?.name).toContain("n".repeat(bytes));
  });

  test("holds a file beyond 8 GiB, which needs more room than the plain header has", () => {
    for (const size of [2 ** 33 - 1, 2 ** 33, 2 ** 40]) expect(readBack(entryOf({ size }))?.size).toBe(size);
  });
});

test("a tar program lists them", () => {
  const long = `${"d".repeat(80)}/${"e".repeat(200)}`;
  const tar = Buffer.concat([
    encodeTarHeader(entryOf({ kind: "directory", path: "d".repeat(80), mode: 0o750 })),
    encodeTarHeader(entryOf({ path: long, mode: 0o600, size: 3 })),
    ...[Buffer.from("abc"), Buffer.alloc(paddingAfter(3))],
    encodeTarHeader(entryOf({ kind: "symlink", path: "grün", mode: 0o777, target: "t/".repeat(70) })),
    Buffer.alloc(TAR_END_BYTES),
  ]);
  const options = ["--quoting-style=literal", "--numeric-owner", "--utc", "--full-time", "-tvf", "-"];
  const lines = execFileSync("tar", options, { input: tar }).toString().trimEnd().split("\n");
  expect(lines.map((line) => line.replace(/\s+/g, " "))).toEqual([
    `drwxr-x--- 0/0 0 1980-01-01 00:00:00 ${"d".repeat(80)}/`,
    `-rw------- 0/0 3 1980-01-01 00:00:00 ${long}`,
    `lrwxrwxrwx 0/0 0 1980-01-01 00:00:00 grün -> ${"t/".repeat(70)}`,
  ]);
});
