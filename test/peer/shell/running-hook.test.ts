// Hooks that an agent left behind when it was killed, as real processes.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { endLeftoverHook, forgetHook, rememberHook } from "../../../peer/shell/running-hook.ts";
import { temporaryFolder } from "../../support/folders.ts";
import { endAfterTest, isRunning } from "../processes.ts";

async function leftover(): Promise<{ marker: string; pid: number }> {
  const marker = join(await temporaryFolder(), "web.hook");
  const child = spawn("sleep", ["300"], { detached: true, stdio: "ignore" });
  const pid = child.pid ?? 0;
  endAfterTest(pid);
  await rememberHook(marker, pid);
  return { marker, pid };
}

test("a hook that an earlier agent left running is ended, once", async () => {
  const { marker, pid } = await leftover();
  expect(await endLeftoverHook(marker)).toBe(pid);
  expect(isRunning(pid)).toBe(false);
  expect(await endLeftoverHook(marker)).toBeNull();
});

test("a process that only has the same id by now is left alone", async () => {
  const { marker, pid } = await leftover();
  const saved = JSON.parse(await readFile(marker, "utf8")) as { startedAt: string };
  await writeFile(marker, JSON.stringify({ ...saved, startedAt: "1" }));
  expect(await endLeftoverHook(marker)).toBeNull();
  expect(isRunning(pid)).toBe(true);
});

test("a marker from before a reboot names nobody", async () => {
  const { marker, pid } = await leftover();
  const saved = JSON.parse(await readFile(marker, "utf8")) as { boot: string };
  await writeFile(marker, JSON.stringify({ ...saved, boot: "another" }));
  expect(await endLeftoverHook(marker)).toBeNull();
  expect(isRunning(pid)).toBe(true);
});

test.each(["", "{", '{"pid":1,"startedAt":"1","boot":"x"}', '{"pid":-5,"startedAt":"1","boot":"x"}'])(
  "a marker that says %j ends nothing",
  async (text) => {
    const marker = join(await temporaryFolder(), "web.hook");
    await writeFile(marker, text);
    expect(await endLeftoverHook(marker)).toBeNull();
    expect(existsSync(marker)).toBe(false);
  },
);

test("a hook that has ended is forgotten", async () => {
  const { marker, pid } = await leftover();
  await forgetHook(marker);
  expect(await endLeftoverHook(marker)).toBeNull();
  expect(isRunning(pid)).toBe(true);
});
