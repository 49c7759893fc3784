// Generated files are there whole or not at all, and a place that cannot be written to is found before the work.
import { readdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { prepareFolder, writeFiles, writeWhole } from "../../../cli/sim/write-files.ts";
import { failure } from "../../support/failure.ts";
import { temporaryFolder } from "../../support/folders.ts";

describe("files", () => {
  it("are written into a folder that is made for them, over older ones", async () => {
    const folder = path.join(await temporaryFolder(), "a/b");
    await writeFiles(folder, new Map([["x.txt", "old"]]));
    await writeFiles(
      folder,
      new Map([
        ["x.txt", "new"],
        ["y.txt", "y"],
      ]),
    );
    expect((await readdir(folder)).toSorted()).toEqual(["x.txt", "y.txt"]);
    expect(await readFile(path.join(folder, "x.txt"), "utf8")).toBe("new");
  });

  it("are all as they were when one cannot be written, and nothing else is left", async () => {
    const folder = await temporaryFolder();
    await writeWhole(path.join(folder, "x.txt"), "old");
    const files = new Map([
      ["x.txt", "new"],
      ["missing/y.txt", "y"],
    ]);
    await expect(writeFiles(folder, files)).rejects.toMatchObject(
      failure("storage-failed", /^cannot write to /),
    );
    expect(await readdir(folder)).toEqual(["x.txt"]);
    expect(await readFile(path.join(folder, "x.txt"), "utf8")).toBe("old");
  });
});

describe("a folder for files", () => {
  it("is made, and empty after it was tried", async () => {
    const folder = path.join(await temporaryFolder(), "out");
    await prepareFolder(folder);
    expect(await readdir(folder)).toEqual([]);
  });

  it("cannot be where a file is", async () => {
    const file = path.join(await temporaryFolder(), "file");
    await writeFile(file, "");
    await expect(prepareFolder(file)).rejects.toMatchObject(
      failure("storage-failed", /^cannot write to .*file/),
    );
  });
});
