// `fleet stage VERSION`: brings a release to every node without switching any.
import type { Command } from "commander";
import { FleetError } from "../../protocol/errors.ts";
import { versionSchema } from "../../protocol/ids.ts";
import {
  type Context,
  decodeFlag,
  type GlobalFlags,
  type Outcome,
  type Run,
  withApp,
  withConnection,
} from "../command.ts";
import type { FluidRates } from "../follow/fluid-bound.ts";
import { followToEnd } from "../follow/follow.ts";

interface StageFlags extends GlobalFlags {
  readonly linkMbit?: string;
  readonly originMbit?: string;
}

export function registerStage(program: Command, run: Run): void {
  withApp(withConnection(program.command("stage <version>")))
    .summary("bring a release to every node without switching")
    .description(
      "Wait until every online node has the release verified and unpacked, and tell how long each took. A later " +
        "`fleet release` then only switches. Ctrl-C leaves; the nodes go on.",
    )
    .option("--link-mbit <rate>", "rate of every node's link in Mbit/s, to compare with what is possible")
    .option("--origin-mbit <rate>", "rate of the coordinator's link in Mbit/s (default: as --link-mbit)")
    .action((version: string, flags: StageFlags) => run(flags, (context) => stage(context, version, flags)));
}

async function stage(context: Context, source: string, flags: StageFlags): Promise<Outcome> {
  const version = decodeFlag(versionSchema, source, { name: "VERSION", code: "version-invalid" });
  const rates = parseRates(flags);
  const app = context.settings().app();
  const client = context.client();
  const started = await client.stage({ app, version });
  return followToEnd(context, client, { started, rates });
}

function parseRates({ linkMbit, originMbit }: StageFlags): FluidRates | null {
  if (linkMbit === undefined && originMbit === undefined) return null;
  if (linkMbit === undefined) throw new FleetError("usage", "--origin-mbit needs --link-mbit");
  const nodeBytesPerSecond = parseMbit(linkMbit, "--link-mbit");
  const originBytesPerSecond =
    originMbit === undefined ? nodeBytesPerSecond : parseMbit(originMbit, "--origin-mbit");
  return { nodeBytesPerSecond, originBytesPerSecond };
}

const BYTES_PER_MEGABIT = 125_000;

function parseMbit(source: string, option: string): number {
  const rate = /^[0-9]+(\.[0-9]+)?$/.test(source) ? Number(source) : 0;
  if (rate > 0 && rate <= 1e7) return rate * BYTES_PER_MEGABIT;
  throw new FleetError("usage", `${option} ${source}: expected a rate in Mbit/s such as 1000`);
}
