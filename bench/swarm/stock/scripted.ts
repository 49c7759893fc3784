// Libraries driven by a script of ours that says `ready`, waits for `go` on its input, and says `done TIME`.
import { fileURLToPath } from "node:url";
import type { BenchProcess } from "../processes.ts";
import type { Fetching, Place, StockClient } from "./client.ts";

function pathOf(name: string): string {
  return fileURLToPath(new URL(name, import.meta.url));
}

/** The distribution's Python, which is where its packages are. */
const PYTHON = "/usr/bin/python3";

export const LIBTORRENT: StockClient = scripted({
  name: "libtorrent",
  command: [PYTHON, pathOf("libtorrent-node.py")],
  versionCommand: [PYTHON, "-c", "import libtorrent; print(libtorrent.version)"],
  install: "apt-get install python3-libtorrent",
});

export const WEBTORRENT: StockClient = scripted({
  name: "webtorrent",
  command: [process.execPath, pathOf("webtorrent-node.mjs")],
  versionCommand: [process.execPath, pathOf("webtorrent-node.mjs"), "version"],
  install: "npm ci",
});

interface Scripted {
  readonly name: string;
  readonly command: readonly string[];
  readonly versionCommand: readonly string[];
  readonly install: string;
}

function scripted({ command, ...rest }: Scripted): StockClient {
  const start = (place: Place, role: "seed" | "fetch") => startScript(place, [...command, role]);
  return {
    ...rest,
    usesTracker: true,
    async seed(place) {
      await start(place, "seed").ready;
    },
    fetch(place): Fetching {
      const { process, ready, done } = start(place, "fetch");
      const begin = () => {
        process.child.stdin?.write("go\n");
      };
      return { ready, begin, done };
    },
  };
}

interface Script {
  readonly process: BenchProcess;
  readonly ready: Promise<void>;
  readonly done: Promise<number>;
}

function startScript(place: Place, command: readonly string[]): Script {
  const ready = Promise.withResolvers<void>();
  const done = Promise.withResolvers<number>();
  const process = place.start([...command, place.torrentPath, place.directory, place.address], {
    onLine: (line) => {
      if (line === "ready") ready.resolve();
      if (line.startsWith("done ")) done.resolve(Number(line.slice(5)));
    },
  });
  return { process, ready: ready.promise, done: done.promise };
}
