// Small files that are replaced whole, on a real disk.
import { mkdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import {
  makeDirectory,
  namesIn,
  readJson,
  readText,
  temporariesIn,
  temporaryPathFor,
  writeFileAtomic,
} from "../../../peer/shell/files.ts";
import { integer, object } from "../../../protocol/schema.ts";
import { temporaryFolder } from "../../support/folders.ts";

const schema = object({ count: integer(1, 9) });

test("a file is replaced whole, is its owner's alone, and leaves nothing beside it", async () => {
  const folder = await temporaryFolder();
  const path = join(folder, "a.json");
  await writeFileAtomic(path, '{"count":1}');
  await writeFileAtomic(path, '{"count":2}');
  expect(await readJson(path, schema)).toEqual({ count: 2 });
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  expect(await namesIn(folder)).toEqual(["a.json"]);
});

test("a file whose writing fails keeps what it held", async () => {
  const folder = await temporaryFolder();
  const path = join(folder, "taken");
  await mkdir(join(path, "child"), { recursive: true });
  await expect(writeFileAtomic(path, "text")).rejects.toThrow();
  expect(await namesIn(folder)).toEqual(["taken"]);
});

test("writers at the same time leave one whole file", async () => {
  const folder = await temporaryFolder();
  const path = join(folder, "a.txt");
  const texts = Array.from({ length: 20 }, (_, index) => String(index).repeat(10_000));
  await Promise.all(texts.map((text) => writeFileAtomic(path, text)));
  expect(texts).toContain(await readFile(path, "utf8"));
});

test.each(["", "{", '{"count":0}', "[]", "null", '{"count":1}trailing'])(
  "a damaged file with %j is refused by name",
  async (text) => {
    const path = join(await temporaryFolder(), "a.json");
    await writeFile(path, text);
    await expect(readJson(path, schema)).rejects.toMatchObject({ code: "data-corrupt" });
    await expect(readJson(path, schema)).rejects.toThrow(path);
  },
);

test("what is not there is null and empty", async () => {
  const folder = await temporaryFolder();
  expect(await readJson(join(folder, "none"), schema)).toBeNull();
  expect(await readText(join(folder, "none"))).toBeNull();
  expect(await namesIn(join(folder, "none"))).toEqual([]);
});

test("only names that this module makes count as left-over", async () => {
  const folder = await temporaryFolder();
  const leftover = temporaryPathFor(join(folder, "v1"));
  await makeDirectory(leftover);
  for (const name of [".hidden", ".mine.tmp", "x.0123456789ab.tmp", ".x.0123456789AB.tmp", "v1"])
    await writeFile(join(folder, name), "");
  expect(await temporariesIn(folder)).toEqual([leftover]);
});
