// One end of a plain TCP transfer, run on a host: `serve ADDRESS BYTES` sends so much to whoever connects, and
// `fetch ADDRESS PORT` prints the bytes per second at which it arrives.
import { once } from "node:events";
import { connect, createServer } from "node:net";
import { pipeline } from "node:stream/promises";

/** What may come at once before the shaper is felt; the clock starts behind it. */
const UNTIMED_BYTES = 128 * 1024;
const CHUNK = Buffer.alloc(64 * 1024);

const [role, address = "", number = "0"] = process.argv.slice(2);
await (role === "serve" ? serve(address, Number(number)) : fetchAll(address, Number(number)));

async function serve(host: string, bytes: number): Promise<void> {
  const server = createServer((socket) => {
    server.close();
    pipeline(chunks(bytes), socket).catch((error: unknown) => {
      throw error;
    });
  });
  server.listen(0, host);
  await once(server, "listening");
  const bound = server.address();
  process.stdout.write(`${JSON.stringify({ port: typeof bound === "object" ? bound?.port : null })}\n`);
}

function* chunks(bytes: number): Generator<Buffer> {
  for (let sent = 0; sent < bytes; sent += CHUNK.length)
    yield CHUNK.subarray(0, Math.min(CHUNK.length, bytes - sent));
}

async function fetchAll(host: string, port: number): Promise<void> {
  let received = 0;
  let startedAt = 0;
  let startedWith = 0;
  for await (const chunk of connect({ host, port })) {
    received += (chunk as Buffer).length;
    if (startedAt > 0 || received < UNTIMED_BYTES) continue;
    startedAt = performance.now();
    startedWith = received;
  }
  const seconds = (performance.now() - startedAt) / 1000;
  process.stdout.write(`${JSON.stringify({ bytesPerSecond: (received - startedWith) / seconds })}\n`);
}
