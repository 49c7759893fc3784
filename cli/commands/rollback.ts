// `fleet rollback [VERSION]`: back to the previous stable release, or to a named one; stops a rollout that runs.
import type { Command } from "commander";
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
import { followToEnd } from "../follow/follow.ts";

export function registerRollback(program: Command, run: Run): void {
  withApp(withConnection(program.command("rollback [version]")))
    .summary("go back to the previous stable release")
    .description(
      "While a rollout of the app runs: stop it and undo it. Otherwise take every online node back to the stable " +
        "release before the present one, or to VERSION, without canary and in larger waves.",
    )
    .action((version: string | undefined, flags: GlobalFlags) =>
      run(flags, (context) => rollBack(context, version)),
    );
}

async function rollBack(context: Context, source: string | undefined): Promise<Outcome> {
  const version =
    source === undefined
      ? null
      : decodeFlag(versionSchema, source, { name: "VERSION", code: "version-invalid" });
  const app = context.settings().app();
  const client = context.client();
  const started = await client.rollBack({ app, version });
  return followToEnd(context, client, { started, intent: "back" });
}
