// The tar reader: the same events however the bytes are cut, every tar program's dialect, and no damage unnoticed.
import { execFileSync } from "node:child_process";
import { symlink as makeSymlink, mkdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { buffer } from "node:stream/consumers";
import fc from "fast-check";
import { pack } from "tar-stream";
import { describe, expect, test } from "vitest";
import { TarReader } from "../../../peer/shell/tar-reader.ts";
import { FleetError } from "../../../protocol/errors.ts";
import { temporaryFolder } from "../../support/folders.ts";
import { dir, file, gnuLong, hardlink, pax, rawTar, symlink, TAR_END } from "../../support/tar.ts";

interface ReadEntry {
  readonly name: string;
  readonly type: string;
  readonly mode: number;
  readonly mtimeSeconds: number;
  readonly linkName: string;
  readonly content: string;
}

/** All entries, with the archive handed over in chunks of `chunkBytes`. */
function readAll(tar: Uint8Array, chunkBytes = tar.length): readonly ReadEntry[] {
  const reader = new TarReader();
  const entries: ReadEntry[] = [];
  let content = "";
  for (let offset = 0; offset < tar.length; offset += chunkBytes) {
    for (const event of reader.push(tar.subarray(offset, offset + chunkBytes))) {
      if (event.kind === "content") content += Buffer.from(event.bytes).toString("latin1");
      if (event.kind === "entry-end") entries.push({ ...entries.pop(), content } as ReadEntry);
      if (event.kind === "entry") {
        const { size: _, ...header } = event.header;
        entries.push({ ...header, content: "never ended" });
        content = "";
      }
    }
  }
  reader.finish();
  return entries;
}

function codeOf(tar: Uint8Array, chunkBytes?: number): string {
  try {
    readAll(tar, chunkBytes);
    return "accepted";
  } catch (cause) {
    if (cause instanceof FleetError) return cause.code;
    throw cause;
  }
}

const sample = rawTar(
  dir("./"),
  file("a", "hello"),
  pax({ path: "long/".repeat(40), mtime: "12.5" }),
  dir("short"),
  gnuLong("L", `${"n".repeat(150)}`),
  { ...file("cut", "x".repeat(600)), magic: "ustar  \0" },
  file("empty", ""),
  symlink("l", "a"),
  hardlink("h", "a"),
);

describe("the reader", () => {
  test("gives the same entries however the archive is cut into chunks", () => {
    const whole = readAll(sample);
    expect(whole.map(({ name }) => name)).toEqual([
      ...["./", "a", "long/".repeat(40), "n".repeat(150), "empty", "l", "h"],
    ]);
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1_100 }), (size) => {
        expect(readAll(sample, size)).toEqual(whole);
      }),
    );
  });

  test("notices an archive that ends early, at whatever byte", () => {
    const lastEntryEnd = sample.length - TAR_END.length;
    for (let length = 1; length < lastEntryEnd; length += 1)
      expect(codeOf(sample.subarray(0, length))).toMatch(
        length < 512 ? /^archive-not-tar$/ : /^archive-corrupt$/,
      );
    expect(codeOf(sample.subarray(0, lastEntryEnd))).toBe("archive-corrupt");
    expect(codeOf(sample.subarray(0, lastEntryEnd + 511))).toBe("archive-corrupt");
  });

  test("takes one block of zeros for the end: with it every entry is known to be there", () => {
    expect(codeOf(sample.subarray(0, sample.length - 512))).toBe("accepted");
    expect(codeOf(Buffer.concat([sample, Buffer.alloc(10_000)]))).toBe("accepted");
  });

  test("notices every change to a header", () => {
    const tar = rawTar(file("first"), file("second"));
    for (let offset = 1024; offset < 1536; offset += 1) {
      // In the checksum field itself a digit may turn into a space that means the same.
      if (offset >= 1024 + 148 && offset < 1024 + 156) continue;
      const changed = Buffer.from(tar);
      changed[offset] = (changed[offset] ?? 0) ^ 0x10;
      expect(codeOf(changed), `byte ${offset}`).toBe("archive-corrupt");
    }
  });

  test("never throws anything but a FleetError on garbage", () => {
    const block = fc.uint8Array({ minLength: 512, maxLength: 512 });
    const blocks = fc.array(fc.oneof(block, fc.constantFrom(...cut(sample))), {
      minLength: 1,
      maxLength: 12,
    });
    fc.assert(fc.property(blocks, (parts) => void codeOf(Buffer.concat(parts), 700)));
  });

  test("does not take a size in a pax header for that of the long name between", () => {
    const tar = rawTar(pax({ size: "3" }), gnuLong("L", "long-name"), { ...file("cut", "abc"), size: 999 });
    expect(readAll(tar)).toMatchObject([{ name: "long-name", content: "abc" }]);
  });

  test("forgets a pax header after its entry", () => {
    const tar = rawTar(pax({ path: "renamed", linkpath: "nowhere" }), file("a"), symlink("l", "a"));
    expect(readAll(tar)).toMatchObject([{ name: "renamed" }, { name: "l", linkName: "a" }]);
  });

  test("lets a global header say what changes nothing, as git writes it", () => {
    expect(readAll(rawTar(pax({ comment: "a commit" }, "g"), file("a")))).toMatchObject([{ name: "a" }]);
  });

  test("reads sizes and times in the binary form", () => {
    const size = Buffer.alloc(12);
    size[0] = 0x80;
    size[11] = 5;
    expect(readAll(rawTar({ ...file("a", "hello"), size }))).toMatchObject([{ content: "hello" }]);
  });

  test("puts times before 1970 and beyond all calendars into range", () => {
    const tar = rawTar(...[pax({ mtime: "-5" }), file("a"), pax({ mtime: "999999999999999" }), file("b")], {
      ...file("c"),
      mtime: Buffer.alloc(12, 0xff),
    });
    expect(readAll(tar).map(({ mtimeSeconds }) => mtimeSeconds)).toEqual([0, 0o77777777777, 0]);
  });

  test("does not mind owners, times and attributes it has no use for", () => {
    const records = { uid: "123", "SCHILY.xattr.security.capability": "\u0001\u0002", atime: "1.5" };
    expect(readAll(rawTar(pax(records), file("a")))).toMatchObject([{ name: "a", content: "a" }]);
  });
});

describe("what tar programs write", () => {
  const longName = `${"d".repeat(60)}/${"e".repeat(60)}/${"f".repeat(200)}`;

  test("tar-stream", async () => {
    const archive = pack();
    archive.entry({ name: "plain", mode: 0o750, mtime: new Date(77_000) }, "content");
    archive.entry({ name: longName }, "deep");
    archive.entry({ name: "grün", type: "directory" });
    archive.entry({ name: "link", type: "symlink", linkname: "t/".repeat(80) });
    archive.finalize();
    expect(readAll(await buffer(archive))).toMatchObject([
      { name: "plain", mode: 0o750, mtimeSeconds: 77, content: "content" },
      { name: longName, content: "deep" },
      { name: "grün", type: "directory" },
      { name: "link", type: "symlink", linkName: "t/".repeat(80) },
    ]);
  });

  test.each(["gnu", "oldgnu", "pax", "ustar"])("tar --format=%s", async (format) => {
    const folder = await temporaryFolder();
    const name = format === "ustar" ? `${"d".repeat(60)}/${"e".repeat(60)}/f` : longName;
    await mkdir(path.join(folder, "in", path.dirname(name)), { recursive: true });
    await writeFile(path.join(folder, "in", name), "deep");
    await makeSymlink("t/".repeat(40), path.join(folder, "in/link"));
    execFileSync("tar", [
      "--sort=name",
      `--format=${format}`,
      "-C",
      `${folder}/in`,
      "-cf",
      `${folder}/t`,
      ".",
    ]);
    const entries = readAll(await readFile(`${folder}/t`));
    expect(entries.map(({ name: found, type, content }) => [found, type, content])).toEqual([
      ["./", "directory", ""],
      [`./${"d".repeat(60)}/`, "directory", ""],
      [`./${"d".repeat(60)}/${"e".repeat(60)}/`, "directory", ""],
      [`./${name}`, "file", "deep"],
      ["./link", "symlink", ""],
    ]);
    expect(entries.at(-1)?.linkName).toBe("t/".repeat(40));
  });
});

function cut(tar: Buffer): readonly Buffer[] {
  return Array.from({ length: tar.length / 512 }, (_, index) => tar.subarray(512 * index, 512 * (index + 1)));
}
