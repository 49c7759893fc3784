// For clients that run a program when they are done: a script that writes down the time, and the wait for it.
import { watch } from "node:fs";
import { chmod, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

const SCRIPT = "done.sh";
const TIME = "done.at";

/** Path of a script that writes the time beside itself. */
export async function writeDoneScript(directory: string): Promise<string> {
  const path = join(directory, SCRIPT);
  const time = join(directory, TIME);
  await writeFile(path, `#!/bin/sh\ndate +%s%3N > '${time}.new' && mv '${time}.new' '${time}'\n`);
  await chmod(path, 0o755);
  return path;
}

/** Milliseconds since the epoch at which the script ran. */
export function doneAt(directory: string): Promise<number> {
  return new Promise((resolve) => {
    const watcher = watch(directory, (_, name) => {
      if (name !== TIME) return;
      readFile(join(directory, TIME), "utf8").then(
        (text) => {
          watcher.close();
          resolve(Number(text));
        },
        // Seen on its way to its name: the rename follows.
        () => undefined,
      );
    });
    watcher.unref();
  });
}
