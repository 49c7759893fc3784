// Everyone fetches the file from the origin's HTTP server with curl: what a release costs without a swarm.
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { StockClient } from "./client.ts";

const SERVER = fileURLToPath(new URL("http-origin.ts", import.meta.url));
const PORT = 8080;

export const HTTP: StockClient = {
  name: "http",
  versionCommand: ["curl", "--version"],
  install: "apt-get install curl",
  usesTracker: false,
  isWrapped: true,
  async seed(place) {
    const ready = Promise.withResolvers<void>();
    const command = [
      process.execPath,
      SERVER,
      place.address,
      String(PORT),
      join(place.directory, place.fileName),
    ];
    place.start(command, { onLine: () => ready.resolve() });
    await ready.promise;
  },
  fetch(place) {
    const done = Promise.withResolvers<number>();
    const url = `http://${place.originAddress}:${PORT}/`;
    // The shell stays, so that its children's CPU time can still be read when curl has ended.
    const script =
      'curl --fail --silent --show-error --output "$1" "$2" && date +%s%3N && exec sleep infinity';
    const command = ["sh", "-c", script, "sh", join(place.directory, place.fileName), url];
    return {
      ready: Promise.resolve(),
      begin: () => {
        place.start(command, { onLine: (line) => done.resolve(Number(line)) });
      },
      done: done.promise,
    };
  },
};
