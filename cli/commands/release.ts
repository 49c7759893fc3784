// `fleet release VERSION [PATH]`: publishes when needed, then switches the fleet over in waves.
import { existsSync } from "node:fs";
import type { Command } from "commander";
import { FleetError } from "../../protocol/errors.ts";
import { type Version, versionSchema } from "../../protocol/ids.ts";
import type { Strategy } from "../../protocol/strategy.ts";
import type { Client } from "../client.ts";
import {
  type Context,
  decodeFlag,
  type GlobalFlags,
  type Outcome,
  type Run,
  withApp,
  withConnection,
} from "../command.ts";
import { resolvePath } from "../config/paths.ts";
import { tooShortFor } from "../config/project-check.ts";
import { chooseStrategy, type StrategyFlags } from "../config/strategy-flags.ts";
import { followToEnd } from "../follow/follow.ts";
import { artifactPath, publishRelease, publishText } from "../publish-release.ts";
import { interruptible } from "../stop-signal.ts";

interface ReleaseFlags extends GlobalFlags, StrategyFlags {
  readonly key?: string;
}

export function registerRelease(program: Command, run: Run): void {
  withApp(withConnection(program.command("release <version> [path]")))
    .summary("bring a release to every node and switch to it in waves")
    .description(
      "Bring a release to every online node, then switch them over: the canary first, then in waves. A node that " +
        "does not prove healthy goes back by itself, and the whole rollout stops and undoes itself. Publishes PATH " +
        "first, or `artifact` of fleet.yaml when the version is not known yet. Ctrl-C leaves; the rollout goes on.",
    )
    .option("--rolling <n|n%>", "most nodes switched at once (default: 10%)")
    .option("--canary <k>", "nodes that are switched first; 0 for none (default: 1)")
    .option("--all-at-once", "switch every node in one wave, without canary")
    .option("--health-timeout <duration>", "longest from a node's switch to healthy (default: 2m)")
    .option("--key <file>", "publisher's key (default: publisher.key in ~/.config/fleet)")
    .addHelpText("after", HELP)
    .action((version: string, path: string | undefined, flags: ReleaseFlags) =>
      run(flags, (context) => release(context, { source: version, path, flags })),
    );
}

const HELP = `
Exit codes: 0 live everywhere; 2 asked for wrongly; 3 failed, and the fleet is back on the previous release;
4 failed, and the fleet is mixed; 5 refused; 7 lost touch with the coordinator; 130 left with Ctrl-C.

Examples:
  fleet release v42                   canary, then 10% at a time
  fleet release v42 --rolling 3       three nodes at a time
  fleet release v42 build.tar.zst     publish this file as v42 first`;

async function release(
  context: Context,
  { source, path, flags }: { source: string; path: string | undefined; flags: ReleaseFlags },
): Promise<Outcome> {
  const version = decodeFlag(versionSchema, source, { name: "VERSION", code: "version-invalid" });
  const settings = context.settings();
  const strategy = chooseStrategy(flags, settings.project?.strategy ?? null);
  const app = settings.app();
  const client = context.client();
  const keyFile = flags.key ?? null;
  await interruptible(context.host, "stopped before the rollout began", async (signal) => {
    await publishIfNeeded(context, client, { version, path, keyFile, signal });
    await refuseHopeless(client, { app, version, strategy });
  });
  const started = await client.rollOut({ app, version, strategy });
  return followToEnd(context, client, { started });
}

interface Wanted {
  readonly version: Version;
  readonly path: string | undefined;
  readonly keyFile: string | null;
  readonly signal: AbortSignal;
}

async function publishIfNeeded(context: Context, client: Client, wanted: Wanted): Promise<void> {
  const { host, output } = context;
  const { version, keyFile, signal } = wanted;
  const path =
    wanted.path === undefined
      ? await buildOf(context, client, version)
      : resolvePath(host, host.cwd, wanted.path);
  if (path === null) return;
  const result = await publishRelease(context, client, { version, path, keyFile, signal });
  output.json(result);
  output.line(publishText(result, client.url));
}

/** The artifact of a version that is not published yet; null when it is. FleetError release-unknown without either. */
async function buildOf(context: Context, client: Client, version: Version): Promise<string | null> {
  const app = context.settings().app();
  if ((await client.release(app, version)) !== null) return null;
  const path = artifactPath(context, version);
  if (path !== null && existsSync(path)) return path;
  const why = path === null ? "" : `, and ${path} (artifact in fleet.yaml) does not exist`;
  throw new FleetError("release-unknown", `${app} ${version} is not published${why}`, {
    next: "Build it, or give its path after the version; `fleet releases` shows what is published.",
  });
}

/** Spares the fleet a rollout in which no node could become healthy in time. */
async function refuseHopeless(
  client: Client,
  { app, version, strategy }: Parameters<Client["rollOut"]>[0] & { strategy: Strategy },
): Promise<void> {
  const known = await client.release(app, version);
  const reason = known === null ? null : tooShortFor(known.manifest.health, strategy.healthTimeoutMs);
  if (reason !== null)
    throw new FleetError("strategy-invalid", `--health-timeout ${reason}`, { next: "Give it more time." });
}
