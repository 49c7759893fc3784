// The writer trusts the archive rules for its paths; this is what holds should they ever be wrong.
import { mkdir, readdir, readFile, symlink, writeFile } from "node:fs/promises";
import path from "node:path";
import { expect, test } from "vitest";
import type { ArchiveEntry } from "../../../peer/core/archive-rules.ts";
import { TreeWriter } from "../../../peer/shell/tree-writer.ts";
import { temporaryFolder } from "../../support/folders.ts";

const fileEntry: ArchiveEntry = {
  ...{ kind: "file", path: "a", mode: 0o444, size: 3, mtimeSeconds: 0, newDirectories: [] },
};

test("a file that is there already, or a link in its place, is never written to", async () => {
  const folder = await temporaryFolder();
  await writeFile(path.join(folder, "outside"), "kept");
  await mkdir(path.join(folder, "file"));
  await mkdir(path.join(folder, "link"));
  await writeFile(path.join(folder, "file/a"), "kept");
  await symlink("../outside", path.join(folder, "link/a"));
  for (const name of ["file", "link"]) {
    const writer = new TreeWriter(path.join(folder, name));
    await expect(writer.entry(fileEntry)).rejects.toMatchObject({ code: "EEXIST" });
    await writer.abandon();
  }
  expect(await readFile(path.join(folder, "file/a"), "utf8")).toBe("kept");
  expect(await readFile(path.join(folder, "outside"), "utf8")).toBe("kept");
});

test.runIf(process.platform === "linux")("a file left open by a failure is let go of", async () => {
  const folder = await temporaryFolder();
  const openBefore = (await readdir("/proc/self/fd")).length;
  const writer = new TreeWriter(folder);
  await writer.entry(fileEntry);
  await writer.content(Buffer.from("ab"));
  await writer.abandon();
  expect((await readdir("/proc/self/fd")).length).toBe(openBefore);
});
