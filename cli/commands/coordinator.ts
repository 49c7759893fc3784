// `fleet coordinator`: runs the coordinator until it is stopped.
import type { Command } from "commander";
import type { Coordinator } from "../../coordinator/index.ts";
import { labelValueSchema } from "../../protocol/messages.ts";
import { type Context, decodeFlag, type GlobalFlags, type Outcome, type Run, withJson } from "../command.ts";
import { bitRateSchema } from "../config/bit-rate.ts";
import { type ListenAddress, parseListenAddress } from "../config/listen-address.ts";
import { resolvePath } from "../config/paths.ts";
import { createLogger } from "../log.ts";
import { runUntilStopped } from "../service.ts";
import { FLEET_VERSION } from "../version.ts";

interface CoordinatorFlags extends GlobalFlags {
  readonly data: string;
  readonly listen: string;
  readonly swarmListen?: string;
  readonly zone?: string;
  readonly uploadMax?: string;
  readonly logLevel: string;
}

const LISTEN_DEFAULT = "127.0.0.1:7700";

export function registerCoordinator(program: Command, run: Run): void {
  withJson(program.command("coordinator"))
    .summary("run the coordinator")
    .description(
      "Keep the releases, seed them, and lead the nodes through rollouts. Needs no key and runs nothing of yours; " +
        "what it knows is in its data folder, and it goes on from there after any crash.",
    )
    .requiredOption("--data <dir>", "folder for everything it keeps")
    .option("--listen <addr:port>", "for commands and nodes; port 0 lets the system choose", LISTEN_DEFAULT)
    .option("--swarm-listen <addr:port>", "for the data nodes fetch (default: same address, next port)")
    .option(
      "--zone <name>",
      "where it is, as nodes say in their label zone (default: where those without one are)",
    )
    .option("--upload-max <rate>", "most that its seeder sends, such as 500Mbit (default: no limit)")
    .option("--log-level <level>", "trace, debug, info, warn or error", "info")
    .action((flags: CoordinatorFlags) => run(flags, (context) => runCoordinator(context, flags)));
}

async function runCoordinator(context: Context, flags: CoordinatorFlags): Promise<Outcome> {
  const { host, output } = context;
  const listen = parseListenAddress(flags.listen, "--listen");
  const swarmListen =
    flags.swarmListen === undefined
      ? nextTo(listen)
      : parseListenAddress(flags.swarmListen, "--swarm-listen");
  const zone = flags.zone === undefined ? null : decodeFlag(labelValueSchema, flags.zone, { name: "--zone" });
  const uploadBytesPerSecondMax =
    flags.uploadMax === undefined
      ? null
      : decodeFlag(bitRateSchema, flags.uploadMax, { name: "--upload-max" });
  const logger = createLogger(host, flags.logLevel);
  const dataDirectory = resolvePath(host, host.cwd, flags.data);
  const { openTokenStore, startCoordinator } = await import("../../coordinator/index.ts");
  return runUntilStopped<Coordinator>(context, {
    logger,
    start: () =>
      startCoordinator({
        ...{ dataDirectory, listen, swarmListen, zone, uploadBytesPerSecondMax, logger },
        version: FLEET_VERSION,
      }),
    ready: async ({ url, swarmPort }) => {
      output.json({ kind: "ready", url, swarmPort, version: FLEET_VERSION });
      output.line(`coordinator ready at ${url}, swarm on port ${swarmPort}`);
      const store = openTokenStore(dataDirectory);
      const isFirstStart = store.list().length === 0;
      store.close();
      if (isFirstStart && !output.isJson) for (const line of firstSteps(flags.data, url)) output.note(line);
    },
  });
}

/** A fixed swarm port is what firewalls need; a free one stays free. */
function nextTo({ host, port }: ListenAddress): ListenAddress {
  return { host, port: port === 0 ? 0 : Math.min(port + 1, 65_535) };
}

function firstSteps(data: string, url: string): readonly string[] {
  return [
    "",
    "Nobody has a token yet. Next, in another terminal on this machine:",
    "",
    "  fleet key create                                                          # once, where you release from",
    `  fleet token create operator --data ${data} > operator.token`,
    `  fleet token create node --trust "$(fleet key show)" --data ${data} > node.token`,
    "",
    "then on every node:",
    "",
    `  fleet peer --url ${url} --token-file node.token --root /srv --state /var/lib/fleet-peer`,
    "",
    "and to release:",
    "",
    `  fleet release v1 ./build --app NAME --url ${url} --token-file operator.token`,
    "",
  ];
}
