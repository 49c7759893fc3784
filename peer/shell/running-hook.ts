// Remembers which hook of an app runs, so that an agent which starts after a kill -9 can end the one its predecessor
// left behind instead of running a second beside it. Needs /proc; elsewhere it remembers nothing.
import { readFile, rm, writeFile } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { type Infer, integer, object, type Schema, text } from "../../protocol/schema.ts";
import { readText } from "./files.ts";

/** A process id alone may belong to somebody else by now; with its start time and the boot it names one process. */
const runningHookSchema = object({
  pid: integer(2, 2 ** 31 - 1),
  startedAt: text({ min: 1, max: 32, pattern: /^[0-9]+$/ }),
  boot: text({ min: 1, max: 64 }),
});
type RunningHook = Infer<typeof runningHookSchema>;

/** A killed group is gone within moments; longer than this means a process stuck in the kernel. */
const GONE_WITHIN_MS = 5_000;
const POLL_MS = 20;

/** Best effort and not synced: after a power loss no process is left anyway. */
export async function rememberHook(path: string, pid: number): Promise<void> {
  const found = await identify(pid);
  if (found === null) return;
  try {
    await writeFile(path, JSON.stringify(found), { mode: 0o600 });
  } catch {
    // A full disk: the hook still runs and is watched, only a crash right now would not find it again.
  }
}

export async function forgetHook(path: string): Promise<void> {
  await rm(path, { force: true });
}

/** Ends the hook that an earlier agent left running. Returns its process id, null when there was none. */
export async function endLeftoverHook(path: string): Promise<number | null> {
  const source = await readText(path);
  if (source === null) return null;
  const hook = parse(source, runningHookSchema);
  const same = hook !== null && sameProcess(hook, await identify(hook.pid));
  if (same) await killGroup(hook);
  await forgetHook(path);
  return same ? hook.pid : null;
}

async function killGroup(hook: RunningHook): Promise<void> {
  try {
    process.kill(-hook.pid, "SIGKILL");
  } catch {
    // It ended by itself between the look and the kill.
    return;
  }
  for (let waitedMs = 0; waitedMs < GONE_WITHIN_MS; waitedMs += POLL_MS) {
    if (!sameProcess(hook, await identify(hook.pid))) return;
    await delay(POLL_MS);
  }
}

/** Null when there is no such process, it has ended, or the system has no /proc. */
async function identify(pid: number): Promise<RunningHook | null> {
  try {
    const [status, boot] = await Promise.all([
      readFile(`/proc/${pid}/stat`, "utf8"),
      readFile("/proc/sys/kernel/random/boot_id", "utf8"),
    ]);
    // The name in parentheses may hold anything; state is the first field after it, start time the twentieth.
    const fields = status.slice(status.lastIndexOf(")") + 2).split(" ");
    const startedAt = fields[19];
    if (startedAt === undefined || fields[0] === "Z" || fields[0] === "X") return null;
    return { pid, startedAt, boot: boot.trim() };
  } catch {
    return null;
  }
}

function sameProcess(a: RunningHook, b: RunningHook | null): boolean {
  return b !== null && a.pid === b.pid && a.startedAt === b.startedAt && a.boot === b.boot;
}

/** Null for a file that a crash cut short: it was not synced, so that is nobody's fault. */
function parse<T>(source: string, schema: Schema<T>): T | null {
  try {
    return schema.decode(JSON.parse(source) as unknown, "");
  } catch {
    return null;
  }
}
