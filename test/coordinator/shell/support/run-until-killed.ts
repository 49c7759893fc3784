// A coordinator in a process of its own, for a test to kill. Prints its address and nothing else.
import { pino } from "pino";
import { runCoordinator } from "../../../../coordinator/shell/run-coordinator.ts";
import { FakeSwarm } from "./swarm.ts";

const LOOPBACK = { host: "127.0.0.1", port: 0 };
const logger = pino({ level: "silent" });
const dataDirectory = process.argv[2] ?? "";
const coordinator = await runCoordinator(
  { dataDirectory, listen: LOOPBACK, swarmListen: LOOPBACK, version: "1", logger },
  { openSwarm: async () => new FakeSwarm(), createVerifier: () => ({ update() {}, finish() {} }) },
);
process.stdout.write(coordinator.url);
