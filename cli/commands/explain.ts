// `fleet explain NODE`: why this machine is slow, from what it says itself and what the coordinator knows.
import type { Command } from "commander";
import { type Context, type GlobalFlags, type Outcome, type Run, withConnection } from "../command.ts";
import { explainPage } from "../explain/page.ts";

export function registerExplain(program: Command, run: Run): void {
  withConnection(program.command("explain <node>"))
    .summary("say why a node is slow")
    .description(
      "Say what holds a node up, by its name or id: what it has, from whom it gets it and how fast, what limits it, " +
        "which pieces it lacks and who has them, and whom it or others accuse of what. The node itself is asked; " +
        "when it is away or does not answer, what it said last is shown.",
    )
    .action((node: string, flags: GlobalFlags) => run(flags, (context) => explain(context, node)));
}

async function explain(context: Context, node: string): Promise<Outcome> {
  const view = await context.client().explain(node);
  const { stdout } = context.host;
  const width = stdout.isTTY === true ? (stdout.columns ?? 80) : null;
  return { exitCode: 0, json: view, text: (paint) => explainPage(view, { paint, width }) };
}
