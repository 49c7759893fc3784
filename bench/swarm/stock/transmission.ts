// Transmission's command line program as origin and as receiver.
import { join } from "node:path";
import type { Place, StockClient } from "./client.ts";
import { doneAt, writeDoneScript } from "./done-file.ts";

export const TRANSMISSION: StockClient = {
  name: "transmission",
  versionCommand: ["transmission-cli", "--version"],
  install: "apt-get install transmission-cli",
  usesTracker: true,
  async seed(place) {
    const ready = Promise.withResolvers<void>();
    const seeding = place.start(commandFor(place, ["--verify"]), {
      onLine: (line) => {
        if (line.includes("Seeding")) ready.resolve();
      },
    });
    await ready.promise;
    return seeding;
  },
  fetch(place) {
    const script = writeDoneScript(place.directory);
    return {
      ready: script.then(() => undefined),
      begin: () => place.start(commandFor(place, ["--finish", join(place.directory, "done.sh")])),
      done: script.then(() => doneAt(place.directory)),
    };
  },
};

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
