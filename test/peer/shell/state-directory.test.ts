// A peer's directories and the lock on them, real processes included.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdir, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { openDirectories } from "../../../peer/shell/state-directory.ts";
import { temporaryFolder } from "../../support/folders.ts";

test("the state directory is made for its owner alone, or made so", async () => {
  const folder = await temporaryFolder();
  const state = join(folder, "deep", "state");
  await mkdir(state, { recursive: true, mode: 0o755 });
  await chmod(state, 0o755);
  const opened = await openDirectories(state, join(folder, "root"));
  onTestFinished(() => opened.release());
  expect((await stat(state)).mode & 0o777).toBe(0o700);
});

test("neither directory can be used twice, and each can be used again after it was let go", async () => {
  const folder = await temporaryFolder();
  const [state, root] = [join(folder, "state"), join(folder, "root")];
  const first = await openDirectories(state, root);
  await expect(openDirectories(state, join(folder, "root2"))).rejects.toMatchObject({ code: "data-locked" });
  await expect(openDirectories(join(folder, "state2"), root)).rejects.toThrow(root);
  first.release();
  const second = await openDirectories(state, root);
  second.release();
});

test("a lock ends with its process, kill -9 included", async () => {
  const folder = await temporaryFolder();
  const [state, root] = [join(folder, "state"), join(folder, "root")];
  const source = `
    const { openDirectories } = await import(process.argv[1]);
    await openDirectories(process.argv[2], process.argv[3]);
    console.log("held");
    setInterval(() => {}, 1000);`;
  const module = new URL("../../../peer/shell/state-directory.ts", import.meta.url).href;
  const holder = spawn(process.execPath, ["--input-type=module", "-e", source, module, state, root]);
  onTestFinished(() => void holder.kill("SIGKILL"));
  await once(holder.stdout, "data");
  await expect(openDirectories(state, root)).rejects.toMatchObject({ code: "data-locked" });
  holder.kill("SIGKILL");
  await once(holder, "exit");
  const opened = await openDirectories(state, root);
  opened.release();
});

test("a directory that cannot be made is named", async () => {
  const folder = await temporaryFolder();
  const file = join(folder, "file");
  await writeFile(file, "");
  await expect(openDirectories(join(file, "state"), join(folder, "root"))).rejects.toMatchObject({
    code: "storage-failed",
  });
});
