// aria2 as origin and as receiver.

import type { Place, StockClient } from "./client.ts";
import { doneAt, writeDoneScript } from "./done-file.ts";

/** It would otherwise keep allocating, and look for peers and updates beyond the benchmark's links. */
const COMMON = [
  "--no-conf=true",
  "--enable-dht=false",
  "--enable-dht6=false",
  "--bt-enable-lpd=false",
  "--seed-ratio=0.0",
  "--file-allocation=none",
  "--allow-overwrite=true",
  "--console-log-level=notice",
  "--summary-interval=0",
];

export const ARIA2: StockClient = {
  name: "aria2",
  versionCommand: ["aria2c", "--version"],
  install: "apt-get install aria2",
  usesTracker: true,
  async seed(place) {
    const ready = Promise.withResolvers<void>();
    place.start(commandFor(place, ["--check-integrity=true"]), {
      onLine: (line) => {
        // It listens once it has verified what is there.
        if (line.includes("IPv4 BitTorrent: listening")) ready.resolve();
      },
    });
    await ready.promise;
  },
  fetch(place) {
    const script = writeDoneScript(place.directory);
    return {
      ready: script.then(() => undefined),
      begin: () => {
        place.start(commandFor(place, [`--on-bt-download-complete=${place.directory}/done.sh`]));
      },
      done: script.then(() => doneAt(place.directory)),
    };
  },
};

function commandFor({ directory, torrentPath, address }: Place, extra: readonly string[]): readonly string[] {
  return ["aria2c", ...COMMON, ...extra, `--bt-external-ip=${address}`, `--dir=${directory}`, torrentPath];
}
