// A peer with a stand-in swarm in a process of its own, so that a test can end it with kill -9.
// Arguments: coordinator URL, folder, trusted key, versions of the releases its swarm has.
import { join } from "node:path";
import { pino } from "pino";
import { startPeerWith } from "../../../peer/shell/peer.ts";
import { publicKeySchema } from "../../../protocol/ids.ts";
import { FakeWorld, testRelease } from "./fake-world.ts";

const [url = "", folder = "", trust = "", ...versions] = process.argv.slice(2);

await startPeerWith(
  {
    url,
    joinToken: null,
    trust: [publicKeySchema.decode(trust, "trust")],
    rootDirectory: join(folder, "root"),
    stateDirectory: join(folder, "state"),
    name: "node-1",
    labels: {},
    listen: { host: "127.0.0.1", port: 0 },
    dht: false,
    agentVersion: "1.0.0",
    logger: pino({ level: "silent" }),
  },
  new FakeWorld(versions.map((version) => testRelease(version))),
);
