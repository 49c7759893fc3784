// Transmission's command line program as origin and as receiver.
import { join } from "node:path";
import type { Place, StockClient } from "./client.ts";
import { doneAt, writeDoneScript } from "./done-file.ts";

/** On a busy machine it takes a torrent that has not started yet for a stopped one, and leaves. */
const STARTS_MAX = 10;

export const TRANSMISSION: StockClient = {
  name: "transmission",
  versionCommand: ["transmission-cli", "--version"],
  install: "apt-get install transmission-cli",
  usesTracker: true,
  async seed(place) {
    const ready = Promise.withResolvers<void>();
    const onLine = (line: string) => {
      if (line.includes("Seeding")) ready.resolve();
    };
    keepRunning(place, { command: commandFor(place, ["--verify"]), onLine });
    await ready.promise;
  },
  fetch(place) {
    const script = writeDoneScript(place.directory);
    const command = commandFor(place, ["--finish", join(place.directory, "done.sh")]);
    return {
      ready: script.then(() => undefined),
      begin: () => keepRunning(place, { command, onLine: () => undefined }),
      done: script.then(() => doneAt(place.directory)),
    };
  },
};

interface Program {
  readonly command: readonly string[];
  readonly onLine: (line: string) => void;
}

/** Ends with the first run that was killed. */
function keepRunning(place: Place, program: Program, startsLeft = STARTS_MAX): void {
  const { exited } = place.start(program.command, { onLine: program.onLine });
  void exited.then((code) => {
    if (code !== null && startsLeft > 1) keepRunning(place, program, startsLeft - 1);
  });
}

function commandFor({ directory, torrentPath }: Place, extra: readonly string[]): readonly string[] {
  const folders = ["--download-dir", directory, "--config-dir", join(directory, "config")];
  return [
    "transmission-cli",
    "--no-portmap",
    "--no-uplimit",
    "--no-downlimit",
    ...folders,
    ...extra,
    torrentPath,
  ];
}
