// An HTTP server that answers everything with one file: `http-origin.ts ADDRESS PORT FILE`.
import { createReadStream, statSync } from "node:fs";
import { createServer } from "node:http";
import { pipeline } from "node:stream/promises";

const [address = "", port = "0", path = ""] = process.argv.slice(2);
const headers = { "content-type": "application/octet-stream", "content-length": statSync(path).size };
const server = createServer((_, response) => {
  response.writeHead(200, headers);
  // Whoever leaves early is no failure of the server.
  pipeline(createReadStream(path, { highWaterMark: 256 * 1024 }), response).catch(() => undefined);
});
server.listen(Number(port), address, () => process.stdout.write("ready\n"));
