// What tests of the peer need to know about real processes.
import { readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { onTestFinished } from "vitest";

/** A zombie that nobody has reaped does not run. */
export function isRunning(pid: number): boolean {
  try {
    const status = readFileSync(`/proc/${pid}/stat`, "utf8");
    return !/^[ZX]/.test(status.slice(status.lastIndexOf(")") + 2));
  } catch {
    return false;
  }
}

/** Waits for something to become true, at most fifteen seconds: a busy machine is slow. */
export async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  for (let attempt = 0; attempt < 1_500; attempt += 1) {
    if (await holds()) return;
    await delay(10);
  }
  throw new Error(`waited in vain: ${what}`);
}

/** Ends this process when the test is over, in case it has not. */
export function endAfterTest(pid: number): void {
  onTestFinished(() => {
    if (isRunning(pid)) process.kill(pid, "SIGKILL");
  });
}
