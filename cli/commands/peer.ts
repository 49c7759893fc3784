// `fleet peer`: runs the agent of one node until it is stopped.
import { existsSync } from "node:fs";
import type { Command } from "commander";
import type { Logger } from "pino";
import type { Peer } from "../../peer/index.ts";
import { FleetError } from "../../protocol/errors.ts";
import { nodeNameSchema } from "../../protocol/ids.ts";
import { type Labels, labelsSchema } from "../../protocol/messages.ts";
import { parseToken } from "../../protocol/shell/token.ts";
import {
  type Context,
  collect,
  decodeFlag,
  type GlobalFlags,
  type Outcome,
  type Run,
  withJson,
} from "../command.ts";
import { BIT_RATE_EXAMPLES, parseBitRate } from "../config/bit-rate.ts";
import { parseListenAddress } from "../config/listen-address.ts";
import { resolvePath } from "../config/paths.ts";
import { readTokenFile } from "../config/settings.ts";
import { createLogger } from "../log.ts";
import { runUntilStopped } from "../service.ts";
import { FLEET_VERSION } from "../version.ts";
import { parseTrust } from "./token.ts";

interface PeerFlags extends GlobalFlags {
  readonly root: string;
  readonly state: string;
  readonly name?: string;
  readonly label: readonly string[];
  readonly trust: readonly string[];
  readonly listen: string;
  readonly uploadMax?: string;
  readonly downloadMax?: string;
  readonly dht: boolean;
  readonly logLevel: string;
}

const LISTEN_DEFAULT = "0.0.0.0:0";

export function registerPeer(program: Command, run: Run): void {
  withJson(program.command("peer"))
    .summary("run the agent of this node")
    .description(
      "Join the coordinator, fetch what it stages, switch to what it releases, and prove that it works. Installs " +
        "under --root: APP/versions/…, APP/live, APP/shared. Goes on where it was after any crash.",
    )
    .option("--url <url>", "coordinator, http://HOST:PORT (or FLEET_URL)")
    .option(
      "--token-file <file>",
      "file with a node token; only needed until this node has joined (or FLEET_TOKEN)",
    )
    .requiredOption("--root <dir>", "where releases are installed")
    .requiredOption("--state <dir>", "where this agent keeps its identity and progress")
    .option("--name <name>", "name of this node (default: the host's name)")
    .option("--label <k=v>", "label of this node; repeatable", collect, [])
    .option("--trust <publickey>", "publisher key to trust besides the token's; repeatable", collect, [])
    .option(
      "--listen <addr:port>",
      "where other nodes reach this one; port 0 lets the system choose",
      LISTEN_DEFAULT,
    )
    .option("--upload-max <rate>", "most that this node sends for the swarm, such as 50Mbit (or config.yaml)")
    .option("--download-max <rate>", "most that it fetches (or config.yaml)")
    .option("--no-dht", "never look for nodes (UDP, same port) without the coordinator (or config.yaml)")
    .option("--log-level <level>", "trace, debug, info, warn or error", "info")
    .action((flags: PeerFlags) => run(flags, (context) => runPeer(context, flags)));
}

async function runPeer(context: Context, flags: PeerFlags): Promise<Outcome> {
  const { host, output } = context;
  const listen = parseListenAddress(flags.listen, "--listen");
  const name = nameOf(host.hostName, flags.name);
  const labels = parseLabels(flags.label);
  const trust = parseTrust(flags.trust);
  const settings = context.settings();
  const url = settings.url();
  const rates = {
    uploadBytesPerSecondMax: parseRate(flags.uploadMax, "--upload-max") ?? settings.uploadMax,
    downloadBytesPerSecondMax: parseRate(flags.downloadMax, "--download-max") ?? settings.downloadMax,
  };
  const logger = createLogger(host, flags.logLevel);
  const joinToken = readJoinToken(context, flags, logger);
  const { startPeer } = await import("../../peer/index.ts");
  const [rootDirectory, stateDirectory] = [flags.root, flags.state].map((path) =>
    resolvePath(host, host.cwd, path),
  );
  const place = { rootDirectory: rootDirectory ?? "", stateDirectory: stateDirectory ?? "" };
  return runUntilStopped<Peer>(context, {
    logger,
    start: () =>
      startPeer({
        url,
        joinToken,
        trust,
        ...place,
        name,
        labels,
        listen,
        rates,
        dht: flags.dht && settings.dht,
        agentVersion: FLEET_VERSION,
        logger,
      }),
    ready: async ({ admitted, nodeId, swarmPort }) => {
      await admitted;
      output.json({ kind: "ready", nodeId, name, url, swarmPort, version: FLEET_VERSION });
      output.line(`${name} has joined ${url} as node ${nodeId}, swarm on port ${swarmPort}`);
    },
  });
}

function nameOf(hostName: string, flag: string | undefined): string {
  if (flag !== undefined) return decodeFlag(nodeNameSchema, flag, { name: "--name" });
  try {
    return nodeNameSchema.decode(hostName.slice(0, 64), "name");
  } catch (cause) {
    throw new FleetError("usage", `the host's name ${JSON.stringify(hostName)} cannot be a node's name`, {
      cause,
      next: "Give one with --name.",
    });
  }
}

function parseRate(source: string | undefined, option: string): number | null {
  const rate = source === undefined ? null : parseBitRate(source);
  if (source === undefined || rate !== null) return rate;
  throw new FleetError("usage", `${option} ${source}: expected ${BIT_RATE_EXAMPLES}`);
}

function parseLabels(sources: readonly string[]): Labels {
  const pairs = sources.map((source) => {
    const [, key = "", value = ""] = /^([^=]+)=(.*)$/s.exec(source) ?? [];
    if (key === "") throw new FleetError("usage", `--label ${source}: expected KEY=VALUE`);
    return [key, value] as const;
  });
  const labels = Object.fromEntries(pairs);
  try {
    return labelsSchema.decode(labels, "--label");
  } catch (cause) {
    throw new FleetError("usage", cause instanceof Error ? cause.message : String(cause), { cause });
  }
}

/** Null for a node that needs none any more: its key is known to the coordinator. */
function readJoinToken({ host }: Context, { tokenFile }: PeerFlags, logger: Logger): string | null {
  if (tokenFile === undefined) {
    const environment = host.env.FLEET_TOKEN?.trim() || null;
    // The environment of a machine may well hold an operator's token, which must not be sent as a node's.
    return environment !== null && parseToken(environment).kind === "node" ? environment : null;
  }
  const path = resolvePath(host, host.cwd, tokenFile);
  if (!existsSync(path)) {
    logger.warn({ path }, "there is no token file; this only works on a node that has joined before");
    return null;
  }
  const token = readTokenFile(path);
  if (parseToken(token).kind === "node") return token;
  throw new FleetError(
    "permission-denied",
    `${path} holds an operator token, and joining needs a node token`,
  );
}
