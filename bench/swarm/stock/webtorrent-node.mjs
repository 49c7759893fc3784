// Stock WebTorrent, rarest piece first: `webtorrent-node.mjs seed|fetch TORRENT DIRECTORY ADDRESS`, or `version`.
// Says `ready`, begins to fetch at `go`, says `done` and the time in milliseconds.
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import WebTorrent from "webtorrent";

const [role, torrentPath = "", path = ""] = process.argv.slice(2);
const say = (line) => process.stdout.write(`${line}\n`);

function add(onComplete) {
  const client = new WebTorrent({ dht: false, lsd: false, utp: false, natUpnp: false, natPmp: false });
  client.on("error", (error) => {
    throw error;
  });
  const torrent = client.add(readFileSync(torrentPath), { path, strategy: "rarest" });
  if (torrent.done) onComplete();
  else torrent.once("done", onComplete);
}

if (role === "version") {
  say(WebTorrent.VERSION);
} else if (role === "seed") {
  add(() => say("ready"));
} else {
  createInterface({ input: process.stdin }).once("line", () => add(() => say(`done ${Date.now()}`)));
  say("ready");
}
